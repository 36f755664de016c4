"""Angles from joints, against the hand that made the joints."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.inverse_kinematics import angles_from_joints
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, HAND21, MANO16


def without_twist(count: int, seed: int = 0) -> np.ndarray:
    """Anywhere in the active range, wrist straight, no twist, [count, 16, 3]."""
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    angles = np.random.default_rng(seed).uniform(lower, upper, (count, 16, 3))
    angles[:, MANO16.root] = 0
    angles[..., 2] = 0
    return angles


def joints_of(hand: Hand, angles: np.ndarray, betas: np.ndarray, side: str = "right") -> np.ndarray:
    """hand21 joints of poses anywhere in space, metres, [N, 21, 3]."""
    pose = angles_to_pose(angles, joint_frames(hand.arrays["J"]))[:, 3:]
    if side == "left":
        pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
    anywhere = Rotation.random(len(angles), rng=np.random.default_rng(1)).as_rotvec()
    shift = np.random.default_rng(1).normal(size=(len(angles), 3))
    return hand.posed(anywhere, pose, betas, shift, side)[1]


@pytest.mark.parametrize("side", ["right", "left"])
def test_bend_and_splay_come_back_from_the_joints_of_the_mean_shape(hand: Hand, side: str):
    angles = without_twist(60)
    joints = joints_of(hand, angles, np.zeros((60, 10)), side)
    np.testing.assert_allclose(angles_from_joints(joints, side, hand), angles, atol=1e-9)


def test_other_shapes_cost_little(hand: Hand):
    angles = without_twist(60)
    betas = np.random.default_rng(2).normal(size=(60, 10))
    errors = np.rad2deg(angles_from_joints(joints_of(hand, angles, betas), "right", hand) - angles)
    assert np.sqrt((errors[:, 1:, 0] ** 2).mean()) < 0.6
    assert np.abs(errors).max() < 5


def between(joints: np.ndarray, finger: str) -> np.ndarray:
    """Angle between the bones before and after a finger's PIP joint, radians."""
    mcp, pip, dip, _ = HAND21.chain(finger)
    before, after = (
        joints[..., pip, :] - joints[..., mcp, :],
        joints[..., dip, :] - joints[..., pip, :],
    )
    return np.arctan2(np.linalg.norm(np.cross(before, after), axis=-1), (before * after).sum(-1))


@pytest.mark.parametrize("finger", FINGERS[1:])
def test_the_bend_of_a_hinge_is_the_angle_between_its_bones(hand: Hand, finger: str):
    joints = joints_of(hand, without_twist(40), np.zeros((40, 10)))
    bend = angles_from_joints(joints, "right", hand)[:, MANO16.index(f"{finger}_pip"), 0]
    flat = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3))[1]
    # The bones of the flat finger are not quite in one line: by so much the two may differ.
    assert (np.abs(np.abs(bend) - between(joints, finger)) <= between(flat, finger) + 1e-9).all()


def test_bending_back_is_negative(hand: Hand):
    angles = np.zeros((2, 16, 3))
    angles[:, MANO16.index("index_pip"), 0] = np.deg2rad([-5, 5])
    found = angles_from_joints(joints_of(hand, angles, np.zeros((2, 10))), "right", hand)
    np.testing.assert_allclose(found, angles, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 2000))
def test_where_the_hand_is_and_in_which_unit_does_not_matter(hand: Hand, seed: int, scale: float):
    rng = np.random.default_rng(seed)
    flat = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3))[1]
    joints = flat + rng.normal(0, 0.01, (21, 3))
    moved = scale * joints @ Rotation.random(rng=rng).as_matrix().T + rng.normal(size=3)
    difference = angles_from_joints(moved, "right", hand) - angles_from_joints(
        joints, "right", hand
    )
    # A bend of half a turn may come back as minus half a turn.
    np.testing.assert_allclose(np.exp(1j * difference), 1, atol=1e-6)


def test_joints_of_no_hand_are_measured_from_the_nearest_palm(hand: Hand):
    flat = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3))[1]
    palm = HAND21.indices(["wrist", "index_mcp", "middle_mcp", "ring_mcp", "little_mcp"])
    frames = joint_frames(hand.arrays["J"])
    for joints in np.random.default_rng(4).normal(0, 0.05, (20, 21, 3)):
        seen, rest = joints[palm] - joints[palm].mean(0), flat[palm] - flat[palm].mean(0)
        turn = Rotation.align_vectors(seen, rest)[0]
        angles = angles_from_joints(joints, "right", hand)
        for finger in FINGERS:
            base, beyond = HAND21.chain(finger)[:2]
            joint = MANO16.chain(finger)[0]
            pose = angles_to_pose(angles, frames)[3 * joint : 3 * joint + 3]
            bone = turn.apply(Rotation.from_rotvec(pose).apply(flat[beyond] - flat[base]))
            expected = joints[beyond] - joints[base]
            np.testing.assert_allclose(
                bone / np.linalg.norm(bone), expected / np.linalg.norm(expected), atol=1e-7
            )


def test_only_what_joints_tell_is_not_zero(hand: Hand):
    rng = np.random.default_rng(3)
    angles = angles_from_joints(rng.normal(size=(50, 21, 3)), "right", hand)
    assert np.isfinite(angles).all()
    assert not angles[:, MANO16.root].any()
    assert not angles[..., 2].any()
    hinges = [row for row, joint in enumerate(MANO16.joints) if re.search("_(pip|dip|ip)$", joint)]
    assert not angles[:, hinges, 1].any()
    assert angles[..., 1].any(0).sum() == 15 - len(hinges)
    assert np.abs(angles).max() <= np.pi


def test_straight_fingers_and_bones_without_length_are_no_trouble(hand: Hand):
    flat = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3))[1]
    np.testing.assert_allclose(angles_from_joints(flat, "right", hand), 0, atol=1e-12)
    collapsed = flat.copy()
    pip, dip, tip = HAND21.chain("index")[1:]
    collapsed[[dip, tip]] = collapsed[pip]
    np.testing.assert_allclose(angles_from_joints(collapsed, "right", hand), 0, atol=1e-12)
    assert np.isfinite(angles_from_joints(np.zeros((21, 3)), "right", hand)).all()
    # All on one line: the palm has no plane any more.
    line = np.linspace(0, 0.2, 21)[:, None] * [1.0, 0, 0]
    assert np.isfinite(angles_from_joints(line, "right", hand)).all()


def test_batches_are_rows(hand: Hand):
    joints = joints_of(hand, without_twist(6), np.zeros((6, 10)))
    found = angles_from_joints(joints.reshape(2, 3, 21, 3), "right", hand)
    assert found.shape == (2, 3, 16, 3)
    np.testing.assert_allclose(found[1, 2], angles_from_joints(joints[5], "right", hand))
    assert angles_from_joints(joints[:0], "right", hand).shape == (0, 16, 3)
