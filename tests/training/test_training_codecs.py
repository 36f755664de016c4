from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_hands import random_hand
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass

from mano_assets.skeleton import HAND21
from render.manifest import project
from training.codecs import (
    GaussianHeatmap,
    Pose25D,
    bone_lengths,
    expected_position,
    inside,
    recover_root_depth,
)
from training.systems.registry import Latent25DOptions

CAMERA_K = np.array([[480.0, 0, 130], [0, 470.0, 118], [0, 0, 1]])
CODEC = Pose25D((HAND21.index("wrist"), HAND21.index("index_mcp")))


@given(
    st.sampled_from([(16, 4.0), (24, 4.0), (64, 2.0)]),
    st.floats(0.5, 3.0),
    st.floats(0.07, 0.93),
    st.floats(0.07, 0.93),
)
def test_heatmap_round_trip_within_a_quarter_cell(shape, sigma, x, y) -> None:
    """The outermost cells are left out: there is no neighbour to compare with."""
    map_size, stride = shape
    codec = GaussianHeatmap(map_size, stride, sigma)
    joints = torch.tensor([[[x, y]]], dtype=torch.float64) * map_size * stride
    error = (codec.decode(codec.encode(joints)) - joints).abs() / stride
    assert error.max() <= 0.25 + 1e-9


def test_heatmap_follows_pixel_centres() -> None:
    codec = GaussianHeatmap(map_size=16, stride=4.0, sigma=1.0)
    maps = codec.encode(torch.tensor([[[4 * 6.5, 4 * 9.5]]]))
    assert maps[0, 0, 9, 6] == 1.0
    assert maps.max() == 1.0
    assert codec.decode(maps)[0, 0].tolist() == [26.0, 38.0]


def test_expected_position_is_the_centre_of_mass() -> None:
    maps = np.random.default_rng(0).random((2, 3, 8, 10))
    maps /= maps.sum((2, 3), keepdims=True)
    ours = expected_position(torch.from_numpy(maps), stride=4.0).numpy()
    for index in np.ndindex(2, 3):
        row, column = center_of_mass(maps[index])
        np.testing.assert_allclose(ours[index], [4 * (column + 0.5), 4 * (row + 0.5)])


def test_inside() -> None:
    joints = torch.tensor([[[0.0, 32.0], [-0.1, 5.0], [5.0, 32.1], [3.0, 4.0]]])
    assert inside(joints, 32).tolist() == [[1.0, 0.0, 0.0, 1.0]]


def test_root_depth_solves_the_quadratic() -> None:
    """Random bones of length one; numpy's polynomial roots are the referee for the branch."""
    rng = np.random.default_rng(1)
    count = 2000
    root_depth = rng.uniform(4, 15, count)
    first = np.concatenate([rng.uniform(-2, 2, (count, 2)), root_depth[:, None]], -1)
    direction = rng.normal(size=(count, 3))
    second = first + direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    ends = np.stack([first, second], 1)
    rays, depth = ends[..., :2] / ends[..., 2:], ends[..., 2] - root_depth[:, None]
    found = recover_root_depth(torch.from_numpy(rays), torch.from_numpy(depth)).numpy()

    offset = rays * depth[..., None]
    ray, start = rays[:, 0] - rays[:, 1], offset[:, 0] - offset[:, 1]
    constant = (start**2).sum(-1) + (depth[:, 0] - depth[:, 1]) ** 2 - 1
    right_branch = 0
    for row in range(count):
        polynomial = [ray[row] @ ray[row], 2 * ray[row] @ start[row], constant[row]]
        assert np.abs(np.roots(polynomial) - root_depth[row]).min() < 1e-5
        right_branch += abs(found[row] - root_depth[row]) < 1e-5
    assert right_branch / count > 0.99


@given(st.integers(0, 2**31), st.floats(0.7, 1.4))
def test_pose25d_round_trip(seed: int, size: float) -> None:
    joints_cam_m = random_hand(np.random.default_rng(seed)) * size
    joints_px = torch.from_numpy(project(joints_cam_m, CAMERA_K))[None]
    joints = torch.from_numpy(joints_cam_m)[None]
    decoded = CODEC.decode(
        joints_px, CODEC.encode(joints), torch.from_numpy(CAMERA_K)[None], bone_lengths(joints[0])
    )
    assert (decoded - joints).abs().max() < 1e-6


@given(st.integers(0, 2**31), st.floats(1.5, 30))
def test_shipped_depth_limits_leave_near_and_far_hands_alone(seed: int, root_bones: float) -> None:
    limits = Latent25DOptions().root_depth_limits
    codec = Pose25D(CODEC.reference, limits)
    joints_cam_m = random_hand(np.random.default_rng(seed))
    joints_cam_m -= joints_cam_m[HAND21.root]
    joints_cam_m[:, 2] *= 0.2  # else the fingers of the nearest reach behind the camera
    bone_m = np.linalg.norm(joints_cam_m[HAND21.index("index_mcp")])
    joints_cam_m[:, 2] += root_bones * bone_m
    joints = torch.from_numpy(joints_cam_m)[None]
    joints_px = torch.from_numpy(project(joints_cam_m, CAMERA_K))[None]
    decoded = codec.decode(
        joints_px, codec.encode(joints), torch.from_numpy(CAMERA_K)[None], bone_lengths(joints[0])
    )
    assert (decoded - joints).abs().max() < 1e-6


def test_encoded_depth_has_no_scale() -> None:
    joints = torch.from_numpy(random_hand(np.random.default_rng(2)))[None]
    encoded = CODEC.encode(joints)
    torch.testing.assert_close(CODEC.encode(joints * 1.7), encoded)
    assert encoded[0, HAND21.root] == 0
    assert CODEC.encode(torch.zeros(1, 21, 3)).abs().max() == 0


def test_scale_is_the_least_squares_fit_to_mean_bones() -> None:
    joints = random_hand(np.random.default_rng(3))
    mean = np.linspace(0.02, 0.1, len(HAND21.bones))
    joints_px = torch.from_numpy(project(joints, CAMERA_K))[None]
    depth = CODEC.encode(torch.from_numpy(joints)[None])
    camera_k = torch.from_numpy(CAMERA_K)[None]
    decoded = CODEC.decode(joints_px, depth, camera_k, torch.from_numpy(mean))[0].numpy()
    lengths = np.array([np.linalg.norm(joints[b] - joints[a]) for a, b in HAND21.bones])
    scale = np.linalg.lstsq(lengths[:, None], mean, rcond=None)[0][0]
    np.testing.assert_allclose(decoded, joints * scale, atol=1e-9)


def test_a_bone_along_the_line_of_sight_is_clamped() -> None:
    codec = Pose25D((0, 1), root_depth_limits=(4.0, 50.0))
    joints_px = torch.full((1, 21, 2), 100.0)
    decoded = codec.decode(
        joints_px, torch.zeros(1, 21), torch.from_numpy(CAMERA_K)[None], torch.ones(20)
    )
    assert decoded.isfinite().all()


@pytest.mark.parametrize("missing", [0, 5])
def test_bone_lengths_follow_the_skeleton(missing: int) -> None:
    joints = torch.zeros(21, 3)
    joints[missing, 0] = 1.0
    touched = [bone for bone in HAND21.bones if missing in bone]
    assert bone_lengths(joints).sum() == len(touched)
