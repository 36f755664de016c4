"""What codecs and systems ask of labels."""

from __future__ import annotations

from torch import Tensor

from mano_assets.skeleton import HAND21

EPSILON = 1e-9


def inside(joints_px: Tensor, size: int) -> Tensor:
    """Which joints lie in the crop: maps cannot say anything about the others.

    Args:
        joints_px: [B, J, 2].
        size: Side of the crop, px.

    Returns:
        1 or 0, [B, J].
    """
    return ((joints_px >= 0) & (joints_px <= size)).all(-1).to(joints_px.dtype)


def bone_lengths(joints: Tensor) -> Tensor:
    """Lengths of the skeleton's bones: [..., J, 3] to [..., J - 1]."""
    parents, children = (list(ends) for ends in zip(*HAND21.bones, strict=True))
    return (joints[..., children, :] - joints[..., parents, :]).norm(dim=-1)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean over the first axis; zero where nothing has weight. Weights broadcast to the values."""
    weights = weights.expand_as(values)
    return (values * weights).sum(0) / weights.sum(0).clamp(min=EPSILON)


def mean_bone_lengths(joints_cam_m: Tensor, weights_3d: Tensor) -> Tensor:
    """Mean lengths of the skeleton's bones over labelled poses, metres.

    Args:
        joints_cam_m: [N, J, 3].
        weights_3d: 0 where there is no label, [N, J].

    Returns:
        [J - 1].
    """
    parents, children = (list(ends) for ends in zip(*HAND21.bones, strict=True))
    weights = weights_3d[:, parents] * weights_3d[:, children]
    return weighted_mean(bone_lengths(joints_cam_m), weights)
