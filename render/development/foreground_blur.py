"""Depth of field of the foreground: every pixel spreads over the disc of its own depth."""

from __future__ import annotations

from functools import cache

import numpy as np

from mano_assets.geometry.compiled import kernel
from render.development.point_spread import disc

LARGEST_RADIUS_PX = 12.0
"""Discs are cut here, for time."""

_STEPS_A_PIXEL = 8
"""Discs are kept ready in steps of this part of a pixel."""


def defocus_foreground(rgba: np.ndarray, diameter_px: np.ndarray) -> np.ndarray:
    """Spreads the foreground.

    Empty pixels spread their emptiness over the disc of the nearest full pixel, and what arrives
    is divided by the weight that arrives. So an even depth gives the convolution with its disc, and
    where depths meet nothing behind shines through.

    Args:
        rgba: Linear radiance with premultiplied alpha, float32, [H, W, 4].
        diameter_px: Of the disc of each pixel; not finite where there is no surface, [H, W].

    Returns:
        The same, spread, float32, [H, W, 4].
    """
    radius = np.minimum(diameter_px / 2, LARGEST_RADIUS_PX)
    full = np.isfinite(diameter_px) & (rgba[..., 3] > 0)
    if not full.any() or radius[full].max() <= 0.5 + 0.5 / _STEPS_A_PIXEL:
        return rgba
    steps = np.where(full, np.rint(radius * _STEPS_A_PIXEL), -1).astype(np.int32)
    return _spread(np.ascontiguousarray(rgba, dtype=np.float32), steps, *_discs())


@cache
def _discs() -> tuple[np.ndarray, np.ndarray]:
    """Weights of the discs of all steps, one after another, and their reach."""
    radii = np.arange(int(LARGEST_RADIUS_PX * _STEPS_A_PIXEL) + 1) / _STEPS_A_PIXEL
    discs = [disc(radius) for radius in radii]
    side = max(len(each) for each in discs)
    weights = np.zeros((len(discs), side, side), np.float32)
    for number, each in enumerate(discs):
        weights[number, : len(each), : len(each)] = each
    return weights, np.array([len(each) // 2 for each in discs])


@kernel
def _spread_outwards(steps):
    """Gives empty pixels the nearest full pixel's step, and tells how far it is.

    Two passes over the image (Rosenfeld and Pfaltz, Distance Functions on Digital Pictures,
    Pattern Recognition 1(1), 1968), distance in steps of king's moves.
    """
    height, width = steps.shape
    far = height + width
    away = np.empty((height, width), np.int32)
    for row in range(height):
        for column in range(width):
            away[row, column] = 0 if steps[row, column] >= 0 else far
    for turn in range(2):
        back = turn == 1
        for i in range(height):
            for j in range(width):
                row, column = (height - 1 - i, width - 1 - j) if back else (i, j)
                for k in range(4):
                    dy = -1 if k < 3 else 0
                    dx = k - 1 if k < 3 else -1
                    y, x = (row - dy, column - dx) if back else (row + dy, column + dx)
                    if 0 <= y < height and 0 <= x < width and away[y, x] + 1 < away[row, column]:
                        away[row, column] = away[y, x] + 1
                        steps[row, column] = steps[y, x]
    return away


@kernel
def _spread(rgba, steps, weights, reaches):
    height, width = steps.shape
    away = _spread_outwards(steps)
    # Beyond, emptiness meets no full pixel's disc.
    furthest = 2 * reaches[steps.max()] + 1
    total = np.zeros((height, width, 5), np.float32)
    for row in range(height):
        for column in range(width):
            if away[row, column] > furthest:
                continue
            step = steps[row, column]
            reach = reaches[step]
            empty = rgba[row, column, 3] == 0.0
            for y in range(max(row - reach, 0), min(row + reach + 1, height)):
                for x in range(max(column - reach, 0), min(column + reach + 1, width)):
                    weight = weights[step, y - row + reach, x - column + reach]
                    total[y, x, 4] += weight
                    if not empty:
                        for channel in range(4):
                            total[y, x, channel] += weight * rgba[row, column, channel]
    spread = np.zeros((height, width, 4), np.float32)
    for row in range(height):
        for column in range(width):
            weight = total[row, column, 4]
            if weight > 0.0:
                for channel in range(4):
                    spread[row, column, channel] = total[row, column, channel] / weight
    return spread
