"""Colour maps of the user's, brought from the hand's own UV layout into the skin's atlas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mano_assets.errors import InputError
from mano_assets.skin_maps import SkinMaps


def texture_in_atlas(maps: SkinMaps, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a colour map.

    Args:
        maps: Of a hand with a UV layout.
        path: PNG or JPEG over the whole of that layout, v upwards.

    Returns:
        sRGB at the texels of the atlas, row 0 is v = 0, uint8, [S, S, 3]; and which of them show
        the surface, bool, [S, S].

    Raises:
        InputError: The file cannot be read, or the hand has no UV layout.
    """
    if maps.texture_uv is None:
        raise InputError(
            f"{path}: this hand has no UV layout, expected a hand with UVs for skin textures."
        )
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: unreadable texture, expected a whole PNG or JPEG.") from error
    return _bilinear(pixels[::-1], maps.texture_uv), maps.texture_uv.any(-1)


def _bilinear(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Pixels [H, W, 3], row 0 below, at places in 65535ths, [S, S, 2]."""
    height, width = pixels.shape[:2]
    shown = np.flatnonzero(places.any(-1))
    spots = places.reshape(-1, 2)[shown].astype(np.float32) / 65535 * [width, height] - 0.5
    spots = np.clip(spots, 0, [width - 1, height - 1]).astype(np.float32)
    low = np.minimum(spots.astype(int), np.maximum([width - 2, height - 2], 0))
    share = spots - low
    flat = pixels.reshape(-1, 3)
    right, up = int(width > 1), width * int(height > 1)
    corner = low[:, 1] * width + low[:, 0]
    u, v = share[:, :1].astype(np.float32), share[:, 1:].astype(np.float32)
    below = (1 - u) * flat[corner] + u * flat[corner + right]
    above = (1 - u) * flat[corner + up] + u * flat[corner + up + right]
    found = np.zeros((places.shape[0] * places.shape[1], 3), np.uint8)
    found[shown] = np.round((1 - v) * below + v * above)
    return found.reshape(*places.shape[:2], 3)
