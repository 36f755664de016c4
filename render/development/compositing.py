"""The foreground over the background: exact coverage at its outline, and colours that fit it."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

REACH_PX = 2
"""Colours for the outline are taken from no further: the pixel filter reaches 1.5 px."""

SIGMA_PX = 1.0
"""Of the Gaussian that takes them."""


def with_exact_coverage(rgba: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Replaces the outline's noisy alpha and its colours.

    Over a few samples a pixel, coverage is a count of few, and the denoiser treats colour but not
    coverage: at the outline neither is right, nor do they fit each other. There the colour is taken
    from the neighbours in proportion to what they hold, and the coverage from the rasteriser.

    Args:
        rgba: Linear radiance with premultiplied alpha, [H, W, 4].
        coverage: Exact share of each pixel that is covered, [H, W].

    Returns:
        Linear radiance with the exact coverage as premultiplied alpha, float32, [H, W, 4].
    """
    offsets = np.arange(-REACH_PX, REACH_PX + 1)
    gauss = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * SIGMA_PX**2))
    return _mend(
        np.ascontiguousarray(rgba, dtype=np.float32),
        np.ascontiguousarray(coverage, dtype=np.float32),
        gauss.astype(np.float32),
    )


@kernel
def _mend(rgba, coverage, weights):
    height, width = coverage.shape
    reach = len(weights) // 2
    mended = np.zeros((height, width, 4), np.float32)
    colour = np.empty(3, np.float32)
    for row in range(height):
        for column in range(width):
            share = coverage[row, column]
            if share <= 0.0:
                continue
            mended[row, column, 3] = min(share, np.float32(1.0))
            if share >= 0.9999 and rgba[row, column, 3] >= 0.9999:
                for channel in range(3):
                    mended[row, column, channel] = rgba[row, column, channel]
                continue
            colour[:] = 0.0
            held = np.float32(0.0)
            for y in range(max(row - reach, 0), min(row + reach + 1, height)):
                for x in range(max(column - reach, 0), min(column + reach + 1, width)):
                    weight = weights[y - row + reach, x - column + reach]
                    held += weight * rgba[y, x, 3]
                    for channel in range(3):
                        colour[channel] += weight * rgba[y, x, channel]
            if held > 0.0:
                for channel in range(3):
                    mended[row, column, channel] = mended[row, column, 3] * colour[channel] / held
            else:
                # Nothing of the surface was met: what cannot be coloured is left out.
                mended[row, column, 3] = 0.0
    return mended


def over(foreground: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Puts the foreground over the background (Porter and Duff, SIGGRAPH 1984, table 1).

    Args:
        foreground: Linear radiance with premultiplied alpha, [H, W, 4].
        background: Linear radiance, [H, W, 3].

    Returns:
        Not below 0, as denoised light may be; float32, [H, W, 3].
    """
    return _over(
        np.ascontiguousarray(foreground, dtype=np.float32),
        np.ascontiguousarray(background, dtype=np.float32),
    )


@kernel
def _over(foreground, background):
    height, width = background.shape[:2]
    result = np.empty((height, width, 3), np.float32)
    for row in range(height):
        for column in range(width):
            left = np.float32(1.0) - min(foreground[row, column, 3], np.float32(1.0))
            for channel in range(3):
                light = foreground[row, column, channel] + left * background[row, column, channel]
                # Written so that what is not a number stays.
                result[row, column, channel] = np.float32(0.0) if light < 0.0 else light
    return result
