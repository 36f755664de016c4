"""Random zoom, shift and rotation; joints, camera and mask move with the pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.augmentation.config import AugmentConfig
from training.samples.crops import Batch, move_labels

NUM_DRAWS = 4


def jitter_geometry(batch: Batch, config: AugmentConfig, size: int, draws: Tensor) -> Batch:
    """Cuts crops with random zoom, shift and rotation.

    Args:
        batch: As loaded with the border of `margin_px`, uint8.
        config: Ranges.
        size: Side of the result, px.
        draws: Uniform in 0..1, [B, NUM_DRAWS].
    """
    device = batch.images.device
    draws = draws.to(device) * 2 - 1
    zoom = (1 + config.scale) ** draws[:, 0]
    angle = draws[:, 1] * config.rotation_rad
    shift_px = draws[:, 2:] * config.shift * size
    cos, sin = torch.cos(angle), torch.sin(angle)
    rotation = torch.stack([cos, -sin, sin, cos], -1).reshape(-1, 2, 2)

    loaded = batch.images.shape[-1]
    # crop = zoom * rotation @ (loaded - centre - shift) + size / 2, all in continuous px.
    linear = zoom[:, None, None] * rotation
    matrix = torch.eye(3, device=device).repeat(len(batch), 1, 1)
    matrix[:, :2, :2] = linear
    matrix[:, :2, 2] = size / 2 - (linear @ (loaded / 2 + shift_px)[..., None])[..., 0]
    roll = torch.eye(3, device=device).repeat(len(batch), 1, 1)
    roll[:, :2, :2] = rotation

    # grid_sample without align_corners measures both images from -1 to 1 between outer edges.
    theta = torch.cat(
        [rotation.mT * (size / loaded) / zoom[:, None, None], (shift_px * 2 / loaded)[..., None]],
        -1,
    )
    grid = F.affine_grid(theta, [len(batch), 3, size, size], align_corners=False)
    pixels = torch.cat([batch.images, batch.masks], 1).float().div_(255)
    moved = F.grid_sample(pixels, grid, align_corners=False)
    return move_labels(batch, matrix, roll).replace(images=moved[:, :3], masks=moved[:, 3:])
