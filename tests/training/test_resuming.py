from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from runs import events, loss_rows, state, train_command

from mano_assets.errors import InputError
from training.fitting.trainer import train

RECIPE = {
    "epochs": 15,
    "batch_size": 8,
    "accumulate": 3,
    "ema_decay": 0.8,
    "schedule": "steps",
    "drop_epochs": [4, 9],
    "drop_factor": 0.5,
    "gradient_clip": 5.0,
}
"""Four batches an epoch in steps of three and of one; everything that has a state is on."""


@pytest.mark.slow
def test_a_killed_run_ends_in_the_same_weights(hands: str, tiny, tmp_path: Path) -> None:
    config = tiny("simplebaseline", **RECIPE)
    run, log = tmp_path / "killed", tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(train_command(config, hands, run), stderr=stream)
    while not (run / "loss.csv").exists() or len(loss_rows(run)) < 3:
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (run / "model.ckpt").exists()
    assert (run / "last.ckpt").exists()
    killed_after = len(loss_rows(run))
    assert killed_after < config.epochs

    command = train_command(config, hands, run)
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout == ""
    # Progress, and none of the libraries' remarks.
    assert "train simplebaseline" in again.stderr
    assert not any(word in again.stderr for word in ("Warning", "rank_zero", "GPU", "Tip"))
    whole = train(config, [f"{hands}:train"], tmp_path / "whole", [f"{hands}:val"])
    assert loss_rows(run) == loss_rows(tmp_path / "whole")
    assert [float(row["learning_rate"]) for row in loss_rows(run)] == pytest.approx(
        [1e-3] * 4 + [5e-4] * 5 + [2.5e-4] * 6
    )
    resumed = state(run / "model.ckpt")
    for name, tensor in state(whole).items():
        torch.testing.assert_close(resumed[name], tensor, rtol=1e-5, atol=1e-6)

    told = events(run)
    assert len({(tag, step) for tag, step, _ in told}) == len(told)
    assert sorted(told) == sorted(events(tmp_path / "whole"))
    for name in ("train_loss", "validation_loss", "learning_rate", "train/heatmaps"):
        curve = [value for tag, _, value in told if tag == name]
        assert curve == pytest.approx([float(row[name]) for row in loss_rows(run)])


def test_a_state_that_is_not_this_runs(hands: str, tiny, run_folder: Path) -> None:
    config = tiny("simplebaseline", learning_rate=1e30)
    with pytest.raises(InputError, match="the loss became"):
        train(config, [hands], run_folder)
    for last, message in [
        ({"system": "hrnet"}, r"last\.ckpt: is of system hrnet, expected simplebaseline; remove"),
        ({"system": "simplebaseline", "joints": ["nose"]}, r"last\.ckpt: is a model of 1 joints"),
    ]:
        torch.save(last, run_folder / "last.ckpt")
        with pytest.raises(InputError, match=message):
            train(config, [hands], run_folder)
    (run_folder / "last.ckpt").write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"last\.ckpt: is damaged or holds more than tensors"):
        train(config, [hands], run_folder)
