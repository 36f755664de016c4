"""Labels of pixels as PNG files, and back.

All are images of the frame's own size, row 0 on top, made for pixel centres:

- mask: 255 where the filtered coverage of the labelled hand is at least a half, else 0;
- depth: z in tenths of a millimetre, 16 bit; 0 is nothing, 65535 is 6.5535 m and beyond;
- parts: a number a pixel, 8 bit; 0 is nothing;
- normals: 128 + 127 times each component of the unit normal in the camera frame; black is nothing.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

DEPTH_UNIT_M = 1e-4
DEEPEST = 65535
"""In units of depth."""

_COMPRESSION = 4
"""Of zlib: half the time of Pillow's own 6, files 5 % larger."""


def _png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=_COMPRESSION)
    return stream.getvalue()


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def hand_mask(coverage: np.ndarray) -> np.ndarray:
    """Pixels that the hand covers by half or more, [H, W] bool."""
    return coverage >= 0.5


def encode_mask(mask: np.ndarray) -> bytes:
    """PNG file of a mask, [H, W] bool."""
    return _png(np.where(mask, 255, 0).astype(np.uint8))


def decode_mask(data: bytes) -> np.ndarray:
    """Mask of a PNG file, [H, W] bool."""
    return _pixels(data) > 127


def encode_depth(depth_m: np.ndarray) -> bytes:
    """PNG file of z in metres, [H, W], inf where there is nothing."""
    finite = np.isfinite(depth_m)
    units = np.where(finite, depth_m, 0) / DEPTH_UNIT_M
    # What is seen is never 0.
    units = np.clip(np.rint(units), 1, DEEPEST) * finite
    return _png(units.astype(np.uint16))


def decode_depth(data: bytes) -> np.ndarray:
    """Depth of a PNG file, metres, inf where there is nothing, float32, [H, W]."""
    units = _pixels(data)
    return np.where(units == 0, np.inf, units * DEPTH_UNIT_M).astype(np.float32)


def encode_parts(parts: np.ndarray) -> bytes:
    """PNG file of the numbers of parts, [H, W] integers.

    Raises:
        ValueError: One is not from 0 to 255.
    """
    if parts.size and not 0 <= parts.min() <= parts.max() <= 255:
        raise ValueError("expected numbers of parts from 0 to 255.")
    return _png(parts.astype(np.uint8))


def decode_parts(data: bytes) -> np.ndarray:
    """Numbers of parts of a PNG file, uint8, [H, W]."""
    return _pixels(data)


def encode_normals(normals: np.ndarray) -> bytes:
    """PNG file of unit normals in the camera frame, [H, W, 3], 0 where there is nothing."""
    seen = (normals != 0).any(-1, keepdims=True)
    return _png((np.rint(128 + 127 * normals) * seen).astype(np.uint8))


def decode_normals(data: bytes) -> np.ndarray:
    """Unit normals of a PNG file, float32, [H, W, 3], 0 where there is nothing."""
    levels = _pixels(data)
    seen = (levels != 0).any(-1, keepdims=True)
    normals = (levels.astype(np.float32) - 128) * seen
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals / np.maximum(lengths, 1e-6)
