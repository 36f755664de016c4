"""Between labels and what networks put out: each codec encodes, and decodes back.

Maps are [B, J, H, W]. A map cell of index i has its centre at (i + 0.5) cells, as pixels do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
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


@dataclass(frozen=True)
class GaussianHeatmap:
    """A joint as a Gaussian of peak 1 on a map (Xiao et al. 2018, section 3).

    Attributes:
        map_size: Side of the square map, cells.
        stride: Crop px a cell.
        sigma: Standard deviation, cells.
    """

    map_size: int
    stride: float
    sigma: float

    def encode(self, joints_px: Tensor) -> Tensor:
        """Crop px [B, J, 2] to maps [B, J, H, W]."""
        cells = torch.arange(self.map_size, dtype=joints_px.dtype, device=joints_px.device) + 0.5
        distance = cells - (joints_px / self.stride)[..., None]
        profile = torch.exp(-0.5 * (distance / self.sigma) ** 2)
        return profile[..., 1, :, None] * profile[..., 0, None, :]

    def decode(self, maps: Tensor) -> Tensor:
        """Maps [B, J, H, W] to crop px [B, J, 2], within a quarter of a cell.

        The highest cell, moved a quarter of a cell towards its higher neighbour along each axis;
        at the edge of the map it stays where it is.
        """
        width = maps.shape[-1]
        best = maps.flatten(2).argmax(-1)
        column, row = best % width, best // width
        padded = torch.nn.functional.pad(maps, (1, 1, 1, 1), mode="reflect").flatten(2)
        here = (row + 1) * (width + 2) + column + 1

        def value(offset: int) -> Tensor:
            return padded.gather(2, (here + offset)[..., None])[..., 0]

        shift_x = torch.sign(value(1) - value(-1))
        shift_y = torch.sign(value(width + 2) - value(-width - 2))
        cells = torch.stack([column + 0.5 + 0.25 * shift_x, row + 0.5 + 0.25 * shift_y], -1)
        return cells * self.stride


def expected_position(probabilities: Tensor, stride: float) -> Tensor:
    """Mean position under a map, the differentiable counterpart of its maximum.

    Args:
        probabilities: Each map sums to one, [B, J, H, W].
        stride: Crop px a cell.

    Returns:
        Crop px, [B, J, 2].
    """
    height, width = probabilities.shape[-2:]
    xs = torch.arange(width, dtype=probabilities.dtype, device=probabilities.device) + 0.5
    ys = torch.arange(height, dtype=probabilities.dtype, device=probabilities.device) + 0.5
    x = (probabilities.sum(-2) * xs).sum(-1)
    y = (probabilities.sum(-1) * ys).sum(-1)
    return torch.stack([x, y], -1) * stride


def bone_lengths(joints: Tensor) -> Tensor:
    """Lengths of the skeleton's bones: [..., J, 3] to [..., J - 1]."""
    parents, children = (list(ends) for ends in zip(*HAND21.bones, strict=True))
    return (joints[..., children, :] - joints[..., parents, :]).norm(dim=-1)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean over the first axis; zero where nothing has weight. Weights broadcast to the values."""
    weights = weights.expand_as(values)
    return (values * weights).sum(0) / weights.sum(0).clamp(min=EPSILON)


@dataclass(frozen=True)
class Pose25D:
    """Scale-free 2.5D pose (Iqbal et al. 2018, section 3.1): px and depth in reference bones.

    Attributes:
        reference: Indices of the reference bone's two joints.
        root_depth_limits: Range of the recovered root depth, in reference bones.
    """

    reference: tuple[int, int]
    root_depth_limits: tuple[float, float] = (0.0, float("inf"))

    def encode(self, joints_cam_m: Tensor) -> Tensor:
        """Root-relative depth in reference bones: [B, J, 3] to [B, J]; 0 where the bone is 0."""
        first, second = self.reference
        scale_m = (joints_cam_m[:, first] - joints_cam_m[:, second]).norm(dim=-1, keepdim=True)
        depth = joints_cam_m[..., 2] - joints_cam_m[:, HAND21.root, None, 2]
        return depth / scale_m.clamp(min=EPSILON) * (scale_m > EPSILON)

    def decode(
        self, joints_px: Tensor, depth: Tensor, camera_k: Tensor, mean_bones_m: Tensor
    ) -> Tensor:
        """Absolute joints in the camera frame.

        The metric scale is the one whose bones fit the mean bones best in the least-squares sense
        (section 3.3): s = sum(mean * length) / sum(length^2) over the scale-free pose's lengths.

        Args:
            joints_px: [B, J, 2].
            depth: Root-relative, in reference bones, [B, J].
            camera_k: Intrinsics, [B, 3, 3].
            mean_bones_m: Mean bone lengths, metres, [J - 1].

        Returns:
            Metres, [B, J, 3].
        """
        joints_px, depth, camera_k = joints_px.double(), depth.double(), camera_k.double()
        ones = torch.ones_like(joints_px[..., :1])
        rays = torch.cat([joints_px, ones], -1) @ torch.linalg.inv(camera_k).mT
        ends: Sequence[int] = self.reference
        root_depth = recover_root_depth(rays[:, ends, :2], depth[:, ends])
        scale_free = (root_depth.clamp(*self.root_depth_limits)[:, None] + depth)[..., None] * rays
        lengths, mean = bone_lengths(scale_free), mean_bones_m.double()
        scale_m = (mean * lengths).sum(-1) / (lengths**2).sum(-1).clamp(min=EPSILON)
        return scale_m[:, None, None] * scale_free


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
    offset = rays * depth[..., None]
    ray, start = rays[:, 0] - rays[:, 1], offset[:, 0] - offset[:, 1]
    a = (ray**2).sum(-1).clamp(min=EPSILON)
    b = 2 * (ray * start).sum(-1)
    c = (start**2).sum(-1) + (depth[:, 0] - depth[:, 1]) ** 2 - 1
    return (-b + (b**2 - 4 * a * c).clamp(min=0).sqrt()) / (2 * a)
