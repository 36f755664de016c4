import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mano_assets.anatomy import (
    FINGER_JOINTS,
    angles_to_pose,
    bend_limits_rad,
    finger_of,
    finger_pose_basis,
    joint_frames,
    pose_to_angles,
    splay_limits_rad,
)
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16

TWIST, BEND = 0, 2  # Columns of a frame.


def flat_joints() -> np.ndarray:
    """A plain flat right hand in MANO's axes, metres, [16, 3]."""
    joints = np.zeros((16, 3))
    steps = np.arange(3)[:, None]
    for finger, across in zip(FINGERS[1:], (0.03, 0.01, -0.01, -0.03), strict=True):
        joints[MANO16.chain(finger)] = [-0.08, 0, across] + steps * [-0.03, 0, 0]
    joints[MANO16.chain("thumb")] = [-0.02, -0.01, 0.03] + steps * [-0.02, -0.01, 0.02]
    return joints


FLAT = flat_joints()
FRAMES = joint_frames(FLAT)


def within_limits(shares: np.ndarray) -> np.ndarray:
    """Angles at shares of the range of motion, twist within 10 degrees, [..., 15, 3]."""
    limits = np.stack(
        [bend_limits_rad(), splay_limits_rad(), np.tile(np.deg2rad([-10, 10]), (15, 1))], 1
    )
    return limits[..., 0] + shares * (limits[..., 1] - limits[..., 0])


@settings(deadline=None)
@given(arrays(np.float64, (15, 3), elements=st.floats(0, 1)))
def test_angles_survive_the_way_to_the_pose_and_back(shares: np.ndarray):
    angles = within_limits(shares)
    np.testing.assert_allclose(
        pose_to_angles(angles_to_pose(angles, FRAMES), FRAMES), angles, atol=1e-9
    )


def test_batches_are_rows():
    angles = within_limits(np.random.default_rng(0).random((4, 3, 15, 3)))
    poses = angles_to_pose(angles, FRAMES)
    assert poses.shape == (4, 3, 45)
    np.testing.assert_allclose(poses[2, 1], angles_to_pose(angles[2, 1], FRAMES), atol=1e-12)
    np.testing.assert_allclose(pose_to_angles(poses, FRAMES), angles, atol=1e-9)


