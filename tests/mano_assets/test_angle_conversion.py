"""The angle space and MANO's axis-angle, there and back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import PALMAR, angles_to_pose, joint_frames, pose_to_angles
from mano_assets.skeleton import FINGERS, MANO16

TO_THUMB = np.array([0.0, 0.0, 1.0])


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


def within(bend: float, splay: float, twist: float):
    """Hypothesis strategy of angles within plus and minus these degrees, [16, 3]."""
    ends = np.deg2rad([bend, splay, twist])
    return arrays(np.float64, (16, 3), elements=st.floats(-1, 1)).map(lambda x: x * ends)


def random_angles(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (*shape, 16, 3)) * [2.8, 1.3, 1.0]


@settings(deadline=None)
@given(within(175, 80, 60))
def test_angles_survive_the_way_to_the_pose_and_back(angles: np.ndarray):
    back = pose_to_angles(angles_to_pose(angles, FRAMES), FRAMES)
    np.testing.assert_allclose(back, angles, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [0.0, 1e-300, 1e-20, 1e-12, 1e-9, 1e-8, 1e-7, 1e-4])
def test_small_angles_survive_too(size: float):
    angles = random_angles() * size
    pose = angles_to_pose(angles, FRAMES)
    np.testing.assert_allclose(pose_to_angles(pose, FRAMES), angles, rtol=1e-9, atol=0)


@settings(deadline=None)
@given(within(175, 80, 60))
def test_the_pose_is_scipy_s_rotation_about_the_frame_s_axes(angles: np.ndarray):
    pose = angles_to_pose(angles, FRAMES).reshape(16, 3)
    for frame, (bend, splay, twist), rotvec in zip(FRAMES, angles, pose, strict=True):
        turn = Rotation.from_euler("ZYX", [bend, -splay, twist])
        axes = Rotation.from_matrix(frame)
        expected = (axes * turn * axes.inv()).as_matrix()
        np.testing.assert_allclose(
            Rotation.from_rotvec(rotvec).as_matrix(), expected, rtol=0, atol=1e-12
        )
        assert np.linalg.norm(rotvec) <= np.pi + 1e-12


@settings(deadline=None)
@given(arrays(np.float64, 48, elements=st.floats(-1.8, 1.8)))
def test_poses_survive_the_way_to_the_angles_and_back(pose: np.ndarray):
    angles = pose_to_angles(pose, FRAMES)
    # Nearer to a splay of 90 degrees bend and twist are one and the same turn.
    clear = np.abs(angles[:, 1]) < np.deg2rad(89)
    back = angles_to_pose(angles, FRAMES)
    expected, turned = (
        Rotation.from_rotvec(vectors.reshape(16, 3)).as_matrix() for vectors in (pose, back)
    )
    np.testing.assert_allclose(turned[clear], expected[clear], rtol=0, atol=1e-9)


def test_half_turns_survive():
    angles = np.zeros((16, 3))
    for bend in (np.pi, np.pi - 1e-9, np.pi - 1e-6):
        angles[:, 0] = bend
        pose = angles_to_pose(angles, FRAMES)
        back = pose_to_angles(pose, FRAMES)
        np.testing.assert_allclose(np.cos(back), np.cos(angles), rtol=0, atol=1e-9)
        np.testing.assert_allclose(np.linalg.norm(pose.reshape(16, 3), axis=1), bend)


def test_batches_are_rows():
    angles = random_angles(4, 3)
    poses = angles_to_pose(angles, FRAMES)
    assert poses.shape == (4, 3, 48)
    np.testing.assert_allclose(poses[2, 1], angles_to_pose(angles[2, 1], FRAMES), atol=1e-12)
    np.testing.assert_allclose(pose_to_angles(poses, FRAMES), angles, atol=1e-9)


def test_tensors_are_converted_as_arrays_are():
    angles = random_angles(5)
    pose = angles_to_pose(angles, FRAMES)
    tensor = angles_to_pose(torch.tensor(angles), FRAMES)
    assert tensor.dtype == torch.float64
    np.testing.assert_allclose(tensor.numpy(), pose, rtol=0, atol=1e-12)
    back = pose_to_angles(torch.tensor(pose), FRAMES)
    np.testing.assert_allclose(back.numpy(), angles, rtol=0, atol=1e-12)
    single = torch.tensor(angles, dtype=torch.float32)
    back = pose_to_angles(angles_to_pose(single, FRAMES), FRAMES)
    assert back.dtype == torch.float32
    np.testing.assert_allclose(back.numpy(), angles, rtol=0, atol=1e-5)


def test_slopes_are_right_everywhere_and_the_axes_at_the_flat_hand():
    angles = torch.tensor(random_angles() * 0.8, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: angles_to_pose(x, FRAMES), angles)
    pose = torch.tensor(angles_to_pose(angles.detach().numpy(), FRAMES), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: pose_to_angles(x, FRAMES), pose)

    flat = torch.zeros(16, 3, dtype=torch.float64)
    slopes = torch.autograd.functional.jacobian(lambda x: angles_to_pose(x, FRAMES), flat)
    slopes = slopes.reshape(16, 3, 16, 3).numpy()
    for joint in range(16):
        twist, splay, bend = FRAMES[joint].T
        expected = np.stack([bend, -splay, twist], 1)
        np.testing.assert_allclose(slopes[joint, :, joint], expected, rtol=0, atol=1e-12)
    back = torch.autograd.functional.jacobian(
        lambda x: pose_to_angles(x, FRAMES), flat.reshape(48)
    ).reshape(48, 48)
    np.testing.assert_allclose(
        back.numpy() @ slopes.reshape(48, 48), np.eye(48), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-12, 1e-9, 1e-7, 1e-4, 1.0, 30.0])
def test_slopes_are_finite(size: float, dtype: torch.dtype):
    for convert, shape in ((angles_to_pose, (16, 3)), (pose_to_angles, (48,))):
        given = torch.tensor(random_angles() * size, dtype=dtype).reshape(shape).requires_grad_()
        convert(given, FRAMES).square().sum().backward()
        assert given.grad is not None
        assert torch.isfinite(given.grad).all()


@pytest.mark.parametrize("joint", MANO16.joints)
def test_a_joint_has_one_row_of_the_angles_and_three_numbers_of_the_pose(joint: str):
    row = MANO16.index(joint)
    angles = np.zeros((16, 3))
    angles[row] = [0.3, -0.2, 0.1]
    pose = angles_to_pose(angles, FRAMES)
    assert set(np.flatnonzero(pose)) == {3 * row, 3 * row + 1, 3 * row + 2}
    one = np.zeros(48)
    one[3 * row : 3 * row + 3] = [0.1, 0.2, -0.3]
    assert set(np.flatnonzero(pose_to_angles(one, FRAMES).any(1))) == {row}


@pytest.mark.parametrize("finger", FINGERS[1:])
def test_a_positive_twist_turns_the_pad_towards_the_thumb(finger: str):
    angles = np.zeros((16, 3))
    joint = MANO16.index(f"{finger}_mcp")
    angles[joint, 2] = 0.4
    turn = Rotation.from_rotvec(angles_to_pose(angles, FRAMES).reshape(16, 3)[joint])
    np.testing.assert_allclose(turn.apply(PALMAR) @ TO_THUMB, np.sin(0.4))
