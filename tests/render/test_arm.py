import importlib.util
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mano_assets.forearm import join_forearm
from mano_assets.geometry.surface import vertex_normals
from mano_assets.hand import MIRROR, MIRROR_AXIS_ANGLE, Hand
from mano_assets.skeleton import HAND21, MANO16
from render.dress.elbow import Elbow
from render.factors.arm import Arm, ArmMesh
from render.posed_hand import PosedHand

CAMERA_K = np.array([[330.0, 0, 112], [0, 330, 112], [0, 0, 1]])
SIZE = 224


@cache
def made_up_hand() -> Hand:
    """A hand of a MANO file: with a lofted forearm, and without quads."""
    path = Path(__file__).parents[1] / "mano_assets" / "made_up_mano.py"
    spec = importlib.util.spec_from_file_location("made_up_mano_for_arms", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arrays: dict[str, Any] = module.random_arrays()
    arrays["shapedirs"] = 0.3 * arrays["shapedirs"][..., :10]
    return Hand(join_forearm(arrays), (744, 320, 443, 554, 671), "made up")


def posed(hand: Hand, seed: int, side: str = "right") -> PosedHand:
    """A hand from any side, at a distance at which the nearest point is 6 cm off or more."""
    rng = np.random.default_rng(seed)
    orient = Rotation.from_quat(rng.normal(size=4)).as_rotvec()
    pose = rng.normal(0, 0.25, 45)
    betas, wrist = rng.normal(0, 0.8, 10), rng.normal(0, 0.4, 3) * [0, 1, 1]
    if side == "left":
        orient, wrist = orient * MIRROR_AXIS_ANGLE, wrist * MIRROR_AXIS_ANGLE
        pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
    away = rng.uniform(0, 0.3)
    vertices, joints = hand.posed(orient, pose, betas, np.zeros(3), side, wrist)
    shift = np.array([0, 0, max(0.06 - vertices[:, 2].min(), 0.1 - joints[:, 2].min()) + away])
    shift[:2] = -joints[:, :2].mean(0)
    return PosedHand(vertices + shift, joints + shift)


@pytest.fixture(scope="module", params=["free", "mano"])
def arm_mesh(request: pytest.FixtureRequest, hand: Hand) -> ArmMesh:
    return ArmMesh(hand if request.param == "free" else made_up_hand())


def bends(count: int) -> list[Arm]:
    rng = np.random.default_rng(3)
    return [
        Arm(
            forearm_length=rng.uniform(0.85, 1.15),
            elbow_flexion_rad=rng.uniform(0, np.deg2rad(145)),
            elbow_azimuth_rad=rng.uniform(-np.pi, np.pi),
        )
        for _ in range(count)
    ]


def extended(arm_mesh: ArmMesh, geometry: PosedHand, arm: Arm, side: str = "right") -> np.ndarray:
    return arm_mesh.extended(geometry.vertices_cam_m, geometry.joints_cam_m, arm, side)


def volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    return float(np.linalg.det(vertices[triangles]).sum() / 6)


def edges_of(faces: Any) -> Counter:
    return Counter(
        (int(a), int(b)) for face in faces for a, b in zip(face, np.roll(face, -1), strict=True)
    )


def test_the_mesh_continues_the_hands_and_is_closed(arm_mesh: ArmMesh) -> None:
    hand = arm_mesh.hand
    num, triangles = len(hand.arrays["v_template"]), arm_mesh.triangles
    np.testing.assert_array_equal(triangles[: len(hand.triangles)], hand.triangles)
    for faces in (triangles, arm_mesh.faces):
        edges = edges_of(faces)
        assert set(edges.values()) == {1}
        assert all((b, a) in edges for a, b in edges)
        assert {vertex for face in faces for vertex in face} == set(range(arm_mesh.num_vertices))
    np.testing.assert_array_equal(arm_mesh.source_vertex[:num], np.arange(num))
    assert arm_mesh.source_vertex.max() < num
    assert hand.arrays["forearm"][arm_mesh.source_vertex[num:]].all()


def test_only_stretched_or_bent_vertices_move(arm_mesh: ArmMesh) -> None:
    hand = arm_mesh.hand
    for seed, arm in enumerate(bends(6)):
        geometry = posed(hand, seed)
        own = extended(arm_mesh, geometry, arm)[: len(geometry.vertices_cam_m)]
        still = hand.arrays["forearm_weights"] < 1
        np.testing.assert_array_equal(own[still], geometry.vertices_cam_m[still])
        unstretched = arm.model_copy(update={"forearm_length": 1.0})
        own = extended(arm_mesh, geometry, unstretched)[: len(geometry.vertices_cam_m)]
        away = np.linalg.norm(geometry.vertices_cam_m - geometry.joints_cam_m[HAND21.root], axis=1)
        still = hand.arrays["forearm"] & (away < 0.4 * away[hand.arrays["forearm"]].max())
        assert still.any()
        np.testing.assert_array_equal(own[still], geometry.vertices_cam_m[still])


def test_a_straight_arm_of_its_own_length_keeps_the_forearm(arm_mesh: ArmMesh) -> None:
    geometry = posed(arm_mesh.hand, 0)
    own = extended(arm_mesh, geometry, Arm())[: len(geometry.vertices_cam_m)]
    np.testing.assert_allclose(own, geometry.vertices_cam_m, atol=1e-12)


def test_the_arm_faces_outwards_and_is_as_large_as_a_tube_of_its_length(arm_mesh: ArmMesh) -> None:
    geometry = posed(arm_mesh.hand, 1)
    straight = arm_mesh.straight(geometry, "right")
    length = straight.extension_m[:, 2].max() - arm_mesh.extension.elbow_m
    hand_alone = volume(extended(arm_mesh, geometry, Arm(forearm=False)), arm_mesh.triangles)
    assert hand_alone > 0
    for arm in bends(8):
        added = volume(extended(arm_mesh, geometry, arm), arm_mesh.triangles) - hand_alone
        # Forearm and upper arm of about the radius at the cut; the forearm tapers.
        forearm = arm_mesh.extension.elbow_m * arm.forearm_length
        tube = np.pi * straight.radius_m**2 * (length + forearm)
        assert 0.6 * tube < added < 1.4 * tube


def test_the_surface_has_no_kink_at_the_cut(arm_mesh: ArmMesh) -> None:
    extension = arm_mesh.extension
    for arm in [Arm(), *bends(4)]:
        geometry = posed(arm_mesh.hand, 4)
        vertices = extended(arm_mesh, geometry, arm)
        normals = vertex_normals(vertices, arm_mesh.triangles)
        first = len(geometry.vertices_cam_m) + np.arange(len(extension.rim))
        cosines = (normals[extension.rim] * normals[first]).sum(1)
        assert cosines.min() > np.cos(np.deg2rad(50))
        assert np.median(cosines) > np.cos(np.deg2rad(20))


def test_the_elbow_turns_by_its_flexion_and_the_upper_arm_keeps_its_length(
    arm_mesh: ArmMesh,
) -> None:
    geometry = posed(arm_mesh.hand, 2)
    num, ring = len(geometry.vertices_cam_m), len(arm_mesh.extension.rim)
    straight = extended(arm_mesh, geometry, Arm())[num:].reshape(-1, ring, 3).mean(1)
    # Rings above the bend and below the dome.
    above = slice(-8, -3)
    axis = straight[-4] - straight[-8]
    for arm in bends(8):
        arm = arm.model_copy(update={"forearm_length": 1.0})
        bent = extended(arm_mesh, geometry, arm)[num:].reshape(-1, ring, 3).mean(1)
        turned = bent[-4] - bent[-8]
        cosine = axis @ turned / np.linalg.norm(axis) / np.linalg.norm(turned)
        assert np.arccos(cosine) == pytest.approx(arm.elbow_flexion_rad, abs=0.02)
        for points in (straight, bent):
            steps = np.linalg.norm(np.diff(points[above], axis=0), axis=1)
            np.testing.assert_allclose(steps, steps[0], rtol=0.02)
        assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(axis), rel=0.02)


