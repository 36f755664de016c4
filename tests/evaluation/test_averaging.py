"""Averages and their intervals, against plain loops and the normal theory."""

import numpy as np
import pytest

from evaluation.averaging import average, bootstrap_interval, per_sample, resample


def test_the_averagings_differ_as_defined() -> None:
    values = np.array([[1.0, 10.0], [3.0, 99.0]])
    valid = np.array([[True, True], [True, False]])
    assert average(values, valid, "micro") == pytest.approx(14 / 3)
    assert average(values, valid, "joint") == pytest.approx((2 + 10) / 2)
    assert average(values, valid, "sample") == pytest.approx((5.5 + 3) / 2)
    np.testing.assert_allclose(per_sample(values, valid), [5.5, 3.0])
    assert np.isnan(per_sample(values, np.zeros((2, 2), bool))).all()
    everything = np.ones((2, 2), bool)
    for averaging in ("micro", "joint", "sample"):
        assert average(values, everything, averaging) == pytest.approx(values.mean())


def test_a_joint_that_never_counts_is_left_out_of_the_joint_average() -> None:
    values = np.array([[1.0, np.nan]])
    assert average(values, np.array([[True, False]]), "joint") == 1.0


@pytest.mark.parametrize("count", [4000, 50_000])
def test_bootstrap_agrees_with_the_normal_theory(count: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(10, 2, (count, 1))
    valid = np.ones_like(values, bool)
    low, high = bootstrap_interval(values, valid, "micro")
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_groups_of_ordered_samples_are_no_narrower() -> None:
    # Samples sorted by their error: groups of neighbours would each be alike.
    values = np.sort(np.random.default_rng(0).normal(10, 2, 50_000))[:, None]
    low, high = bootstrap_interval(values, np.ones_like(values, bool), "sample")
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert high - low == pytest.approx(2 * half, rel=0.15)


def test_draws_hold_every_sample_once_on_average() -> None:
    for count in (7, 4096, 10_001):
        drawn = resample(count, num_resamples=50, seed=3)
        assert sorted(drawn.order) == list(range(count))
        sums = drawn.sums(np.ones((count, 1)))[:, 0]
        assert sums == pytest.approx(count, rel=0.1 if count > 4096 else 1e-12)


def test_bootstrap_resamples_samples_not_joints() -> None:
    # Every joint of a sample has the sample's value: 21 times as many numbers, no more knowledge.
    one = np.random.default_rng(0).normal(10, 2, (200, 1))
    valid = np.ones((200, 1), bool)
    many = np.repeat(one, 21, 1)
    assert bootstrap_interval(many, np.repeat(valid, 21, 1), "micro") == pytest.approx(
        bootstrap_interval(one, valid, "micro")
    )


def test_bootstrap_of_partly_valid_joints_equals_drawing_rows() -> None:
    random = np.random.default_rng(0)
    values, valid = random.normal(size=(30, 4)), random.uniform(size=(30, 4)) > 0.4
    drawn = resample(30, num_resamples=200, seed=2)
    for averaging in ("micro", "joint", "sample"):
        found = [
            average(
                np.repeat(values, row.astype(int), 0), np.repeat(valid, row.astype(int), 0),
                averaging,
            )
            for row in drawn.weights
        ]  # fmt: skip
        expected = np.percentile(found, [2.5, 97.5])
        interval = bootstrap_interval(values, valid, averaging, resampling=drawn)
        assert interval == pytest.approx(tuple(expected))


def test_bootstrap_is_repeatable_and_follows_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=(50, 21))
    valid = np.ones_like(values, bool)
    first = bootstrap_interval(values, valid, "joint", seed=1)
    assert bootstrap_interval(values, valid, "joint", seed=1) == first
    assert bootstrap_interval(values, valid, "joint", seed=2) != first
    wide = bootstrap_interval(values, valid, "joint", seed=1, level=0.99)
    assert wide[0] < first[0] < first[1] < wide[1]
    assert np.isnan(bootstrap_interval(values, ~valid, "joint")).all()
