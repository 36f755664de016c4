"""Cut-outs and drawn things in front of the hand.

Shapes are where the largest of some half planes' signed distances is below zero, or inside an
ellipse; edges are one pixel soft.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.augmentation.config import AugmentConfig
from training.augmentation.fields import clouds
from training.samples.crops import Batch

NUM_SIDES = 6
"""Of a polygon."""

CUTOUT_DRAWS = 6
OCCLUDER_DRAWS = 15 + 2 * NUM_SIDES


def cutouts(draws: Tensor, size: int, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Upright squares of one colour.

    DeVries and Taylor: Improved Regularization of Convolutional Neural Networks with Cutout, 2017,
    with a random colour as in Zhong et al.: Random Erasing Data Augmentation, AAAI 2020.

    Args:
        draws: Uniform in 0..1, [N, CUTOUT_DRAWS].
        size: Side of the crop, px.
        config: Ranges.

    Returns:
        How much is covered, 0..1, [N, 1, S, S], and with what, [N, 3, S, S].
    """
    side, centre, colour = draws.split([1, 2, 3], 1)
    u, v = _frame(centre, torch.zeros_like(side), size)
    half_px = _between(side, config.cutout_side)[..., None] * size / 2
    covered = _soft(torch.maximum(u.abs(), v.abs()) - half_px)
    return covered[:, None], colour[..., None, None].expand(-1, -1, size, size)


def occluders(draws: Tensor, size: int, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Ellipses, polygons and bars, plain or textured, each as often.

    Args:
        draws: Uniform in 0..1, [N, OCCLUDER_DRAWS].
        size: Side of the crop, px.
        config: Ranges.

    Returns:
        As of `cutouts`.
    """
    kind, width, aspect, angle, centre, textured, seed, colours, corners = draws.split(
        [1, 1, 1, 1, 2, 1, 1, 7, 2 * NUM_SIDES], 1
    )
    u, v = _frame(centre, angle * math.pi, size)
    half_px = _between(width, config.occluder_side)[..., None] * size / 2
    flat_px = half_px * (0.4 + 0.6 * aspect[..., None])

    # Near the edge the excess over 1 times the smaller half axis is about the distance.
    ellipse = (((u / half_px) ** 2 + (v / flat_px) ** 2).sqrt() - 1) * flat_px
    # A bar crosses the whole crop, half as wide as the others are.
    bar = v.abs() - half_px / 2
    polygon = _polygon(u, v, half_px, corners)
    pick = kind[..., None]
    covered = _soft(torch.where(pick < 1 / 3, ellipse, torch.where(pick < 2 / 3, polygon, bar)))

    first, second, contrast = (part[..., None, None] for part in colours.split([3, 3, 1], 1))
    # From clouds to blotches with edges.
    texture = ((clouds(seed[:, 0], 1, size) - 0.5) * (1 + 7 * contrast) + 0.5).clamp_(0, 1)
    texture = texture * (textured[..., None, None] < 0.5)
    return covered[:, None], torch.lerp(first, second, texture)


def cover(
    batch: Batch, chosen: Tensor, things: tuple[Tensor, Tensor], hidden_joint_weight: float
) -> Batch:
    """Puts things in front of some samples, in place.

    Joints behind them keep their coordinates; their weights change. The mask shows what is seen.

    Args:
        batch: Cropped; its images and masks are overwritten.
        chosen: Samples, [N].
        things: How much they cover [N, 1, S, S], and their pixels [N, 3, S, S].
        hidden_joint_weight: Factor on weights of joints behind them.
    """
    covered, pixels = things
    batch.images[chosen] = torch.lerp(batch.images[chosen], pixels, covered)
    batch.masks[chosen] = batch.masks[chosen] * (1 - covered)
    if hidden_joint_weight == 1:
        return batch
    column, row = batch.joints_px[chosen].floor().long().unbind(-1)
    size = covered.shape[-1]
    in_crop = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    place = row.clamp(0, size - 1) * size + column.clamp(0, size - 1)
    hidden = in_crop & (covered.flatten(1).gather(1, place) > 0.5)
    factor = torch.ones_like(batch.weights)
    factor[chosen] = torch.where(hidden, hidden_joint_weight, 1.0)
    return batch.replace(weights=batch.weights * factor, weights_3d=batch.weights_3d * factor)


def _frame(centre: Tensor, angle_rad: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Pixel centres in the frames of shapes, px: u along, v across, [N, S, S] each."""
    line = torch.arange(size, device=centre.device) + 0.5
    x = line[None, None, :] - centre[:, 0, None, None] * size
    y = line[None, :, None] - centre[:, 1, None, None] * size
    cos, sin = torch.cos(angle_rad)[..., None], torch.sin(angle_rad)[..., None]
    return cos * x + sin * y, cos * y - sin * x


def _polygon(u: Tensor, v: Tensor, radius_px: Tensor, corners: Tensor) -> Tensor:
    """Signed distance to a convex polygon of half planes in jittered directions."""
    turn, depth = corners.chunk(2, 1)
    distance = torch.full_like(u, -math.inf)
    for side in range(NUM_SIDES):
        angle = (side + turn[:, side, None, None] - 0.5) * (2 * math.pi / NUM_SIDES)
        edge_px = radius_px * (0.5 + 0.5 * depth[:, side, None, None])
        distance = torch.maximum(distance, angle.cos() * u + angle.sin() * v - edge_px)
    return distance


def _between(draws: Tensor, limits: tuple[float, float]) -> Tensor:
    return limits[0] + draws * (limits[1] - limits[0])


def _soft(distance_px: Tensor) -> Tensor:
    """Cover of a pixel by its centre's signed distance, negative inside."""
    return (0.5 - distance_px).clamp(0, 1)