@pytest.mark.parametrize("length", [0.85, 1.15])
def test_the_forearm_is_as_long_as_asked(arm_mesh: ArmMesh, length: float) -> None:
    geometry = posed(arm_mesh.hand, 3)
    elbow = arm_mesh.extension.elbow_m
    map_ = arm_mesh.elbow(arm_mesh.straight(geometry, "right"), Arm(forearm_length=length))
    moved = map_.bent(np.array([[0.0, 0.0, elbow], [0.02, 0.01, 0.03]]))
    np.testing.assert_allclose(moved[0], [0, 0, length * elbow], atol=1e-9)
    np.testing.assert_array_equal(moved[1], [0.02, 0.01, 0.03])


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0, np.deg2rad(145)),
    st.floats(-4, 4),
    st.floats(0.85, 1.15),
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.floats(0.05, 0.5),
)
def test_the_bend_never_folds_space(
    flexion: float, azimuth: float, length: float, across: float, through: float, along: float
) -> None:
    elbow = Elbow(0.045, 0.25, 0.04, length, flexion, azimuth)
    # Up to a radius and a half: loose sleeves lie outside of the skin.
    point = np.array([0.06 * across, 0.06 * through, along])
    point[:2] /= max(1.0, np.hypot(across, through))
    step = 1e-6
    moved = elbow.bent(np.concatenate([point + step * np.eye(3), point - step * np.eye(3)]))
    jacobian = (moved[:3] - moved[3:]) / (2 * step)
    assert np.linalg.det(jacobian) > 0.005


def test_without_a_forearm_the_hand_ends_in_a_low_cap(arm_mesh: ArmMesh) -> None:
    hand, forearm = arm_mesh.hand, arm_mesh.hand.arrays["forearm"]
    for side in ("right", "left"):
        for seed in range(5):
            geometry = posed(hand, seed, side)
            vertices = extended(arm_mesh, geometry, Arm(forearm=False), side)
            np.testing.assert_array_equal(
                vertices[: len(forearm)][~forearm], geometry.vertices_cam_m[~forearm]
            )
            loop = geometry.vertices_cam_m[arm_mesh.wrist_loop]
            middle = loop.mean(0)
            radius = np.linalg.norm(loop - middle, axis=1).max()
            beyond = np.ones(len(vertices), dtype=bool)
            beyond[: len(forearm)] = forearm
            assert np.linalg.norm(vertices[beyond] - middle, axis=1).max() < radius
            triangles = arm_mesh.triangles[:, ::-1] if side == "left" else arm_mesh.triangles
            whole = volume(vertices, triangles)
            flat = np.where(beyond[:, None], middle, vertices)
            assert volume(flat, triangles) < whole < 1.05 * volume(flat, triangles)


def test_the_cut_of_a_hand_without_a_forearm_is_at_the_wrist(hand: Hand) -> None:
    loop = hand.arrays["v_template"][ArmMesh(hand).wrist_loop]
    wrist = hand.arrays["J"][MANO16.root]
    up = (loop - wrist)[:, 0]
    assert up.min() > 0
    assert up.max() < 0.0141


def test_a_left_arm_mirrors_a_right_one(arm_mesh: ArmMesh) -> None:
    for seed, arm in enumerate([*bends(4), Arm(forearm=False)]):
        right, left = posed(arm_mesh.hand, seed), posed(arm_mesh.hand, seed, "left")
        mirrored = extended(arm_mesh, left, arm, "left") * MIRROR
        shift = right.vertices_cam_m[0] - left.vertices_cam_m[0] * MIRROR
        np.testing.assert_allclose(
            mirrored + shift, extended(arm_mesh, right, arm), rtol=0, atol=1e-9
        )
