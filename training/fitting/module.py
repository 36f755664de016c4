"""The one Lightning module with which every system is trained."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from typing import Any

import lightning.pytorch as pl
import torch
import torch.distributed
from torch import Tensor

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from training.augmentation.chain import Augmenter
from training.config import TrainConfig
from training.fitting.ema import WeightAverage
from training.fitting.optimisation import build_optimizer, learning_rate_factor
from training.measuring.network_arithmetic import set_up_networks
from training.randomness import generator
from training.samples.crops import Batch, centre_crop
from training.samples.loading import batch_sample_ids, this_rank
from training.systems.system import System

CHECK_EVERY = 20
"""Batches between looks at the losses: each look makes a GPU wait."""

NAMED_SAMPLES = 3
"""Samples of a batch that an error names."""


class FittedSystem(pl.LightningModule):
    """Trains a system; everything random in a batch follows from seed, epoch, batch and rank.

    Attributes:
        num_batches: Batches an epoch.
        steps_per_epoch: Steps an epoch; the last one may have fewer batches than the others.
        history: One row an epoch: step, epoch, losses, learning rate, then the terms.
        curve: Step and mean loss, on the first device, at every `CHECK_EVERY` batches.
        seconds: Time spent in epochs that count, over all resumptions.
    """

    def __init__(self, system: System, num_batches: int) -> None:
        super().__init__()
        self.system = system
        self.config: TrainConfig = system.config
        self.num_batches = num_batches
        self.steps_per_epoch = math.ceil(num_batches / self.config.accumulate)
        self.augmenter = Augmenter(self.config)
        self.history: list[dict[str, Any]] = []
        self.curve: list[tuple[int, float]] = []
        self.seconds = 0.0
        self._average: WeightAverage | None = None
        self._loaded_average: dict[str, Any] | None = None
        self._pending: list[tuple[int, dict[str, Tensor]]] = []
        self._pending_norms: list[tuple[int, Tensor]] = []
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._validation: defaultdict[str, list[Tensor]] = defaultdict(list)
        self._rate = 0.0
        self._epoch_start = 0.0

    def configure_optimizers(self) -> Any:
        """The recipe's optimizer and rate, changed every step."""
        optimizer = build_optimizer(self.config, self.system.parameter_groups())
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(self.config, step, self.steps_per_epoch)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_fit_start(self) -> None:
        """The weights are where they stay: sets up networks and average."""
        set_up_networks(self.system, self.device.type)
        if self.config.ema_decay:
            self._average = WeightAverage(self.system, self.config.ema_decay)
            if self._loaded_average is not None:
                self._average.load_state_dict(self._loaded_average)
                self._loaded_average = None

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Moves the labels and the crops, still uint8."""
        return batch.to(device)

    def _terms(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Terms of the loss and, under the name loss, their sum."""
        if self.config.channels_last:
            images = batch.images.contiguous(memory_format=torch.channels_last)
            batch = batch.replace(images=images)
        # Lightning's 16 bits would be for everything; `set_up_networks` has seen to the networks.
        with torch.autocast(self.device.type, enabled=False):
            terms = (
                self.system.training_loss(batch)
                if training
                else self.system.loss(self.system(batch.images), batch)
            )
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def on_train_epoch_start(self) -> None:
        """Seeds what draws from the global generator, such as dropout."""
        draw = generator(self.config.seed, "layers", self.current_epoch, self.global_rank)
        torch.manual_seed(draw.initial_seed())
        self._pending.clear()
        self._pending_norms.clear()
        self._sums.clear()
        self._epoch_start = time.monotonic()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Augmentation, forward, loss."""
        number = self.current_epoch * self.num_batches + batch_idx
        draws = generator(self.config.seed, "augmentation", number, self.global_rank)
        terms = self._terms(self.augmenter(batch, draws), training=True)
        self._pending.append((batch_idx, {name: term.detach() for name, term in terms.items()}))
        # Lightning divides by `accumulate` also where an epoch ends with fewer batches.
        accumulate = self.config.accumulate
        left = self.num_batches - batch_idx // accumulate * accumulate
        return terms["loss"] * (accumulate / min(accumulate, left))

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Takes the gradient's norm, which has to be finite, and clips by it."""
        parameters = [each for each in self.system.parameters() if each.grad is not None]
        norm = torch.nn.utils.get_total_norm(
            [each.grad for each in parameters if each.grad is not None]
        )
        if self.config.gradient_clip:
            torch.nn.utils.clip_grads_with_norm_(parameters, self.config.gradient_clip, norm)
        self._pending_norms.append((self._pending[-1][0], norm.detach()))
        self._rate = optimizer.param_groups[0]["lr"]

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """After a step, moves the average; now and then looks at the losses."""
        stepped = (batch_idx + 1) % self.config.accumulate == 0
        if self._average is not None and (stepped or batch_idx + 1 == self.num_batches):
            self._average.update()
        if len(self._pending) == CHECK_EVERY:
            self._look()

    def _look(self) -> None:
        """Adds the losses since the last look to the sums, if they and the gradients are finite."""
        names = list(dict.fromkeys(name for _, terms in self._pending for name in terms))
        zero = torch.zeros((), device=self.device)
        rows = [
            torch.stack([terms.get(name, zero) for name in names]) for _, terms in self._pending
        ]
        losses = torch.stack(rows).double().cpu()
        norms = torch.stack([norm for _, norm in self._pending_norms] or [zero]).cpu()
        self._require_finite(losses[:, names.index("loss")].tolist(), norms.tolist())
        for name, total in zip(names, losses.sum(0).tolist(), strict=True):
            self._sums[name] += total
        self._sums["batches"] += len(rows)
        self.curve.append((self.global_step, losses[:, names.index("loss")].mean().item()))
        self._pending.clear()
        self._pending_norms.clear()

    def _require_finite(self, losses: list[float], norms: list[float]) -> None:
        """Raises the same error on every device when one has a number that is not finite."""
        bad = [
            (batch_idx, "loss", loss)
            for (batch_idx, _), loss in zip(self._pending, losses, strict=True)
            if not math.isfinite(loss)
        ]
        # In 16 bits gradients do overflow; the scaler then leaves the step out.
        if self.config.precision != "16":
            bad += [
                (batch_idx, "norm of the gradient", norm)
                for (batch_idx, _), norm in zip(self._pending_norms, norms, strict=False)
                if not math.isfinite(norm)
            ]
        # The first one; of a batch rather the loss, which only its own device knows of.
        found = [(each[0], each[1] != "loss", self._failure(*each)) for each in bad]
        _, world_size = this_rank()
        if world_size > 1:
            lists: list[Any] = [None] * world_size
            torch.distributed.all_gather_object(lists, found)
            found = [each for one in lists for each in one]
        if found:
            raise InputError(min(found)[2])

    def _failure(self, batch_idx: int, what: str, value: float) -> str:
        step = self.current_epoch * self.steps_per_epoch + batch_idx // self.config.accumulate + 1
        loader = self.trainer.train_dataloader
        assert loader is not None
        ids = batch_sample_ids(loader, batch_idx)
        named = ", ".join(map(repr, ids[:NAMED_SAMPLES]))
        more = f" and {len(ids) - NAMED_SAMPLES} more" if len(ids) > NAMED_SAMPLES else ""
        return (
            f"learning_rate: the {what} became {value} in step {step} (epoch "
            f"{self.current_epoch + 1}, samples {named}{more}), expected a finite one; lower "
            f"learning_rate ({self.config.learning_rate:g}) or check the labels with "
            "`handforge verify`."
        )

    def on_validation_epoch_start(self) -> None:
        """Starts the mean anew, with the weights that would be kept."""
        self._validation.clear()
        if self._average is not None:
            self._average.swap()
        if this_rank()[1] > 1:
            for buffer in self.system.buffers():
                torch.distributed.broadcast(buffer, 0)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Loss without augmentation."""
        terms = self._terms(centre_crop(batch, self.config.input_size), training=False)
        for name, term in terms.items():
            self._validation[name].append(term * len(batch))
        self._validation["samples"].append(torch.tensor(float(len(batch)), device=self.device))

    def on_validation_epoch_end(self) -> None:
        """Back to the weights that are trained."""
        if self._average is not None:
            self._average.swap()

    def on_train_epoch_end(self) -> None:
        """Adds the epoch to the history. Validation, if any, has run before."""
        if self._pending:
            self._look()
        train = self._over_devices(self._sums)
        count = train.pop("batches")
        row: dict[str, Any] = {
            "step": self.global_step,
            "epoch": self.current_epoch + 1,
            "train_loss": train.pop("loss") / count,
            "validation_loss": None,
            "learning_rate": self._rate,
        }
        row |= {f"train/{name}": value / count for name, value in train.items()}
        if self._validation:
            sums = {name: torch.stack(each).sum().item() for name, each in self._validation.items()}
            held_out = self._over_devices(sums)
            count = held_out.pop("samples")
            row["validation_loss"] = held_out.pop("loss") / count
            row |= {f"validation/{name}": value / count for name, value in held_out.items()}
        self.history.append(row)
        self.seconds += time.monotonic() - self._epoch_start

    def _over_devices(self, sums: dict[str, float]) -> dict[str, float]:
        """Sums over all processes; all have the same names."""
        if this_rank()[1] == 1:
            return dict(sums)
        values = torch.tensor(list(sums.values()), dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(values)
        return dict(zip(sums, values.tolist(), strict=True))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """History, average and time survive a kill; what it is a state of is noted."""
        checkpoint["history"] = self.history
        checkpoint["curve"] = self.curve
        checkpoint["seconds"] = self.seconds
        checkpoint["system"] = self.config.system
        checkpoint["joints"] = list(HAND21.joints)
        if self._average is not None:
            checkpoint["average"] = self._average.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Counterpart of `on_save_checkpoint`."""
        self.history = checkpoint["history"]
        self.curve = checkpoint["curve"]
        self.seconds = checkpoint["seconds"]
        self._loaded_average = checkpoint.get("average")


def kept_weights(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """The system's state in a checkpoint of a run: the average where there is one."""
    if "average" in checkpoint:
        return checkpoint["average"]["weights"]
    prefix = "system."
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }
