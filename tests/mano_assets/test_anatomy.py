import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import (
    PALMAR,
    angles_to_pose,
    finger_of,
    finger_pose_basis,
    joint_frames,
    pose_to_angles,
)
from mano_assets.hand import Hand
from mano_assets.joint_limits import coupling_violation, violation
from mano_assets.palm_arch import palm_arch
from mano_assets.skeleton import FINGERS, HAND21, MANO16

TWIST, BEND = 0, 2  # Columns of a frame.
FINGER_JOINTS = MANO16.joints[1:]
TO_THUMB = np.array([0.0, 0.0, 1.0])


def test_frames_are_right_handed_with_the_twist_along_the_bone(hand: Hand):
    joints = hand.arrays["J"]
    frames = joint_frames(joints)
    np.testing.assert_allclose(
        frames @ np.swapaxes(frames, -1, -2), np.tile(np.eye(3), (16, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(frames), 1)
    wrist = MANO16.root
    bones = {wrist: joints[MANO16.index("middle_mcp")] - joints[wrist]}
    for finger in FINGERS:
        base, middle, _ = MANO16.chain(finger)
        bones[base] = joints[middle] - joints[base]
    for joint, bone in bones.items():
        assert frames[joint, :, TWIST] @ bone == pytest.approx(np.linalg.norm(bone))


def posed_joints(hand: Hand, joint: str, bend_deg: float, splay_deg: float, twist_deg: float):
    """hand21 joints with one joint away from the flat hand, metres."""
    angles = np.zeros((16, 3))
    angles[MANO16.index(joint)] = np.deg2rad([bend_deg, splay_deg, twist_deg])
    pose = angles_to_pose(angles, joint_frames(hand.arrays["J"]))
    return hand.posed(np.zeros(3), pose[3:], np.zeros(10), np.zeros(3))[1]


def at(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[HAND21.index(name)]


def palm_side_m(joints: np.ndarray, name: str) -> float:
    """How far a joint lies on the palm's side of the plane of wrist, index and little knuckle."""
    wrist, index, little = (at(joints, name) for name in ("wrist", "index_mcp", "little_mcp"))
    # Seen on the palm of a right hand with the fingers up, the index finger is to the right.
    normal = np.cross(index - wrist, little - wrist)
    return float((at(joints, name) - wrist) @ normal / np.linalg.norm(normal))


@pytest.mark.parametrize("joint", FINGER_JOINTS)
def test_a_joint_turns_its_own_finger_alone(hand: Hand, joint: str):
    moved = posed_joints(hand, joint, 20, 0, 0) - posed_joints(hand, joint, 0, 0, 0)
    beyond = HAND21.index(joint)
    for name, shift in zip(HAND21.joints, moved, strict=True):
        mine = finger_of(name) == finger_of(joint) and HAND21.index(name) > beyond
        assert (np.linalg.norm(shift) > 1e-3) == mine, name
        assert mine or np.linalg.norm(shift) < 1e-12


def test_the_wrist_flexes_to_the_palm_and_deviates_to_the_thumb(hand: Hand):
    joints = hand.arrays["J"]
    frames = joint_frames(joints)
    wrist = MANO16.root
    hand_axis = joints[MANO16.index("middle_mcp")] - joints[wrist]
    across = np.cross(hand_axis, PALMAR)
    assert across @ TO_THUMB > 0
    for column, side in ((0, PALMAR), (1, across)):
        for angle in (-0.5, 0.5):
            angles = np.zeros((16, 3))
            angles[wrist, column] = angle
            turn = Rotation.from_rotvec(angles_to_pose(angles, frames)[:3])
            turned = turn.apply(hand_axis)
            # The hand's axis lies across the bend and the splay axis: it turns by their angle.
            cosine = turned @ hand_axis / (hand_axis @ hand_axis)
            assert np.arccos(cosine) == pytest.approx(0.5, abs=1e-9)
            assert np.sign((turned - hand_axis) @ side) == np.sign(angle)
            # Flexing does not deviate, and deviating does not flex.
            assert turned @ (across if column == 0 else PALMAR) == pytest.approx(
                hand_axis @ (across if column == 0 else PALMAR) * np.cos(0.5), abs=1e-9
            )


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
        frame = joint_frames(hand.arrays["J"])[MANO16.index(joint)]
        bones = [bone - bone @ frame[:, BEND] * frame[:, BEND] for bone in bones]
    cosine = bones[0] @ bones[1] / np.prod([np.linalg.norm(bone) for bone in bones])
    assert np.rad2deg(np.arccos(cosine)) == pytest.approx(35, abs=1e-6)


def test_a_twist_leaves_the_bone_in_place(hand: Hand):
    flat, twisted = (posed_joints(hand, "index_mcp", 0, 0, twist) for twist in (0, 20))
    np.testing.assert_allclose(at(twisted, "index_pip"), at(flat, "index_pip"), atol=1e-9)


def test_the_pose_basis_is_orthonormal_and_mostly_bends(hand: Hand):
    frames = joint_frames(hand.arrays["J"])
    mean, components = finger_pose_basis(hand.arrays["J"])
    assert mean.shape == (45,)
    np.testing.assert_allclose(components @ components.T, np.eye(45), atol=1e-9)
    angles = pose_to_angles(np.concatenate([np.zeros(3), mean]), frames)
    bend, splay, twist = np.moveaxis(angles[1:], -1, 0)
    assert (bend > np.deg2rad(5)).all()
    assert np.abs(splay).max() < np.deg2rad(15)
    assert np.abs(twist).max() < np.deg2rad(15)
    assert palm_arch(angles) > np.deg2rad(3)
    # The mean of allowed poses is as good as allowed itself.
    assert violation(angles).max() < np.deg2rad(1)
    assert coupling_violation(angles).max() < np.deg2rad(1)
    # The strongest components bend fingers rather than splay or twist them.
    for component in components[:5]:
        moved = np.concatenate([np.zeros(3), mean + 0.2 * component])
        change = np.abs(pose_to_angles(moved, frames) - angles).max(0)
        assert change[0] > 3 * change[1:].max()
