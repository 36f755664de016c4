"""Colour, blur, noise and JPEG on the device, with kornia's operators and given parameters.

kornia's own random modules draw from the global generator and would not repeat after a resumption.
"""

from __future__ import annotations

import math

import kornia.enhance
import kornia.filters
from torch import Tensor

from training.augmentation.config import AugmentConfig
from training.augmentation.fields import white_normal

COLOUR_DRAWS, BLUR_DRAWS, NOISE_DRAWS, JPEG_DRAWS = 3, 2, 2, 1

SHARPEST_PX = 0.05
"""A blur of no width has no kernel; this one leaves pixels as they are."""


def jitter_colour(images: Tensor, draws: Tensor, config: AugmentConfig) -> Tensor:
    """Changes brightness, contrast and saturation.

    Args:
        images: 0..1, [N, 3, S, S].
        draws: Uniform in 0..1, [N, COLOUR_DRAWS], as in the functions below.
        config: Ranges.
    """
    change = (draws * 2 - 1) * config.colour
    images = kornia.enhance.adjust_brightness(images, change[:, 0])
    images = kornia.enhance.adjust_contrast_with_mean_subtraction(images, 1 + change[:, 1])
    return kornia.enhance.adjust_saturation_with_gray_subtraction(images, 1 + change[:, 2])


def blur(images: Tensor, draws: Tensor, config: AugmentConfig) -> Tensor:
    """Blurs with Gaussians whose widths along x and y are drawn apart."""
    size = images.shape[-1]
    largest_px = config.blur_sigma * size
    sigma_px = (draws * largest_px).clamp(min=SHARPEST_PX)
    # Three standard deviations to each side, no wider than what reflects at the border.
    reach = min(math.ceil(3 * largest_px), size - 1)
    return kornia.filters.gaussian_blur2d(images, 2 * reach + 1, sigma_px)


def add_noise(images: Tensor, draws: Tensor, config: AugmentConfig) -> Tensor:
    """Adds white Gaussian noise, independent in each colour."""
    std = draws[:, 0] * config.noise_std
    noise = white_normal(draws[:, 1], tuple(images.shape[1:]))
    return (images + std[:, None, None, None] * noise).clamp(0, 1)


def lose_to_jpeg(images: Tensor, draws: Tensor, config: AugmentConfig) -> Tensor:
    """Loses what JPEG loses at a drawn quality; colour at half resolution, as most cameras do.

    Reich et al.: Differentiable JPEG: The Devil is in the Details, WACV 2024, as kornia has it.
    """
    low, high = config.jpeg_quality
    quality = low + draws[:, 0] * (high - low)
    return kornia.enhance.jpeg_codec_differentiable(images, quality).clamp(0, 1)
