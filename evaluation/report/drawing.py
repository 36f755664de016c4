"""Truth and prediction of a sample: side by side, or small and over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from mano_assets.skeleton import HAND21, Skeleton
from render.manifest.pictures import ROOT_COLOUR, cut_view, draw_skeleton, view_of

TILE_PX = 384
"""Side of an overlay tile: three times the demo's images, so that joints can be judged."""

SMALL_PX = 224
"""Side of a small tile, shown at most this large."""


def overlay_pair(
    image: Image.Image,
    box: Sequence[float] | None,
    truth_px: np.ndarray,
    predicted_px: np.ndarray,
    skeleton: Skeleton = HAND21,
) -> Image.Image:
    """Truth on the left, prediction on the right, each over the same enlarged view of the image.

    Args:
        image: The whole image.
        box: Hand box (x, y, width, height), px.
        truth_px: [21, 2]; NaN where not labelled.
        predicted_px: [21, 2].
        skeleton: The joints' skeleton.
    """
    tile, truth, predicted = _tile(image, box, TILE_PX, truth_px, predicted_px)
    gap = 8
    pair = Image.new("RGB", (2 * TILE_PX + gap, TILE_PX), "#80868b")
    pair.paste(draw_skeleton(tile, truth, skeleton), (0, 0))
    shown = draw_skeleton(tile, predicted, skeleton, misses_of=truth)
    pair.paste(shown, (TILE_PX + gap, 0))
    return pair


def overlay_small(
    image: Image.Image,
    box: Sequence[float] | None,
    truth_px: np.ndarray,
    predicted_px: np.ndarray,
    skeleton: Skeleton = HAND21,
) -> Image.Image:
    """Truth in white and the prediction in the fingers' colours over one small view of the image.

    Args:
        image: The whole image.
        box: Hand box (x, y, width, height), px.
        truth_px: [21, 2]; NaN where not labelled.
        predicted_px: [21, 2].
        skeleton: The joints' skeleton.
    """
    tile, truth, predicted = _tile(image, box, SMALL_PX, truth_px, predicted_px)
    white = [ROOT_COLOUR] * skeleton.num_joints
    below = draw_skeleton(tile, truth, skeleton, width_px=SMALL_PX / 150, colours=white)
    return draw_skeleton(below, predicted, skeleton, width_px=SMALL_PX / 100)


def _tile(
    image: Image.Image, box: Sequence[float] | None, tile_px: int, *joints_px: np.ndarray
) -> tuple[Any, ...]:
    """The view of the hand as a square of `tile_px`, then each pose in its pixels."""
    left, top, side = view_of(image.width, image.height, box)
    moved = ((joints - (left, top)) * (tile_px / side) for joints in joints_px)
    return cut_view(image, (left, top, side), tile_px), *moved
