"""Photographs as backgrounds, and the light that may have fallen into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mano_assets.errors import InputError
from render.factors.setting import Crop
from render.settings.sphere import LUMINANCE, texel_directions

_LONGEST_SIDE = 1024

_PATCHES = 16
"""Of the photograph, along each side, as light sources."""

_CONCENTRATION = 12.0
"""Of a patch's light about its direction: spread by about 17 degrees."""

_HIGHLIGHT, _EXPANSION = 0.6, 12.0
"""Above this share of the brightest value a photograph is taken to be clipped, and the brightest
shines that many times what it shows."""

_SRGB = np.arange(256) / 255
_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
"""Of an sRGB byte (IEC 61966-2-1)."""


def read_photograph(path: Path) -> np.ndarray:
    """Reads a photograph, the right way up and at most 1024 px long.

    Returns:
        sRGB uint8, [H, W, 3].

    Raises:
        InputError: It cannot be read to its end.
    """
    try:
        with Image.open(path) as image:
            # A JPEG is decoded at a fraction of its size where that is enough.
            image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InputError(
            f"{path}: unreadable photograph, expected a whole .jpg or .png image."
        ) from None
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.BOX)
    return np.asarray(upright)


def wrapped_light(photograph: np.ndarray) -> np.ndarray:
    """A guess at the light in which a photograph was taken.

    The picture is stretched over the half of the sphere before the camera and mirrored onto the
    half behind it, as Khan et al. do (Image-based material editing, SIGGRAPH 2006, section 4.1),
    and blurred, since only the rough directions can be right. What is nearly white was brighter
    than the picture tells and is expanded by a smooth ramp, the idea of Landis (Production-ready
    global illumination, SIGGRAPH 2002 course 16).

    Args:
        photograph: sRGB uint8, [H, W, 3].

    Returns:
        Radiance in the picture's linear units as a light map, float32 [64, 128, 3]. The direction
        +x is what the camera looks at, +z the camera's up.
    """
    linear = expanded(linear_rgb(photograph))
    rows, columns = np.ogrid[: linear.shape[0], : linear.shape[1]]
    patch = (rows * _PATCHES // linear.shape[0]) * _PATCHES + columns * _PATCHES // linear.shape[1]
    count = np.maximum(np.bincount(patch.ravel(), minlength=_PATCHES**2), 1)
    colours = np.stack(
        [
            np.bincount(patch.ravel(), linear[..., channel].ravel(), _PATCHES**2) / count
            for channel in range(3)
        ],
        -1,
    )
    places = (np.arange(_PATCHES) + 0.5) / _PATCHES
    elevation, azimuth = (
        x.ravel()
        for x in np.meshgrid(np.pi * (0.5 - places), np.pi * (0.5 - places), indexing="ij")
    )
    front = np.stack(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ],
        -1,
    )
    area = np.cos(elevation)
    towards = texel_directions()
    both = [
        np.exp(_CONCENTRATION * (towards @ (front * mirror).T - 1))
        for mirror in ([1, 1, 1], [-1, 1, 1])
    ]
    lobes = (both[0] + both[1]) * area
    lobes /= lobes.sum(-1, keepdims=True)
    return (lobes @ colours).astype(np.float32)


def linear_rgb(photograph: np.ndarray) -> np.ndarray:
    """Linear RGB, float32, of sRGB bytes."""
    return _LINEAR[photograph]


def expanded(linear: np.ndarray) -> np.ndarray:
    """Linear values with what is nearly white made as bright as lights are, [..., 3]."""
    luminance = linear @ LUMINANCE
    white = max(float(luminance.max(initial=0)), 1e-6)
    ramp = np.clip((luminance / white - _HIGHLIGHT) / (1 - _HIGHLIGHT), 0, 1)
    return linear * (1 + (_EXPANSION - 1) * ramp**2 * (3 - 2 * ramp))[..., None]


def cropped(photograph: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """The part of a photograph that is seen, as an image.

    Args:
        photograph: sRGB uint8, [H, W, 3].
        crop: The part.
        size: Of the image, px.

    Returns:
        Linear RGB in the picture's units, float32 [size, size, 3].
    """
    height, width = photograph.shape[:2]
    side = max(crop.side * min(height, width), 1.0)
    left, top = crop.left * (width - side), crop.top * (height - side)
    # Only what is seen is read from the disk.
    x, y = int(left), int(top)
    part = np.array(photograph[y : int(top + side) + 2, x : int(left + side) + 2])
    seen = Image.fromarray(part).resize(
        (size, size),
        Image.Resampling.BILINEAR,
        (
            left - x,
            top - y,
            min(left - x + side, part.shape[1]),
            min(top - y + side, part.shape[0]),
        ),
    )
    linear = linear_rgb(np.asarray(seen))
    return linear[:, ::-1] if crop.mirrored else linear
