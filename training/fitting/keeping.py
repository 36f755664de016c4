"""What a run leaves on disk, and on the screen, while it trains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from tqdm import tqdm

from training.fitting.loss_log import EventLog, write_loss_csv
from training.fitting.module import FittedSystem


class KeepLast(Checkpoint):
    """After every epoch: the state to resume from, the loss curves, the progress bar.

    Lightning's own callback writes through a temporary file on another file system, which a kill
    can leave half moved; this one renames within the folder. Only the first process writes.
    """

    def __init__(self, last: Path, loss_csv: Path, events: Path, batch_size: int) -> None:
        """Takes the files and folder to write, and the images of a batch over all processes."""
        self.last, self.loss_csv, self.events, self.batch_size = last, loss_csv, events, batch_size
        self._bar: tqdm | None = None
        self._log: EventLog | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens bar and log where the run stands."""
        assert isinstance(pl_module, FittedSystem)
        if not trainer.is_global_zero:
            return
        assert trainer.max_epochs is not None
        images = pl_module.num_batches * self.batch_size
        self._bar = tqdm(
            desc=f"train {pl_module.config.label}",
            total=images * trainer.max_epochs,
            initial=images * trainer.current_epoch,
            unit="img",
        )
        self._log = EventLog(self.events)
        self._log.write(pl_module.history, pl_module.curve)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any,
        batch_idx: int,
    ) -> None:  # fmt: skip
        """Counts images."""
        if self._bar is not None:
            self._bar.update(self.batch_size)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Runs after the module's own hook, as for every checkpoint callback."""
        assert isinstance(pl_module, FittedSystem)
        temporary = self.last.with_name(f".{self.last.name}.tmp")
        trainer.save_checkpoint(temporary)
        if not trainer.is_global_zero:
            return
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        write_loss_csv(self.loss_csv, pl_module.history)
        temporary.replace(self.last)
        if self._log is not None:
            self._log.write(pl_module.history, pl_module.curve)
        if self._bar is not None:
            row = pl_module.history[-1]
            losses = {
                name: row[name]
                for name in ("train_loss", "validation_loss")
                if row[name] is not None
            }
            self._bar.set_postfix(epoch=f"{row['epoch']}/{trainer.max_epochs}", **losses)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Closes bar and log, also after an error."""
        for opened in (self._bar, self._log):
            if opened is not None:
                opened.close()
        self._bar = self._log = None
