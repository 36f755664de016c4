"""The palm: the bones from the wrist to the fingers' bases, how they spread and how they arch.

Spurr et al. 2020, section 3.2 (root bones). Only for right hands: in a mirrored hand curvature and
normals change their signs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mano_assets.skeleton import FINGERS, HAND21
from training.biomechanics.bones import angle_between, direction

BASES = tuple(HAND21.chain(finger)[0] for finger in FINGERS)
"""The joints in which the fingers start, thumb to little."""


def root_bones(joints: Tensor) -> Tensor:
    """Wrist to the base of each finger: [..., J, 3] to [..., 5, 3]."""
    return joints[..., BASES, :] - joints[..., HAND21.root, None, :]


def palm_normals(bones: Tensor) -> Tensor:
    """Normals between neighbouring root bones: [..., 5, 3] to unit vectors [..., 4, 3]."""
    return direction(torch.cross(bones[..., 1:, :], bones[..., :-1, :], dim=-1))


def edge_normals(normals: Tensor) -> Tensor:
    """Normals at the root bones, the mean of those beside each: [..., 4, 3] to [..., 5, 3]."""
    inner = direction(normals[..., 1:, :] + normals[..., :-1, :])
    return torch.cat([normals[..., :1, :], inner, normals[..., -1:, :]], -2)


def curvature(bones: Tensor) -> Tensor:
    """How the palm bends from one root bone to the next, in 1 / length: [..., 5, 3] to [..., 4].

    The change of the edge normal along the line between the bases, over the line's length.
    """
    turn = edge_normals(palm_normals(bones)).diff(dim=-2)
    line = bones.diff(dim=-2)
    squared = (line**2).sum(-1)
    apart = squared > 1e-6
    return (turn * line).sum(-1) / squared.where(apart, 1.0) * apart


def angular_distance(bones: Tensor) -> Tensor:
    """Angles between neighbouring root bones, radians: [..., 5, 3] to [..., 4]."""
    return angle_between(bones[..., :-1, :], bones[..., 1:, :])
