"""Trains any system on any manifests; stopped at any moment, the same command goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from training.augmentation.chain import require_augmentation_inputs
from training.checkpoints import save_checkpoint, start_from, versions
from training.config import TrainConfig
from training.fitting.devices import lightning_trainer, one_sentence, quiet, require_machine
from training.fitting.keeping import KeepLast
from training.fitting.loss_log import write_loss_csv
from training.fitting.module import FittedSystem, kept_weights
from training.fitting.run_folder import RunFolder
from training.randomness import generator
from training.samples.dataset import HandDataset
from training.samples.loading import batch_loader
from training.samples.mixing import require_weights
from training.samples.sources import DataSource
from training.systems.registry import system_spec
from training.systems.system import System, build_system


def train(
    config: TrainConfig, data: Sequence[str], out: Path, validation: Sequence[str] = ()
) -> Path:
    """Trains a system, or goes on with a run that was stopped, or finds it finished.

    Args:
        config: The recipe.
        data: Data sets to learn from, each `ROOT[:SPLIT][@weight=W][@labels=2d]`. Without weights
            every sample is seen once an epoch; with weights each source has that share of it.
            With `@labels=2d` a source's 3D labels are left out.
        out: Folder of the run; see `training.fitting.run_folder`.
        validation: Data sets whose loss is recorded after every epoch.

    Returns:
        The checkpoint, `out/model.ckpt`.

    Raises:
        InputError: Data without the labels the system needs, a folder of another run, no such
            accelerator, or a loss that is not finite.
    """
    if not data:
        raise InputError("data: is empty, expected at least one ROOT or ROOT:SPLIT.")
    require_machine(config)
    run = RunFolder(
        Path(out),
        config,
        [DataSource.open(text) for text in data],
        [DataSource.open(text) for text in validation],
    )
    require_weights(run.data)
    if run.finished():
        return run.checkpoint

    dataset = HandDataset(run.data, config, border=True)
    _require_labels(config, dataset)
    if system_spec(config.system).needs_3d and all(source.flat for source in run.data):
        raise InputError(
            f"data: every source has @labels=2d, expected one with 3D labels for system "
            f"{config.system}."
        )
    require_augmentation_inputs(config, dataset)
    held_out = HandDataset(run.validation, config, border=False) if run.validation else None
    if held_out is not None:
        _require_labels(config, held_out)
    torch.manual_seed(generator(config.seed, "weights").initial_seed())
    system = build_system(config)
    if config.start_from is not None:
        start_from(system, config.start_from)
    system.fit_statistics(dataset.labels())
    run.write(state="training")
    if system.num_parameters():
        figures = _fit(run, system, dataset, held_out)
    else:
        figures = {"seconds": 0.0, "images_per_s": None}
        write_loss_csv(run.loss_csv, [])
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
    needs_3d = system_spec(config.system).needs_3d
    for source in dataset.sources:
        with_2d, with_3d = dataset.labelled(source)
        if not with_2d:
            raise InputError(f"{source.root}: has no joints_2d, expected labels to train on.")
        if needs_3d and not with_3d and not source.flat:
            raise InputError(
                f"{source.root}: has no sample with both joints_3d and camera_k, expected them for "
                f"system {config.system}, or @labels=2d behind it and another source that has them."
            )


def _fit(
    run: RunFolder, system: System, dataset: HandDataset, held_out: HandDataset | None
) -> dict[str, Any]:
    """Runs the epochs that are still to do, and leaves the weights to keep in the system.

    Returns:
        Figures for `train.json`.
    """
    config = run.config
    if len(dataset) < config.devices:
        raise InputError(
            f"data: holds {len(dataset)} samples, expected one for each of the {config.devices} "
            "devices."
        )
    loader = batch_loader(dataset, config, config.batch_size, shuffle=True)
    batch_size = min(config.batch_size, len(dataset))
    num_batches = len(loader)
    module = FittedSystem(system, num_batches)
    if config.channels_last:
        module = module.to(memory_format=torch.channels_last)
    resumed = run.last_state() is not None
    with quiet(), one_sentence():
        keeping = KeepLast(run.last, run.loss_csv, run.events, batch_size)
        trainer = lightning_trainer(config, run.path, [keeping])
        trainer.fit(
            module,
            loader,
            batch_loader(held_out, config, config.batch_size, shuffle=False) if held_out else None,
            ckpt_path=run.last if resumed else None,
            weights_only=True,
        )
    # Other processes may have trained: what they have left on disk is the result.
    state = run.last_state()
    assert state is not None
    system.load_state_dict(kept_weights(state))
    seconds = state["seconds"]
    return {
        "seconds": round(seconds, 1),
        "images_per_s": round(num_batches * batch_size * config.epochs / seconds, 1),
        "device": trainer.strategy.root_device.type,
        "devices": config.devices,
    }
