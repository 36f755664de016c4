"""From the sensor's linear values to those of a display: noise, tone curve, sRGB, sharpening."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from render.development.exposure import LUMINANCE, MIDDLE_GREY

SATURATION = 8.0
"""Three stops above diffuse white the sensor is full."""

_SHARPENING_SIGMA_PX = 0.8


def add_noise(
    linear: np.ndarray, electrons_at_white: float, read_noise_electrons: float, seed: int
) -> np.ndarray:
    """Shot noise of the light and read noise of the electronics.

    A normal distribution whose variance rises with the signal (Foi et al., Practical
    Poissonian-Gaussian noise modeling and fitting for single-image raw-data, IEEE Trans. Image
    Process. 17(10), 2008, section II), of pixels that are independent of each other.

    Args:
        linear: Not below 0, 1 is diffuse white, float32, [H, W, 3].
        electrons_at_white: Collected there.
        read_noise_electrons: Standard deviation in the dark.
        seed: Key of a Philox generator.
    """
    generator = np.random.Generator(np.random.Philox(key=seed))
    noise = generator.standard_normal(linear.shape, dtype=np.float32)
    variance = linear * np.float32(1 / electrons_at_white)
    variance += np.float32((read_noise_electrons / electrons_at_white) ** 2)
    noise *= np.sqrt(variance, out=variance)
    noise += linear
    return noise


def tone_curve(linear: np.ndarray, contrast: float) -> np.ndarray:
    """A camera's S-shaped curve: toe, straight middle, shoulder.

    x^c / (x^c + b), the response of photoreceptors (Naka and Rushton, J. Physiol. 185, 1966;
    Reinhard and Devlin, Dynamic Range Reduction Inspired by Photoreceptor Physiology, IEEE Trans.
    Vis. Comput. Graph. 11(1), 2005, equation 1), scaled to reach 1 where the sensor is full, with b
    such that middle grey stays.

    Args:
        linear: 1 is diffuse white, float32.
        contrast: c.

    Returns:
        Display's linear light, 0 to 1.
    """
    full, grey = SATURATION**contrast, MIDDLE_GREY**contrast
    half = full * grey * (1 - MIDDLE_GREY) / (MIDDLE_GREY * full - grey)
    power = np.clip(linear, 0, SATURATION)
    power **= np.float32(contrast)
    display = power / (power + np.float32(half))
    display *= np.float32((full + half) / full)
    return display


def srgb(display: np.ndarray) -> np.ndarray:
    """The display's curve (IEC 61966-2-1) of values from 0 to 1."""
    bright = display ** np.float32(1 / 2.4)
    bright *= np.float32(1.055)
    bright -= np.float32(0.055)
    return np.where(display <= 0.0031308, np.float32(12.92) * display, bright)


def sharpen(encoded: np.ndarray, share: float) -> np.ndarray:
    """Unsharp masking of the brightness: adds a share of what a blur takes away, [H, W, 3]."""
    if share == 0:
        return encoded
    brightness = encoded @ LUMINANCE
    detail = brightness - gaussian_filter(brightness, _SHARPENING_SIGMA_PX, truncate=3.0)
    return encoded + np.float32(share) * detail[..., None]


def to_bytes(encoded: np.ndarray) -> np.ndarray:
    """RGB uint8 of values from 0 to 1."""
    levels = encoded * np.float32(255)
    levels += np.float32(0.5)
    # What is not a number becomes black; `frame_check` tells of it.
    return np.minimum(np.fmax(levels, 0, out=levels), 255, out=levels).astype(np.uint8)
