"""From maps of positions and depths to a 2.5D pose (Iqbal et al. 2018, section 3.4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.codecs import GaussianHeatmap, expected_position

PAPER_MAP_SIZE = 128
"""Side of the paper's maps: the weight of the depth loss refers to their pixels."""

EMPTY_MAP = math.pi * 4.0**2
"""What a Gaussian of the paper's maps differs from nothing, summed over its squares: the unit of
differences between maps, with which one learning rate suits both variants."""

SUPPORT_SIGMAS = 3.0
"""Reach of the Gaussian within which depth maps are labelled, standard deviations."""


class LatentReadout(nn.Module):
    """Expectations under a softmax over the map, whose temperature is learned for each joint."""

    def __init__(self, num_joints: int, stride: float) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(num_joints))
        self.stride = stride

    def forward(self, position_maps: Tensor, depth_maps: Tensor) -> tuple[Tensor, Tensor]:
        """Maps [B, J, H, W] to crop px [B, J, 2] and depths [B, J]."""
        scores = position_maps.flatten(2) * self.temperature[:, None]
        probabilities = scores.softmax(-1).reshape(position_maps.shape)
        depth = (probabilities * depth_maps).sum((-2, -1))
        return expected_position(probabilities, self.stride), depth


def depth_at_peak(position_maps: Tensor, depth_maps: Tensor) -> Tensor:
    """Each joint's depth in the cell where its position map is highest: two [B, J, H, W]."""
    peak = position_maps.flatten(2).argmax(-1, keepdim=True)
    return depth_maps.flatten(2).gather(2, peak)[..., 0]


def map_differences(
    position_maps: Tensor,
    depth_maps: Tensor,
    joints_px: Tensor,
    depth: Tensor,
    codec: GaussianHeatmap,
) -> tuple[Tensor, Tensor]:
    """Squared differences of maps to a labelled pose.

    Those of positions are summed over the map, as if it had the paper's size, so that they weigh
    as much on any map; those of depths are a mean over the Gaussian's support. Both are in units of
    `EMPTY_MAP`.

    Args:
        position_maps: [B, J, H, W].
        depth_maps: [B, J, H, W].
        joints_px: [B, J, 2].
        depth: In reference bones, [B, J].
        codec: Of the position maps.

    Returns:
        Two of [B, J].
    """
    target = codec.encode(joints_px)
    cells = (PAPER_MAP_SIZE / codec.map_size) ** 2
    position = cells * (position_maps - target).square().sum((-2, -1))
    support = target >= math.exp(-(SUPPORT_SIGMAS**2) / 2)
    difference = (depth_maps - depth[..., None, None]).square() * support
    depth_off = difference.sum((-2, -1)) / support.sum((-2, -1)).clamp(min=1)
    return position / EMPTY_MAP, depth_off / EMPTY_MAP
