from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_hands import random_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Outline
from references import reference_module
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from mano_assets.skeleton import HAND21
from training.biomechanics import (
    ANGLE_JOINTS,
    BiomechanicalLimits,
    angular_distance,
    curvature,
    joint_angles,
    root_bones,
)
from training.biomechanics.hulls import MAX_CORNERS, angle_hull, inside_hull
from training.biomechanics.penalties import hull_penalty, inside_hulls, interval_penalty

FINGERS = [list(range(first, first + 4)) for first in (1, 5, 9, 13, 17)]


def poses(count: int, seed: int = 0, noise_m: float = 0.006) -> np.ndarray:
    """Hands whose bones vary in all directions, in reference bones, [N, 21, 3]."""
    rng = np.random.default_rng(seed)
    hands = np.stack([random_hand(rng) for _ in range(count)])
    hands += rng.normal(0, noise_m, hands.shape)
    return hands / np.linalg.norm(hands[:, 5] - hands[:, 0], axis=-1)[:, None, None]


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def angle(first: np.ndarray, second: np.ndarray) -> float:
    return np.arccos(np.clip(unit(first) @ unit(second), -1, 1))


def written_out(hand: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curvatures, angular distances and joint angles of one hand, step by step."""
    b = [hand[finger[0]] - hand[0] for finger in FINGERS]
    n = [unit(np.cross(b[i + 1], b[i])) for i in range(4)]
    e = [n[0], *(unit(n[i] + n[i - 1]) for i in range(1, 4)), n[3]]
    curvatures = [
        (e[i + 1] - e[i]) @ (b[i + 1] - b[i]) / np.linalg.norm(b[i + 1] - b[i]) ** 2
        for i in range(4)
    ]
    distances = [angle(b[i], b[i + 1]) for i in range(4)]
    base_normals = [n[0], n[1], unit(n[1] + n[2]), unit(n[2] + n[3]), n[3]]
    angles = []
    for finger, normal, root_bone in zip(FINGERS, base_normals, b, strict=True):
        z, x = unit(root_bone), -normal
        y = unit(np.cross(z, x))
        for start, end in itertools.pairwise(finger):
            bone = hand[end] - hand[start]
            flat = bone - (bone @ y) * y
            flexion = angle(flat, z) * (-1 if bone @ x < 0 else 1)
            abduction = angle(flat, bone) * (-1 if bone @ y < 0 else 1)
            angles.append((flexion, abduction))
            axis = unit(np.cross(z, bone))
            turn = Rotation.from_rotvec(axis * angle(z, bone))
            x, y, z = turn.apply(x), turn.apply(y), unit(bone)
    return np.array(curvatures), np.array(distances), np.array(angles)


def test_quantities_are_those_of_the_formulas() -> None:
    hands = poses(40)
    ours = torch.from_numpy(hands)
    expected = [np.stack(values) for values in zip(*map(written_out, hands), strict=True)]
    palm = root_bones(ours)
    np.testing.assert_allclose(curvature(palm).numpy(), expected[0], atol=1e-9)
    np.testing.assert_allclose(angular_distance(palm).numpy(), expected[1], atol=1e-6)
    np.testing.assert_allclose(joint_angles(ours).numpy(), expected[2], atol=1e-6)
    assert len(ANGLE_JOINTS) == 15
    assert ANGLE_JOINTS[3:5] == ("index_mcp", "index_pip")


def test_a_curled_finger_flexes_and_a_spread_one_abducts() -> None:
    rng = np.random.default_rng(1)
    hand = random_hand(rng)
    middle = HAND21.chain("middle")
    straight = unit(hand[middle[0]] - hand[0])
    across = unit(hand[HAND21.index("index_mcp")] - hand[HAND21.index("ring_mcp")])
    across = unit(across - (across @ straight) * straight)
    palm_side = np.cross(across, straight)
    for inward, sideways in ((0.6, 0.0), (0.0, 0.3), (-0.4, -0.2)):
        bone = np.cos(sideways) * (np.cos(inward) * straight + np.sin(inward) * palm_side)
        bone = bone + np.sin(sideways) * across
        moved = hand.copy()
        for step, joint in enumerate(middle[1:], 1):
            moved[joint] = hand[middle[0]] + 0.03 * step * bone
        found = joint_angles(torch.from_numpy(moved)[None] / 0.09)[0]
        at_base, further = found[ANGLE_JOINTS.index("middle_mcp")], found[7:9]
        # The palm is not flat: its normal at the middle finger is not quite the one used here.
        np.testing.assert_allclose(np.abs(at_base), np.abs([inward, sideways]), atol=0.12)
        assert np.sign(inward) * at_base[0] >= -0.12
        assert further.abs().max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.5, 2.0))
def test_quantities_turn_mirror_and_scale_as_they_should(seed: int, size: float) -> None:
    hand = poses(1, seed)
    turned = Rotation.random(random_state=seed).apply(hand[0])[None] + [1.0, -2.0, 7.0]
    original, moved, mirrored = (
        torch.from_numpy(value) for value in (hand, size * turned, hand * [-1, 1, 1])
    )
    angles, palm = joint_angles(original), root_bones(original)
    torch.testing.assert_close(joint_angles(moved), angles, atol=1e-6, rtol=0)
    torch.testing.assert_close(joint_angles(mirrored), angles * torch.tensor([-1.0, 1.0]).double())
    torch.testing.assert_close(size * curvature(root_bones(moved)), curvature(palm))
    torch.testing.assert_close(curvature(root_bones(mirrored)), -curvature(palm))
    torch.testing.assert_close(angular_distance(root_bones(moved)), angular_distance(palm))
    torch.testing.assert_close(angular_distance(root_bones(mirrored)), angular_distance(palm))


def test_penalty_of_an_interval() -> None:
    limits = torch.tensor([[1.0, 2.0], [-1.0, 0.0]])
    values = torch.tensor([[0.5, -0.5], [2.5, 1.0], [1.0, -3.0]])
    assert interval_penalty(values, limits).tolist() == [[0.5, 0.0], [0.5, 1.0], [0.0, 2.0]]


def test_hulls_hold_the_poses_with_few_corners() -> None:
    """matplotlib decides what is inside, scipy what the whole hull is."""
    rng = np.random.default_rng(2)
    angles = rng.normal([0.5, 0.0], [0.4, 0.1], (20_000, 2))
    corners = angle_hull(angles)
    whole = ConvexHull(angles)
    assert 3 <= len(corners) < len(whole.vertices)
    assert ConvexHull(corners).volume < 1.02 * whole.volume
    inside = Outline(np.concatenate([corners, corners[:1]]), closed=True).contains_points(angles)
    assert 0.9995 <= inside.mean() < 1
    assert (inside == inside_hull(angles, corners)).all()
    areas = (
        corners[:, 0] * np.roll(corners, -1, 0)[:, 1]
        - corners[:, 1] * np.roll(corners, -1, 0)[:, 0]
    )
    assert areas.sum() / 2 == pytest.approx(ConvexHull(corners).volume)  # counter-clockwise


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_hulls_of_joints_that_only_bend(count: int) -> None:
    angles = np.stack([np.linspace(0, 1, count), np.zeros(count)], -1)
    corners = angle_hull(angles)
    assert inside_hull(angles, corners).all()
    assert np.ptp(corners[:, 1]) < 0.01
    along = angle_hull(np.stack([angles[:, 0], 0.3 * angles[:, 0]], -1))
    assert 3 <= len(along) <= MAX_CORNERS


def test_a_round_hull_has_no_more_corners_than_fit() -> None:
    turn = np.linspace(0, 2 * np.pi, 1000)
    corners = angle_hull(3 * np.stack([np.cos(turn), np.sin(turn)], -1))
    assert len(corners) <= MAX_CORNERS
    assert ConvexHull(corners).volume > 0.98 * 9 * np.pi


def test_penalty_of_a_hull() -> None:
    """The nearest point of every edge by a search along it."""
    rng = np.random.default_rng(3)
    corners = angle_hull(rng.normal([0.5, 0.0], [0.4, 0.2], (500, 2)))
    angles = rng.uniform(-3, 3, (300, 2))
    padded = np.pad(corners, ((0, 3), (0, 0)), mode="edge")
    ours = hull_penalty(torch.from_numpy(angles)[:, None], torch.from_numpy(padded)[None])[:, 0]
    outline = Outline(np.concatenate([corners, corners[:1]]), closed=True)
    inside = outline.contains_points(angles)
    assert inside.any()
    assert (
        inside_hulls(torch.from_numpy(angles)[:, None], torch.from_numpy(padded)[None])[:, 0]
        == torch.from_numpy(inside)
    ).all()
    steps = np.linspace(0, 1, 4001)[:, None]
    for row, point in enumerate(angles):
        smallest = np.inf
        for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
            edge = start + steps * (end - start)
            nearest = edge[np.linalg.norm(edge - point, axis=-1).argmin()]
            off = np.abs(np.cos(point) - np.cos(nearest)) + np.abs(np.sin(point) - np.sin(nearest))
            smallest = min(smallest, off.sum())
        assert ours[row] == pytest.approx(0 if inside[row] else smallest, abs=2e-3)


def test_limits_hold_the_poses_they_are_taken_from() -> None:
    limits = BiomechanicalLimits()
    hands = torch.from_numpy(poses(400)).float()
    assert limits.contains(100 * hands).all()  # nothing is out of limits that are not known
    limits.fit(hands)
    assert limits.coverage == limits.contains(hands).double().mean()
    assert limits.coverage > 0.99
    lengths = np.stack(
        [np.linalg.norm(hands[:, b] - hands[:, a], axis=-1) for a, b in HAND21.bones], -1
    )
    np.testing.assert_allclose(limits.bone_lengths[:, 0], lengths.min(0), rtol=1e-6)
    np.testing.assert_allclose(limits.bone_lengths[:, 1], lengths.max(0), rtol=1e-6)
    penalties = limits(1.3 * hands)
    assert (penalties["bone_length"] > 0).all()
    assert penalties["joint_angle"].mean() < 1e-6
    mirrored = limits(hands * torch.tensor([-1.0, 1, 1]))
    assert mirrored["bone_length"].max() < 1e-6
    assert mirrored["joint_angle"].mean() > 0.01  # fingers bent backwards
    other = BiomechanicalLimits()
    other.load_state_dict(limits.state_dict())
    torch.testing.assert_close(other(2 * hands), limits(2 * hands))


def degenerate(hand: np.ndarray, kind: str) -> np.ndarray:
    hand = hand.copy()
    if kind == "no length":
        hand[HAND21.index("index_pip")] = hand[HAND21.index("index_mcp")]
        hand[HAND21.index("ring_mcp")] = hand[HAND21.root]
    elif kind == "one line":
        hand[:, :2] = 0
    elif kind == "straight":
        for finger in FINGERS:
            hand[finger] = np.arange(1, 5)[:, None] * hand[finger[0]]
    elif kind == "folded back":
        for finger in FINGERS:
            hand[finger[1]] = hand[0]
    elif kind == "flat palm":
        hand[..., 2] = 0
    elif kind == "a point":
        hand[:] = 0
    return hand


@pytest.mark.parametrize(
    "kind", ["no length", "one line", "straight", "folded back", "flat palm", "a point"]
)
def test_degenerate_poses_have_finite_gradients(kind: str) -> None:
    limits = BiomechanicalLimits()
    limits.fit(torch.from_numpy(poses(100)))
    hand = poses(1, seed=5)[0]
    joints = torch.from_numpy(degenerate(hand - hand[0], kind)).float()[None].requires_grad_()
    penalties = limits(joints)
    assert all(value.isfinite().all() for value in penalties.values())
    total = torch.stack([value.sum() for value in penalties.values()]).sum()
    (gradient,) = torch.autograd.grad(total, joints)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 1e3


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (1, 21, 3), elements=st.sampled_from([-1.0, 0.0, 1e-5, 0.3, 2.0, 40.0])))
def test_gradients_are_finite_whatever_the_pose(joints: np.ndarray) -> None:
    limits = BiomechanicalLimits()
    limits.bone_lengths.copy_(torch.tensor([0.9, 1.0]).expand(20, 2))
    limits.curvatures.zero_()
    limits.angular_distances.zero_()
    limits.hulls.mul_(0.02)
    given_joints = torch.from_numpy(joints).float().requires_grad_()
    penalties = limits(given_joints)
    total = torch.stack([value.sum() for value in penalties.values()]).sum()
    assert total.isfinite()
    (gradient,) = torch.autograd.grad(total, given_joints)
    assert gradient.isfinite().all()


def test_gradients_are_the_slopes() -> None:
    limits = BiomechanicalLimits().double()
    limits.fit(torch.from_numpy(poses(50)))
    joints = torch.from_numpy(poses(3, seed=9, noise_m=0.03)).requires_grad_()
    assert all(value.min() > 0 for value in limits(joints).values())

    def total(pose: torch.Tensor) -> torch.Tensor:
        return torch.stack([value.sum() for value in limits(pose).values()]).sum()

    assert torch.autograd.gradcheck(total, joints, eps=1e-7, atol=1e-4)


def test_losses_are_those_of_the_public_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """MengHao666/Hand-BMC-pytorch (MIT): its loss as a whole, on our limits."""
    folder = "Hand-BMC-pytorch"
    monkeypatch.syspath_prepend(str(Path(os.environ.get("HANDFORGE_REFERENCES", "")) / folder))
    monkeypatch.setattr(torch.Tensor, "cuda", lambda tensor: tensor)
    weakloss = reference_module(f"{folder}/weakloss.py")
    public_angles = reference_module(f"{folder}/utils/calculate_Joint_angles.py").caculate_ja

    limits = BiomechanicalLimits()
    limits.fit(torch.from_numpy(poses(200)))
    theirs = weakloss.BMCLoss.__new__(weakloss.BMCLoss)
    theirs.lambda_bl = theirs.lambda_rb = theirs.lambda_a = 1.0
    theirs.bl_min, theirs.bl_max = limits.bone_lengths.unbind(-1)
    theirs.rb_curvatures_min, theirs.rb_curvatures_max = limits.curvatures.unbind(-1)
    theirs.rb_PHI_min, theirs.rb_PHI_max = limits.angular_distances.unbind(-1)
    # They go joint by joint, all fingers at once, and without repeated corners.
    by_joint = limits.hulls.unflatten(0, (5, 3)).transpose(0, 1).flatten(0, 1)
    theirs.joint_angle_limit = [torch.unique_consecutive(hull, dim=0) for hull in by_joint]

    joints = torch.from_numpy(poses(64, seed=4, noise_m=0.02)).float()
    ours = {name: value.mean() for name, value in limits(joints).items()}
    _, terms = theirs.compute_loss(joints)
    for name, key in (("bone_length", "bl"), ("palm", "rb"), ("joint_angle", "a")):
        assert ours[name] > 1e-3
        torch.testing.assert_close(ours[name], terms[f"bmc_{key}"].squeeze(), rtol=1e-3, atol=1e-6)
    angles = joint_angles(joints).unflatten(1, (5, 3)).transpose(1, 2).flatten(1, 2)
    for hand, found in zip(joints.numpy(), angles.numpy(), strict=True):
        np.testing.assert_allclose(public_angles(hand), found, atol=2e-3)
