"""Batches of square hand crops, and the exact geometry between image, crop and camera.

Left hands are mirrored, so networks only ever see right hands. A crop has a camera of its own:
mirroring negates the camera's x axis and rotating the crop rolls the camera about its optical axis.
In every batch `joints_cam_m` projected with `camera_k` gives `joints_px`, whatever was done to the
pixels, and `cam_from_crop` leads back to the camera of the whole image.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.config import TrainConfig


@dataclass(frozen=True)
class Batch:
    """Crops with their labels; unlabelled values are zero and have weight zero.

    Attributes:
        images: RGB, [B, 3, S, S]; uint8 as loaded, float in 0..1 once cropped.
        masks: How much of a pixel shows the labelled hand, 0..255 as loaded, 0..1 once cropped,
            [B, 1, S, S]; [B, 0, S, S] when masks are not loaded.
        has_mask: Whether the sample's mask is known, [B]; where not, the mask is zero.
        joints_px: Continuous px of the crop, [B, J, 2].
        weights: 1 for a labelled joint, else 0, [B, J].
        joints_cam_m: The crop's camera frame, metres, [B, J, 3].
        weights_3d: 1 for a joint with a 3D label and a known camera, else 0, [B, J].
        camera_k: Intrinsics of the crop, [B, 3, 3]; identity when unknown.
        has_camera: Whether `camera_k` is known, [B].
        image_from_crop: Homogeneous px transform to the whole image, [B, 3, 3].
        cam_from_crop: Orthogonal map (roll, mirror) to the image's camera frame, [B, 3, 3].
    """

    images: Tensor
    masks: Tensor
    has_mask: Tensor
    joints_px: Tensor
    weights: Tensor
    joints_cam_m: Tensor
    weights_3d: Tensor
    camera_k: Tensor
    has_camera: Tensor
    image_from_crop: Tensor
    cam_from_crop: Tensor

    def __len__(self) -> int:
        return len(self.joints_px)

    def map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """Applies a function to every tensor."""
        return Batch(*(function(getattr(self, field.name)) for field in dataclasses.fields(self)))

    def to(self, device: torch.device | str) -> Batch:
        """The batch on a device."""
        return self.map(lambda tensor: tensor.to(device, non_blocking=True))

    def replace(self, **changes: Tensor) -> Batch:
        """The batch with some tensors exchanged."""
        return dataclasses.replace(self, **changes)


def transform_points(points: Tensor, matrix: Tensor) -> Tensor:
    """Applies homogeneous 2D transforms.

    Args:
        points: [B, N, 2].
        matrix: Affine, last row 0 0 1, [B, 3, 3].

    Returns:
        [B, N, 2].
    """
    # Not a matrix product: autocast would round it to half precision, moving joints by pixels.
    return (points[:, :, None] * matrix[:, None, :2, :2]).sum(-1) + matrix[:, None, :2, 2]


def box_squares(box: Tensor, padding: float) -> tuple[Tensor, Tensor]:
    """The square around a box.

    Args:
        box: x, y, width, height in px, [N, 4].
        padding: Side of the square over the box's longer side.

    Returns:
        Centres [N, 2] and sides [N], px.
    """
    return box[:, :2] + box[:, 2:] / 2, box[:, 2:].amax(-1) * padding


def crop_from_image(centre: Tensor, scale: Tensor, mirrored: Tensor, size: int) -> Tensor:
    """Transforms from the whole image to upright square crops.

    Args:
        centre: Of the crop in the image, px, [N, 2].
        scale: Crop px an image px, [N].
        mirrored: Whether x is flipped, [N].
        size: Side of the crop, px.

    Returns:
        [N, 3, 3].
    """
    scale_xy = torch.stack([torch.where(mirrored, -scale, scale), scale], -1)
    matrix = torch.zeros(len(centre), 3, 3, dtype=centre.dtype)
    matrix[:, :2, :2] = torch.diag_embed(scale_xy)
    matrix[:, :2, 2] = size / 2 - scale_xy * centre
    matrix[:, 2, 2] = 1
    return matrix


def margin_px(config: TrainConfig) -> int:
    """Border that loaded crops need so that jitter rarely reaches beyond them, px a side."""
    angle = min(config.augment.rotation_rad, math.pi / 4)
    reach = (1 + config.augment.scale) * (math.cos(angle) + math.sin(angle))
    return math.ceil(config.input_size * ((reach - 1) / 2 + config.augment.shift))


def centre_crop(batch: Batch, size: int) -> Batch:
    """Cuts the border off without touching a pixel's value.

    Args:
        batch: As loaded, uint8.
        size: Side of the result, px.
    """
    margin = (batch.images.shape[-1] - size) // 2
    kept = slice(margin, margin + size)
    return shift_labels(batch, -margin).replace(
        images=batch.images[..., kept, kept].float() / 255,
        masks=batch.masks[..., kept, kept].float() / 255,
    )


def shift_labels(batch: Batch, offset_px: float) -> Batch:
    """Moves the labels to a crop whose origin lies elsewhere; pixels stay as they are."""
    matrix = torch.eye(3, dtype=batch.joints_px.dtype, device=batch.joints_px.device)
    matrix[:2, 2] = offset_px
    return move_labels(batch, matrix.repeat(len(batch), 1, 1))


def move_labels(batch: Batch, crop_from_loaded: Tensor, roll: Tensor | None = None) -> Batch:
    """Labels follow pixels that were moved; the pixels themselves stay as they are.

    Args:
        batch: Before the move.
        crop_from_loaded: Homogeneous px transforms, [B, 3, 3].
        roll: Rotation of the camera about its axis that keeps K upright, [B, 3, 3].
    """
    with torch.autocast(batch.joints_px.device.type, enabled=False):
        moved = batch.replace(
            joints_px=transform_points(batch.joints_px, crop_from_loaded),
            camera_k=crop_from_loaded @ batch.camera_k,
            image_from_crop=batch.image_from_crop @ torch.linalg.inv(crop_from_loaded),
        )
        if roll is None:
            return moved
        return moved.replace(
            joints_cam_m=batch.joints_cam_m @ roll.mT,
            camera_k=moved.camera_k @ roll.mT,
            cam_from_crop=batch.cam_from_crop @ roll.mT,
        )
