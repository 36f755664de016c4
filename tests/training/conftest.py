from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from drawn_hands import drawn_samples, write_samples
from toy_system import SPEC

from training.config import TrainConfig
from training.systems.registry import SYSTEMS


@pytest.fixture(scope="session")
def hands(tmp_path_factory: pytest.TempPathFactory) -> str:
    """48 drawn hands, splits train (36) and val (12), right and left."""
    return write_samples(tmp_path_factory.mktemp("data") / "hands", drawn_samples(48))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


TINY = {"backbone": "resnet10t", "input_size": 32, "batch_size": 12, "accelerator": "cpu"}


@pytest.fixture
def tiny():
    """Makes recipes that train in seconds."""

    def make(system: str, **fields) -> TrainConfig:
        options = {} if system == "meanpose" else {"deconv_channels": [16, 16, 16]}
        defaults = {"system": system, "epochs": 2, "system_options": options, **TINY}
        if SYSTEMS[system].own_network:
            defaults["backbone"] = None
        return TrainConfig(**{**defaults, **fields})

    return make


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch):
    """Makes recipes, without augmentation, of the toy system or of another class beside it."""

    def make(target: str = "Toy", **fields) -> TrainConfig:
        spec = dataclasses.replace(SPEC, target=f"toy_system:{target}")
        monkeypatch.setitem(SYSTEMS, "toy", spec)
        still = {"scale": 0, "shift": 0, "rotation_rad": 0, "colour": 0}
        defaults = {"input_size": 32, "accelerator": "cpu", "augment": still, "epochs": 2}
        return TrainConfig(**{"system": "toy", **defaults, **fields})

    return make


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return tmp_path / "run"
