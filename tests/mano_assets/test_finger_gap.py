import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.geometry.finger_gap import finger_gap_m, finger_surfaces
from mano_assets.geometry.surface_patches import triangle_bones
from mano_assets.geometry.triangle_distance import squared_distance
from mano_assets.hand import Hand
from mano_assets.joint_limits import clamp, limits_rad
from mano_assets.skeleton import FINGERS, MANO16

FIRST, SECOND = (0, 1, 2), (3, 4, 5)


def posed(hand: Hand, angles_rad: np.ndarray) -> np.ndarray:
    pose = angles_to_pose(angles_rad, joint_frames(hand.arrays["J"]))
    zeros = np.zeros((len(pose), 3))
    betas = np.zeros((len(pose), 10))
    return hand.posed(zeros, pose[:, 3:], betas, zeros, wrist=pose[:, :3])[0]


def random_angles(count: int, seed: int) -> np.ndarray:
    limits = limits_rad("active")
    rng = np.random.default_rng(seed)
    return clamp(rng.uniform(limits[..., 0], limits[..., 1], (count, 16, 3)), "active")


def by_optimisation(points: np.ndarray) -> float:
    """Distance of two triangles as a convex problem over their barycentric coordinates."""
    sides = np.stack([points[1] - points[0], points[2] - points[0]])
    others = np.stack([points[4] - points[3], points[5] - points[3]])

    def squared(shares: np.ndarray) -> float:
        apart = points[0] + shares[:2] @ sides - points[3] - shares[2:] @ others
        return float(apart @ apart)

    inside = [
        {"type": "ineq", "fun": lambda shares: 1 - shares[0] - shares[1]},
        {"type": "ineq", "fun": lambda shares: 1 - shares[2] - shares[3]},
    ]
    found = minimize(
        squared,
        np.full(4, 1 / 3),
        method="SLSQP",
        bounds=[(0, 1)] * 4,
        constraints=inside,
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return float(np.sqrt(max(found.fun, 0)))


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_distance_of_triangles_is_the_least_over_their_points(shift: float):
    rng = np.random.default_rng(0)
    for _ in range(60):
        points = rng.normal(size=(6, 3))
        points[3:, rng.integers(3)] += shift
        found = np.sqrt(squared_distance(points, FIRST, SECOND))
        assert found == pytest.approx(by_optimisation(points), abs=2e-4)


def test_distance_of_parallel_and_degenerate_triangles():
    flat = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0.0]])
    above = np.concatenate([flat, np.add(flat, [1, 1, 2])])
    assert squared_distance(above, FIRST, SECOND) == pytest.approx(4)
    beside = np.concatenate([flat, np.add(flat, [5, 0, 0])])
    assert squared_distance(beside, FIRST, SECOND) == pytest.approx(1)
    needle = np.concatenate([flat, [[1, 1, 3], [1, 1, 5], [1, 1, 4]]])
    assert squared_distance(needle, FIRST, SECOND) == pytest.approx(9)
    point = np.concatenate([flat, [[5, 5, 0]] * 3])
    assert squared_distance(point, FIRST, SECOND) == pytest.approx(18)
    assert squared_distance(np.concatenate([flat, flat]), FIRST, SECOND) == 0


def sampled(corners: np.ndarray, spacing_m: float) -> np.ndarray:
    """Points on triangles [N, 3, 3], no further apart than the spacing."""
    points = []
    for triangle in corners:
        longest = max(np.linalg.norm(triangle[k] - triangle[k - 1]) for k in range(3))
        steps = int(np.ceil(longest / spacing_m))
        shares = np.array([(i, j) for i in range(steps + 1) for j in range(steps + 1 - i)]) / steps
        points.append(triangle[0] + shares @ (triangle[1:] - triangle[0]))
    return np.concatenate(points)


def gap_by_sampling_m(hand: Hand, vertices: np.ndarray, spacing_m: float, most_m: float) -> float:
    """Smallest distance between samples of different fingers, infinite beyond the most."""
    bones = triangle_bones(hand)
    trees = []
    for finger in FINGERS:
        outer = np.isin(bones, MANO16.chain(finger)[1:])
        trees.append(cKDTree(sampled(vertices[hand.triangles[outer]], spacing_m)))
    return min(
        float(first.query(second.data, distance_upper_bound=most_m)[0].min())
        for number, first in enumerate(trees)
        for second in trees[:number]
    )


def test_the_gap_is_that_of_densely_sampled_skins(hand: Hand):
    surfaces = finger_surfaces(hand)
    clear = 0
    for vertices in posed(hand, random_angles(6, 3)):
        found = finger_gap_m(surfaces, vertices)
        by_samples = gap_by_sampling_m(hand, vertices, 0.0005, found + 0.001)
        # Samples overestimate, by a part of their spacing.
        assert by_samples - 0.0003 <= found <= by_samples + 1e-12
        clear += found > 0
    assert 2 <= clear < 6


def test_fingers_through_each_other_have_no_gap(hand: Hand):
    angles = np.zeros((1, 16, 3))
    angles[0, MANO16.index("index_mcp"), 1] = -0.5
    angles[0, MANO16.index("middle_mcp"), 1] = 0.3
    assert finger_gap_m(finger_surfaces(hand), posed(hand, angles)[0]) == 0


def test_spreading_the_fingers_widens_the_gap(hand: Hand):
    surfaces = finger_surfaces(hand)
    angles = np.zeros((4, 16, 3))
    for finger, share in (("index", 1.0), ("middle", 0.3), ("ring", -0.4), ("little", -1.0)):
        angles[:, MANO16.index(f"{finger}_mcp"), 1] = share * np.linspace(0, 0.4, 4)
    gaps = [finger_gap_m(surfaces, vertices) for vertices in posed(hand, angles)]
    assert (np.diff(gaps) > 0.001).all()


def test_the_gap_does_not_depend_on_the_frame_and_keeps_the_scale(hand: Hand):
    surfaces = finger_surfaces(hand)
    vertices = posed(hand, np.zeros((1, 16, 3)))[0]
    moved = vertices @ Rotation.from_rotvec([0.3, -1.0, 2.0]).as_matrix() + [0.1, -0.2, 0.7]
    gap = finger_gap_m(surfaces, vertices)
    assert gap > 0.001
    assert finger_gap_m(surfaces, moved) == pytest.approx(gap, abs=1e-12)
    assert finger_gap_m(surfaces, 2 * vertices) == pytest.approx(2 * gap, abs=1e-12)
    assert finger_gap_m(surfaces, np.asfortranarray(vertices)) == gap


def test_only_the_outer_two_phalanges_count(hand: Hand):
    surfaces = finger_surfaces(hand)
    bones = triangle_bones(hand)
    outer = [joint for finger in FINGERS for joint in MANO16.chain(finger)[1:]]
    expected = {tuple(corners) for corners in hand.triangles[np.isin(bones, outer)]}
    assert {tuple(corners) for corners in surfaces.triangles} == expected
