import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from made_up_mano import random_arrays

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.geometry.self_intersection import (
    CONTACT_M,
    CREASE_M,
    SelfIntersection,
    joined_bones,
    pairs_to_test,
    self_intersection_test,
)
from mano_assets.geometry.surface_patches import FOREARM, triangle_bones
from mano_assets.hand import Hand
from mano_assets.joint_limits import clamp, limits_rad
from mano_assets.skeleton import FINGERS, MANO16

LONG_FINGERS = FINGERS[1:]


@pytest.fixture(scope="module")
def checker(hand: Hand) -> SelfIntersection:
    return self_intersection_test(hand)


def posed(hand: Hand, angles_rad: np.ndarray, betas: np.ndarray | None = None) -> np.ndarray:
    pose = angles_to_pose(angles_rad, joint_frames(hand.arrays["J"]))
    zeros = np.zeros((len(pose), 3))
    betas = np.zeros((len(pose), 10)) if betas is None else betas
    return hand.posed(zeros, pose[:, 3:], betas, zeros, wrist=pose[:, :3])[0]


def random_hands(hand: Hand, count: int, seed: int) -> np.ndarray:
    limits, rng = limits_rad("active"), np.random.default_rng(seed)
    angles = clamp(rng.uniform(limits[..., 0], limits[..., 1], (count, 16, 3)), "active")
    return posed(hand, angles, np.clip(rng.normal(0, 0.8, (count, 10)), -2.5, 2.5))


def pose_of(**degrees: tuple[float, float]) -> np.ndarray:
    """Bend and splay of the named joints, the others straight, [1, 16, 3]."""
    angles = np.zeros((1, 16, 3))
    for joint, bend_and_splay in degrees.items():
        angles[0, MANO16.index(joint), :2] = np.deg2rad(bend_and_splay)
    return angles


def eroded(vertices: np.ndarray, triangles: np.ndarray, depth_m: float) -> np.ndarray:
    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], mesh.face_normals * mesh.area_faces[:, None])
    return vertices - depth_m * normals / np.linalg.norm(normals, axis=1, keepdims=True)


def near_pairs(corners: np.ndarray) -> np.ndarray:
    """Pairs of triangles [F, 3, 3] whose boxes overlap, by a sweep along x, [N, 2]."""
    low, high = corners.min(1), corners.max(1)
    order = np.argsort(low[:, 0])
    ends = np.searchsorted(low[order, 0], high[order, 0], side="right")
    counts = ends - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), counts)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    first, second = order[first], order[second]
    overlap = ((low[first] <= high[second]) & (low[second] <= high[first])).all(1)
    return np.sort(np.stack([first[overlap], second[overlap]], 1), axis=1)


