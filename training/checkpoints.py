"""Trained models on disk: plain tensors, numbers and text, so that loading one runs no code."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.writing import write_atomically
from training.config import TrainConfig
from training.samples.sources import DataSource
from training.systems.system import System, build_system

FORMAT = "handforge-checkpoint-1"


@dataclass(frozen=True)
class TrainedModel:
    """A loaded checkpoint.

    Attributes:
        system: In evaluation mode, on the CPU.
        data: What it was trained on.
        sha256: Digest of the file.
    """

    system: System
    data: list[DataSource]
    sha256: str

    @property
    def config(self) -> TrainConfig:
        """The recipe it was trained with."""
        return self.system.config


def versions() -> dict[str, str]:
    """Versions of what decides the weights."""
    return {name: version(name) for name in ("handforge", "torch", "timm", "lightning", "kornia")}


def save_checkpoint(path: Path, system: System, data: list[DataSource]) -> None:
    """Writes a trained system with its recipe and provenance, whole or not at all."""
    content = {
        "format": FORMAT,
        "config": system.config.model_dump(mode="json"),
        "joints": list(HAND21.joints),
        "data": [source.to_dict() for source in data],
        "versions": versions(),
        "state": {name: tensor.cpu() for name, tensor in system.state_dict().items()},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path) -> TrainedModel:
    """Reads a trained system.

    Raises:
        InputError: The file is missing, damaged, not a checkpoint of ours, of another skeleton,
            does not fit the system it names, or holds anything but tensors and plain values.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a checkpoint written by training.")
    content = read_checkpoint(path)
    if content.get("format") != FORMAT:
        raise InputError(f"{path}: not a checkpoint written by training, expected {FORMAT}.")
    require_joints(path, content)
    try:
        config = TrainConfig.model_validate(content["config"])
        # The weights are in the file: nothing is to be downloaded.
        system = build_system(config.model_copy(update={"pretrained": False}))
        system.config = config
        data = [DataSource(**source) for source in content["data"]]
    except (ValidationError, RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: does not fit this version ({_first(error)}).") from error
    try:
        system.load_state_dict(content["state"])
    except (RuntimeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: its weights are not those of system {config.system} with its recipe, "
            f"expected a checkpoint written by `handforge train` ({_first(error)})."
        ) from error
    return TrainedModel(system.eval(), data, file_sha256(path))


def start_from(system: System, path: Path) -> None:
    """Takes the weights of another model of the same system.

    What the other one lacks, such as what only one variant of a system learns, stays as it is.

    Raises:
        InputError: There is no such checkpoint, it is of another system, or a weight has no place.
    """
    other = load_checkpoint(path).system
    if other.config.system != system.config.system:
        raise InputError(
            f"start_from: {path} is of system {other.config.system}, expected "
            f"{system.config.system}."
        )
    ours, theirs = system.state_dict(), other.state_dict()
    for name, weights in theirs.items():
        if name not in ours or ours[name].shape != weights.shape:
            place = tuple(ours[name].shape) if name in ours else "none"
            raise InputError(
                f"start_from: {path} has {name} of shape {tuple(weights.shape)}, expected {place}: "
                "the same backbone and sizes."
            )
    system.load_state_dict(ours | theirs)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a file of tensors and plain values.

    Raises:
        InputError: It is damaged, holds anything else, or is not a dictionary.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in as many ways as its parsers have
        raise InputError(
            f"{path}: is damaged or holds more than tensors and plain values, expected a "
            "checkpoint written by `handforge train`."
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a checkpoint written by training, expected {FORMAT}.")
    return content


def require_joints(path: Path, content: dict[str, Any]) -> None:
    """Looks whether a checkpoint is of our joints in our order.

    Raises:
        InputError: It is not.
    """
    joints = content.get("joints")
    if joints != list(HAND21.joints):
        told = f"{len(joints)} joints from {joints[0]} on" if joints else "unnamed joints"
        raise InputError(
            f"{path}: is a model of {told}, expected the {HAND21.num_joints} of {HAND21.name} in "
            "their order."
        )


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return next(iter(str(error).splitlines()), type(error).__name__)
