"""Each change of pixels against an independent implementation of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from scipy.ndimage import gaussian_filter

from training.augmentation.background import made_backgrounds, swap_background
from training.augmentation.config import AugmentConfig
from training.augmentation.fields import clouds, white_normal, white_uniform
from training.augmentation.fourier import mix_amplitudes
from training.augmentation.occlusion import (
    CUTOUT_DRAWS,
    OCCLUDER_DRAWS,
    cover,
    cutouts,
    occluders,
)
from training.augmentation.photometric import add_noise, blur, lose_to_jpeg
from training.samples.crops import Batch

SIDE = 48


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def photograph(count: int = 4) -> torch.Tensor:
    """Smooth pictures with an edge, [count, 3, SIDE, SIDE]."""
    images = clouds(uniform(count), 3, SIDE)
    images[..., SIDE // 2 :, : SIDE // 3] *= 0.3
    return images


def test_blur_is_scipys() -> None:
    images, draws = photograph(), uniform(4, 2, seed=1)
    config = AugmentConfig(blur_sigma=0.06)
    ours = blur(images, draws, config)
    for image, blurred, sigma_px in zip(images, ours, draws.numpy() * 0.06 * SIDE, strict=True):
        theirs = gaussian_filter(image.numpy(), (0, *sigma_px), mode="mirror", truncate=8)
        error = np.abs(blurred.numpy() - theirs).max()
        # Ours ends at three of the largest standard deviations.
        assert error < 4e-3


def test_a_blur_without_width_changes_nothing() -> None:
    images = photograph()
    torch.testing.assert_close(blur(images, torch.zeros(4, 2), AugmentConfig()), images)


@pytest.mark.parametrize("quality", [40, 90])
def test_jpeg_is_pillows(quality: int) -> None:
    """Rounding and colour conversion differ in detail: compared by what is lost."""
    images = photograph()
    config = AugmentConfig(jpeg_quality=(quality, quality))
    ours = lose_to_jpeg(images, uniform(4, 1), config)
    lost_db, apart_db = [], []
    for image, coded in zip(images, ours, strict=True):
        stream = io.BytesIO()
        levels = (image.movedim(0, -1).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(levels).save(stream, "jpeg", quality=quality, subsampling="4:2:0")
        theirs = torch.from_numpy(np.array(Image.open(stream)) / 255.0).movedim(-1, 0)
        lost_db.append(psnr_db(image, theirs))
        apart_db.append(psnr_db(coded, theirs))
        assert abs(psnr_db(image, coded) - lost_db[-1]) < 2
    # Nearer to Pillow's result than Pillow's result is to the picture.
    assert np.mean(apart_db) > np.mean(lost_db) + 2


def psnr_db(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(-10 * (first - second).square().mean().log10())


def test_noise_is_normal_white_and_as_wide_as_drawn() -> None:
    images = torch.full((3, 3, 64, 64), 0.5)
    draws = torch.tensor([[0.0, 0.1], [0.5, 0.2], [1.0, 0.3]])
    noise = add_noise(images, draws, AugmentConfig(noise_std=0.1)) - images
    assert noise[0].abs().max() == 0
    np.testing.assert_allclose(noise[1:].flatten(1).std(1), [0.05, 0.1], rtol=0.03)
    sample = noise[2].flatten().numpy()
    assert stats.kstest(sample / 0.1, "norm").pvalue > 1e-3
    for shift in (1, 64, 64 * 64):
        assert abs(np.corrcoef(sample[shift:], sample[:-shift])[0, 1]) < 0.04


def test_fields_follow_numpys_integers() -> None:
    """The hash in unsigned 32-bit arithmetic."""
    draws = uniform(3)

    def mixed(values: np.ndarray) -> np.ndarray:
        values = values ^ (values >> np.uint32(16))
        values = values * np.uint32(0x7FEB352D)
        values = values ^ (values >> np.uint32(15))
        return values * np.uint32(0x846CA68B)

    seeds = mixed((draws.numpy() * 2**24).astype(np.uint32))
    hashed = mixed(seeds[:, None] ^ np.arange(35, dtype=np.uint32))
    expected = (hashed.view(np.int32) >> 8) / 2**24 + 0.5
    ours = white_uniform(draws, (5, 7)).reshape(3, -1)
    np.testing.assert_allclose(ours, expected, atol=1e-7)


def test_fields_of_samples_are_independent() -> None:
    fields = white_normal(uniform(8), (4000,))
    correlation = np.corrcoef(fields) - np.eye(8)
    assert np.abs(correlation).max() < 0.08
    again = white_normal(uniform(8)[2:3], (4000,))
    assert torch.equal(again[0], fields[2])


@pytest.mark.parametrize("side", [32, 50, 96])
def test_clouds_fill_their_range_smoothly(side: int) -> None:
    made = clouds(uniform(5), 2, side)
    assert made.shape == (5, 2, side, side)
    assert made.min() >= 0
    assert made.max() <= 1
    assert (made.amax((-2, -1)) - made.amin((-2, -1))).min() > 0.8
    assert made.diff(dim=-1).abs().mean() < 0.1


@pytest.mark.parametrize("band", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("side", [48, 33])
def test_amplitudes_are_mixed_as_numpy_does(band: float, side: int) -> None:
    images, styles = uniform(3, 3, side, side, seed=1), uniform(3, 3, side, side, seed=2)
    share = torch.tensor([0.0, 0.4, 1.0])
    ours = mix_amplitudes(images, styles, share, band).numpy()
    spectrum, target = np.fft.fft2(images.numpy()), np.fft.fft2(styles.numpy())
    near = np.abs(np.fft.fftfreq(side)) <= int(band * side) / side
    weight = share.numpy()[:, None, None, None] * (near[:, None] & near)
    amplitude = (1 - weight) * np.abs(spectrum) + weight * np.abs(target)
    expected = np.fft.ifft2(amplitude * np.exp(1j * np.angle(spectrum)))
    assert np.abs(expected.imag).max() < 1e-9
    np.testing.assert_allclose(ours, expected.real, atol=2e-5)
    # Phases as they were, where there is enough amplitude to have one.
    turned = np.angle(np.fft.fft2(ours) * spectrum.conj())
    assert np.abs(turned[np.abs(spectrum) > 0.5]).max() < 1e-2


def test_amplitudes_of_oneself_or_of_no_share_change_nothing() -> None:
    images = photograph()
    for styles, share in ((images, 0.7), (images.flip(0), 0.0)):
        mixed = mix_amplitudes(images, styles, torch.full((4,), share), 0.5)
        torch.testing.assert_close(mixed, images, atol=1e-5, rtol=0)
    black = torch.zeros(1, 3, SIDE, SIDE)
    assert mix_amplitudes(black, images[:1], torch.ones(1), 0.1).isfinite().all()


def test_swap_keeps_the_hand_and_its_edge_takes_no_old_background() -> None:
    """A grey hand on green put on blue: nothing green is left."""
    line = torch.arange(SIDE) + 0.5
    inside = ((line - 20) ** 2 + (line[:, None] - 24) ** 2 < 12**2).float()
    # Soft as after resampling.
    mask = torch.nn.functional.avg_pool2d(inside[None, None], 3, 1, 1)
    hand = torch.full((3, 1, 1), 0.5) + 0.1 * uniform(3, SIDE, SIDE)
    image = torch.lerp(torch.tensor([0.0, 1, 0])[:, None, None].expand(3, SIDE, SIDE), hand, mask)
    blue = torch.tensor([0.0, 0, 1])[:, None, None].expand(1, 3, SIDE, SIDE)
    swapped = swap_background(image, mask, blue)
    certain = (mask == 1).expand_as(swapped)
    assert certain.float().mean() > 0.1
    assert torch.equal(swapped[certain], image[certain])
    assert (swapped[:, 1] - swapped[:, 0]).max() < 0.15
    away = torch.nn.functional.max_pool2d(mask, 3, 1, 1)[:, 0] == 0
    assert torch.equal(swapped.movedim(1, -1)[away], blue.movedim(1, -1)[away])
    # The edge is soft: some pixels are neither hand nor background.
    alpha = 1 - (swapped[:, 2] - 0.5) / 0.5
    assert ((alpha > 0.2) & (alpha < 0.8)).sum() > 20


def test_hands_of_other_samples_are_painted_over() -> None:
    others = torch.ones(16, 3, SIDE, SIDE) * torch.tensor([1.0, 0, 0])[:, None, None]
    masks = torch.zeros(16, 1, SIDE, SIDE)
    masks[..., 10:30, 10:30] = 1
    known = torch.arange(16) < 8
    draws = uniform(16, 11)
    behind = made_backgrounds(others, masks, known, draws)
    red = (behind == others).all(1)
    borrowed = red.flatten(1).any(1)
    assert torch.equal(borrowed, known & (draws[:, 0] < 0.5))
    assert not red[:, 9:31, 9:31].any()
    assert red[borrowed][:, 34:, 34:].all()


def drawn(count: int, colour: float = 0.25) -> Batch:
    joints_px = uniform(count, 21, 2, seed=4) * 1.4 * SIDE - 0.2 * SIDE
    eye = torch.eye(3).repeat(count, 1, 1)
    flags = torch.ones(count, dtype=torch.bool)
    ones = torch.ones(count, 21)
    return Batch(
        images=torch.full((count, 3, SIDE, SIDE), colour),
        masks=torch.ones(count, 1, SIDE, SIDE),
        has_mask=flags,
        joints_px=joints_px,
        weights=ones,
        joints_cam_m=torch.zeros(count, 21, 3),
        weights_3d=ones,
        camera_k=eye,
        has_camera=flags,
        image_from_crop=eye,
        cam_from_crop=eye,
    )


@pytest.mark.parametrize(
    ("make", "num_draws"), [(cutouts, CUTOUT_DRAWS), (occluders, OCCLUDER_DRAWS)]
)
def test_joints_behind_things_keep_their_place_and_lose_weight(make, num_draws: int) -> None:
    batch, chosen = drawn(40), torch.arange(0, 40, 2)
    before = drawn(40)
    covered, pixels = make(uniform(20, num_draws, seed=5), SIDE, AugmentConfig())
    assert covered.shape == (20, 1, SIDE, SIDE)
    assert pixels.shape == (20, 3, SIDE, SIDE)
    after = cover(batch, chosen, (covered, pixels), 0.25)
    assert torch.equal(after.joints_px, before.joints_px)
    for weights in (after.weights, after.weights_3d):
        assert set(weights.unique().tolist()) == {0.25, 1.0}
        assert (weights[1::2] == 1).all()
    # What is hidden by looking at the picture, joint by joint.
    changed = (after.images - before.images).abs().amax(1) > 0.02
    for sample, joint in np.ndindex(40, 21):
        x, y = after.joints_px[sample, joint].tolist()
        hidden = 0 <= x < SIDE and 0 <= y < SIDE and bool(changed[sample, int(y), int(x)])
        edge = 0 <= x < SIDE and 0 <= y < SIDE and 0 < after.masks[sample, 0, int(y), int(x)] < 1
        assert edge or hidden == (after.weights[sample, joint] == 0.25)
    # The hand's mask no longer shows what is covered.
    assert torch.equal(after.masks[chosen], 1 - covered)
    assert (after.masks[1::2] == 1).all()


def test_things_are_as_large_as_asked_for_and_of_all_kinds() -> None:
    config = AugmentConfig(cutout_side=(0.25, 0.25), occluder_side=(0.4, 0.4))
    draws = uniform(60, CUTOUT_DRAWS)
    draws[:, 1:3] = 0.5
    covered, _ = cutouts(draws, SIDE, config)
    np.testing.assert_allclose(covered.sum((-3, -2, -1)), (0.25 * SIDE) ** 2)

    draws = uniform(90, OCCLUDER_DRAWS, seed=3)
    draws[:, 4:6] = 0.5
    covered, pixels = occluders(draws, SIDE, config)
    kinds = [
        draws[:, 0] < 1 / 3,
        (draws[:, 0] >= 1 / 3) & (draws[:, 0] < 2 / 3),
        draws[:, 0] > 2 / 3,
    ]
    reach = covered[:, 0].amax(1).sum(-1), covered[:, 0].amax(2).sum(-1)
    width = torch.stack(reach).amax(0)
    ellipse, polygon, bar = (width[kind] for kind in kinds)
    assert ellipse.max() <= 0.4 * SIDE + 1
    # Corners of half planes lie outside the circle that they touch.
    assert polygon.max() <= 0.4 * SIDE * 1.5
    assert bar.min() >= SIDE - 1
    plain = pixels.flatten(2).std(-1).amax(1) < 1e-6
    assert 25 < plain.sum() < 65
