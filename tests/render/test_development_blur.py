"""Defocus and motion against direct sums, and what blur must leave as it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve as direct

from render.development.compositing import over, with_exact_coverage
from render.development.foreground_blur import LARGEST_RADIUS_PX, defocus_foreground
from render.development.point_spread import (
    circle_of_confusion,
    combined,
    convolve,
    disc,
    line,
)


def blob(size: int = 60, seed: int = 0) -> np.ndarray:
    """A coloured patch with soft edges in the middle, premultiplied."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    alpha = np.clip(12 - np.hypot(x * 0.7, y), 0, 1)
    rgb = rng.uniform(0.1, 3.0, (size, size, 3))
    return np.concatenate([rgb * alpha[..., None], alpha[..., None]], -1).astype(np.float32)


def by_hand(image: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.stack(
        [
            direct(image[..., i].astype(float), spread.astype(float), mode="nearest")
            for i in range(image.shape[-1])
        ],
        -1,
    )


def test_circle_of_confusion_of_a_known_lens():
    # 50 mm f/2 on a 36 mm frame of 3600 px, focused at 1 m: a far point is f A / s wide, 1.25 mm
    # for a lens whose image is at 50 mm.
    wide = circle_of_confusion(np.array([1.0, np.inf, 0.5]), 1.0, 25.0, 5000.0)
    np.testing.assert_allclose(wide, [0.0, 125.0, 125.0])


@pytest.mark.parametrize("radius_px", [0.0, 0.3, 0.5, 1.0, 2.7, 6.0])
def test_discs_are_even_round_and_of_the_right_area(radius_px: float):
    spread = disc(radius_px)
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(spread, spread.T)
    np.testing.assert_array_equal(spread, spread[::-1])
    if radius_px <= 0.5:
        assert spread.shape == (1, 1)
    else:
        # The height is that of a disc of this radius.
        assert 1 / spread.max() == pytest.approx(np.pi * radius_px**2, rel=0.15)
        reach = len(spread) // 2
        x = np.arange(-reach, reach + 1)
        # An even disc's second moment is r^2 / 4 along each axis, a pixel's own 1/12.
        moment = (spread * x**2).sum()
        assert moment == pytest.approx(
            radius_px**2 / 4 + 1 / 12, rel=0.25 if radius_px < 2 else 0.1
        )


@settings(max_examples=25)
@given(st.floats(0.5, 20), st.floats(0, np.pi))
def test_lines_are_centred_and_of_the_right_length(length_px: float, direction_rad: float):
    spread = line(length_px, direction_rad).astype(float)
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(spread, spread[::-1, ::-1], atol=1e-6)
    reach = len(spread) // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = x * np.cos(direction_rad) + y * np.sin(direction_rad)
    across = y * np.cos(direction_rad) - x * np.sin(direction_rad)
    # An even line's second moment is L^2 / 12; bilinear sharing adds at most 1/4 px^2.
    assert length_px**2 / 12 * 0.9 <= (spread * along**2).sum() <= length_px**2 / 12 + 0.26
    assert (spread * across**2).sum() <= 0.26


@pytest.mark.parametrize("spread", [disc(0), disc(3.2), line(7.0, 0.4), line(0.9, 2.0)])
def test_convolution_is_the_direct_sum(spread: np.ndarray):
    image = blob(41)
    np.testing.assert_allclose(convolve(image, spread), by_hand(image, spread), atol=2e-6)


def test_spreads_one_after_another():
    image, first, second = blob(41), disc(2.1), line(5.0, 1.0)
    one = convolve(convolve(image, first), second)[10:-10, 10:-10]
    np.testing.assert_allclose(
        convolve(image, combined(first, second))[10:-10, 10:-10], one, atol=1e-5
    )


def test_motion_keeps_the_middle_and_the_energy():
    image = blob()
    moved = convolve(image, line(9.0, 0.7))
    np.testing.assert_allclose(moved.sum((0, 1)), image.sum((0, 1)), rtol=1e-4)
    y, x = np.mgrid[:60, :60]
    for axis in (x, y):
        for channel in range(4):
            before = (image[..., channel] * axis).sum() / image[..., channel].sum()
            after = (moved[..., channel] * axis).sum() / moved[..., channel].sum()
            assert after == pytest.approx(before, abs=0.02)


def test_a_sun_does_not_spoil_the_shadows():
    image = np.full((64, 64, 3), 0.1, np.float32)
    image[32, 32] = 1e6
    spread = convolve(image, disc(5.0))
    np.testing.assert_allclose(spread[:20], 0.1, atol=2e-3)
    assert spread[32, 32].min() > 5


@pytest.mark.parametrize("radius_px", [0.75, 1.5, 4.0, LARGEST_RADIUS_PX])
def test_even_depth_gives_the_convolution_with_its_disc(radius_px: float):
    image = blob()
    depth = np.where(image[..., 3] > 0.5, 2 * radius_px, np.nan)
    found = defocus_foreground(image, depth)
    expected = by_hand(image, disc(radius_px))
    # Beyond the border the one sees nothing, the other more of the same.
    inner = slice(12, -12)
    np.testing.assert_allclose(found[inner, inner], expected[inner, inner], atol=1e-5)


def test_in_focus_nothing_changes():
    image = blob()
    np.testing.assert_array_equal(defocus_foreground(image, np.full((60, 60), 0.9)), image)
    empty = np.zeros((8, 8, 4), np.float32)
    np.testing.assert_array_equal(defocus_foreground(empty, np.full((8, 8), np.nan)), empty)


def test_where_depths_meet_nothing_shines_through_and_the_sharp_part_stays():
    image = np.zeros((60, 60, 4), np.float32)
    image[10:50, 10:50] = [0.2, 0.4, 0.6, 1.0]
    depth = np.full((60, 60), np.nan)
    depth[10:50, 10:30], depth[10:50, 30:50] = 0.0, 8.0
    found = defocus_foreground(image, depth)
    np.testing.assert_allclose(found[16:44, 12:44], image[16:44, 12:44], atol=1e-5)
    assert 0.2 < found[30, 49, 3] < 0.8
    np.testing.assert_allclose(found[30, 10, 3], 1.0)
    np.testing.assert_allclose(found[30, 9, 3], 0.0)
    # Colour goes with coverage.
    seen = found[found[..., 3] > 1e-3]
    np.testing.assert_allclose(seen[:, :3] / seen[:, 3:], [[0.2, 0.4, 0.6]] * len(seen), rtol=1e-4)


def test_discs_are_cut_at_the_largest():
    image = blob()
    wide, cut = (
        defocus_foreground(image, np.full((60, 60), 2 * radius))
        for radius in (3 * LARGEST_RADIUS_PX, LARGEST_RADIUS_PX)
    )
    np.testing.assert_array_equal(wide, cut)


def test_exact_coverage_with_colours_of_the_inside():
    exact = blob()
    exact[..., :3] = [0.3, 0.2, 0.1] * exact[..., 3:]
    noisy = exact.copy()
    edge = (exact[..., 3] > 0) & (exact[..., 3] < 1)
    rng = np.random.default_rng(0)
    # A count of few: all of a pixel or nothing.
    noisy[edge] = [0.3, 0.2, 0.1, 1.0] * rng.integers(0, 2, (edge.sum(), 1))
    mended = with_exact_coverage(noisy, exact[..., 3])
    np.testing.assert_allclose(mended, exact, atol=1e-6)


def test_the_inside_is_left_as_it_is():
    image = blob()
    mended = with_exact_coverage(image, image[..., 3])
    inside = image[..., 3] == 1
    np.testing.assert_array_equal(mended[inside], image[inside])
    np.testing.assert_array_equal(mended[..., 3], image[..., 3])
    assert with_exact_coverage(np.zeros((9, 9, 4)), np.ones((9, 9))).max() == 0


def test_over_adds_what_shines_through():
    image, behind = blob(), np.full((60, 60, 3), 0.7, np.float32)
    expected = image[..., :3] + (1 - image[..., 3:]) * 0.7
    np.testing.assert_allclose(over(image, behind), expected, atol=1e-6)
    image[0, 0] = [-1, 0.5, np.nan, 1.0]
    np.testing.assert_array_equal(over(image, behind)[0, 0], [0, 0.5, np.nan])
