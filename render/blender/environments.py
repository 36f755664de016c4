"""Reads environment images with Blender."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np


def decode_environment(path: Path) -> np.ndarray:
    """Reads an .exr or .hdr file, and leaves no trace of it in Blender.

    Returns:
        Linear radiance, row 0 on top, float32 [H, W, 3]; without size, or not a number, where
        Blender cannot read the file.
    """
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError:
        return np.empty((0, 0, 3), dtype=np.float32)
    try:
        width, height = image.size
        pixels = np.empty(width * height * image.channels, dtype=np.float32)
        try:
            image.pixels.foreach_get(pixels)
        except (RuntimeError, TypeError):
            pixels[:] = np.nan
        channels = max(image.channels, 1)
    finally:
        bpy.data.images.remove(image)
    rows = pixels.reshape(height, width, channels)[::-1]
    return np.ascontiguousarray(np.broadcast_to(rows[..., :3], (height, width, 3)))
