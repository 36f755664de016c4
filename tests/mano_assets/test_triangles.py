import subprocess
import sys
from fractions import Fraction
from itertools import combinations, permutations, product

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from mano_assets.geometry.triangles import (
    crossing_pairs,
    moved_inward,
    side_of_plane,
    triangle_boxes,
    triangles_cross,
)

FIRST, SECOND = (0, 1, 2), (3, 4, 5)


def exact(point: np.ndarray) -> list:
    # Whole numbers stay such: Python's are exact as well, and quicker.
    return [int(value) if value == int(value) else Fraction(float(value)) for value in point]


def determinant(u: list, v: list, w: list) -> Fraction | int:
    return (
        u[0] * (v[1] * w[2] - v[2] * w[1])
        - u[1] * (v[0] * w[2] - v[2] * w[0])
        + u[2] * (v[0] * w[1] - v[1] * w[0])
    )


def minus(a: list, b: list) -> list:
    return [x - y for x, y in zip(a, b, strict=True)]


def exact_side(points: np.ndarray) -> int:
    a, b, c, d = (exact(point) for point in points)
    value = determinant(minus(a, d), minus(b, d), minus(c, d))
    return (value > 0) - (value < 0)


def pierces(start: list, end: list, a: list, b: list, c: list) -> bool:
    """Whether a segment passes through the inside of a triangle, ends off its plane: by solving
    start + t (end - start) = a + u (b - a) + v (c - a) with Cramer's rule."""
    way, ab, ac, from_a = minus(start, end), minus(b, a), minus(c, a), minus(start, a)
    whole = determinant(way, ab, ac)
    sign = 1 if whole > 0 else -1
    t = sign * determinant(from_a, ab, ac)
    u = sign * determinant(way, from_a, ac)
    v = sign * determinant(way, ab, from_a)
    return whole != 0 and 0 < t < abs(whole) and u > 0 and v > 0 and u + v < abs(whole)


def exactly_cross(points: np.ndarray) -> bool:
    corners = [exact(point) for point in points]
    return any(
        pierces(edges[k], edges[(k + 1) % 3], *faces)
        for edges, faces in ((corners[:3], corners[3:]), (corners[3:], corners[:3]))
        for k in range(3)
    )


def tangled(rng: np.random.Generator, count: int, kind: str) -> np.ndarray:
    """A number of points, by how they lie to each other."""
    points = rng.normal(0, 0.01, (count, 3)) + rng.normal(0, 0.5, 3)
    if kind == "grid":
        points = rng.integers(0, 3, (count, 3)).astype(float)
    elif kind == "coarse grid far away":
        points = rng.integers(0, 3, (count, 3)) * 2.0**-30 + 1 / 3
    elif kind == "nearly in the first three's plane":
        shares = rng.dirichlet([1, 1, 1], count - 3) * 3 - 2 / 3
        points[:3] = rng.normal(size=(3, 3))
        points[3:] = shares @ points[:3]
    elif kind == "one on an edge":
        points[3] = points[0] + rng.random() * (points[1] - points[0])
    elif kind == "shared corners":
        points[3:5] = points[rng.permutation(3)[:2]]
    return points


KINDS = (
    "anywhere",
    "grid",
    "coarse grid far away",
    "nearly in the first three's plane",
    "one on an edge",
    "shared corners",
)


@pytest.mark.parametrize("kind", KINDS)
def test_sides_are_those_of_exact_arithmetic(kind: str):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        points = tangled(rng, 4, kind) if kind != "shared corners" else tangled(rng, 5, kind)[:4]
        found.append(side_of_plane(points, 0, 1, 2, 3))
        assert found[-1] == exact_side(points)
    assert {-1, 1} <= set(found) or kind == "shared corners"


def test_rounding_would_decide_some_of_these_wrongly():
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(400):
        points = tangled(rng, 4, "nearly in the first three's plane")
        a, b, c = points[:3] - points[3]
        wrong += int(np.sign(a @ np.cross(b, c))) != exact_side(points)
    assert wrong > 20


@given(st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=12, max_size=12))
@settings(max_examples=200, deadline=None)
def test_sides_of_any_points(values: list[float]):
    # No product of three may underflow: coordinates are zero or some hundredth of a nanometre.
    points = np.array([0 if abs(value) < 1e-12 else value for value in values], float)
    points = points.reshape(4, 3)
    assert side_of_plane(points, 0, 1, 2, 3) == exact_side(points)


@pytest.mark.parametrize("kind", KINDS)
def test_crossing_is_that_of_exact_arithmetic(kind: str):
    rng = np.random.default_rng(3)
    found = []
    for _ in range(600):
        points = tangled(rng, 6, kind)
        found.append(triangles_cross(points, FIRST, SECOND))
        assert found[-1] == exactly_cross(points)
    # Triangles with a common edge do not cross, and those in a plane only by rounding.
    assert any(found) or kind == "shared corners"
    assert not all(found)


