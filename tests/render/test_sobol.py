"""Sobol points by sample number: scipy's own, in any order, and evener than independent draws."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from mano_assets.errors import InputError
from render.orientations import NUM_UNIFORMS, UniformView, orientation
from render.sobol import scrambling, sobol_point


def sequence(seed: int, name: str, dimensions: int, count: int) -> np.ndarray:
    """The first points as scipy draws them in one go; the count a power of two."""
    return qmc.Sobol(dimensions, rng=scrambling(seed, name)).random(count)


def points(seed: int, name: str, dimensions: int, count: int) -> np.ndarray:
    return np.array([sobol_point(seed, name, dimensions, index) for index in range(count)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2047), min_size=1, max_size=20), st.sampled_from([1, 4, 9]))
def test_points_are_scipy_s_in_any_order(indices: list[int], dimensions: int):
    expected = sequence(3, "view", dimensions, 2048)
    for index in indices:
        np.testing.assert_array_equal(sobol_point(3, "view", dimensions, index), expected[index])


def test_a_far_point_is_the_one_that_drawing_all_before_it_leads_to():
    engine = qmc.Sobol(4, rng=scrambling(0, "view"))
    engine.random(1)
    engine.random(879_999)
    np.testing.assert_array_equal(sobol_point(0, "view", 4, 880_000), engine.random(1)[0])
    assert not np.array_equal(sobol_point(0, "view", 4, 0), sobol_point(0, "view", 4, 880_000))


def test_another_process_draws_the_same_point():
    draws = "print(sobol_point(7, 'view', 5, 12345).tobytes().hex())"
    code = f"from render.sobol import sobol_point; {draws}"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    sobol_point(7, "view", 5, 20_000)
    assert there.stdout.strip() == sobol_point(7, "view", 5, 12345).tobytes().hex()


def test_threads_do_not_disturb_each_other():
    expected = sequence(1, "view", 4, 1024)
    order = np.random.default_rng(0).permutation(1024)
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda index: sobol_point(1, "view", 4, int(index)), order))
    np.testing.assert_array_equal(drawn, expected[order])


def test_a_point_may_be_changed_by_its_owner():
    first = sobol_point(2, "view", 4, 0)
    kept = first.copy()
    first[:] = -1
    np.testing.assert_array_equal(sobol_point(2, "view", 4, 0), kept)


def test_seeds_and_names_have_sequences_of_their_own():
    one = sobol_point(0, "view", 4, 5)
    for other in (sobol_point(1, "view", 4, 5), sobol_point(0, "pose", 4, 5)):
        assert not np.array_equal(one, other)


@pytest.mark.parametrize("index", [-1, 2**30])
def test_a_point_that_is_not_there_is_named(index: int):
    with pytest.raises(InputError, match=f"index: is {index}, expected a sample number from 0 to"):
        sobol_point(0, "view", 4, index)


def test_the_first_4096_points_are_balanced_on_every_axis():
    drawn = points(0, "view", 4, 4096)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    # Balance: every 4,096th of each axis holds one point.
    for axis in drawn.T:
        np.testing.assert_array_equal(np.sort((axis * 4096).astype(int)), np.arange(4096))


def test_the_discrepancy_is_far_below_that_of_random_points():
    even = qmc.discrepancy(points(0, "view", NUM_UNIFORMS, 4096))
    rng = np.random.default_rng(0)
    uneven = [qmc.discrepancy(rng.random((4096, NUM_UNIFORMS))) for _ in range(3)]
    assert even < 0.05 * min(uneven)


def cap_count_variance(uniforms: np.ndarray) -> float:
    """Variance of how many orientations lie within 40 degrees of one, over that of chance."""
    turns = orientation(UniformView(), uniforms).reshape(-1, 9)
    centres = orientation(UniformView(), np.random.default_rng(9).random((400, NUM_UNIFORMS)))
    # The trace of A'B is 1 + 2 cos of the angle between A and B.
    near = centres.reshape(-1, 9) @ turns.T > 1 + 2 * np.cos(np.deg2rad(40))
    angle = np.deg2rad(40)
    share = (angle - np.sin(angle)) / np.pi
    return float(np.var(near.sum(1)) / (len(turns) * share * (1 - share)))


def test_orientations_of_sobol_points_cover_rotations_more_evenly():
    rng = np.random.default_rng(0)
    even = [cap_count_variance(points(seed, "view", NUM_UNIFORMS, 1024)) for seed in range(4)]
    uneven = [cap_count_variance(rng.random((1024, NUM_UNIFORMS))) for _ in range(4)]
    assert 0.7 < np.mean(uneven) < 1.4
    assert max(even) < 0.5 * min(uneven)


def empty_cells(first: np.ndarray, second: np.ndarray) -> int:
    return int((np.histogram2d(first, second, 4, [[0, 1], [0, 1]])[0] == 0).sum())


def test_coordinates_of_one_point_are_independent_and_those_of_two_names_are_not():
    one, other = (points(0, name, 8, 1024) for name in ("view", "pose"))
    assert all(empty_cells(one[:, a], one[:, b]) == 0 for a, b in combinations(range(8), 2))
    # Why the docstring asks for one point a sample.
    assert all(empty_cells(one[:, axis], other[:, axis]) == 12 for axis in range(8))
