"""The scale-free 2.5D pose, and the way back to metric joints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mano_assets.skeleton import HAND21
from training.codecs.labels import EPSILON, bone_lengths

RootDepth = Literal["closed_form", "least_squares"]

GAUSS_NEWTON_STEPS = 8
"""From the pooled quadratic's start the depth no longer moves in double precision."""


@dataclass(frozen=True)
class Pose25D:
    """Scale-free 2.5D pose (Iqbal et al. 2018, section 3.1): px and depth in reference bones.

    Attributes:
        reference: Indices of the reference bone's two joints, a bone of the skeleton.
        root_depth_limits: Range of the recovered root depth, in reference bones.
        root_depth: Recover it from the reference bone alone, as the paper does, or from all bones.
    """

    reference: tuple[int, int]
    root_depth_limits: tuple[float, float] = (0.0, float("inf"))
    root_depth: RootDepth = "closed_form"

    def encode(self, joints_cam_m: Tensor) -> Tensor:
        """Root-relative depth in reference bones: [B, J, 3] to [B, J]; 0 where the bone is 0."""
        depth = joints_cam_m[..., 2] - joints_cam_m[:, HAND21.root, None, 2]
        return depth * self._bones_a_metre(joints_cam_m)[:, None]

    def encode_root(self, joints_cam_m: Tensor) -> Tensor:
        """Absolute depth of the root in reference bones: [B, J, 3] to [B]; 0 where that is 0."""
        return joints_cam_m[:, HAND21.root, 2] * self._bones_a_metre(joints_cam_m)

    def _bones_a_metre(self, joints_cam_m: Tensor) -> Tensor:
        first, second = self.reference
        bone_m = (joints_cam_m[:, first] - joints_cam_m[:, second]).norm(dim=-1)
        return (bone_m > EPSILON) / bone_m.clamp(min=EPSILON)

    def depth_weights(self, weights_3d: Tensor) -> Tensor:
        """Weights of depth labels, [B, J]: without root or unit of length they mean nothing."""
        needed = weights_3d[:, [HAND21.root, *self.reference]] > 0
        return weights_3d * needed.all(-1, keepdim=True)

    def decode(
        self, joints_px: Tensor, depth: Tensor, camera_k: Tensor, mean_bones_m: Tensor
    ) -> Tensor:
        """Absolute joints in the camera frame.

        Args:
            joints_px: [B, J, 2].
            depth: Root-relative, in reference bones, [B, J].
            camera_k: Intrinsics, [B, 3, 3].
            mean_bones_m: Mean bone lengths, metres, [J - 1].

        Returns:
            Metres, [B, J, 3], double precision.
        """
        rays, depth = normalised_rays(joints_px, camera_k), depth.double()
        root = self.recover_root(rays, depth, mean_bones_m.double())
        return to_metres(lift(rays, depth, root), mean_bones_m.double())

    def recover_root(self, rays: Tensor, depth: Tensor, mean_bones_m: Tensor) -> Tensor:
        """Absolute depth of the root within the limits, [B], in reference bones.

        Args:
            rays: Normalised coordinates, [B, J, 2].
            depth: Root-relative, in reference bones, [B, J].
            mean_bones_m: Mean bone lengths, metres, [J - 1]; only their ratios count.
        """
        if self.root_depth == "closed_form":
            ends = list(self.reference)
            root = recover_root_depth(rays[:, ends], depth[:, ends])
        else:
            pairs = [set(bone) for bone in HAND21.bones]
            unit_m = mean_bones_m[pairs.index(set(self.reference))]
            root = fit_root_depth(rays, depth, mean_bones_m / unit_m.clamp(min=EPSILON))
        return root.clamp(*self.root_depth_limits)


def normalised_rays(joints_px: Tensor, camera_k: Tensor) -> Tensor:
    """K^-1 [x, y, 1] without its last 1: [B, J, 2].

    In double precision, whatever the arithmetic around it: at ten bones' distance a bone spans few
    hundredths.
    """
    ones = torch.ones_like(joints_px[..., :1])
    homogeneous = torch.cat([joints_px, ones], -1).double()
    return (homogeneous @ torch.linalg.inv(camera_k.double()).mT)[..., :2]


