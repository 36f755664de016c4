"""Labels move with the pixels, whatever else is done to them: found again in drawn images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import project
from training.augmentation.chain import Augmenter
from training.samples.crops import Batch, margin_px

SIDE = 96
TIPS = [HAND21.chain(finger)[-1] for finger in FINGERS]
DISC_PX = 3.0
"""Radius."""

COLOURS = torch.tensor(
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]
)
"""One a finger."""

EVERYTHING_GEOMETRIC = {"scale": 0.3, "shift": 0.1, "rotation_rad": np.pi, "colour": 0}


def discs(centres: torch.Tensor, radius_px: float, size: int) -> torch.Tensor:
    """Cover of soft discs, [..., size, size], by sub-pixels and not by distances."""
    fine = (torch.arange(4 * size) + 0.5) / 4
    inside = (fine[None, :] - centres[..., 0, None, None]) ** 2 + (
        fine[:, None] - centres[..., 1, None, None]
    ) ** 2 <= radius_px**2
    return inside.float().reshape(*inside.shape[:-2], size, 4, size, 4).mean((-3, -1))


def drawn_batch(config, count: int = 12) -> Batch:
    """Loaded crops, black with a disc of its colour at each finger tip, apart from each other."""
    size = config.input_size + 2 * margin_px(config)
    draw = torch.Generator().manual_seed(0)
    camera_k = torch.tensor([[150.0, 0, size / 2 + 4], [0, 150.0, size / 2 - 3], [0, 0, 1]])
    angle = (torch.arange(5) + torch.rand(count, 5, generator=draw) * 0.4) * (2 * np.pi / 5)
    radius = 15 + 13 * torch.rand(count, 5, generator=draw)
    tips_px = torch.stack([angle.cos(), angle.sin()], -1) * radius[..., None] + size / 2
    joints_px = torch.full((count, HAND21.num_joints, 2), size / 2)
    joints_px[:, TIPS] = tips_px
    depth = 0.4 + 0.2 * torch.rand(count, HAND21.num_joints, 1, generator=draw)
    homogeneous = torch.cat([joints_px, torch.ones_like(depth)], -1)
    cover = discs(tips_px, DISC_PX, size)
    images = torch.einsum("btyx,tc->bcyx", cover, COLOURS)
    ones = torch.ones(count, HAND21.num_joints)
    eye = torch.eye(3).repeat(count, 1, 1)
    return Batch(
        images=(images * 255).round().to(torch.uint8),
        masks=(cover.sum(1, keepdim=True) * 255).round().to(torch.uint8),
        has_mask=torch.ones(count, dtype=torch.bool),
        joints_px=joints_px,
        weights=ones,
        joints_cam_m=(homogeneous @ torch.linalg.inv(camera_k).T) * depth,
        weights_3d=ones,
        camera_k=camera_k.repeat(count, 1, 1),
        has_camera=torch.ones(count, dtype=torch.bool),
        image_from_crop=eye,
        cam_from_crop=eye,
    )


def disc_errors(batch: Batch) -> torch.Tensor:
    """Distance of each disc inside the crop, found by its colour, from its label, px."""
    size = batch.images.shape[-1]
    # A finger's colour has one pattern of channels; halves tell which are on.
    on = batch.images[:, None] > 0.3
    seen = (on == (COLOURS[:, :, None, None] > 0.5)).all(2).float()
    line = torch.arange(size) + 0.5
    area = seen.sum((-2, -1))
    x, y = (seen.sum(-2) * line).sum(-1) / area, (seen.sum(-1) * line).sum(-1) / area
    tips_px = batch.joints_px[:, TIPS]
    whole = ((tips_px > 8) & (tips_px < size - 8)).all(-1)
    assert (area[whole] > 0).all()
    return (torch.stack([x, y], -1) - tips_px).norm(dim=-1)[whole]


@pytest.mark.parametrize("seed", [0, 1])
def test_discs_are_where_the_labels_say(tiny, seed: int) -> None:
    config = tiny("latent25d", input_size=SIDE, augment=EVERYTHING_GEOMETRIC)
    batch = Augmenter(config)(drawn_batch(config), torch.Generator().manual_seed(seed))
    errors = disc_errors(batch)
    assert len(errors) >= 30
    assert errors.max() < 0.5


def test_discs_stay_where_they_are_when_pixels_only_change(tiny) -> None:
    """No shift by half a pixel hides in a filter, a spectrum or a codec."""
    augment = EVERYTHING_GEOMETRIC | {
        "blur": 1, "noise": 1, "noise_std": 0.02, "jpeg": 1, "jpeg_quality": (85, 95),
        "fourier": 1, "fourier_mix": 0.1,
    }  # fmt: skip
    config = tiny("latent25d", input_size=SIDE, augment=augment)
    still = tiny("latent25d", input_size=SIDE, augment=EVERYTHING_GEOMETRIC)
    batch = Augmenter(config)(drawn_batch(config), torch.Generator().manual_seed(2))
    geometric = Augmenter(still)(drawn_batch(still), torch.Generator().manual_seed(2))
    torch.testing.assert_close(batch.joints_px, geometric.joints_px)
    assert (batch.images - geometric.images).abs().mean() > 0.005
    assert disc_errors(batch).median() < 0.5


def test_the_camera_turns_with_the_pixels(tiny) -> None:
    config = tiny("latent25d", input_size=SIDE, augment=EVERYTHING_GEOMETRIC)
    loaded = drawn_batch(config)
    batch = Augmenter(config)(loaded, torch.Generator().manual_seed(4))
    projected = project(batch.joints_cam_m.numpy(), batch.camera_k.numpy())
    assert np.abs(projected - batch.joints_px.numpy()).max() < 1e-3
    # The hand itself is only turned.
    before, after = (
        torch.cdist(joints_m, joints_m) for joints_m in (loaded.joints_cam_m, batch.joints_cam_m)
    )
    torch.testing.assert_close(after, before)
    torch.testing.assert_close(batch.joints_cam_m[..., 2], loaded.joints_cam_m[..., 2])


def test_masks_move_with_the_pixels(tiny) -> None:
    config = tiny("latent25d", input_size=SIDE, augment=EVERYTHING_GEOMETRIC)
    loaded = drawn_batch(config)
    batch = Augmenter(config)(loaded, torch.Generator().manual_seed(5))
    zoom = (batch.camera_k[:, 0, 0] / loaded.camera_k[:, 0, 0]).tolist()
    for mask, joints_px, factor in zip(batch.masks, batch.joints_px, zoom, strict=True):
        redrawn = discs(joints_px[TIPS], DISC_PX * factor, SIDE).amax(0) > 0.5
        seen = mask[0] > 0.5
        overlap = (seen & redrawn).sum() / (seen | redrawn).sum().clamp(min=1)
        assert overlap > 0.85


def test_half_precision_around_does_not_move_labels(tiny) -> None:
    config = tiny("latent25d", input_size=SIDE, augment=EVERYTHING_GEOMETRIC)
    loaded = drawn_batch(config)
    exact = Augmenter(config)(loaded, torch.Generator().manual_seed(6))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = Augmenter(config)(loaded, torch.Generator().manual_seed(6))
    for name in ("images", "joints_px", "joints_cam_m", "camera_k", "image_from_crop"):
        assert torch.equal(getattr(exact, name), getattr(rounded, name)), name
