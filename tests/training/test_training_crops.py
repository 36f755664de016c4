from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_hands import drawn_samples, mirror, write_samples
from PIL import Image
from scipy.ndimage import center_of_mass

from render.manifest import project
from training.augmentation.chain import Augmenter
from training.samples.crops import Batch, centre_crop, transform_points
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource

SIZE = (260, 200)
DOTS = [4, 8, 12, 16, 20]


def load(root: str, config, border: bool) -> Batch:
    dataset = HandDataset([DataSource.open(root)], config, border)
    return dataset.__getitems__(range(len(dataset)))


@pytest.fixture(scope="module")
def dotted(tmp_path_factory) -> str:
    """Images with a soft bright dot at each of a few joints and nothing else."""
    ys, xs = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    samples = []
    for row, _ in drawn_samples(9, seed=5, size=SIZE):
        joints = np.reshape(row["joints_2d"], (-1, 2))[DOTS]
        light = sum(np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * 2.0**2)) for x, y in joints)
        pixels = np.repeat((light.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, -1)
        samples.append((row, Image.fromarray(pixels)))
    return write_samples(tmp_path_factory.mktemp("crops") / "dots", samples)


def dot_errors(batch: Batch) -> list[float]:
    """Distance of every isolated dot's centroid from its label, px of the crop."""
    size = batch.images.shape[-1]
    reach = 8
    errors = []
    for image, joints in zip(batch.images.numpy(), batch.joints_px.numpy(), strict=True):
        dots = joints[DOTS]
        for x, y in dots:
            near = np.linalg.norm(dots - [x, y], axis=1) < 4 * reach
            column, row = int(x), int(y)
            if near.sum() > 1 or not (reach < min(x, y) and max(x, y) < size - reach - 1):
                continue
            window = image[0, row - reach : row + reach + 1, column - reach : column + reach + 1]
            centre = np.array(center_of_mass(window))[::-1] + [column - reach, row - reach] + 0.5
            errors.append(float(np.linalg.norm(centre - [x, y])))
    return errors


@pytest.mark.parametrize(("crop", "size"), [("box", 128), ("image", 256)])
def test_labels_follow_the_pixels_when_cropped(dotted: str, tiny, crop: str, size: int) -> None:
    loaded = load(dotted, tiny("simplebaseline", input_size=size, crop=crop), border=False)
    errors = dot_errors(centre_crop(loaded, size))
    assert len(errors) >= 6
    assert max(errors) < 0.1


def test_labels_follow_the_pixels_when_jittered(dotted: str, tiny) -> None:
    config = tiny("simplebaseline", input_size=128, augment={"shift": 0.1, "colour": 0.0})
    loaded = load(dotted, config, border=True)
    errors = []
    for seed in range(4):
        errors += dot_errors(Augmenter(config)(loaded, torch.Generator().manual_seed(seed)))
    assert len(errors) > 25
    # The window cuts the rim of dots that zoom has widened off.
    assert np.median(errors) < 0.04
    assert max(errors) < 0.25


def test_every_crop_projects_and_leads_back_to_its_image(hands: str, tiny) -> None:
    config = tiny("latent25d", input_size=64, augment={"rotation_rad": 3.0, "shift": 0.2})
    loaded = load(hands, config, border=True)
    jittered = Augmenter(config)(loaded, torch.Generator().manual_seed(3))
    for batch in (loaded, centre_crop(loaded, 64), jittered):
        projected = project(batch.joints_cam_m.numpy(), batch.camera_k.numpy())
        assert np.abs(projected - batch.joints_px.numpy()).max() < 1e-2
        # Square pixels stay square and upright: a mirror or a roll is the camera's, not K's.
        assert (batch.camera_k[:, 0, 1].abs() < 1e-3).all()
        assert (batch.camera_k[:, 1, 0].abs() < 1e-3).all()
        assert (batch.camera_k[:, 0, 0] > 0).all()
        image_px = transform_points(batch.joints_px, batch.image_from_crop).numpy()
        expected = [row["joints_2d"] for row, _ in drawn_samples(48)]
        assert np.abs(image_px.reshape(48, -1) - expected).max() < 1e-3
        cam_m = (batch.joints_cam_m @ batch.cam_from_crop.mT).numpy()
        expected_m = [row["joints_3d"] for row, _ in drawn_samples(48)]
        assert np.abs(cam_m.reshape(48, -1) - expected_m).max() < 1e-6


def test_jitter_without_range_is_the_centre_crop(hands: str, tiny) -> None:
    config = tiny(
        "simplebaseline", augment={"scale": 0, "shift": 0, "rotation_rad": 0, "colour": 0}
    )
    loaded = load(hands, tiny("simplebaseline"), border=True)
    still = Augmenter(config)(loaded, torch.Generator())
    centred = centre_crop(loaded, 32)
    torch.testing.assert_close(still.images, centred.images, atol=1e-5, rtol=0)
    torch.testing.assert_close(still.joints_px, centred.joints_px)


def test_jitter_repeats_and_stays_in_range(hands: str, tiny) -> None:
    config = tiny("simplebaseline", augment={"colour": 0.5})
    loaded = load(hands, config, border=True)
    first, same, other = (
        Augmenter(config)(loaded, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first.images, same.images)
    assert not torch.equal(first.images, other.images)
    assert first.images.min() >= 0
    assert first.images.max() <= 1


def test_a_left_hand_is_the_mirrored_right_hand(tmp_path: Path, hands: str, tiny) -> None:
    config = tiny("latent25d", input_size=64)
    samples = [mirror(sample) for sample in drawn_samples(48)]
    mirrored = write_samples(tmp_path / "mirrored", samples)
    ours = load(hands, config, border=True)
    theirs = load(mirrored, config, border=True)
    # Resizing rounds to whole grey levels.
    assert (ours.images.int() - theirs.images.int()).abs().max() <= 1
    torch.testing.assert_close(ours.joints_px, theirs.joints_px)
    torch.testing.assert_close(ours.joints_cam_m, theirs.joints_cam_m)
    torch.testing.assert_close(ours.camera_k, theirs.camera_k)
