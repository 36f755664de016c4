"""How fast training is beside what it could be: the figures of `handforge bench train`."""

from __future__ import annotations

import copy
import math
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from tqdm import tqdm

from training.augmentation.chain import Augmenter
from training.config import TrainConfig
from training.fitting.devices import lightning_trainer, quiet, require_machine
from training.fitting.module import FittedSystem
from training.fitting.optimisation import build_optimizer
from training.measuring.network_arithmetic import set_up_networks
from training.measuring.stand_in_images import NAME, write_stand_in
from training.randomness import generator
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.loading import batch_loader
from training.samples.sources import DataSource
from training.systems.system import System, build_system

STAND_IN_IMAGES = 512
NUM_REPEATS = 5
WARM_STEPS = 2


def bench_train(
    config: TrainConfig, data: str | None, steps: int, repeats: int = NUM_REPEATS
) -> dict[str, Any]:
    """Measures the same steps of the same model in several ways.

    The ways take turns, `repeats` times over, so that what else the machine does meets all alike; a
    ratio is that of two ways in the same turn, and the median over turns counts. They are:

    - decoded: our trainer, batches from the loader, which decodes every image;
    - cached: our trainer, batches from the loader, which has every image decoded in memory;
    - memory: our trainer, batches as tensors on the device;
    - bare: a loop of augmentation, forward, loss, backward and optimiser step over those tensors;
    - plain: that loop without augmentation, on crops cut before.

    Args:
        config: What is trained; a single device counts.
        data: `ROOT[:SPLIT]`; None for made-up images of 224 px.
        steps: Timed steps of each way in each turn.
        repeats: Turns.

    Returns:
        vs_memory (decoded over memory), vs_memory_cached, vs_bare (memory over bare),
        vs_bare_plain; ranges, the lowest and highest of each over the turns; images_per_s (decoded)
        and rates_images_per_s of all ways; peak_rss_mb of this process and peak_loader_rss_mb of
        its largest child; gpu_memory_mb, null on a CPU; and what was measured on.

    Raises:
        InputError: The data or the machine do not fit the recipe.
    """
    require_machine(config)
    config = config.model_copy(update={"epochs": 1, "devices": 1, "accumulate": 1})
    device = torch.device(
        "cuda" if config.accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    )
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = DataSource.open(data or str(write_stand_in(scratch / "images", STAND_IN_IMAGES)))
        ways = _ways(config, source, steps, device, scratch)
        turns = [
            {name: way() for name, way in ways.items()}
            for _ in tqdm(range(repeats), desc="bench train", unit="turn")
        ]
    ratios = {
        "vs_memory": ("decoded", "memory"),
        "vs_memory_cached": ("cached", "memory"),
        "vs_bare": ("memory", "bare"),
        "vs_bare_plain": ("memory", "plain"),
    }
    found = {
        name: sorted(turn[one] / turn[other] for turn in turns)
        for name, (one, other) in ratios.items()
    }
    rates = {name: round(median(turn[name] for turn in turns), 2) for name in ways}
    return {
        **{name: round(median(values), 4) for name, values in found.items()},
        "ranges": {
            name: [round(values[0], 4), round(values[-1], 4)] for name, values in found.items()
        },
        "images_per_s": rates["decoded"],
        "rates_images_per_s": rates,
        **_machine(device),
        "precision": config.precision,
        "compile": config.compile,
        "system": config.system,
        "backbone": config.backbone,
        "input_size": config.input_size,
        "batch_size": config.batch_size,
        "num_loader_workers": config.num_loader_workers,
        "data": data or NAME,
        "num_images": source.num_samples,
        "steps": steps,
        "repeats": repeats,
    }


