from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mano_assets.errors import InputError
from training.samples.loading import SharedBatches
from training.samples.mixing import EpochShuffle, epoch_counts, require_weights
from training.samples.sources import DataSource


def epoch(sampler: EpochShuffle, number: int) -> list[int]:
    sampler.set_epoch(number)
    return list(sampler)


def test_order_depends_on_seed_and_epoch_only() -> None:
    orders = [
        tuple(epoch(EpochShuffle([20, 30], [20, 30], seed), number))
        for seed, number in [(0, 0), (0, 1), (1, 0), (0, 0)]
    ]
    assert orders[0] == orders[3]
    assert len(set(orders)) == 3
    assert all(np.array_equal(np.sort(order), np.arange(50)) for order in orders)


@given(st.lists(st.tuples(st.integers(1, 400), st.floats(1e-3, 1e3)), min_size=1, max_size=6))
def test_counts_are_the_weights_shares(sources: list[tuple[int, float]]) -> None:
    sizes, weights = map(list, zip(*sources, strict=True))
    counts = epoch_counts(sizes, weights)
    assert sum(counts) == sum(sizes)
    assert np.abs(np.array(counts) - sum(sizes) * np.array(weights) / sum(weights)).max() < 1
    assert epoch_counts(sizes, [None] * len(sizes)) == sizes


@given(st.integers(1, 40), st.integers(0, 90), st.integers(0, 3), st.integers(1, 5))
def test_samples_of_a_weighted_source_take_turns(
    size: int, count: int, seed: int, epochs: int
) -> None:
    sampler = EpochShuffle([7, size], [7, count], seed)
    seen: Counter[int] = Counter()
    for number in range(epochs):
        order = epoch(sampler, number)
        assert len(order) == len(sampler) == 7 + count
        assert sorted(row for row in order if row < 7) == list(range(7))
        seen.update(row - 7 for row in order if row >= 7)
    assert all(0 <= row < size for row in seen)
    if size != count:
        times = [seen[row] for row in range(size)]
        assert max(times) - min(times) <= 1


def test_an_epoch_can_be_drawn_without_those_before() -> None:
    sampler = EpochShuffle([10, 90], [60, 40], 5)
    orders = [epoch(sampler, number) for number in range(4)]
    assert epoch(EpochShuffle([10, 90], [60, 40], 5), 3) == orders[3]
    assert orders[2] != orders[3]


def test_weights_on_some_sources_only() -> None:
    sources = [
        DataSource(name, None, name, None, 5, weight) for name, weight in [("a", 1), ("b", None)]
    ]
    with pytest.raises(InputError, match=r"^data: b has no weight and others have one, expected"):
        require_weights(sources)
    require_weights(sources[:1])
    require_weights(sources[1:])


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 5), st.booleans())
def test_ranks_share_the_batches_of_one(
    length: int, batch_size: int, world_size: int, drop_last: bool
) -> None:
    order = EpochShuffle([length], [length], 0)
    alone = list(SharedBatches(order, batch_size, drop_last))
    assert len(alone) == len(SharedBatches(order, batch_size, drop_last))
    parts = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world_size):
            patch.setattr("training.samples.loading.this_rank", lambda: (rank, world_size))  # noqa: B023
            batches = SharedBatches(order, batch_size, drop_last)
            parts.append(list(batches))
            assert len(parts[-1]) == len(batches)
    together = Counter(row for part in parts for batch in part for row in batch)
    assert together == Counter(row for batch in alone for row in batch)
    for number, batch in enumerate(alone):
        if len(batch) >= world_size:
            assert [row for part in parts for row in part[number]] == batch
