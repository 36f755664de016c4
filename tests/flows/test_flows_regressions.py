"""What counts as a regression."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import METRICS
from flows.benchmark.history import Entry
from flows.benchmark.regressions import MIN_SAMPLES, judged, sample_changes

OLD = Entry(
    datetime(2030, 1, 7, tzinfo=UTC), "demo", "hrnet", "freihand", "evaluation", "freihand",
    "mpjpe_mm", "mm", 8.0, 7.8, 8.2, 400, "c0", "d0", None, "r0", "0.1.0", "s0",
)  # fmt: skip
RANDOM = np.random.default_rng(7)
SAME = np.full(400, 0.0)


def later(value: float, width: float = 0.2, **values: object) -> Entry:
    values = {"value": value, "low": value - width, "high": value + width} | values
    return replace(OLD, time=datetime(2030, 1, 14, tzinfo=UTC), **values)  # type: ignore[arg-type]


def shifted(mean: float, deviation: float) -> np.ndarray:
    noise = RANDOM.normal(0, deviation, 400)
    return noise - noise.mean() + mean


def test_first_of_its_series() -> None:
    assert judged(OLD, None, {}) == OLD
    assert (OLD.verdict, OLD.difference) == ("first", None)


@pytest.mark.parametrize(
    ("value", "changes", "expected"),
    [
        (8.5, shifted(0.5, 1.0), "regression"),
        # One sample went wrong by metres: its mean is beyond, but is it worse? Not on the others.
        (8.5, np.r_[200.0, np.zeros(399)], "unclear"),
        (8.1, shifted(0.1, 0.1), "worse"),
        (8.0 + 1e-9, np.full(400, 1e-9), "worse"),
        (8.1, shifted(0.1, 5.0), "unclear"),
        (8.0, SAME, "unclear"),
        (7.9, shifted(-0.1, 0.1), "better"),
        (6.0, shifted(-2, 1.0), "better"),
    ],
)
def test_paired_errors_decide(value: float, changes: np.ndarray, expected: str) -> None:
    found = judged(later(value), OLD, {"mpjpe_mm": changes})
    assert found.verdict == expected
    assert found.difference == pytest.approx(value - 8.0, abs=1e-9)
    assert found.difference_low is not None
    assert found.difference_high is not None
    assert found.difference_low - 1e-12 <= changes.mean() <= found.difference_high + 1e-12


def test_value_on_the_end_of_the_interval_is_not_beyond_it() -> None:
    assert judged(later(8.2), OLD, {"mpjpe_mm": shifted(0.2, 0.1)}).verdict == "worse"
    assert judged(later(8.2001), OLD, {"mpjpe_mm": shifted(0.2001, 0.1)}).verdict == "regression"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (8.39, "unclear"),
        (8.41, "regression"),
        (7.61, "unclear"),
        (7.59, "better"),
        (8.0, "unclear"),
    ],
)
def test_without_errors_of_samples_intervals_must_not_touch(value: float, expected: str) -> None:
    assert judged(later(value), OLD, {}).verdict == expected
    # Errors of some of the samples are not those that the score is of.
    assert judged(later(value), OLD, {"mpjpe_mm": np.full(399, 1.0)}).verdict == expected


@pytest.mark.parametrize("metric", sorted(METRICS))
@given(step=st.floats(0.5, 3), sign=st.sampled_from((-1, 1)))
def test_direction_is_the_metrics_own(metric: str, step: float, sign: int) -> None:
    old = replace(OLD, metric=metric)
    new = replace(later(8.0 + sign * step), metric=metric)
    found = judged(new, old, {})
    higher_is_better = METRICS[metric].higher_is_better
    assert found.verdict == ("better" if (sign > 0) == higher_is_better else "regression")


@pytest.mark.parametrize(
    "change", [{"n": 401}, {"data_digest": "d1"}, {"rules_digest": "r1"}, {"metric": "retired"}]
)
def test_other_things_do_not_compare(change: dict[str, object]) -> None:
    new = later(80.0, **change)
    old = replace(OLD, metric=new.metric)
    found = judged(new, old, {"mpjpe_mm": shifted(72, 1)})
    assert (found.verdict, found.difference) == ("not comparable", None)


@pytest.mark.parametrize("change", [{"checkpoint_sha256": "c1"}, {"code_version": "0.2.0"}])
def test_another_checkpoint_or_version_is_what_is_compared(change: dict[str, object]) -> None:
    assert judged(later(9.0, **change), OLD, {}).verdict == "regression"


@pytest.mark.parametrize(
    ("n", "expected"), [(MIN_SAMPLES - 1, "too few"), (MIN_SAMPLES, "regression")]
)
def test_few_samples_prove_nothing(n: int, expected: str) -> None:
    assert judged(later(80.0, n=n), replace(OLD, n=n), {}).verdict == expected


def test_samples_are_paired_by_id_and_metrics_by_name() -> None:
    old = pa.table({"sample_id": ["a", "b", "c"], "mpjpe_mm": [1.0, 2.0, 3.0], "nme": [1.0] * 3})
    new = pa.table(
        {"sample_id": ["c", "a", "x"], "mpjpe_mm": [3.5, 1.25, 9.0], "epe_px": [1.0] * 3}
    )
    found = sample_changes(old, new)
    assert set(found) == {"mpjpe_mm"}
    assert found["mpjpe_mm"].tolist() == [0.5, 0.25]


def test_samples_without_an_error_have_no_change() -> None:
    old = pa.table({"sample_id": ["a", "b"], "mpjpe_mm": [1.0, np.nan]})
    new = pa.table({"sample_id": ["a", "b"], "mpjpe_mm": [2.0, 2.0]})
    assert sample_changes(old, new)["mpjpe_mm"].tolist() == [1.0]
    none = pa.table(
        {"sample_id": pa.array([], pa.string()), "mpjpe_mm": pa.array([], pa.float64())}
    )
    assert sample_changes(none, new)["mpjpe_mm"].tolist() == []
