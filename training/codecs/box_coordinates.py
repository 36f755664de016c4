"""Joints relative to a box, and the picture inside it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class BoxCoordinates:
    """Positions in square boxes: 0 at the box's centre, -0.5 and 0.5 at its edges.

    The normalisation N(.; b) of Toshev and Szegedy 2014, section 3, for square boxes.

    Attributes:
        centre_px: Of the boxes, [..., 2].
        side_px: Of the boxes, positive, broadcasts to [...].
    """

    centre_px: Tensor
    side_px: Tensor

    def encode(self, joints_px: Tensor) -> Tensor:
        """Px to box coordinates, [..., 2]."""
        return (joints_px - self.centre_px) / self.side_px[..., None]

    def decode(self, coordinates: Tensor) -> Tensor:
        """Box coordinates to px, [..., 2]."""
        return self.centre_px + coordinates * self.side_px[..., None]


def cut_boxes(images: Tensor, boxes: BoxCoordinates, size: int) -> Tensor:
    """Cuts several boxes out of each image and brings them to one size.

    Args:
        images: [B, C, H, W].
        boxes: K for each image, in its px: centres [B, K, 2], sides [B, K].
        size: Side of the results, px.

    Returns:
        [B * K, C, size, size], an image's boxes side by side; black beyond the image.
    """
    count, num_boxes = boxes.side_px.shape
    # Centres of the result's pixels, from -0.5 to 0.5 between its outer edges.
    cells = (torch.arange(size, dtype=images.dtype, device=images.device) + 0.5) / size - 0.5
    offset_px = boxes.side_px[..., None] * cells
    x_px = (boxes.centre_px[..., 0, None] + offset_px)[:, :, None].expand(-1, -1, size, -1)
    y_px = (boxes.centre_px[..., 1, None] + offset_px)[..., None].expand(-1, -1, -1, size)
    image_size = torch.tensor(images.shape[:1:-1], dtype=images.dtype, device=images.device)
    # grid_sample without align_corners measures the image from -1 to 1 between outer edges.
    grid = torch.stack([x_px, y_px], -1) / image_size * 2 - 1
    # One tall grid for each image: the image itself is not repeated for its boxes.
    tall = F.grid_sample(images, grid.flatten(1, 2), align_corners=False)
    parts = tall.reshape(count, -1, num_boxes, size, size)
    return parts.transpose(1, 2).flatten(0, 1)
