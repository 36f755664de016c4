"""Batches of data sets, of which every process of a run takes its share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed
from torch.utils.data import DataLoader, Sampler, SequentialSampler, get_worker_info

from training.config import TrainConfig
from training.samples.crops import Batch
from training.samples.dataset import HandDataset
from training.samples.mixing import EpochShuffle, epoch_counts


def this_rank() -> tuple[int, int]:
    """Number of this process among those of a run, and how many they are."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


class SharedBatches(Sampler[list[int]]):
    """This process's part of each batch of one order.

    All processes together see the batches that a single one would see.

    Attributes:
        sampler: The order.
    """

    def __init__(self, sampler: Sampler[int], batch_size: int, drop_last: bool) -> None:
        """Takes the order, and the size of the batches over all processes."""
        self.sampler, self._batch_size, self._drop_last = sampler, batch_size, drop_last

    def __len__(self) -> int:
        return sum(1 for count in self._batch_sizes() if self._part(count))

    def __iter__(self) -> Iterator[list[int]]:
        order = list(self.sampler)
        start = 0
        for count in self._batch_sizes():
            part = self._part(count)
            if part:
                yield order[start + part.start : start + part.stop]
            start += count

    def _batch_sizes(self) -> list[int]:
        whole, rest = divmod(len(self.sampler), self._batch_size)  # type: ignore[arg-type]
        return [self._batch_size] * whole + ([rest] if rest and not self._drop_last else [])

    @staticmethod
    def _part(count: int) -> range:
        rank, world_size = this_rank()
        return range(rank * count // world_size, (rank + 1) * count // world_size)


def _as_is(batch: Any) -> Batch:
    return batch


def _start_worker(_: int) -> None:
    info = get_worker_info()
    assert info is not None
    assert isinstance(info.dataset, HandDataset)
    info.dataset.reopen()


def batch_loader(
    dataset: HandDataset, config: TrainConfig, batch_size: int, shuffle: bool
) -> DataLoader[Batch]:
    """Batches in a fixed or a seeded order; a last incomplete one is dropped when shuffling.

    Args:
        dataset: Its sources' weights count when shuffling.
        config: Seed and number of worker processes.
        batch_size: Over all processes of a run.
        shuffle: Whether each epoch has an order of its own.
    """
    workers = 0 if dataset.fill_cache() else config.num_loader_workers
    sampler: Sampler[int] = SequentialSampler(dataset)
    if shuffle:
        sizes = dataset.source_sizes
        weights = [source.weight for source in dataset.sources]
        sampler = EpochShuffle(sizes, epoch_counts(sizes, weights), config.seed)
    return DataLoader(
        dataset,
        batch_sampler=SharedBatches(sampler, batch_size, shuffle and len(dataset) > batch_size),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=config.accelerator != "cpu" and torch.cuda.is_available(),
        worker_init_fn=_start_worker,
        collate_fn=_as_is,
    )


def batch_sample_ids(loader: DataLoader[Batch], number: int) -> list[str]:
    """Keys of the samples in a batch of the present epoch."""
    dataset, batches = loader.dataset, loader.batch_sampler
    assert isinstance(dataset, HandDataset)
    assert batches is not None
    indices = next(part for place, part in enumerate(batches) if place == number)
    return [dataset.sample_ids[index] for index in indices]
