from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from drawn_hands import drawn_samples, write_samples
from runs import events, loss_rows, state

from mano_assets.errors import InputError
from training.fitting.trainer import train


@pytest.mark.slow
def test_two_processes_learn_as_one(hands: str, toy, tmp_path: Path) -> None:
    # No augmentation, of which each process draws its own, and no batch norm.
    fields = {"batch_size": 12, "epochs": 3, "accumulate": 3, "ema_decay": 0.5}
    sources = [f"{hands}:train@weight=2", f"{hands}:val@weight=1"]
    runs = {devices: tmp_path / str(devices) for devices in (1, 2)}
    for devices, run in runs.items():
        train(toy(devices=devices, **fields), sources, run, [f"{hands}:val"])
    alone, together = loss_rows(runs[1]), loss_rows(runs[2])
    assert [row["step"] for row in together] == [row["step"] for row in alone] == ["2", "4", "6"]
    for one, two in zip(alone, together, strict=True):
        assert {name: float(value) for name, value in two.items()} == pytest.approx(
            {name: float(value) for name, value in one.items()}, rel=1e-5
        )
    weights = state(runs[1] / "model.ckpt")
    for name, tensor in state(runs[2] / "model.ckpt").items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-5, atol=1e-6)
    told = events(runs[2])
    assert len({(tag, step) for tag, step, _ in told}) == len(told)
    left = sorted(path.name for path in runs[2].iterdir())
    assert left == ["config.yaml", "loss.csv", "model.ckpt", "tensorboard", "train.json"]


@pytest.mark.slow
def test_the_command_line_with_two_processes(hands: str, tiny, tmp_path: Path) -> None:
    config = tiny("simplebaseline", devices=2, epochs=1)
    recipe = tmp_path / "config.yaml"
    recipe.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [Path(sys.executable).with_name("handforge"), "train", "--config", recipe]
    command += ["--data", f"{hands}:train", "--validation", f"{hands}:val"]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.strip() == str(tmp_path / "run" / "model.ckpt")
    assert done.stderr.count("train simplebaseline") >= 1
    assert not any(word in done.stderr for word in ("Warning", "rank_zero", "GLOBAL_RANK", "Tip"))
    assert len(loss_rows(tmp_path / "run")) == 1


@pytest.mark.slow
def test_no_number_in_one_process_is_one_sentence(hands: str, toy, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^learning_rate: the loss became nan in step 4 [^\n]*\.$"
    ):
        train(toy("Faulty", devices=2, batch_size=8), [f"{hands}:train"], tmp_path / "nan")


@pytest.mark.slow
def test_an_error_in_a_worker_of_a_process_is_one_sentence(toy, tmp_path: Path) -> None:
    root = Path(write_samples(tmp_path / "broken", drawn_samples(4)))
    shard = root / "images" / "part-00000.tar"
    content = bytearray(shard.read_bytes())
    content[512:1024] = bytes(512)
    shard.write_bytes(content)
    config = toy(devices=2, cache_limit_gb=0, num_loader_workers=1)
    with pytest.raises(InputError, match=r"^\S+broken: the image of sample 'hand-00000' [^\n]*\.$"):
        train(config, [str(root)], tmp_path / "run")


def test_fewer_samples_than_devices(toy, tmp_path: Path) -> None:
    root = write_samples(tmp_path / "one", drawn_samples(1))
    with pytest.raises(InputError, match=r"^data: holds 1 samples, expected one for each of the 2"):
        train(toy(devices=2), [root], tmp_path / "run")
