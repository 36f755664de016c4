"""Training that starts from another model's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from runs import state

from mano_assets.errors import InputError
from training.checkpoints import start_from
from training.fitting.trainer import train
from training.systems.system import build_system

DIRECT = {"variant": "direct", "deconv_channels": [16, 16]}
LATENT = {"deconv_channels": [16, 16]}


@pytest.fixture
def direct(hands: str, tiny, tmp_path: Path) -> Path:
    config = tiny("latent25d", epochs=1, system_options=DIRECT)
    return train(config, [f"{hands}:train"], tmp_path / "direct")


def test_the_weights_are_taken_and_the_others_stay(direct: Path, tiny) -> None:
    system = build_system(tiny("latent25d", system_options=LATENT, seed=3))
    temperature = system.state_dict()["readout.temperature"].clone()
    start_from(system, direct)
    ours, theirs = system.state_dict(), state(direct)
    assert {name for name in ours if name not in theirs} == {"readout.temperature"}
    assert all(torch.equal(ours[name], weights) for name, weights in theirs.items())
    torch.testing.assert_close(ours["readout.temperature"], temperature)


def test_a_run_goes_on_from_another(direct: Path, hands: str, tiny, tmp_path: Path) -> None:
    """With a rate of almost nothing the weights stay those that it started from."""
    fields = {"epochs": 1, "system_options": LATENT, "learning_rate": 1e-30, "optimizer": "sgd"}
    config = tiny("latent25d", start_from=direct, **fields)
    checkpoint = train(config, [f"{hands}:train"], tmp_path / "latent")
    found, given = state(checkpoint), state(direct)
    learned = [name for name in given if name.endswith(("weight", "bias"))]
    assert learned
    assert all(torch.equal(found[name], given[name]) for name in learned)


def test_the_start_is_part_of_a_models_identity(direct: Path, tiny, tmp_path: Path) -> None:
    moved = tmp_path / "moved.ckpt"
    moved.write_bytes(direct.read_bytes())
    config = tiny("latent25d", start_from=direct)
    assert "start_from" not in tiny("latent25d").identity()
    assert config.identity() == config.model_copy(update={"start_from": moved}).identity()
    moved.write_bytes(b"other")
    assert config.identity() != config.model_copy(update={"start_from": moved}).identity()


def test_what_cannot_be_started_from_is_refused(direct: Path, tiny, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of system latent25d, expected simplebaseline"):
        start_from(build_system(tiny("simplebaseline")), direct)
    wider = tiny("latent25d", system_options={"deconv_channels": [16, 24]})
    with pytest.raises(InputError, match=r"of shape \(.*expected \(.*the same backbone and sizes"):
        start_from(build_system(wider), direct)
    with pytest.raises(InputError, match=r"start_from: .*absent.ckpt cannot be read"):
        tiny("latent25d", start_from=tmp_path / "absent.ckpt").identity()