def _ways(
    config: TrainConfig, source: DataSource, steps: int, device: torch.device, scratch: Path
) -> dict[str, Callable[[], float]]:
    """Functions that do the steps once and return images a second."""
    # The loader's workers are ahead by two batches each when the first step is taken.
    num_ahead = WARM_STEPS + 2 * config.num_loader_workers
    needed = (num_ahead + steps) * config.batch_size
    sources = [source] * math.ceil(needed / source.num_samples)
    loaders = {
        name: batch_loader(
            HandDataset(sources, changed, border=True), changed, config.batch_size, shuffle=True
        )
        for name, changed in {
            "decoded": config.model_copy(update={"cache_limit_gb": 0.0}),
            "cached": config.model_copy(update={"cache_limit_gb": math.inf}),
        }.items()
    }
    dataset = loaders["cached"].dataset
    assert isinstance(dataset, HandDataset)
    torch.manual_seed(generator(config.seed, "weights").initial_seed())
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    in_memory = [batch.to(device) for batch in islice(loaders["cached"], WARM_STEPS + steps)]
    crops = [centre_crop(batch, config.input_size) for batch in in_memory]

    def ours(batches: Iterable[Batch], num_warm: int) -> float:
        return _rate_of_trainer(system, batches, num_warm, steps, scratch)

    return {
        "decoded": lambda: ours(loaders["decoded"], num_ahead),
        "cached": lambda: ours(loaders["cached"], WARM_STEPS),
        "memory": lambda: ours(_InMemory(in_memory), WARM_STEPS),
        "bare": lambda: _rate_of_loop(system, in_memory, Augmenter(config), device),
        "plain": lambda: _rate_of_loop(system, crops, None, device),
    }


class _InMemory:
    """Batches of an epoch. A plain list would be several loaders to Lightning."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._batches)


class _Stopwatch(pl.Callback):
    """Times some steps in a row, the first of them after others that are not timed."""

    def __init__(self, num_warm: int, num_timed: int) -> None:
        self._num_warm, self._num_all = num_warm, num_warm + num_timed
        self._start = 0.0
        self.seconds = 0.0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any,
        batch_idx: int,
    ) -> None:  # fmt: skip
        """Looks at the clock."""
        if batch_idx + 1 == self._num_warm:
            self._start = _now(pl_module.device)
        if batch_idx + 1 == self._num_all:
            self.seconds = _now(pl_module.device) - self._start


def _rate_of_trainer(
    system: System, batches: Iterable[Batch], num_warm: int, steps: int, scratch: Path
) -> float:
    config = system.config
    # As many as needed: whoever counts the batches of an epoch finds a whole one.
    module = FittedSystem(copy.deepcopy(system), num_warm + steps)
    if config.channels_last:
        module = module.to(memory_format=torch.channels_last)
    stopwatch = _Stopwatch(num_warm, steps)
    with quiet():
        trainer = lightning_trainer(config, scratch, [stopwatch])
        trainer.limit_train_batches = num_warm + steps
        trainer.fit(module, batches)
    return steps * config.batch_size / stopwatch.seconds


def _rate_of_loop(
    system: System, batches: list[Batch], augmenter: Augmenter | None, device: torch.device
) -> float:
    config = system.config
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    system = copy.deepcopy(system).to(device).to(memory_format=layout).train()
    set_up_networks(system, device.type)
    optimizer = build_optimizer(config, system.parameter_groups())
    scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "16")
    start = 0.0
    for number, loaded in enumerate(batches):
        if number == WARM_STEPS:
            start = _now(device)
        batch = loaded
        if augmenter is not None:
            batch = augmenter(loaded, generator(config.seed, "augmentation", number))
        batch = batch.replace(images=batch.images.contiguous(memory_format=layout))
        loss: Tensor = torch.stack(list(system.training_loss(batch).values())).sum()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return (len(batches) - WARM_STEPS) * config.batch_size / (_now(device) - start)


def _now(device: torch.device) -> float:
    """The time when the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _machine(device: torch.device) -> dict[str, Any]:
    on_gpu = device.type == "cuda"
    memory_mb = round(torch.cuda.max_memory_allocated(device) / 1e6) if on_gpu else None
    return {
        "peak_rss_mb": _peak_mb(resource.RUSAGE_SELF),
        "peak_loader_rss_mb": _peak_mb(resource.RUSAGE_CHILDREN),
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "gpu_memory_mb": memory_mb,
        "cpu_cores": os.cpu_count(),
    }


def _peak_mb(who: int) -> int:
    # Linux counts in KiB.
    return round(resource.getrusage(who).ru_maxrss * 1024 / 1e6)