def test_frames_are_right_handed_with_the_twist_along_the_bone(hand: Hand):
    joints = hand.arrays["J"]
    frames = joint_frames(joints)
    np.testing.assert_allclose(
        frames @ np.swapaxes(frames, -1, -2), np.tile(np.eye(3), (15, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(frames), 1)
    for finger in FINGERS:
        base, middle, _ = MANO16.chain(finger)
        bone = joints[middle] - joints[base]
        assert frames[base - 1, :, TWIST] @ bone == pytest.approx(np.linalg.norm(bone))


def posed_joints(hand: Hand, joint: str, bend_deg: float, splay_deg: float, twist_deg: float):
    """hand21 joints with one joint away from the flat hand, metres."""
    angles = np.zeros((15, 3))
    angles[FINGER_JOINTS.index(joint)] = np.deg2rad([bend_deg, splay_deg, twist_deg])
    pose = angles_to_pose(angles, joint_frames(hand.arrays["J"]))
    return hand.posed(np.zeros(3), pose, np.zeros(10), np.zeros(3))[1]


def at(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[HAND21.index(name)]


def palm_side_m(joints: np.ndarray, name: str) -> float:
    """How far a joint lies on the palm's side of the plane of wrist, index and little knuckle."""
    wrist, index, little = (at(joints, name) for name in ("wrist", "index_mcp", "little_mcp"))
    # Seen on the palm of a right hand with the fingers up, the index finger is to the right.
    normal = np.cross(index - wrist, little - wrist)
    return float((at(joints, name) - wrist) @ normal / np.linalg.norm(normal))


def test_the_thumb_lies_on_the_palm_s_side(hand: Hand):
    flat = posed_joints(hand, "index_mcp", 0, 0, 0)
    assert palm_side_m(flat, "thumb_tip") > 0.02


@pytest.mark.parametrize("joint", [joint for joint in FINGER_JOINTS if finger_of(joint) != "thumb"])
def test_a_positive_bend_flexes_towards_the_palm(hand: Hand, joint: str):
    tip = f"{finger_of(joint)}_tip"
    palm_sides = [palm_side_m(posed_joints(hand, joint, bend, 0, 0), tip) for bend in (-10, 0, 40)]
    assert palm_sides[0] + 0.002 < palm_sides[1] < palm_sides[2] - 0.008


@pytest.mark.parametrize("joint", [joint for joint in FINGER_JOINTS if finger_of(joint) == "thumb"])
def test_a_bending_thumb_crosses_the_palm(hand: Hand, joint: str):
    distances = []
    for bend in (-15, 0, 30):
        joints = posed_joints(hand, joint, bend, 0, 0)
        distances.append(np.linalg.norm(at(joints, "thumb_tip") - at(joints, "little_mcp")))
        assert palm_side_m(joints, "thumb_tip") > 0
    assert distances[0] > distances[1] > distances[2]


@pytest.mark.parametrize("finger", FINGERS[1:])
def test_a_positive_splay_moves_a_finger_towards_the_thumb(hand: Hand, finger: str):
    places = []
    for splay in (-10, 0, 10):
        joints = posed_joints(hand, f"{finger}_mcp", 0, splay, 0)
        across = at(joints, "index_mcp") - at(joints, "little_mcp")
        places.append(float(at(joints, f"{finger}_tip") @ across / np.linalg.norm(across)))
    assert np.diff(places) == pytest.approx(np.diff(places)[0], rel=0.2)
    assert places[0] < places[1] < places[2]


@pytest.mark.parametrize("joint", FINGER_JOINTS)
def test_a_bend_turns_the_next_bone_by_its_angle(hand: Hand, joint: str):
    number = HAND21.index(joint)
    bones = [
        joints[number + 1] - joints[number]
        for joints in (posed_joints(hand, joint, bend, 0, 0) for bend in (0, 35))
    ]
    if joint in {chain[-2] for _, chain in HAND21.chains}:
        # A fingertip lies a little off the axis that the last joint bends about.
        frame = joint_frames(hand.arrays["J"])[FINGER_JOINTS.index(joint)]
        bones = [bone - bone @ frame[:, BEND] * frame[:, BEND] for bone in bones]
    cosine = bones[0] @ bones[1] / np.prod([np.linalg.norm(bone) for bone in bones])
    assert np.rad2deg(np.arccos(cosine)) == pytest.approx(35, abs=1e-6)


def test_a_twist_leaves_the_bone_in_place(hand: Hand):
    flat, twisted = (posed_joints(hand, "index_mcp", 0, 0, twist) for twist in (0, 20))
    np.testing.assert_allclose(at(twisted, "index_pip"), at(flat, "index_pip"), atol=1e-9)


def test_only_knuckles_and_the_thumb_s_base_splay():
    free = {FINGER_JOINTS[row] for row in np.flatnonzero(np.ptp(splay_limits_rad(), axis=1))}
    assert free == {"thumb_cmc", "index_mcp", "middle_mcp", "ring_mcp", "little_mcp"}
    assert (bend_limits_rad()[:, 0] < 0).all()
    assert (bend_limits_rad()[:, 1] > np.deg2rad(35)).all()


def test_the_pose_basis_is_orthonormal_and_mostly_bends():
    mean, components = finger_pose_basis(FLAT)
    np.testing.assert_allclose(components @ components.T, np.eye(45), atol=1e-9)
    bend, splay, twist = np.moveaxis(pose_to_angles(mean, FRAMES), -1, 0)
    assert (bend > np.deg2rad(5)).all()
    assert np.abs(splay).max() < np.deg2rad(15)
    assert np.abs(twist).max() < np.deg2rad(15)
