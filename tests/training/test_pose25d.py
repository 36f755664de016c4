from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from drawn_hands import random_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from mano_assets.skeleton import HAND21
from render.manifest import project
from training.codecs import (
    Pose25D,
    bone_lengths,
    fit_root_depth,
    normalised_rays,
    recover_root_depth,
    to_metres,
)
from training.systems.options import Latent25DOptions

CAMERA_K = np.array([[480.0, 0, 130], [0, 470.0, 118], [0, 0, 1]])
CODEC = Pose25D((HAND21.index("wrist"), HAND21.index("index_mcp")))
MANY_BONES = dataclasses.replace(CODEC, root_depth="least_squares")
BOTH = pytest.mark.parametrize("codec", [CODEC, MANY_BONES], ids=["closed_form", "least_squares"])


def labels(joints_cam_m: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Joints, px and intrinsics of one hand, each with a batch axis."""
    joints_px = torch.from_numpy(project(joints_cam_m, CAMERA_K))[None]
    return torch.from_numpy(joints_cam_m)[None], joints_px, torch.from_numpy(CAMERA_K)[None]


def spread_hand(seed: int) -> np.ndarray:
    """A hand whose bones are not all drawn from one mould."""
    rng = np.random.default_rng(seed)
    return random_hand(rng) + rng.normal(0, 0.004, (21, 3))


def along_the_ray(joints: np.ndarray) -> np.ndarray:
    """Turns a hand until its reference bone lies along the line of sight of its root."""
    moved = joints.copy()
    first, second = CODEC.reference
    bone, ray = joints[second] - joints[first], joints[first] / np.linalg.norm(joints[first])
    length = np.linalg.norm(bone)
    moved[second] = joints[first] + length * ray
    return moved


@BOTH
@settings(deadline=None)
@given(seed=st.integers(0, 2**31), size=st.floats(0.7, 1.4))
def test_round_trip(codec: Pose25D, seed: int, size: float) -> None:
    joints, joints_px, camera_k = labels(spread_hand(seed) * size)
    decoded = codec.decode(joints_px, codec.encode(joints), camera_k, bone_lengths(joints[0]))
    assert (decoded - joints).abs().max() < 1e-6


@BOTH
@given(seed=st.integers(0, 2**31), root_bones=st.floats(1.5, 30))
def test_shipped_limits_leave_near_and_far_hands_alone(codec, seed: int, root_bones: float) -> None:
    codec = dataclasses.replace(codec, root_depth_limits=Latent25DOptions().root_depth_limits)
    joints_cam_m = random_hand(np.random.default_rng(seed))
    joints_cam_m -= joints_cam_m[HAND21.root]
    joints_cam_m[:, 2] *= 0.2  # else the fingers of the nearest reach behind the camera
    bone_m = np.linalg.norm(joints_cam_m[HAND21.index("index_mcp")])
    joints_cam_m[:, 2] += root_bones * bone_m
    joints, joints_px, camera_k = labels(joints_cam_m)
    decoded = codec.decode(joints_px, codec.encode(joints), camera_k, bone_lengths(joints[0]))
    assert (decoded - joints).abs().max() < 1e-5
    assert codec.encode_root(joints)[0].item() == pytest.approx(root_bones)


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


def test_least_squares_finds_the_minimum() -> None:
    """With noise in positions, depths and proportions; scipy searches the same objective."""
    rng = np.random.default_rng(4)
    for seed in range(20):
        joints, joints_px, camera_k = labels(spread_hand(seed))
        rays = normalised_rays(joints_px + torch.from_numpy(rng.normal(0, 2, (1, 21, 2))), camera_k)
        depth = CODEC.encode(joints) + torch.from_numpy(rng.normal(0, 0.05, (1, 21)))
        ratios = bone_lengths(joints[0]) / 0.09 * torch.from_numpy(rng.uniform(0.9, 1.1, 20))
        found = fit_root_depth(rays, depth, ratios)[0].item()

        def squares(root: float, rays=rays, depth=depth, ratios=ratios) -> float:
            lifted = np.concatenate([rays[0].numpy(), np.ones((21, 1))], -1)
            lifted = lifted * (root + depth[0].numpy())[:, None]
            lengths = [np.linalg.norm(lifted[b] - lifted[a]) for a, b in HAND21.bones]
            return float(((lengths - ratios.numpy()) ** 2).sum())

        true = CODEC.encode_root(joints).item()
        best = minimize_scalar(squares, bounds=(true - 3, true + 3), method="bounded")
        assert found == pytest.approx(best.x, abs=1e-3)


def test_least_squares_does_not_mind_a_reference_bone_along_the_ray() -> None:
    rng = np.random.default_rng(5)
    off = {"closed_form": [], "least_squares": []}
    for seed in range(60):
        joints, joints_px, camera_k = labels(along_the_ray(spread_hand(seed)))
        noisy_px = joints_px + torch.from_numpy(rng.normal(0, 1, (1, 21, 2)))
        for name, errors in off.items():
            codec = dataclasses.replace(CODEC, root_depth=name, root_depth_limits=(1.0, 50.0))
            decoded = codec.decode(
                noisy_px, codec.encode(joints), camera_k, bone_lengths(joints[0])
            )
            root = HAND21.root
            errors.append(abs(decoded[0, root, 2] - joints[0, root, 2]).item())
    assert np.median(off["least_squares"]) < 0.02
    assert np.median(off["closed_form"]) > 0.1


def test_least_squares_is_the_less_sensitive_to_noise() -> None:
    """1 px of noise, with the depths and the proportions of the hand known."""
    rng = np.random.default_rng(6)
    joints = torch.from_numpy(np.stack([random_hand(rng) for _ in range(500)]))
    joints_px = torch.from_numpy(project(joints.numpy(), CAMERA_K)) + torch.from_numpy(
        rng.normal(0, 1, (500, 21, 2))
    )
    rays = normalised_rays(joints_px, torch.from_numpy(CAMERA_K).expand(500, 3, 3))
    depth, true = CODEC.encode(joints), CODEC.encode_root(joints)
    bone_m = (joints[:, CODEC.reference[1]] - joints[:, CODEC.reference[0]]).norm(dim=-1)
    mean_bones_m = bone_lengths(joints).mean(0)
    one, many = (
        ((codec.recover_root(rays, depth, mean_bones_m) - true) * bone_m).abs().median()
        for codec in (CODEC, MANY_BONES)
    )
    assert many < 0.8 * one


def test_encoded_depth_has_no_scale() -> None:
    joints = torch.from_numpy(random_hand(np.random.default_rng(2)))[None]
    encoded = CODEC.encode(joints)
    torch.testing.assert_close(CODEC.encode(joints * 1.7), encoded)
    torch.testing.assert_close(CODEC.encode_root(joints * 1.7), CODEC.encode_root(joints))
    assert encoded[0, HAND21.root] == 0
    assert CODEC.encode(torch.zeros(1, 21, 3)).abs().max() == 0
    assert CODEC.encode_root(torch.zeros(1, 21, 3)) == 0


def test_depth_weights() -> None:
    weights = torch.full((3, 21), 0.5)
    weights[0, HAND21.index("thumb_tip")] = 0
    weights[1, HAND21.root] = 0
    weights[2, HAND21.index("index_mcp")] = 0
    found = CODEC.depth_weights(weights)
    assert torch.equal(found[0], weights[0])
    assert found[1:].abs().max() == 0


def test_scale_is_the_least_squares_fit_to_mean_bones() -> None:
    joints = random_hand(np.random.default_rng(3))
    mean = np.linspace(0.02, 0.1, len(HAND21.bones))
    lengths = np.array([np.linalg.norm(joints[b] - joints[a]) for a, b in HAND21.bones])
    scale = np.linalg.lstsq(lengths[:, None], mean, rcond=None)[0][0]
    metric = to_metres(torch.from_numpy(joints)[None], torch.from_numpy(mean))[0].numpy()
    np.testing.assert_allclose(metric, joints * scale, atol=1e-9)
    assert to_metres(torch.zeros(1, 21, 3), torch.from_numpy(mean)).abs().max() == 0


@BOTH
def test_degenerate_predictions_are_clamped(codec: Pose25D) -> None:
    codec = dataclasses.replace(codec, root_depth_limits=(4.0, 50.0))
    camera_k = torch.from_numpy(CAMERA_K)[None]
    for joints_px in (torch.full((1, 21, 2), 100.0), torch.rand(1, 21, 2) * 1e4):
        decoded = codec.decode(joints_px, torch.zeros(1, 21), camera_k, torch.ones(20))
        assert decoded.isfinite().all()
