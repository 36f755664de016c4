"""Where a run is computed: which processors, how many processes, in which numbers."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch.multiprocessing import ProcessRaisedException

from mano_assets.errors import InputError
from training.config import TrainConfig

LOGGERS = ("lightning.pytorch", "lightning.fabric")
CPP_LOG_LEVEL = "TORCH_CPP_LOG_LEVEL"


def _on_gpu(config: TrainConfig) -> bool:
    return config.accelerator != "cpu" and torch.cuda.is_available()


def require_machine(config: TrainConfig) -> None:
    """Looks whether this machine has what the recipe asks for.

    Raises:
        InputError: It has no GPU, not as many, or none for 16-bit numbers.
    """
    if config.accelerator == "gpu" and not torch.cuda.is_available():
        raise InputError("accelerator: is gpu, expected auto or cpu on this machine without one.")
    if config.precision == "16" and not _on_gpu(config):
        raise InputError("precision: is 16, which needs a GPU, expected 32 or bf16 on a CPU.")
    if _on_gpu(config) and config.devices > torch.cuda.device_count():
        raise InputError(
            f"devices: is {config.devices}, expected at most {torch.cuda.device_count()}, the GPUs "
            "of this machine."
        )


def lightning_trainer(config: TrainConfig, root: Path, callbacks: list[pl.Callback]) -> pl.Trainer:
    """Lightning's trainer on the recipe's devices and in its numbers.

    Args:
        config: The recipe.
        root: Folder for whatever Lightning writes by itself.
        callbacks: Called at every step.
    """
    return pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        strategy=_strategy(config),
        use_distributed_sampler=False,
        sync_batchnorm=config.devices > 1 and config.sync_batch_norm and _on_gpu(config),
        precision="16-mixed" if config.precision == "16" else "32-true",
        accumulate_grad_batches=config.accumulate,
        max_epochs=config.epochs,
        callbacks=callbacks,
        default_root_dir=root,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


class _Processes(DDPStrategy):
    """One process a device, on one machine.

    They are spawned, so that it works wherever `train` is called, and not only where the command
    line can be run again.
    """

    def setup_environment(self) -> None:
        """The first thing that runs in each process."""
        _hush()
        super().setup_environment()


def _strategy(config: TrainConfig) -> DDPStrategy | str:
    if config.devices == 1:
        return "auto"
    # Batch statistics are synchronised, or sent around once before a validation; systems may leave
    # weights out of a loss, such as those of 3D terms in a batch without 3D labels.
    return _Processes(start_method="spawn", broadcast_buffers=False, find_unused_parameters=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning's remarks on loggers, workers and hardware are not the user's business."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    # Read when a process starts: what it silences is advice on the strategy chosen above.
    given = os.environ.get(CPP_LOG_LEVEL)
    os.environ.setdefault(CPP_LOG_LEVEL, "ERROR")
    try:
        with warnings.catch_warnings():
            _hush()
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if given is None:
            del os.environ[CPP_LOG_LEVEL]


def _hush() -> None:
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")


@contextmanager
def one_sentence() -> Iterator[None]:
    """Errors of other processes come with their tracebacks; the user's own are one sentence."""
    try:
        yield
    except (ProcessRaisedException, InputError) as error:
        _, found, sentence = str(error).rpartition("mano_assets.errors.InputError: ")
        if not found:
            raise
        raise InputError(sentence.strip()) from error
