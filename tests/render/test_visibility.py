import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.hand import MIRROR, MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import clamp, limits_rad
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from render.ray_casting import skins_before
from render.visibility import hidden_joints

PALM_VIEW = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
BACK_VIEW = np.diag([-1.0, 1.0, -1.0]) @ PALM_VIEW
AWAY_M = np.array([0.0, 0.0, 0.5])


def before_the_camera(
    hand: Hand, angles_rad: np.ndarray, turns: Rotation, left: np.ndarray, betas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints in the camera frame; the turns are those of right hands."""
    poses = angles_to_pose(angles_rad, joint_frames(hand.arrays["J"]))
    vertices, joints = [], []
    for pose, turn, mirrored, shape in zip(poses, turns, left, betas, strict=True):
        sign = MIRROR_AXIS_ANGLE if mirrored else np.ones(3)
        posed = hand.posed(
            turn.as_rotvec() * sign,
            (pose[3:].reshape(15, 3) * sign).ravel(),
            shape,
            AWAY_M,
            "left" if mirrored else "right",
            wrist=pose[:3] * sign,
        )
        vertices.append(posed[0])
        joints.append(posed[1])
    return np.stack(vertices), np.stack(joints)


def hidden_in(hand: Hand, vertices: np.ndarray, joints: np.ndarray, left: np.ndarray) -> np.ndarray:
    return np.array(
        [
            hidden_joints(mesh, places, hand, "left" if mirrored else "right")
            for mesh, places, mirrored in zip(vertices, joints, left, strict=True)
        ]
    )


def random_scenes(hand: Hand, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    limits, rng = limits_rad("active"), np.random.default_rng(seed)
    angles = clamp(rng.uniform(limits[..., 0], limits[..., 1], (count, 16, 3)), "active")
    left = rng.random(count) < 0.5
    betas = np.clip(rng.normal(0, 0.8, (count, 10)), -2.5, 2.5)
    turns = Rotation.random(count, rng)
    return *before_the_camera(hand, angles, turns, left, betas), left


def nearly(view: np.ndarray, count: int, degrees: float) -> Rotation:
    rng = np.random.default_rng(1)
    return Rotation.from_rotvec(np.deg2rad(rng.uniform(-degrees, degrees, (count, 3)))) * (
        Rotation.from_matrix(view)
    )


def test_a_ray_through_a_ball_goes_in_and_out_at_its_skin():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    vertices = np.add(ball.vertices, [0.01, 0.02, 0.4])
    targets = np.array([[0.01, 0.02, 0.4], [0.01, 0.02, 0.6], [0.1, 0.02, 0.4], [0.01, 0.02, 0.3]])
    starts, faces, depths, inward = skins_before(targets, vertices, ball.faces, 1e-6)
    assert starts.tolist() == [0, 1, 3, 3, 3]
    assert inward.tolist() == [True, True, False]
    distance = np.linalg.norm(targets[0])
    assert depths[0] == pytest.approx(distance - 0.03, abs=1e-4)
    met = targets[0] / distance * depths[0]
    assert np.linalg.norm(vertices[ball.faces[faces[0]]].mean(0) - met) < 0.003


def by_barycentric_solution(
    target: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, short_m: float
) -> list[tuple[int, float, bool]]:
    """Face, distance and direction of what a ray crosses: t d = a + u (b - a) + v (c - a)."""
    a, b, c = vertices[triangles].transpose(1, 0, 2)
    length = np.linalg.norm(target)
    direction = np.broadcast_to(target / length, a.shape)
    t, u, v = np.linalg.solve(np.stack([direction, a - b, a - c], -1), a[..., None])[..., 0].T
    hit = (t > 0) & (t < length - short_m) & (u > 0) & (v > 0) & (u + v < 1)
    normals = np.cross(b - a, c - a)
    return sorted(
        ((int(face), t[face], normals[face] @ target < 0) for face in np.flatnonzero(hit)),
        key=lambda skin: skin[1],
    )


@pytest.mark.parametrize("shift_m", [0.5, 0.02])
def test_rays_cross_what_linear_equations_say(hand: Hand, shift_m: float):
    # At 2 cm a part of the mesh is behind the camera.
    vertices, joints, _ = random_scenes(hand, 3, 0)
    crossed = 0
    for mesh, places in zip(vertices - AWAY_M, joints - AWAY_M, strict=True):
        mesh, places = np.add(mesh, [0, 0, shift_m]), np.add(places, [0, 0, shift_m])
        starts, faces, depths, inward = skins_before(places, mesh, hand.triangles, 1e-6)
        for joint, place in enumerate(places):
            expected = by_barycentric_solution(place, mesh, hand.triangles, 1e-6)
            own = slice(starts[joint], starts[joint + 1])
            found = list(zip(faces[own], depths[own], inward[own], strict=True))
            assert [skin[::2] for skin in found] == [skin[::2] for skin in expected]
            np.testing.assert_allclose(depths[own], [depth for _, depth, _ in expected], atol=1e-9)
            crossed += len(expected)
    assert crossed > 60


def test_a_ray_at_a_corner_or_an_edge_slips_through_nowhere():
    ball = trimesh.creation.icosphere(subdivisions=2)
    for seed in range(3):
        turn = Rotation.random(random_state=seed).as_matrix() if seed else np.eye(3)
        vertices = np.asarray(ball.vertices) @ turn + [0, 0, 5.0]
        meeting = [*vertices, *vertices[ball.edges_unique].mean(1)]
        near_rim = np.abs(np.linalg.norm(np.cross(meeting, [0, 0, 1]), axis=1) - 1) < 0.2
        for point, rim in zip(meeting, near_rim, strict=True):
            _, _, _, inward = skins_before(point[None] * 3, vertices, ball.faces, 1e-6)
            # At the rim a ray may do both at one place, or pass by.
            assert inward.tolist() == [True, False] or (rim and len(inward) in (0, 2))


def test_many_layers_are_all_found():
    shells = [trimesh.creation.icosphere(1, radius) for radius in np.linspace(0.01, 0.3, 100)]
    layers = trimesh.util.concatenate(shells)
    targets = np.array([[0.001, 0.002, 1.0], [0.001, 0.002, 2.0]])
    vertices = np.add(layers.vertices, [0, 0, 1.0])
    starts, _, depths, inward = skins_before(targets, vertices, layers.faces, 1e-6)
    assert starts.tolist() == [0, 100, 300]
    assert inward.tolist() == 100 * [True] + 100 * [True] + 100 * [False]
    assert (np.diff(depths[:100]) > 0).all()
    assert (np.diff(depths[100:]) > 0).all()


def test_joint_state_in_poses_where_everyone_would_agree(hand: Hand):
    count = 40
    left = np.arange(count) % 2 == 1
    betas = np.zeros((count, 10))
    palm = before_the_camera(
        hand, np.zeros((count, 16, 3)), nearly(PALM_VIEW, count, 15), left, betas
    )
    # An open palm towards the camera hides nothing.
    assert hidden_in(hand, *palm, left).mean() < 0.01
    fist = np.zeros((count, 16, 3))
    for finger in FINGERS[1:]:
        fist[:, MANO16.chain(finger), 0] = np.deg2rad([80, 98, 60])
    fist[:, MANO16.chain("thumb"), 0] = np.deg2rad([30, 32, 30])
    fist[:, MANO16.index("thumb_cmc"), 1] = np.deg2rad(24)
    back = before_the_camera(hand, fist, nearly(BACK_VIEW, count, 10), left, betas)
    hidden = hidden_in(hand, *back, left)
    # The back of a fist hides the fingertips and the last joints of the fingers, not the knuckles.
    far = [f"{finger}_{joint}" for finger in FINGERS[1:] for joint in ("dip", "tip")]
    assert hidden[:, HAND21.indices(far)].mean() > 0.97
    near = [f"{finger}_mcp" for finger in FINGERS[1:]]
    assert hidden[:, HAND21.indices(near)].mean() < 0.05


def test_a_left_hand_hides_what_its_mirror_image_does(hand: Hand):
    vertices, joints, left = random_scenes(hand, 12, 2)
    mirrored = hidden_in(hand, vertices * MIRROR, joints * MIRROR, ~left)
    np.testing.assert_array_equal(mirrored, hidden_in(hand, vertices, joints, left))


@pytest.mark.blender
def test_hidden_joints_are_those_of_blender_s_rays(hand: Hand, hand_folder: Path, tmp_path: Path):
    vertices, joints, left = random_scenes(hand, 300, 3)
    scenes, output = tmp_path / "scenes.npz", tmp_path / "hidden.npz"
    np.savez(scenes, vertices=vertices, joints=joints, left=left)
    script = Path(__file__).with_name("cast_visibility.py")
    subprocess.run([sys.executable, script, hand_folder, scenes, output], check=True, timeout=300)
    with np.load(output) as found:
        expected = found["hidden"]
    hidden = hidden_in(hand, vertices, joints, left)
    assert 0.1 < expected.mean() < 0.6
    # Blender computes in single precision: a ray that grazes an edge may differ.
    assert (hidden != expected).sum() <= 3
