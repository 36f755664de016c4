from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from toy_system import SPEC, Toy

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from training.checkpoints import load_checkpoint, save_checkpoint
from training.systems.registry import SYSTEMS


@pytest.fixture
def checkpoint(toy, tmp_path: Path) -> Path:
    path = tmp_path / "model.ckpt"
    save_checkpoint(path, Toy(toy()), [])
    return path


def change(path: Path, **fields) -> None:
    torch.save(torch.load(path, weights_only=True) | fields, path)


def test_a_checkpoint_tells_all_of_the_recipe(checkpoint: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    assert content["joints"] == list(HAND21.joints)
    model = load_checkpoint(checkpoint)
    assert model.config.model_dump(mode="json") == content["config"]
    for name, tensor in model.system.state_dict().items():
        assert torch.equal(tensor, content["state"][name])


def test_a_checkpoint_of_other_joints(checkpoint: Path) -> None:
    for joints in (["nose", "neck"], list(HAND21.joints)[::-1]):
        change(checkpoint, joints=joints)
        with pytest.raises(
            InputError, match=rf"ckpt: is a model of {len(joints)} joints from .*hand21 in"
        ):
            load_checkpoint(checkpoint)
    change(checkpoint, joints=None)
    with pytest.raises(InputError, match=r"ckpt: is a model of unnamed joints, expected the 21 of"):
        load_checkpoint(checkpoint)


def test_a_checkpoint_of_another_system(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        SYSTEMS, "toy", dataclasses.replace(SPEC, target=SYSTEMS["meanpose"].target)
    )
    with pytest.raises(
        InputError, match=r"ckpt: its weights are not those of system toy with its"
    ) as caught:
        load_checkpoint(checkpoint)
    assert "\n" not in str(caught.value)
    monkeypatch.delitem(SYSTEMS, "toy")
    with pytest.raises(InputError, match=r"ckpt: .*unknown 'toy', expected one of") as caught:
        load_checkpoint(checkpoint)
    assert "\n" not in str(caught.value)
