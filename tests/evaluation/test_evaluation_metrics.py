"""Metrics against scipy, closed forms and known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from evaluation.averaging import average, bootstrap_interval, per_sample
from evaluation.metrics import (
    METRICS,
    Comparison,
    joint_errors,
    procrustes_align,
    root_relative,
    scale_to_bones,
)
from mano_assets.skeleton import HAND21

ALL = np.ones((1, 21), bool)


def random_hands(seed: int, count: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (count, 21, 3)) + np.array([0, 0, 0.6])


def compare(predicted: np.ndarray, truth: np.ndarray, size_px: float = 100.0) -> Comparison:
    valid = np.ones(truth.shape[:2], bool)
    return Comparison(predicted, truth, valid, np.full(len(truth), size_px))


def value(metric: str, pair: Comparison) -> float:
    found = METRICS[metric]
    return average(found.per_joint(pair), pair.valid, found.averaging)


# Known answers: mmpose's own functions on truths shifted by d px along x.
@pytest.mark.parametrize(("shift_px", "auc"), [(0.0, 0.95), (3.0, 0.85), (10.0, 0.65)])
def test_2d_metrics_of_a_shift(shift_px: float, auc: float) -> None:
    truth = np.random.default_rng(0).integers(0, 100, (4, 21, 2)).astype(float)
    pair = compare(truth + np.array([shift_px, 0]), truth, size_px=40.0)
    assert value("epe_px", pair) == pytest.approx(shift_px)
    assert value("nme", pair) == pytest.approx(shift_px / 40)
    assert value("auc_mmpose_0_30px", pair) == pytest.approx(auc)
    assert value("pck_0.2", pair) == (1.0 if shift_px < 8 else 0.0)


def test_pck_does_not_count_a_joint_at_the_threshold() -> None:
    truth = np.zeros((1, 21, 2))
    assert value("pck_0.2", compare(truth + np.array([20.0, 0]), truth)) == 0.0
    assert value("pck_0.2", compare(truth + np.array([19.999, 0]), truth)) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_alignment_equals_scipy_orthogonal_procrustes(seed: int) -> None:
    truth = random_hands(seed)
    random = np.random.default_rng(seed + 100)
    turn = Rotation.random(rng=random).as_matrix()
    predicted = truth @ turn.T * 1.7 + random.normal(0, 0.004, truth.shape) + [0.3, -1, 2]
    ours = procrustes_align(predicted, truth, np.ones((5, 21), bool))
    for hand in range(5):
        mean_truth, mean_predicted = truth[hand].mean(0), predicted[hand].mean(0)
        a, b = predicted[hand] - mean_predicted, truth[hand] - mean_truth
        matrix, singular_sum = orthogonal_procrustes(a, b)
        assert np.linalg.det(matrix) > 0
        expected = a @ matrix * (singular_sum / np.square(a).sum()) + mean_truth
        np.testing.assert_allclose(ours[hand], expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_hand_is_not_mirrored_back(seed: int) -> None:
    truth = random_hands(seed)
    mirrored = truth * [-1, 1, 1]
    ours = procrustes_align(mirrored, truth, np.ones((5, 21), bool))
    for hand in range(5):
        a = mirrored[hand] - mirrored[hand].mean(0)
        b = truth[hand] - truth[hand].mean(0)
        assert np.linalg.det(orthogonal_procrustes(a, b)[0]) < 0
        # Kabsch with proper rotations, then the closed form for the scale.
        turned = Rotation.align_vectors(b, a)[0].apply(a)
        expected = turned * (turned * b).sum() / np.square(turned).sum() + truth[hand].mean(0)
        np.testing.assert_allclose(ours[hand], expected, atol=1e-9)
    assert value("pa_mpjpe_rigid_mm", compare(mirrored, truth)) > 1.0


@given(
    st.integers(0, 10_000),
    st.floats(0.2, 5.0),
    st.tuples(*[st.floats(-2, 2)] * 3),
)
def test_alignment_undoes_any_similarity(
    seed: int, scale: float, shift: tuple[float, float, float]
) -> None:
    truth = random_hands(seed, 2)
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    pair = compare(truth @ turn.T * scale + np.array(shift), truth)
    assert value("pa_mpjpe_rigid_mm", pair) == pytest.approx(0.0, abs=1e-6)


def test_invalid_joints_take_no_part() -> None:
    truth, random = random_hands(0), np.random.default_rng(1)
    valid = random.uniform(size=(5, 21)) > 0.3
    valid[:, 0] = True
    size_px = np.full(5, 100.0)
    predicted = truth + random.normal(0, 0.01, truth.shape)
    junk = np.where(valid[..., None], predicted, 1e6)
    nothing = np.where(valid[..., None], truth, np.nan)
    for metric in METRICS.values():
        axes = slice(0, metric.dimensions)
        clean = Comparison(predicted[..., axes], truth[..., axes], valid, size_px)
        dirty = Comparison(junk[..., axes], nothing[..., axes], valid, size_px)
        with np.errstate(invalid="ignore"):
            values = metric.per_joint(dirty)
        assert average(values, valid, metric.averaging) == pytest.approx(
            average(metric.per_joint(clean), valid, metric.averaging)
        ), metric.id
        assert np.isfinite(per_sample(values, valid)).all()


def test_mpjpe_is_root_relative_in_mm() -> None:
    truth = random_hands(0)
    predicted = truth + np.array([0.1, 0.2, -0.3])
    assert value("mpjpe_mm", compare(predicted, truth)) == pytest.approx(0, abs=1e-9)
    predicted[:, HAND21.index("index_tip")] += [0.0, 0.021, 0.0]
    assert value("mpjpe_mm", compare(predicted, truth)) == pytest.approx(1.0)
    assert value("auc3d_0_50mm_trapz100", compare(truth, truth)) == pytest.approx(1.0)
    # One of 21 joints is 21 mm off: it scores from 21 mm on, up to half a step of the 100 points.
    moved = truth.copy()
    moved[:, HAND21.index("index_tip")] += [0.0, 0.021, 0.0]
    found = value("auc3d_0_50mm_trapz100", compare(moved, truth))
    assert found == pytest.approx((20 + 29 / 50) / 21, abs=0.5 / 99 / 21)


def test_depth_error_sees_the_optical_axis_alone() -> None:
    truth = random_hands(0)
    predicted = truth + np.array([0.1, 0.2, -0.3])
    predicted[:, HAND21.index("index_tip")] += [0.5, -0.4, 0.021]
    predicted[:, HAND21.index("thumb_tip")] -= [0.5, -0.4, 0.042]
    assert value("depth_mm", compare(predicted, truth)) == pytest.approx(3.0)


def test_bone_scale_is_given() -> None:
    truth = root_relative(random_hands(0), HAND21.root)
    valid = np.ones((5, 21), bool)
    np.testing.assert_allclose(scale_to_bones(truth * 0.4, truth, valid), truth)
    assert value("mpjpe_bone_scaled_mm", compare(truth * 0.4 + 3, truth)) == pytest.approx(0)
    # A bone with an unlabelled end must not enter either mean.
    valid[:, HAND21.index("thumb_tip")] = False
    broken = truth.copy()
    broken[:, HAND21.index("thumb_tip")] = 9.0
    tip = HAND21.index("thumb_tip")
    scaled = scale_to_bones(truth * 0.4, broken, valid)
    np.testing.assert_allclose(np.delete(scaled, tip, 1), np.delete(truth, tip, 1))


def test_all_joints_in_one_point_do_not_divide_by_zero() -> None:
    truth = random_hands(0)
    pair = compare(np.zeros_like(truth), truth)
    spread = joint_errors(truth, truth.mean(1, keepdims=True)).mean() * 1000
    assert value("pa_mpjpe_rigid_mm", pair) == pytest.approx(spread)
    assert np.isfinite(value("mpjpe_bone_scaled_mm", pair))


def test_the_two_averagings_differ_as_defined() -> None:
    values = np.array([[1.0, 10.0], [3.0, 99.0]])
    valid = np.array([[True, True], [True, False]])
    assert average(values, valid, "micro") == pytest.approx(14 / 3)
    assert average(values, valid, "joint") == pytest.approx((2 + 10) / 2)
    np.testing.assert_allclose(per_sample(values, valid), [5.5, 3.0])
    assert np.isnan(per_sample(values, np.zeros((2, 2), bool))).all()


def test_a_joint_that_never_counts_is_left_out_of_the_joint_average() -> None:
    values = np.array([[1.0, np.nan]])
    assert average(values, np.array([[True, False]]), "joint") == 1.0


def test_bootstrap_agrees_with_the_normal_theory() -> None:
    random = np.random.default_rng(0)
    values = random.normal(10, 2, (4000, 1))
    valid = np.ones_like(values, bool)
    low, high = bootstrap_interval(values, valid, "micro")
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_bootstrap_resamples_samples_not_joints() -> None:
    # Every joint of a sample has the sample's value: 21 times as many numbers, no more knowledge.
    one = np.random.default_rng(0).normal(10, 2, (200, 1))
    valid = np.ones((200, 1), bool)
    many = np.repeat(one, 21, 1)
    assert bootstrap_interval(many, np.repeat(valid, 21, 1), "micro") == pytest.approx(
        bootstrap_interval(one, valid, "micro")
    )


def test_bootstrap_is_repeatable_and_follows_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=(50, 21))
    valid = np.ones_like(values, bool)
    first = bootstrap_interval(values, valid, "joint", seed=1)
    assert bootstrap_interval(values, valid, "joint", seed=1) == first
    assert bootstrap_interval(values, valid, "joint", seed=2) != first
    wide = bootstrap_interval(values, valid, "joint", seed=1, level=0.99)
    assert wide[0] < first[0] < first[1] < wide[1]


def test_every_metric_says_what_it_is() -> None:
    for name, metric in METRICS.items():
        assert metric.id == name
        assert metric.definition.endswith(".")
