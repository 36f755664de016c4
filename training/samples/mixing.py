"""In which order, and how often, samples of one or several sources are seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from mano_assets.errors import InputError
from training.randomness import generator
from training.samples.sources import DataSource


def epoch_counts(sizes: Sequence[int], weights: Sequence[float | None]) -> list[int]:
    """How many samples of each source an epoch has: in all as many as there are samples.

    Without weights every sample is seen once. With weights a source has its weight's share of the
    epoch, whatever its size: a small source's samples are seen several times, those of a large one
    take turns over the epochs.

    Args:
        sizes: Samples of each source.
        weights: Their weights, all or none of them None.
    """
    given = [weight for weight in weights if weight is not None]
    if not given:
        return list(sizes)
    exact = np.array(given) / sum(given) * sum(sizes)
    counts = np.floor(exact).astype(int)
    # The largest remainders get what rounding down has left over.
    left = sum(sizes) - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return counts.tolist()


def require_weights(sources: Sequence[DataSource]) -> None:
    """Looks whether all sources have a weight or none has.

    Raises:
        InputError: Some have one and some have none.
    """
    without = [source.root for source in sources if source.weight is None]
    if 0 < len(without) < len(sources):
        raise InputError(
            f"data: {without[0]} has no weight and others have one, expected @weight=NUMBER on "
            "every source or on none."
        )


class EpochShuffle(Sampler[int]):
    """An order for each epoch that depends only on sources, seed and epoch.

    Attributes:
        counts: Samples of each source in an epoch.
    """

    def __init__(self, sizes: Sequence[int], counts: Sequence[int], seed: int) -> None:
        """Takes the sources' sizes, in the data set's order, and their counts an epoch."""
        self._sizes, self.counts, self._seed, self._epoch = tuple(sizes), tuple(counts), seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return sum(self.counts)

    def __iter__(self) -> Iterator[int]:
        order = torch.randperm(len(self), generator=generator(self._seed, "order", self._epoch))
        return iter(self._drawn()[order].tolist())

    def _drawn(self) -> Tensor:
        """The epoch's samples, source after source."""
        parts, start = [], 0
        for source, (size, count) in enumerate(zip(self._sizes, self.counts, strict=True)):
            rows = torch.arange(size) if size == count else self._turn(source, size, count)
            parts.append(start + rows)
            start += size
        return torch.cat(parts)

    def _turn(self, source: int, size: int, count: int) -> Tensor:
        """The next `count` of an endless row of shuffled passes, so that all have their turn."""
        first = self._epoch * count
        passes = range(first // size, -(-(first + count) // size))
        row = [
            torch.randperm(size, generator=generator(self._seed, "mixture", source, number))
            for number in passes
        ]
        skipped = first - passes.start * size
        return torch.cat([*row, torch.empty(0, dtype=torch.long)])[skipped : skipped + count]
