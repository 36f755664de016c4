"""The one Lightning module and callback with which every system is trained."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor
from tqdm import tqdm

from mano_assets.errors import InputError
from render.manifest.writing import write_atomically
from training.config import TrainConfig
from training.crops import Batch, centre_crop, jitter_crop
from training.randomness import generator
from training.systems.system import System

LOSS_COLUMNS = ("step", "epoch", "train_loss", "validation_loss")
CHECK_EVERY = 20
"""Steps between looks at the loss: each look makes a GPU wait."""


def learning_rate_factor(step: int, total: int, warmup_share: float) -> float:
    """Share of the peak learning rate: a linear rise, then a cosine to zero."""
    warmup = warmup_share * total
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1.0, total - warmup))))


class FittedSystem(pl.LightningModule):
    """Trains a system; everything random in a step follows from the seed and the step.

    Attributes:
        history: One row an epoch, columns `LOSS_COLUMNS`.
        seconds: Time spent in epochs that count, over all resumptions.
    """

    def __init__(self, system: System, total_steps: int) -> None:
        super().__init__()
        self.system = system
        self.config: TrainConfig = system.config
        self.total_steps = total_steps
        self.history: list[dict[str, Any]] = []
        self.seconds = 0.0
        self._train_losses: list[Tensor] = []
        self._validation_losses: list[tuple[Tensor, int]] = []
        self._epoch_start = 0.0

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine, stepped every batch."""
        optimizer = torch.optim.AdamW(
            self.system.parameters(),
            self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: learning_rate_factor(step, self.total_steps, self.config.warmup_share),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Moves the labels and the crops, still uint8."""
        return batch.to(device)

    def _loss(self, batch: Batch) -> Tensor:
        if self.config.channels_last:
            images = batch.images.contiguous(memory_format=torch.channels_last)
            batch = batch.replace(images=images)
        terms = self.system.loss(self.system(batch.images), batch)
        return torch.stack(list(terms.values())).sum()

    def on_train_epoch_start(self) -> None:
        """Seeds what draws from the global generator, such as dropout."""
        draw = generator(self.config.seed, "layers", self.current_epoch)
        torch.manual_seed(draw.initial_seed())
        self._train_losses.clear()
        self._epoch_start = time.monotonic()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Jitter, forward, loss."""
        draws = generator(self.config.seed, "augmentation", self.global_step)
        loss = self._loss(jitter_crop(batch, self.config, draws))
        self._train_losses.append(loss.detach())
        if len(self._train_losses) % CHECK_EVERY == 0:
            self._require_finite(loss.item())
        return loss

    def on_validation_epoch_start(self) -> None:
        """Starts the mean anew."""
        self._validation_losses.clear()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Loss without jitter."""
        loss = self._loss(centre_crop(batch, self.config.input_size))
        self._validation_losses.append((loss, len(batch)))

    def on_train_epoch_end(self) -> None:
        """Adds the epoch to the history. Validation, if any, has run before."""
        train_loss = torch.stack(self._train_losses).mean().item()
        self._require_finite(train_loss)
        validation_loss = None
        if self._validation_losses:
            total = sum(loss.item() * count for loss, count in self._validation_losses)
            validation_loss = total / sum(count for _, count in self._validation_losses)
        row = (self.global_step, self.current_epoch + 1, train_loss, validation_loss)
        self.history.append(dict(zip(LOSS_COLUMNS, row, strict=True)))
        self.seconds += time.monotonic() - self._epoch_start

    def _require_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"learning_rate: the loss became {loss} by step {self.global_step}, expected a "
                f"finite one; lower learning_rate ({self.config.learning_rate:g}) or check the "
                "labels with `handforge verify`."
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """History and time survive a kill."""
        checkpoint["history"] = self.history
        checkpoint["seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Counterpart of `on_save_checkpoint`."""
        self.history = checkpoint["history"]
        self.seconds = checkpoint["seconds"]


class KeepLast(Checkpoint):
    """After every epoch: the state to resume from, the loss curve, the progress bar.

    Lightning's own callback writes through a temporary file on another file system, which a kill
    can leave half moved; this one renames within the folder.
    """

    def __init__(self, last: Path, loss_csv: Path, num_images: int) -> None:
        self.last, self.loss_csv, self.num_images = last, loss_csv, num_images
        self._bar: tqdm | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the bar where the run stands."""
        assert isinstance(pl_module, FittedSystem)
        assert trainer.max_epochs is not None
        done = pl_module.global_step / pl_module.total_steps
        total = self.num_images * trainer.max_epochs
        label = pl_module.config.label
        self._bar = tqdm(
            desc=f"train {label}", total=total, initial=round(done * total), unit="img"
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any,
        batch_idx: int,
    ) -> None:  # fmt: skip
        """Counts images."""
        if self._bar is not None:
            self._bar.update(len(batch))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Runs after the module's own hook, as for every checkpoint callback."""
        assert isinstance(pl_module, FittedSystem)
        write_loss_csv(self.loss_csv, pl_module.history)
        temporary = self.last.with_name(f".{self.last.name}.tmp")
        trainer.save_checkpoint(temporary)
        temporary.replace(self.last)
        if self._bar is not None:
            row = pl_module.history[-1]
            losses = {key: row[key] for key in LOSS_COLUMNS[2:] if row[key] is not None}
            self._bar.set_postfix(epoch=f"{row['epoch']}/{trainer.max_epochs}", **losses)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Closes the bar, also after an error."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def write_loss_csv(path: Path, history: list[dict[str, Any]]) -> None:
    """Writes the loss curve, one row an epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LOSS_COLUMNS)
    writer.writerows([row[name] for name in LOSS_COLUMNS] for row in history)
    write_atomically(path, text.getvalue().encode())
