"""Where the hand stands, against a general solver."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mano_assets.hand import Hand
from render.placement import CLEARANCE_M, NEAREST_JOINT_M, place_hand

SIZE = 128


def camera(focal_over_width: float) -> np.ndarray:
    focal = focal_over_width * SIZE
    return np.array([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1.0]])


def turned(hand: Hand, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints of some pose in some orientation."""
    rng = np.random.default_rng(seed)
    orient = Rotation.random(random_state=rng).as_rotvec()
    return hand.posed(
        orient, rng.normal(0, 0.2, 45), np.zeros(10), np.zeros(3), wrist=rng.normal(0, 0.4, 3)
    )


def box_px(joints_m: np.ndarray, k: np.ndarray) -> tuple[float, np.ndarray]:
    """Longer side, and centre off the principal point."""
    homogeneous = joints_m @ k.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    low, high = pixels.min(0), pixels.max(0)
    return float((high - low).max()), (low + high) / 2 - k[:2, 2]


def by_least_squares(
    joints_m: np.ndarray, k: np.ndarray, extent_px: float, shift_px: np.ndarray
) -> np.ndarray:
    """The translation that an optimiser finds, from a hand far off on the axis."""

    def residuals(unknown: np.ndarray) -> np.ndarray:
        extent, centre = box_px(np.add(joints_m, [*unknown[:2], np.exp(unknown[2])]), k)
        return np.array([extent - extent_px, *(centre - shift_px)])

    start = [*-joints_m[:, :2].mean(0), np.log(0.3 + k[0, 0] * 0.2 / extent_px)]
    found = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=500)
    assert np.abs(found.fun).max() < 1e-6
    return np.array([*found.x[:2], np.exp(found.x[2])])


@pytest.mark.parametrize("seed", range(12))
def test_a_hand_stands_where_an_optimiser_puts_it(hand: Hand, seed: int):
    vertices, joints = turned(hand, seed)
    rng = np.random.default_rng(seed + 100)
    k, extent = camera(rng.uniform(1.5, 3)), rng.uniform(0.3, 0.6) * SIZE
    shift = rng.uniform(-0.1, 0.1, 2) * SIZE
    expected = by_least_squares(joints, k, extent, shift)
    np.testing.assert_allclose(place_hand(vertices, joints, k, extent, shift), expected, atol=1e-7)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 999),
    focal_over_width=st.floats(0.3, 5),
    share=st.floats(0.05, 2),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
)
def test_the_hand_is_as_large_as_asked_or_as_near_as_it_may_be(
    hand: Hand, seed: int, focal_over_width: float, share: float, shift: tuple[float, float]
):
    vertices, joints = turned(hand, seed)
    k, shift_px = camera(focal_over_width), np.array(shift) * SIZE
    translation = place_hand(vertices, joints, k, share * SIZE, shift_px)
    extent, centre = box_px(joints + translation, k)
    np.testing.assert_allclose(centre, shift_px, atol=1e-4)
    room = min(
        (joints + translation)[:, 2].min() - NEAREST_JOINT_M,
        (vertices + translation)[:, 2].min() - CLEARANCE_M,
    )
    assert room > -1e-12
    assert extent == pytest.approx(share * SIZE, abs=1e-3) or (
        extent < share * SIZE and room < 1e-12
    )


def test_an_arm_towards_the_camera_keeps_clear_of_it(hand: Hand):
    # MANO's forearm points along x: turned into the camera's plane, away, and into the lens.
    towards = Rotation.from_euler("y", 90, degrees=True).as_rotvec()
    vertices, joints = hand.posed(towards, np.zeros(45), np.zeros(10), np.zeros(3))
    assert vertices[:, 2].min() < joints[:, 2].min() - 0.05
    k, shift = camera(1.2), np.zeros(2)
    near = place_hand(vertices, joints, k, 2.0 * SIZE, shift)
    assert (vertices + near)[:, 2].min() == pytest.approx(CLEARANCE_M)
    extent = box_px(joints + near, k)[0]
    far = place_hand(vertices, joints, k, extent / 2, shift)
    assert box_px(joints + far, k)[0] == pytest.approx(extent / 2, abs=1e-4)
    assert far[2] > near[2]
