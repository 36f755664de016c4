from itertools import product

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation
from test_triangles import exactly_cross
from winding import winding_numbers

from mano_assets.geometry.mesh_crossing import capped, inside, meshes_cross
from mano_assets.hand import Hand

Mesh = tuple[np.ndarray, np.ndarray]


def ball(radius: float = 1.0, centre: tuple = (0, 0, 0), subdivisions: int = 2) -> Mesh:
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return np.asarray(mesh.vertices) + centre, np.asarray(mesh.faces)


def box(size: tuple, centre: tuple = (0, 0, 0)) -> Mesh:
    mesh = trimesh.creation.box(size)
    return np.asarray(mesh.vertices) + centre, np.asarray(mesh.faces)


@pytest.fixture(scope="module")
def hand_mesh(hand: Hand) -> Mesh:
    vertices, _ = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3), "right")
    return vertices, hand.triangles


def test_crossing_is_that_of_exact_brute_force():
    rng = np.random.default_rng(1)
    points, triangles = ball(subdivisions=1)
    found = []
    for _ in range(40):
        others = Rotation.from_rotvec(rng.normal(0, 2, 3)).apply(points * rng.uniform(0.2, 1.2, 3))
        others += rng.normal(0, 1.1, 3)
        # Whole numbers keep the exact arithmetic quick.
        first, second = np.round(points * 2.0**12), np.round(others * 2.0**12)
        corners, other_corners = first[triangles], second[triangles]
        near = [
            (i, j)
            for i, j in product(range(len(triangles)), repeat=2)
            if (corners[i].min(0) <= other_corners[j].max(0)).all()
            and (corners[i].max(0) >= other_corners[j].min(0)).all()
        ]
        expected = any(exactly_cross(np.concatenate([corners[i], second[triangles[j]]]))
                       for i, j in near)  # fmt: skip
        assert meshes_cross(first, triangles, second, triangles) == expected
        assert meshes_cross(second, triangles, first, triangles) == expected
        found.append(expected)
    assert 5 < sum(found) < 35


def test_a_single_crossing_pair_among_many_is_found():
    points, triangles = ball(subdivisions=3)
    needle = np.array([[0.99, 0.01, 0.02], [1.5, 0.01, 0.02], [1.5, 0.02, 0.02]])
    assert meshes_cross(points, triangles, needle, np.array([[0, 1, 2]]))
    assert not meshes_cross(points, triangles, needle + 0.02, np.array([[0, 1, 2]]))


@pytest.mark.parametrize("gap", [2.0**-40, 0.0, -(2.0**-40)])
def test_boxes_side_by_side_cross_only_when_they_overlap(gap: float):
    points, triangles = box((1, 1, 1))
    others, other_triangles = box((1, 0.7, 0.6), (1 + gap, 0.1, 0.05))
    assert meshes_cross(points, triangles, others, other_triangles) == (gap < 0)


def test_one_within_the_other_crosses_nothing_and_is_inside():
    points, triangles = ball()
    others, other_triangles = ball(0.5)
    assert not meshes_cross(points, triangles, others, other_triangles)
    assert inside(points, triangles, others).all()
    assert not inside(others, other_triangles, points).any()


def test_no_triangles_cross_nothing():
    points, triangles = ball()
    assert not meshes_cross(points, triangles, points, np.empty((0, 3), int))


def test_inside_is_where_the_surface_winds(hand_mesh: Mesh):
    points, triangles = hand_mesh
    closed = capped(triangles)
    rng = np.random.default_rng(2)
    queries = points[rng.integers(len(points), size=300)] + rng.normal(0, 0.006, (300, 3))
    winding = winding_numbers(queries, points, closed)
    clear = np.abs(np.abs(winding - 0.5) - 0.5) < 1e-6
    found = inside(points, closed, queries)
    assert clear.sum() > 295
    np.testing.assert_array_equal(found[clear], winding[clear] > 0.5)
    assert 30 < found.sum() < 270
    mirrored = inside(points * [-1, 1, 1], closed, queries * [-1, 1, 1])
    np.testing.assert_array_equal(mirrored, found)


def test_rays_through_corners_and_edges_count_once():
    points, triangles = box((2, 2, 2))
    steps = np.linspace(-1.5, 1.5, 7)
    queries = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    queries = queries[(np.abs(queries) != 1).all(1)]
    queries = np.concatenate([queries, [[0, 0, 0], [1 - 1e-9, 0, 0], [1 + 1e-9, 0, 0]]])
    np.testing.assert_array_equal(inside(points, triangles, queries), (np.abs(queries) < 1).all(1))
    octahedron = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1.0]])
    faces = trimesh.convex.convex_hull(octahedron)
    queries = np.array([[0, 0, 0], [0, 0, -2], [0, 0, 2], [0.5, 0, -2], [0.25, 0.25, 0]])
    found = inside(np.asarray(faces.vertices), np.asarray(faces.faces), queries)
    assert found.tolist() == [True, False, False, False, True]


def test_parts_may_overlap():
    points, triangles = ball()
    others, _ = ball(centre=(0.8, 0, 0))
    both = np.concatenate([points, others])
    faces = np.concatenate([triangles, triangles + len(points)])
    queries = np.array([[0.4, 0, 0], [-0.8, 0, 0], [1.6, 0, 0], [2.0, 0, 0], [0.4, 0, 1.1]])
    assert inside(both, faces, queries).tolist() == [True, True, True, False, False]


def test_caps_close_each_hole(hand_mesh: Mesh):
    points, triangles = hand_mesh
    assert not trimesh.Trimesh(points, triangles, process=False).is_watertight
    closed = trimesh.Trimesh(points, capped(triangles), process=False)
    assert closed.is_volume
    points, triangles = ball()
    np.testing.assert_array_equal(capped(triangles), triangles)
    up = points[triangles].mean(1)[:, 2]
    tube = trimesh.Trimesh(points, capped(triangles[np.abs(up) < 0.6]), process=False)
    assert tube.is_watertight
    assert tube.is_winding_consistent
    assert tube.volume > 0.5 * trimesh.Trimesh(points, triangles).volume
