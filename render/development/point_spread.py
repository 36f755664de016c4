"""How a point of light spreads over the image: discs of defocus, lines of motion."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from mano_assets.geometry.compiled import kernel

BRIGHTEST = 1000.0
"""Radiance above is cut before it is spread: a sun would drown the rest in the rounding errors of
the Fourier transform. A thousand times white, spread over a disc of 30 px, is still white."""

MOST_TAPS = 400
"""Up to this many points of a spread, the direct sum is faster than the Fourier transform."""


def circle_of_confusion(
    depth_m: np.ndarray | float, focus_m: float, aperture_mm: float, focal_px: float
) -> np.ndarray:
    """Diameter of the disc that a point at a depth becomes, of a thin lens, px.

    f A |1/focus - 1/depth|, with the focal length taken as the distance from lens to image
    (Potmesil and Chakravarty, Synthetic Image Generation with a Lens and Aperture Camera Model,
    ACM Trans. Graph. 1(2), 1982, section 3).

    Args:
        depth_m: z; infinity is allowed.
        focus_m: z in focus.
        aperture_mm: Diameter of the lens's opening.
        focal_px: Focal length.
    """
    return focal_px * aperture_mm * 1e-3 * np.abs(1 / focus_m - 1 / np.asarray(depth_m))


def disc(radius_px: float) -> np.ndarray:
    """An even disc with a soft rim of one pixel; a single pixel up to a radius of a half.

    Returns:
        Sum 1, float32, [2 R + 1, 2 R + 1].
    """
    reach = max(int(np.ceil(radius_px - 0.5)), 0)
    steps = np.arange(-reach, reach + 1)
    distance = np.hypot(steps[:, None], steps[None, :])
    spread = np.clip(max(radius_px, 0.5) + 0.5 - distance, 0, 1)
    return (spread / spread.sum()).astype(np.float32)


def line(length_px: float, direction_rad: float) -> np.ndarray:
    """A straight way at even speed, centred: labels hold in the middle of the exposure.

    Points along the way are shared bilinearly between their four pixels.

    Args:
        length_px: From end to end.
        direction_rad: From the image's x to its y.

    Returns:
        Sum 1, float32, [2 R + 1, 2 R + 1].
    """
    count = 2 * int(np.ceil(2 * length_px)) + 1
    along = ((np.arange(count) + 0.5) / count - 0.5) * length_px
    reach = int(np.ceil(length_px / 2))
    x, y = (along * turn(direction_rad) + reach for turn in (np.cos, np.sin))
    spread = np.zeros((2 * reach + 2, 2 * reach + 2))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for row, row_share in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, column_share in ((left, 1 - (x - left)), (left + 1, x - left)):
            np.add.at(spread, (row, column), row_share * column_share)
    return (spread[:-1, :-1] / count).astype(np.float32)


def convolve(image: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Spreads every point of an image; beyond its border the image goes on as at the border.

    Args:
        image: Not below 0, [H, W, C].
        spread: Sum 1, [2 R + 1, 2 R + 1].

    Returns:
        Not below 0, float32, [H, W, C].
    """
    reach = len(spread) // 2
    if reach == 0:
        return image.astype(np.float32, copy=False)
    light = np.minimum(image, np.float32(BRIGHTEST)).astype(np.float32, copy=False)
    padded = np.pad(light, ((reach, reach), (reach, reach), (0, 0)), "edge")
    rows, columns = np.nonzero(spread)
    if len(rows) <= MOST_TAPS:
        return _summed(padded, rows, columns, spread[rows, columns], reach)
    return np.maximum(fftconvolve(padded, spread[..., None], mode="valid", axes=(0, 1)), 0)


@kernel
def _summed(padded, rows, columns, shares, reach):
    """Adds up shifted images: one pass a row, whole rows at a time."""
    height, width = padded.shape[0] - 2 * reach, padded.shape[1] - 2 * reach
    channels = padded.shape[2]
    flat = padded.reshape(padded.shape[0], padded.shape[1] * channels)
    result = np.zeros((height, width * channels), np.float32)
    for row in range(height):
        target = result[row]
        for tap in range(len(rows)):
            # A convolution looks against the direction in which the spread goes.
            start = (2 * reach - columns[tap]) * channels
            source = flat[row + 2 * reach - rows[tap], start : start + width * channels]
            share = shares[tap]
            for i in range(width * channels):
                target[i] += share * source[i]
    return result.reshape(height, width, channels)


def combined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One spread after another, [2 (R1 + R2) + 1, 2 (R1 + R2) + 1]."""
    return np.maximum(fftconvolve(first, second), 0).astype(np.float32)
