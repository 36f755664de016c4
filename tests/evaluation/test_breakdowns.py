"""Scores of parts and curves, against plain loops."""

import numpy as np
import pytest

from evaluation.averaging import MAX_GROUPS
from evaluation.breakdowns import Measured, breakdowns, draws, hardness_ranges, interval_text
from evaluation.curves import curves, shares_within
from evaluation.metrics import METRICS, Comparison
from mano_assets.skeleton import HAND21
from render.manifest import JointState

COUNT = 40


def make(seed: int = 0) -> tuple[Comparison, np.ndarray, np.ndarray]:
    """A comparison in px whose every 20th joint does not count, states, and hardness."""
    random = np.random.default_rng(seed)
    truth = random.uniform(0, 200, (COUNT, 21, 2))
    predicted = truth + random.normal(0, 10, truth.shape)
    states = random.integers(0, 5, (COUNT, 21)).astype(float)
    states[random.uniform(size=states.shape) < 0.05] = JointState.MISSING
    valid = states != JointState.MISSING
    pair = Comparison(predicted, truth, valid, random.uniform(50, 100, COUNT))
    return pair, states, random.uniform(0, 1, COUNT)


def distances(pair: Comparison) -> np.ndarray:
    return np.hypot(*np.moveaxis(pair.predicted - pair.truth, -1, 0))


def test_each_joint_has_its_own_score() -> None:
    pair, states, hardness = make()
    measured = [Measured(METRICS[name], pair) for name in ("epe_px", "pck_0.2")]
    groups = breakdowns(measured, draws(COUNT), states, hardness)["joint"]
    assert [group.name for group in groups] == list(HAND21.joints)
    for joint, group in enumerate(groups):
        among = pair.valid[:, joint]
        assert group.n == group.num_joints == among.sum()
        errors = distances(pair)[among, joint]
        epe = group.metrics["epe_px"]
        assert epe.value == pytest.approx(errors.mean())
        assert epe.low < epe.value < epe.high
        assert epe.n == among.sum()
        hits = errors / pair.size_px[among] < 0.2
        assert group.metrics["pck_0.2"].value == pytest.approx(hits.mean())


def test_each_state_has_its_own_score() -> None:
    pair, states, hardness = make()
    states[0, 3] = np.nan  # not said: unknown
    states[states == JointState.OUTSIDE] = JointState.VISIBLE
    measured = [Measured(METRICS["epe_px"], pair), Measured(METRICS["epe_macro_px"], pair)]
    groups = breakdowns(measured, draws(COUNT), states, hardness)["state"]
    assert [group.name for group in groups] == ["unknown", "visible", "self_occluded", "occluded"]
    for group in groups:
        state = JointState[group.name.upper()]
        among = (np.nan_to_num(states, nan=0) == state) & pair.valid
        assert group.num_joints == among.sum()
        assert group.n == among.any(1).sum()
        assert group.metrics["epe_px"].value == pytest.approx(distances(pair)[among].mean())
        columns = [distances(pair)[among[:, j], j].mean() for j in range(21) if among[:, j].any()]
        assert group.metrics["epe_macro_px"].value == pytest.approx(np.mean(columns))
    assert sum(group.num_joints for group in groups) == pair.valid.sum()


def test_each_quartile_of_hardness_has_its_own_score() -> None:
    pair, states, hardness = make()
    hardness[5] = np.nan
    found = breakdowns([Measured(METRICS["epe_px"], pair)], draws(COUNT), states, hardness)
    ends = np.quantile(np.delete(hardness, 5), [0, 0.25, 0.5, 0.75, 1])
    assert len(found["hardness"]) == 4
    for low, high, group in zip(ends[:-1], ends[1:], found["hardness"], strict=True):
        assert group.name == f"{low:.3g} to {high:.3g}"
        among = (hardness <= high) & ((hardness > low) | (hardness == ends[0]) & (low == ends[0]))
        assert group.n == among.sum()
        expected = distances(pair)[among][pair.valid[among]].mean()
        assert group.metrics["epe_px"].value == pytest.approx(expected)
    assert sum(group.n for group in found["hardness"]) == COUNT - 1


