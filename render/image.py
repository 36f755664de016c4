"""From linear radiance to a JPEG: background behind the hand, exposure, the display's curve."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from render.scene import Scene

EDGE_SIGMA_PX = 0.6
"""A pixel filter of 1.4 px full width at half maximum."""


def background(scene: Scene, environment: np.ndarray) -> np.ndarray:
    """The environment as the camera sees it.

    Args:
        scene: Camera and rotation of the environment.
        environment: Linear equirectangular image, row 0 on top, [H, W, 3]. Its centre column is
            the world's +x direction turned by the rotation, as in Blender's world shader.

    Returns:
        Linear radiance, [size, size, 3].
    """
    centres = np.arange(scene.size) + 0.5
    x, y = np.meshgrid(centres, centres)
    inverse_k = np.linalg.inv(np.array(scene.camera_k))
    rays = np.stack([x, y, np.ones_like(x)], -1) @ inverse_k.T
    rays = rays @ np.array(scene.cam_from_world)[:, :3]
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    cosine, sine = (f(scene.environment_rotation_rad) for f in (np.cos, np.sin))
    east = cosine * rays[..., 0] + sine * rays[..., 1]
    north = -sine * rays[..., 0] + cosine * rays[..., 1]
    u = 0.5 - np.arctan2(north, east) / (2 * np.pi)
    v = np.arccos(np.clip(rays[..., 2], -1, 1)) / np.pi
    return scene.environment_strength * _bilinear(environment, u, v)


def _bilinear(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    x, y = u * width - 0.5, np.clip(v * height - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    bottom = np.minimum(top + 1, height - 1)
    dx, dy = (x - left)[..., None], (y - top)[..., None]
    left, right = left % width, (left + 1) % width
    upper = image[top, left] * (1 - dx) + image[top, right] * dx
    lower = image[bottom, left] * (1 - dx) + image[bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def smooth_edges(rgba: np.ndarray) -> np.ndarray:
    """Makes the hand's outline as smooth as its inside.

    The denoiser treats colour but not coverage: over a few samples a pixel, the outline stays
    noisy and no longer fits its colour. Both are spread over the edge by the same narrow kernel,
    about a lens's own, which keeps the outline where it is.

    Args:
        rgba: Linear radiance with premultiplied alpha, [H, W, 4].

    Returns:
        The same, changed within two pixels of the outline.
    """
    spread = gaussian_filter(rgba, (EDGE_SIGMA_PX, EDGE_SIGMA_PX, 0), mode="nearest")
    alpha = spread[..., 3:]
    edge = (alpha > 1e-3) & (alpha < 1 - 1e-3)
    return np.where(edge, spread, rgba)


def compose(scene: Scene, rgba: np.ndarray, environment: np.ndarray) -> np.ndarray:
    """Puts the rendered hand over the background and develops the image.

    Args:
        scene: What was rendered.
        rgba: Linear radiance with premultiplied alpha, [size, size, 4].
        environment: See `background`.

    Returns:
        RGB uint8, [size, size, 3].
    """
    rgba = smooth_edges(rgba)
    alpha = np.clip(rgba[..., 3:], 0, 1)
    linear = rgba[..., :3] + (1 - alpha) * background(scene, environment)
    linear = linear * 2.0**scene.exposure_ev
    # Reinhard's curve (2002, equation 4, white at 4) keeps windows from burning out.
    linear = np.clip(linear, 0, None)
    linear = linear * (1 + linear / 16) / (1 + linear)
    display = np.where(
        linear <= 0.0031308,
        12.92 * linear,
        1.055 * np.clip(linear, 1e-9, None) ** (1 / 2.4) - 0.055,
    )
    return (np.clip(display, 0, 1) * 255 + 0.5).astype(np.uint8)


def encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """JPEG file of an RGB image without chroma subsampling."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def encode_mask(alpha: np.ndarray) -> bytes:
    """PNG file of the pixels that the hand covers by half or more."""
    stream = io.BytesIO()
    Image.fromarray(np.where(alpha >= 0.5, 255, 0).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