def crossing(edges: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Whether an edge of the first triangles [N, 3, 3] passes through the second: by solving for
    the point where it meets the plane, in plain floating point."""
    crosses = np.zeros(len(edges), dtype=bool)
    ab, ac = faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0]
    for k in range(3):
        start, way = edges[:, k], edges[:, (k + 1) % 3] - edges[:, k]
        system = np.stack([-way, ab, ac], -1)
        solvable = np.abs(np.linalg.det(system)) > 1e-25
        t, u, v = np.full((3, len(edges)), -1.0)
        offsets = (start - faces[:, 0])[solvable, :, None]
        t[solvable], u[solvable], v[solvable] = np.linalg.solve(system[solvable], offsets)[..., 0].T
        crosses |= (t > 0) & (t < 1) & (u > 0) & (v > 0) & (u + v < 1)
    return crosses


def by_brute_force(vertices: np.ndarray, triangles: np.ndarray, tested: np.ndarray) -> np.ndarray:
    corners = eroded(vertices, triangles, CONTACT_M)[triangles]
    pairs = near_pairs(corners)
    pairs = pairs[tested[pairs[:, 0], pairs[:, 1]]]
    first, second = corners[pairs[:, 0]], corners[pairs[:, 1]]
    found = pairs[crossing(first, second) | crossing(second, first)]
    return found[np.lexsort(found.T[::-1])]


def check_against_brute_force(hand: Hand, checker: SelfIntersection, count: int, seed: int) -> None:
    tested = pairs_to_test(hand)
    invalid = 0
    for vertices in random_hands(hand, count, seed):
        expected = by_brute_force(vertices, hand.triangles, tested)
        np.testing.assert_array_equal(checker.intersections(vertices), expected)
        assert checker.intersects(vertices) == (len(expected) > 0)
        invalid += len(expected) > 0
    assert 0.1 * count < invalid < 0.9 * count


def test_intersections_are_those_of_brute_force(hand: Hand, checker: SelfIntersection):
    check_against_brute_force(hand, checker, 20, seed=0)


@pytest.mark.slow
def test_many_intersections_are_those_of_brute_force(hand: Hand, checker: SelfIntersection):
    check_against_brute_force(hand, checker, 200, seed=1)


@pytest.mark.blender
def test_intersections_are_those_of_blender(hand: Hand, checker: SelfIntersection, tmp_path: Path):
    hands = random_hands(hand, 100, seed=2)
    meshes = [eroded(vertices, hand.triangles, CONTACT_M) for vertices in hands]
    np.savez(tmp_path / "meshes.npz", meshes=meshes, triangles=hand.triangles)
    script = Path(__file__).with_name("overlap_with_blender.py")
    command = [sys.executable, script, tmp_path / "meshes.npz", tmp_path / "overlap.npz"]
    subprocess.run(command, check=True, timeout=300)
    tested = pairs_to_test(hand)
    differences = total = 0
    with np.load(tmp_path / "overlap.npz") as overlap:
        for number, vertices in enumerate(hands):
            pairs = overlap[str(number)]
            theirs = {tuple(pair) for pair in pairs[tested[pairs[:, 0], pairs[:, 1]]]}
            ours = {tuple(pair) for pair in checker.intersections(vertices)}
            differences += len(ours ^ theirs)
            total += len(theirs)
    assert total > 500
    # Blender computes in single precision.
    assert differences <= 0.002 * total


def test_the_flat_hand_and_each_joint_at_the_ends_of_its_bend_are_valid(
    hand: Hand, checker: SelfIntersection
):
    limits = limits_rad("active")
    angles = np.zeros((1 + 2 * 16, 16, 3))
    for joint in range(16):
        angles[1 + 2 * joint : 3 + 2 * joint, joint, 0] = limits[joint, 0]
    invalid = [number for number, one in enumerate(posed(hand, angles)) if checker.intersects(one)]
    assert invalid == []


BELIEVABLE = {
    "thumb folded over the palm": {"thumb_cmc": (30, 0), "thumb_mcp": (40, 0), "thumb_ip": (50, 0)},
    "wrist bent to the end": {"wrist": (80, 0)},
    "knuckles of a fist": {f"{finger}_mcp": (80, 0) for finger in LONG_FINGERS},
    "hook": {f"{f}_{j}": (b, 0) for f in LONG_FINGERS for j, b in (("pip", 100), ("dip", 65))},
}
IMPOSSIBLE = {
    "index through middle": {"index_mcp": (0, -30)},
    "little through ring": {"little_mcp": (0, 40)},
    "index through the palm": {"index_mcp": (110, 0), "index_pip": (95, 0), "index_dip": (40, 0)},
    "thumb through the index": {"thumb_cmc": (30, -45)},
    "fingers through the forearm": {
        "wrist": (110, 0),
        **{f"{finger}_mcp": (95, 0) for finger in LONG_FINGERS},
    },
}


@pytest.mark.parametrize("name", BELIEVABLE)
def test_skin_may_fold(hand: Hand, checker: SelfIntersection, name: str):
    assert len(checker.intersections(posed(hand, pose_of(**BELIEVABLE[name]))[0])) == 0


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_fingers_may_not_pass_through_the_hand(hand: Hand, checker: SelfIntersection, name: str):
    vertices = posed(hand, pose_of(**IMPOSSIBLE[name]))[0]
    assert checker.intersects(vertices)
    bones = triangle_bones(hand)[checker.intersections(vertices)]
    meeting = {"index through middle": "middle_", "little through ring": "ring_"}.get(name)
    if meeting:
        assert all(any(MANO16.joints[b].startswith(meeting) for b in pair) for pair in bones)
    if name == "fingers through the forearm":
        assert (bones == FOREARM).any()


def test_intersections_do_not_depend_on_the_frame(hand: Hand, checker: SelfIntersection):
    vertices = random_hands(hand, 4, seed=3)
    for one in vertices:
        quarter_turned = one[:, [1, 2, 0]] + [0.5, -0.25, 1.0]
        np.testing.assert_array_equal(
            checker.intersections(quarter_turned), checker.intersections(one)
        )


def two_rods() -> tuple[Hand, np.ndarray]:
    """Two parallel rods of radius 8 mm for a ring and an index finger, and which vertices are the
    second's."""
    rod = trimesh.creation.capsule(height=0.04, radius=0.008, count=(16, 32))
    count = len(rod.vertices)
    weights = np.zeros((2 * count, 16))
    weights[:count, MANO16.index("ring_pip")] = 1
    weights[count:, MANO16.index("index_pip")] = 1
    arrays = {
        "v_template": np.concatenate([rod.vertices, np.add(rod.vertices, [0.1, 0, 0.0007])]),
        "f": np.concatenate([rod.faces, rod.faces + count]).astype(np.uint32),
        "weights": weights,
    }
    return Hand(arrays, (), ""), np.arange(2 * count) >= count


@pytest.mark.parametrize("contact_m", [0.0005, 0.001, 0.002])
def test_flesh_gives_way_on_both_sides(contact_m: float):
    rods, second = two_rods()
    test = self_intersection_test(rods, contact_m)
    for overlap_m in np.arange(0.0002, 0.005, 0.0004):
        vertices = rods.arrays["v_template"].copy()
        vertices[second, 0] += 0.016 - overlap_m - 0.1
        if abs(overlap_m - 2 * contact_m) > 0.00005:
            assert test.intersects(vertices) == (overlap_m > 2 * contact_m)


def test_a_mesh_of_mano_s_size_without_a_forearm():
    arrays = random_arrays()
    mitten = Hand({key: arrays[key] for key in ("v_template", "f", "weights")}, (), "")
    test = self_intersection_test(mitten)
    vertices = arrays["v_template"]
    assert len(vertices) == 778
    assert not test.intersects(vertices)
    # Folded over, the fingers' half lies 5 mm deep in the palm's.
    folded = vertices.copy()
    outer = vertices[:, 0] < np.median(vertices[:, 0])
    axis = np.array([np.median(vertices[:, 0]), vertices[:, 1].min() + 0.0025])
    folded[outer, :2] = 2 * axis - vertices[outer, :2]
    assert test.intersects(folded)
    tested = pairs_to_test(mitten)
    np.testing.assert_array_equal(
        test.intersections(folded), by_brute_force(folded, mitten.triangles, tested)
    )


def test_pairs_of_a_bone_and_of_neighbours_are_left_out(hand: Hand):
    tested, bones = pairs_to_test(hand), triangle_bones(hand)
    np.testing.assert_array_equal(tested, tested.T)
    assert not tested[bones[:, None] == bones].any()
    shared = (hand.triangles[:, None, :, None] == hand.triangles[:200, None, :]).any((2, 3))
    assert not tested[:, :200][shared].any()
    assert tested.mean() > 0.8
    # Beyond a crease's reach even joined bones are tested.
    palm_to_index = tested[np.ix_(bones == MANO16.root, bones == MANO16.index("index_mcp"))]
    assert 0.1 < palm_to_index.mean() < 0.9


def test_joined_bones_are_those_of_the_skeleton_and_of_the_thumb_s_ball():
    joined = joined_bones()
    extra = {
        tuple(sorted(pair))
        for pair in np.argwhere(joined).tolist()
        if pair[0] != pair[1] and FOREARM not in pair and not MANO16.adjacency[tuple(pair)]
    }
    palm, thumb, phalanx = (MANO16.index(name) for name in ("wrist", "thumb_cmc", "thumb_mcp"))
    bases = [MANO16.index(f"{finger}_mcp") for finger in LONG_FINGERS]
    assert extra == {(palm, phalanx), *((base, thumb) for base in bases)}
    assert set(np.flatnonzero(joined[FOREARM])) == {palm, thumb}


def test_patches_hold_every_tested_pair(checker: SelfIntersection):
    starts = checker.patch_starts
    patch = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    held = np.zeros((len(starts) - 1, len(starts) - 1), dtype=bool)
    held[tuple(checker.patch_pairs.T)] = True
    num = len(checker.triangles)
    tested = np.unpackbits(checker.tested_bits, axis=1, count=num, bitorder="little")
    first, second = np.nonzero(np.triu(tested))
    assert (held | held.T)[patch[first], patch[second]].all()


def test_deeper_erosion_forgives_more(hand: Hand, checker: SelfIntersection):
    hands = random_hands(hand, 60, seed=4)
    shares = [
        np.mean([replace(checker, contact_m=depth).intersects(one) for one in hands])
        for depth in (0.0, CONTACT_M, 0.003)
    ]
    assert shares[0] > shares[1] > shares[2] > 0
    assert CREASE_M > 10 * CONTACT_M