def test_the_order_of_triangles_and_corners_does_not_matter():
    rng = np.random.default_rng(4)
    for _ in range(30):
        points = tangled(rng, 6, "grid")
        answers = set()
        for first, second in product(permutations(FIRST), permutations(SECOND)):
            answers |= {triangles_cross(points, first, second)}
            answers |= {triangles_cross(points, second, first)}
        assert len(answers) == 1


FLAT = [[0, 0, 0], [4, 0, 0], [0, 4, 0]]
TOUCHING = {
    "corner on the face": [[1, 1, 0], [1, 1, 3], [2, 1, 3]],
    "corner on an edge": [[2, 0, 0], [2, 0, 3], [3, 0, 3]],
    "corner on a corner": [[0, 0, 0], [0, -1, 3], [-1, 0, 3]],
    "edge in the face": [[1, 1, 0], [2, 1, 0], [1, 1, 3]],
    "common edge": [[0, 0, 0], [4, 0, 0], [1, 1, 3]],
    "same triangle": FLAT,
    "overlapping in a plane": [[1, 1, 0], [5, 1, 0], [1, 5, 0]],
    "edge through an edge": [[2, 0, -1], [2, 0, 1], [2, -3, 0]],
}


@pytest.mark.parametrize("case", TOUCHING)
def test_touching_is_not_crossing(case: str):
    assert not triangles_cross(np.array(FLAT + TOUCHING[case], float), FIRST, SECOND)


def test_the_least_overlap_is_crossing():
    points = np.array(FLAT + TOUCHING["corner on the face"], float)
    points[3, 2] = -1e-300
    assert triangles_cross(points, FIRST, SECOND)


def pairs_of(points: np.ndarray, triangles: np.ndarray, tested: np.ndarray, patch: int) -> set:
    starts = np.append(np.arange(0, len(triangles), patch), len(triangles))
    number = len(starts) - 1
    patch_pairs = np.array([(i, j) for i in range(number) for j in range(i, number)])
    bits = np.packbits(tested, axis=1, bitorder="little")
    found = crossing_pairs(points, triangles, starts, patch_pairs, bits, -1)
    assert len(np.unique(found, axis=0)) == len(found)
    return {(min(pair), max(pair)) for pair in found.tolist()}


@pytest.mark.parametrize("patch", [1, 5, 40])
def test_pairs_of_two_small_meshes_are_those_of_exact_brute_force(patch: int):
    rng = np.random.default_rng(5)
    ball = trimesh.creation.icosphere(subdivisions=1)
    count = len(ball.faces)
    other = ball.vertices * [0.5, 1.2, 0.8] + rng.normal(0, 0.4, 3)
    points = np.round(np.concatenate([ball.vertices, other]) * 2.0**16)
    triangles = np.concatenate([ball.faces, ball.faces + len(ball.vertices)]).astype(np.int64)
    order = rng.permutation(len(triangles))
    triangles = np.ascontiguousarray(triangles[order])
    tested = rng.random((2 * count, 2 * count)) < 0.9
    tested &= tested.T
    expected = {
        (i, j)
        for i, j in combinations(range(2 * count), 2)
        if tested[i, j] and exactly_cross(points[np.r_[triangles[i], triangles[j]]])
    }
    assert len(expected) > 20
    assert pairs_of(points, triangles, tested, patch) == expected


def test_boxes_hold_their_triangles():
    rng = np.random.default_rng(6)
    points, triangles = rng.normal(size=(30, 3)), rng.integers(0, 30, (40, 3))
    boxes, patches = triangle_boxes(points, triangles, np.array([0, 7, 40]))
    corners = points[triangles]
    np.testing.assert_array_equal(boxes, np.concatenate([corners.min(1), corners.max(1)], 1))
    np.testing.assert_array_equal(patches[0, :3], corners[:7].min((0, 1)))
    np.testing.assert_array_equal(patches[1, 3:], corners[7:].max((0, 1)))


def test_a_ball_moved_inward_is_a_smaller_ball():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.02)
    moved = moved_inward(np.asarray(ball.vertices), ball.faces.astype(np.int64), 0.003)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 0.017, atol=2e-6)


def test_vertices_move_against_the_area_weighted_normal():
    # Two triangles of areas 1 and 2 meet in a right angle along the x axis.
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 4.0]])
    triangles = np.array([[0, 1, 2], [1, 0, 3]])
    normal = (1 * np.array([0, 0, 1]) + 2 * np.array([0, 1, 0])) / np.sqrt(5)
    moved = moved_inward(points, triangles, 0.1)
    np.testing.assert_allclose(moved[0], -0.1 * normal, atol=1e-15)
    np.testing.assert_allclose(moved[2], [0, 2, -0.1], atol=1e-15)


def test_the_compiler_is_loaded_only_when_it_is_needed():
    modules = (
        "mano_assets.hand, mano_assets.geometry.self_intersection, mano_assets.geometry.finger_gap"
    )
    code = f"import sys, {modules}; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
