"""Flexion and abduction of the fingers' joints.

Spurr et al. 2020, section 3.2 (joint angles). A finger's base has a frame from its root bone and
the palm's normals; further out the frame goes along with the bone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mano_assets.skeleton import FINGERS, HAND21
from training.biomechanics.bones import angle_from, direction, length
from training.biomechanics.palm import palm_normals, root_bones

ANGLE_JOINTS = tuple(HAND21.joints[j] for f in FINGERS for j in HAND21.chain(f)[:-1])
"""The joints with angles: of each finger, thumb to little, all but its tip."""

ALMOST_BACKWARDS = 1e-4
"""1 + cosine below which the turn that brings one direction onto the other is no longer unique."""


def joint_angles(joints: Tensor) -> Tensor:
    """Angles between consecutive bones of a finger, in the frame of the first.

    The frame: z along the bone towards the joint, x against the palm's normal, y = z x x. Flexion
    is the angle of the next bone within the xz plane from z towards x, abduction its angle out of
    that plane towards y.

    Args:
        joints: Of right hands, in reference bones, [..., J, 3].

    Returns:
        Flexion and abduction, radians, [..., 15, 2], in the order of `ANGLE_JOINTS`.
    """
    along = root_bones(joints)
    x, z = _base_x(palm_normals(along)), direction(along)
    y = torch.cross(z, x, dim=-1)
    chains = torch.stack([joints[..., HAND21.chain(finger), :] for finger in FINGERS], -3)
    angles = []
    for bone in chains.diff(dim=-2).unbind(-2):
        ahead, inward, sideways = ((bone * axis).sum(-1) for axis in (z, x, y))
        flexion = angle_from(inward, ahead)
        abduction = angle_from(sideways, length(torch.stack([ahead, inward], -1)))
        angles.append(torch.stack([flexion, abduction], -1))
        outward = direction(bone)
        x, y, z = _carried(x, z, outward), _carried(y, z, outward), outward
    return torch.stack(angles, -2).flatten(-3, -2)


def _base_x(normals: Tensor) -> Tensor:
    """The x axes at the fingers' bases: [..., 4, 3] to [..., 5, 3]."""
    between = direction(normals[..., 1:3, :] + normals[..., 2:4, :])
    return -torch.cat([normals[..., :2, :], between, normals[..., 3:, :]], -2)


def _carried(vectors: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Turns vectors by the smallest rotation that brings one direction onto another.

    Rodrigues' formula with v = start x end: a + v x a + v x (v x a) / (1 + cosine).
    """
    v = torch.cross(start, end, dim=-1)
    turned = torch.cross(v, vectors, dim=-1)
    cosine = (start * end).sum(-1, keepdim=True)
    return (
        vectors + turned + torch.cross(v, turned, dim=-1) / (1 + cosine).clamp(min=ALMOST_BACKWARDS)
    )