def lift(rays: Tensor, depth: Tensor, root_depth: Tensor) -> Tensor:
    """Joints in the camera frame, in reference bones: [B, J, 2], [B, J] and [B] to [B, J, 3]."""
    absolute = (root_depth[:, None] + depth)[..., None]
    return torch.cat([absolute * rays, absolute], -1)


def to_metres(joints_bones: Tensor, mean_bones_m: Tensor) -> Tensor:
    """The size at which the bones fit the mean bones best in the least-squares sense.

    s = sum(mean * length) / sum(length^2) over the scale-free pose's bones (Iqbal et al. 2018,
    section 3.3).

    Args:
        joints_bones: In any unit of length, [B, J, 3].
        mean_bones_m: Mean bone lengths, metres, [J - 1].

    Returns:
        Metres, [B, J, 3].
    """
    lengths = bone_lengths(joints_bones)
    scale = (mean_bones_m * lengths).sum(-1) / (lengths**2).sum(-1).clamp(min=EPSILON)
    return scale[:, None, None] * joints_bones


def recover_root_depth(rays: Tensor, depth: Tensor) -> Tensor:
    """Depth of the root at which a bone has length one.

    Solves |(Z + d_n) u_n - (Z + d_m) u_m| = 1 for the larger Z, u the rays with z = 1. This is
    equation 6 of Iqbal et al. 2018 with the factor 2 in the linear coefficient that the paper's
    print lacks, and with coordinates normalised by K^-1.

    Args:
        rays: Normalised coordinates of the bone's two joints, [B, 2, 2].
        depth: Their depths relative to the root, in units of the bone, [B, 2].

    Returns:
        [B]; the nearest real value where noise leaves no real solution.
    """
    slope, start = _bone_lines(rays[:, :1], rays[:, 1:], depth[:, :1], depth[:, 1:])
    return _larger_root(slope, start, torch.ones_like(depth[:, :1]))


def fit_root_depth(rays: Tensor, depth: Tensor, bone_ratios: Tensor) -> Tensor:
    """Depth of the root at which all bones together have their usual lengths.

    Minimises the summed squared difference of lengths by Gauss-Newton, from the depth at which the
    sum of the squared lengths is right: that start is a quadratic as for one bone, but has a
    solution unless the whole hand lies along one ray.

    Args:
        rays: Normalised coordinates, [B, J, 2].
        depth: Relative to the root, [B, J].
        bone_ratios: Usual lengths of the skeleton's bones in the unit of the depths, [J - 1].

    Returns:
        [B].
    """
    parents, children = (list(ends) for ends in zip(*HAND21.bones, strict=True))
    slope, start = _bone_lines(
        rays[:, parents], rays[:, children], depth[:, parents], depth[:, children]
    )
    root = _larger_root(slope, start, bone_ratios)
    for _ in range(GAUSS_NEWTON_STEPS):
        bones = root[:, None, None] * slope + start
        lengths = bones.norm(dim=-1).clamp(min=EPSILON)
        growth = (bones * slope).sum(-1) / lengths
        step = ((lengths - bone_ratios) * growth).sum(-1) / (growth**2).sum(-1).clamp(min=EPSILON)
        root = root - step
    return root


def _bone_lines(
    rays: Tensor, other_rays: Tensor, depth: Tensor, other_depth: Tensor
) -> tuple[Tensor, Tensor]:
    """Bones as slope * Z + start, two of [B, N, 3], Z the root's depth."""
    still = torch.zeros_like(depth)
    slope = lift(rays, still, still[:, 0] + 1) - lift(other_rays, still, still[:, 0] + 1)
    return slope, lift(rays, depth, still[:, 0]) - lift(other_rays, other_depth, still[:, 0])


def _larger_root(slope: Tensor, start: Tensor, lengths: Tensor) -> Tensor:
    """The larger Z at which the bones' squared lengths sum up as given."""
    a = (slope**2).sum((-2, -1)).clamp(min=EPSILON)
    b = 2 * (slope * start).sum((-2, -1))
    c = (start**2).sum((-2, -1)) - (lengths**2).sum(-1)
    return (-b + (b**2 - 4 * a * c).clamp(min=0).sqrt()) / (2 * a)
