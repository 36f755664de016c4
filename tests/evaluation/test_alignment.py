"""Alignments against scipy, written out sample by sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from evaluation.alignment import (
    procrustes_align,
    procrustes_residuals,
    root_relative,
    scale_to_bones,
)
from mano_assets.skeleton import HAND21

ALL = np.ones((5, 21), bool)


def random_hands(seed: int, count: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (count, 21, 3)) + np.array([0, 0, 0.6])


def proper(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Kabsch with proper rotations by scipy, then the closed form for the scale."""
    a, b = points - points.mean(0), target - target.mean(0)
    turned = Rotation.align_vectors(b, a)[0].apply(a)
    return turned * (turned * b).sum() / np.square(turned).sum() + target.mean(0)


def official(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What FreiHAND's script does: Frobenius norms plus 1e-8, then orthogonal Procrustes."""
    a, b = points - points.mean(0), target - target.mean(0)
    norm_a, norm_b = np.linalg.norm(a) + 1e-8, np.linalg.norm(b) + 1e-8
    matrix, scale = orthogonal_procrustes(b / norm_b, a / norm_a)
    return (a / norm_a) @ matrix.T * scale * norm_b + target.mean(0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mirror", [1, -1])
def test_both_alignments_equal_scipy(seed: int, mirror: int) -> None:
    truth = random_hands(seed)
    random = np.random.default_rng(seed + 100)
    turn = Rotation.random(rng=random).as_matrix()
    noise = random.normal(0, 0.004, truth.shape)
    predicted = (truth * [mirror, 1, 1]) @ turn.T * 1.7 + noise + [0.3, -1, 2]
    rigid = procrustes_align(predicted, truth, ALL)
    reflecting = procrustes_align(predicted, truth, ALL, reflections=True)
    for hand in range(5):
        np.testing.assert_allclose(rigid[hand], proper(predicted[hand], truth[hand]), atol=1e-9)
        expected = official(predicted[hand], truth[hand])
        np.testing.assert_allclose(reflecting[hand], expected, atol=1e-14)
    errors = [np.linalg.norm(found - truth, axis=-1).mean() for found in (rigid, reflecting)]
    assert errors[1] < 0.006
    assert (errors[0] > 0.02) == (mirror < 0)


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
    predicted = truth @ turn.T * scale + np.array(shift)
    np.testing.assert_allclose(procrustes_align(predicted, truth, ALL[:2]), truth, atol=1e-9)


def test_joints_that_do_not_count_take_no_part() -> None:
    truth, random = random_hands(0), np.random.default_rng(1)
    predicted = truth + random.normal(0, 0.01, truth.shape)
    valid = random.uniform(size=(5, 21)) > 0.3
    junk = np.where(valid[..., None], predicted, 1e6)
    nothing = np.where(valid[..., None], truth, np.nan)
    found = procrustes_align(junk, nothing, valid)
    for hand in range(5):
        used = valid[hand]
        expected = proper(predicted[hand, used], truth[hand, used])
        np.testing.assert_allclose(found[hand, used], expected, atol=1e-9)


@pytest.mark.parametrize("mirror", [1, -1])
def test_residuals_are_those_of_both_alignments(mirror: int) -> None:
    truth, random = random_hands(3), np.random.default_rng(4)
    predicted = 2 * truth * [1, mirror, 1] + random.normal(0, 0.02, truth.shape)
    valid = random.uniform(size=(5, 21)) > 0.2
    as_it_is, mirrored = procrustes_residuals(predicted, truth, valid)
    for hand in range(5):
        points, target = predicted[hand, valid[hand]], truth[hand, valid[hand]]
        for found, tried in ((as_it_is, points), (mirrored, points * [-1, 1, 1])):
            left = np.square(proper(tried, target) - target).sum(-1).mean()
            assert found[hand] == pytest.approx(np.sqrt(left), rel=1e-6)


def test_all_joints_in_one_point_do_not_divide_by_zero() -> None:
    truth = random_hands(0)
    for reflections in (False, True):
        found = procrustes_align(np.zeros_like(truth), truth, ALL, reflections=reflections)
        middle = np.broadcast_to(truth.mean(1, keepdims=True), truth.shape)
        np.testing.assert_allclose(found, middle, atol=1e-12)
    residuals = procrustes_residuals(np.zeros_like(truth), truth, ALL)
    spread = np.sqrt(np.square(truth - truth.mean(1, keepdims=True)).sum(-1).mean(-1))
    for found in residuals:
        np.testing.assert_allclose(found, spread)


def test_bone_scale_is_given() -> None:
    truth = root_relative(random_hands(0), HAND21.root)
    np.testing.assert_allclose(scale_to_bones(truth * 0.4, truth, ALL), truth)
    # A bone with an unlabelled end must not enter either mean.
    tip = HAND21.index("thumb_tip")
    valid, broken = ALL.copy(), truth.copy()
    valid[:, tip], broken[:, tip] = False, 9.0
    scaled = scale_to_bones(truth * 0.4, broken, valid)
    np.testing.assert_allclose(np.delete(scaled, tip, 1), np.delete(truth, tip, 1))
