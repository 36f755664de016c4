"""Trains any system on any manifests; stopped at any moment, the same command goes on.

A run's folder holds `train.json` (data, figures, provenance), `config.yaml` (the whole recipe),
`loss.csv`, while it runs `last.ckpt` (the state after the last whole epoch), and in the end
`model.ckpt`.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import yaml

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from render.manifest.writing import write_atomically
from training.checkpoints import save_checkpoint, versions
from training.config import TrainConfig
from training.data import DataSource, HandDataset, batch_loader
from training.fitting import FittedSystem, KeepLast, write_loss_csv
from training.randomness import generator
from training.systems.registry import system_spec
from training.systems.system import System, build_system


@dataclass(frozen=True)
class RunFolder:
    """A run on disk: what it is a run of, and how far it is."""

    path: Path
    config: TrainConfig
    data: list[DataSource]
    validation: list[DataSource]

    @property
    def checkpoint(self) -> Path:
        """The trained model."""
        return self.path / "model.ckpt"

    @property
    def last(self) -> Path:
        """State after the last whole epoch."""
        return self.path / "last.ckpt"

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a run must share with an earlier one to go on from it."""
        return {
            "config": self.config.identity(),
            "data": [source.to_dict() for source in self.data],
            "validation": [source.to_dict() for source in self.validation],
        }

    def finished(self) -> bool:
        """Whether the folder holds this run's trained model.

        Raises:
            InputError: The folder belongs to something else.
        """
        record = self.path / "train.json"
        if not record.exists():
            others = [path.name for path in self.path.glob("*") if not path.name.startswith(".")]
            if others:
                raise InputError(
                    f"{self.path}: holds {sorted(others)[0]} but no train.json, expected an empty "
                    "folder or a run of the same recipe."
                )
            return False
        try:
            found = dict(json.loads(record.read_text()))
        except (ValueError, TypeError) as error:
            raise InputError(f"{record}: damaged, expected the record of a run.") from error
        for part, ours in self.identity.items():
            theirs = found.get(part)
            if _unplaced(theirs) != _unplaced(ours):
                what = _difference(theirs, ours) if part == "config" else part
                raise InputError(
                    f"{self.path}: belongs to a run with other {what}, expected the same recipe "
                    "and data or an empty folder."
                )
        return (
            found.get("state") == "complete"
            and self.checkpoint.exists()
            and file_sha256(self.checkpoint) == found["checkpoint_sha256"]
        )

    def write(self, state: str, **figures: Any) -> None:
        """Writes `train.json`, and `config.yaml` beside it."""
        record = {"state": state, **self.identity, **figures}
        write_atomically(self.path / "train.json", (json.dumps(record, indent=2) + "\n").encode())
        text = yaml.safe_dump(self.config.model_dump(mode="json"), sort_keys=False)
        write_atomically(self.path / "config.yaml", text.encode())


def train(
    config: TrainConfig, data: Sequence[str], out: Path, validation: Sequence[str] = ()
) -> Path:
    """Trains a system, or goes on with a run that was stopped, or finds it finished.

    Args:
        config: The recipe.
        data: Data sets to learn from, each `ROOT` or `ROOT:SPLIT`.
        out: Folder of the run.
        validation: Data sets whose loss is recorded after every epoch.

    Returns:
        The checkpoint, `out/model.ckpt`.

    Raises:
        InputError: Data without the labels the system needs, a folder of another run, no such
            accelerator, or a loss that is not finite.
    """
    if not data:
        raise InputError("data: is empty, expected at least one ROOT or ROOT:SPLIT.")
    if config.accelerator == "gpu" and not torch.cuda.is_available():
        raise InputError("accelerator: is gpu, expected auto or cpu on this machine without one.")
    run = RunFolder(
        Path(out),
        config,
        [DataSource.open(text) for text in data],
        [DataSource.open(text) for text in validation],
    )
    if run.finished():
        return run.checkpoint

    dataset = HandDataset(run.data, config, border=True)
    _require_labels(config, dataset)
    held_out = HandDataset(run.validation, config, border=False) if run.validation else None
    if held_out is not None:
        _require_labels(config, held_out)
    torch.manual_seed(generator(config.seed, "weights").initial_seed())
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    run.write(state="training")
    if system.num_parameters():
        figures = _fit(run, system, dataset, held_out)
    else:
        figures = {"seconds": 0.0, "images_per_s": None}
        write_loss_csv(run.path / "loss.csv", [])
    save_checkpoint(run.checkpoint, system, run.data)
    run.write(
        state="complete",
        checkpoint_sha256=file_sha256(run.checkpoint),
        num_parameters=system.num_parameters(),
        versions=versions(),
        **figures,
    )
    run.last.unlink(missing_ok=True)
    return run.checkpoint


def _require_labels(config: TrainConfig, dataset: HandDataset) -> None:
    for source in dataset.sources:
        with_2d, with_3d = dataset.labelled(source)
        if not with_2d:
            raise InputError(f"{source.root}: has no joints_2d, expected labels to train on.")
        if system_spec(config.system).needs_3d and not with_3d:
            raise InputError(
                f"{source.root}: has no sample with both joints_3d and camera_k, expected them for "
                f"system {config.system}."
            )


def _fit(
    run: RunFolder, system: System, dataset: HandDataset, held_out: HandDataset | None
) -> dict[str, Any]:
    """Runs the epochs that are still to do.

    Returns:
        Figures for `train.json`.
    """
    config = run.config
    loader = batch_loader(dataset, config, config.batch_size, shuffle=True)
    module = FittedSystem(system, total_steps=config.epochs * len(loader))
    if config.channels_last:
        module = module.to(memory_format=torch.channels_last)
    num_images = min(len(dataset), len(loader) * config.batch_size)
    with _quiet():
        trainer = pl.Trainer(
            accelerator=config.accelerator,
            devices=1,
            max_epochs=config.epochs,
            callbacks=[KeepLast(run.last, run.path / "loss.csv", num_images)],
            default_root_dir=run.path,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(
            module,
            loader,
            batch_loader(held_out, config, config.batch_size, shuffle=False) if held_out else None,
            ckpt_path=run.last if run.last.exists() else None,
            weights_only=True,
        )
    return {
        "seconds": round(module.seconds, 1),
        "images_per_s": round(num_images * config.epochs / module.seconds, 1),
        "device": str(trainer.strategy.root_device),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's remarks on loggers, workers and hardware are not the user's business."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        logger.setLevel(level)


def _unplaced(part: Any) -> Any:
    """Provenance without where a data set lies, if a digest says what it holds."""
    if not isinstance(part, list):
        return part
    return [
        {key: value for key, value in source.items() if key != "root"}
        if isinstance(source, dict) and source.get("recipe_digest")
        else source
        for source in part
    ]


def _difference(theirs: dict[str, Any] | None, ours: dict[str, Any]) -> str:
    fields = [name for name in ours if (theirs or {}).get(name) != ours[name]]
    return "config field " + ", ".join(fields) if fields else "config"