def test_hardness_ranges_of_few_values() -> None:
    assert hardness_ranges(np.full(3, np.nan)) == {}
    (name, rows), *others = hardness_ranges(np.array([0.5, np.nan, 0.5])).items()
    assert (name, rows.tolist(), others) == ("0.5", [True, False, True], [])
    found = hardness_ranges(np.array([0.0, 0.0, 0.0, 1.0]))
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "0 to 0.25": [True, True, True, False],
        "0.25 to 1": [False, False, False, True],
    }


def test_hardness_ranges_that_print_alike_keep_their_samples() -> None:
    hardness = 0.12345 + 1e-6 * np.arange(12)
    found = hardness_ranges(hardness)
    assert [rows.sum() for rows in found.values()] == [3, 3, 3, 3]
    assert np.logical_or.reduce(list(found.values())).all()
    assert next(iter(found)) == "0.12345 to 0.123453"
    neighbours = np.array([0.3, np.nextafter(0.3, 1)])
    assert sum(rows.sum() for rows in hardness_ranges(neighbours).values()) == 2


def test_breakdowns_that_say_nothing_are_left_out() -> None:
    pair, states, _ = make()
    nowhere = np.full(COUNT, np.nan)
    found = breakdowns([Measured(METRICS["epe_px"], pair)], draws(COUNT), states, nowhere)
    assert set(found) == {"joint", "state"}
    assert breakdowns([], draws(COUNT), states, nowhere) == {}


def test_the_intervals_of_parts_widen() -> None:
    pair, states, hardness = make()
    each = Measured(METRICS["epe_px"], pair)
    whole = each.score(draws(COUNT))
    assert whole is not None
    (quartile, *_) = breakdowns([each], draws(COUNT), states, hardness)["hardness"]
    part = quartile.metrics["epe_px"]
    assert 1.3 < (part.high - part.low) / (whole.high - whole.low) < 3.5
    assert whole.definition == METRICS["epe_px"].definition
    assert each.score(draws(COUNT), np.zeros((COUNT, 1), bool)) is None


def test_the_text_says_when_groups_were_drawn() -> None:
    assert interval_text(MAX_GROUPS) == (
        "95% percentile bootstrap over samples, 1000 resamples, seed 0"
    )
    assert f"in {MAX_GROUPS} random groups" in interval_text(MAX_GROUPS + 1)


def test_curves_are_shares_within() -> None:
    pair, _, _ = make()
    curve = curves({2: pair}, "a size")["pck_2d"]
    assert (curve.thresholds[0], curve.thresholds[-1], curve.unit) == (0, 0.5, "")
    assert "a size" in curve.definition
    for place in (0, 7, 20, 50):
        inside = distances(pair) / pair.size_px[:, None] <= curve.thresholds[place]
        expected = np.mean([inside[pair.valid[:, j], j].mean() for j in range(21)])
        assert curve.shares[place] == pytest.approx(expected, abs=1e-6)
    assert curve.shares == sorted(curve.shares)
    at_fifth = curve.shares[curve.thresholds.index(0.2)]
    assert at_fifth == pytest.approx(METRICS["pck_0.2"].value(pair), abs=1e-6)


def test_the_curve_in_space_has_the_wrists_at_the_origin() -> None:
    truth = np.random.default_rng(0).normal(0, 0.05, (4, 21, 3))
    predicted = truth + np.array([0.2, 0, 0])
    predicted[:, HAND21.index("ring_tip")] += [0, 0.02, 0]
    pair = Comparison(predicted, truth, np.ones((4, 21), bool), np.ones(4))
    curve = curves({3: pair}, "")["pck_3d"]
    assert (curve.thresholds[-1], curve.unit, len(curve.shares)) == (50, "mm", 51)
    assert curve.shares[19] == pytest.approx(20 / 21, abs=1e-6)
    assert curve.shares[21] == 1


def test_joints_beyond_the_last_threshold_and_joints_that_never_count() -> None:
    errors = np.array([[1.0, 9.0, np.nan], [3.0, 2.0, np.nan]])
    valid = np.array([[True, True, False], [True, True, False]])
    found = shares_within(errors, valid, np.array([0.0, 1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, [0, 0.25, 0.5, 0.75])
