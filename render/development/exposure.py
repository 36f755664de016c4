"""How much of which light reaches the sensor: vignetting, metering, white balance."""

from __future__ import annotations

from functools import cache

import numpy as np

from mano_assets.geometry.compiled import kernel

MIDDLE_GREY = 0.18
"""What a meter brings the picture's mean to; 1 is diffuse white (Reinhard et al., Photographic Tone
Reproduction for Digital Images, SIGGRAPH 2002, section 3)."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear sRGB (Rec. 709)."""

_CENTRE_SIGMA = 0.35
"""Of the meter's weight, over the image's width: the edge counts a third of the centre."""

_HIGHLIGHT, _HIGHLIGHT_SHARE = 0.8, 0.05
"""Brightening leaves all but this share of the picture darker than this luminance."""

_DARKEST = 1e-4
"""Black would make the mean of logarithms endless."""

_RGB_FROM_XYZ = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
"""IEC 61966-2-1."""

_ASSUMED_K = 6504.0


def metered_ev(linear: np.ndarray, limit_ev: float) -> float:
    """Stops that bring the picture's brightness to middle grey, but no highlights to white.

    The brightness is Reinhard's geometric mean of the luminance (2002, equation 1), weighted as by
    a centre-weighted meter. A dark picture is brightened only as far as its brightest parts allow:
    before a black curtain, a hand is what the camera exposes for.

    Args:
        linear: Linear radiance, [H, W, 3].
        limit_ev: The answer lies between this and its negative.
    """
    luminance = np.maximum(linear[::2, ::2] @ LUMINANCE, _DARKEST)
    mean = float((np.log2(luminance) * _centre_weight(*luminance.shape)).sum())
    wanted = np.log2(MIDDLE_GREY) - mean
    rank = int((1 - _HIGHLIGHT_SHARE) * luminance.size)
    room = np.log2(_HIGHLIGHT / np.partition(luminance, rank, axis=None)[rank])
    return float(np.clip(min(wanted, max(room, 0.0)), -limit_ev, limit_ev))


@cache
def _centre_weight(height: int, width: int) -> np.ndarray:
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in (height, width))
    weight = np.exp(-(x[None, :] ** 2 + y[:, None] ** 2) / (2 * _CENTRE_SIGMA**2))
    return (weight / weight.sum()).astype(np.float32)


def exposed(linear: np.ndarray, gains: np.ndarray, corner_loss: float) -> np.ndarray:
    """Scales the light of each channel, and takes some away towards the corners.

    The loss grows with the square of the distance from the centre, the first term of natural
    vignetting's cos^4 and of lens shading models (Goldman, Vignette and Exposure Calibration and
    Compensation, IEEE Trans. Pattern Anal. Mach. Intell. 32(12), 2010, section 3).

    Args:
        linear: [H, W, 3].
        gains: Of the channels, [3].
        corner_loss: 0 to 1.

    Returns:
        float32, [H, W, 3].
    """
    return _exposed(
        np.ascontiguousarray(linear, dtype=np.float32),
        gains.astype(np.float32),
        np.float32(corner_loss / 2),
    )


@kernel
def _exposed(linear, gains, loss):
    height, width = linear.shape[:2]
    result = np.empty((height, width, 3), np.float32)
    for row in range(height):
        y = np.float32((2 * row + 1 - height) / height)
        for column in range(width):
            x = np.float32((2 * column + 1 - width) / width)
            share = np.float32(1.0) - loss * (x * x + y * y)
            for channel in range(3):
                result[row, column, channel] = linear[row, column, channel] * share * gains[channel]
    return result


def white_balance_gains(warmer_mired: float, greener_duv: float) -> np.ndarray:
    """Factors on linear RGB of a camera that mistakes the light for that of 6504 K.

    The light is taken from the Planckian locus (Krystek, An algorithm to calculate correlated
    colour temperature, Color Res. Appl. 10(1), 1985); its error goes into the channels one by one
    (von Kries, 1902, as cameras do).

    Args:
        warmer_mired: Light's reciprocal temperature above the assumed one, 1e-6/K.
        greener_duv: Its distance from the locus in CIE 1960 uv, up.

    Returns:
        Gains that leave the luminance of grey as it is, float32, [3].
    """
    kelvin = 1e6 / max(1e6 / _ASSUMED_K + warmer_mired, 40.0)
    u, v = _locus(kelvin)
    hotter = _locus(kelvin * 1.001)
    step_u, step_v = hotter[0] - u, hotter[1] - v
    # The locus runs leftwards to higher temperatures: a quarter turn points up from it.
    scale = greener_duv / np.hypot(step_u, step_v)
    u, v = u + scale * step_v, v - scale * step_u
    light, assumed = _linear_rgb(u, v), _linear_rgb(*_locus(_ASSUMED_K))
    gains = np.maximum(light, 1e-3) / assumed
    return (gains / (gains @ LUMINANCE)).astype(np.float32)


def _locus(kelvin: float) -> tuple[float, float]:
    square = kelvin * kelvin
    u = (0.860117757 + 1.54118254e-4 * kelvin + 1.28641212e-7 * square) / (
        1 + 8.42420235e-4 * kelvin + 7.08145163e-7 * square
    )
    v = (0.317398726 + 4.22806245e-5 * kelvin + 4.20481691e-8 * square) / (
        1 - 2.89741816e-5 * kelvin + 1.61456053e-7 * square
    )
    return u, v


def _linear_rgb(u: float, v: float) -> np.ndarray:
    """Of luminance 1."""
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
    return _RGB_FROM_XYZ @ np.array([x / y, 1.0, (1 - x - y) / y])
