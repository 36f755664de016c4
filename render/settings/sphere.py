"""Radiance from all directions as an equirectangular image.

Row 0 is at the top (zenith). The centre column is the direction +x, and columns further left lie
anticlockwise of it seen from above: Blender's Environment Texture with an unturned mapping.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from mano_assets.geometry.compiled import kernel

ROWS, COLUMNS = 64, 128
"""Of a light map. A 128 x 64 map instead of the full image makes two samples a pixel as clean as
many more: 31 instead of 24 dB against 512 samples."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. 709 weights of linear RGB."""

MOST_RADIANCE = 50.0
"""Of a texel of a light map, in means over the sphere. Suns and lamps exceed it up to sixtyfold.
Two samples a pixel come out as clean at a fifth of it or a half; unbounded, they lose up to 6 dB
(sunrise: 29 instead of 35 dB). Shadows stay: half of all light then comes from about 11 degrees
around the sun."""


@cache
def texel_directions(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """Unit directions of texel centres, world frame, float32 [rows, columns, 3]; not to write."""
    elevation = np.pi * (0.5 - (np.arange(rows) + 0.5) / rows)
    azimuth = 2 * np.pi * (0.5 - (np.arange(columns) + 0.5) / columns)
    level = np.cos(elevation)[:, None]
    return np.stack(
        [
            level * np.cos(azimuth),
            level * np.sin(azimuth),
            np.broadcast_to(np.sin(elevation)[:, None], (rows, columns)),
        ],
        -1,
    ).astype(np.float32)


@cache
def texel_weights(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """Share of the sphere of a texel of each row, exact, [rows, 1]."""
    heights = np.cos(np.pi * np.arange(rows + 1) / rows)
    return ((heights[:-1] - heights[1:]) / (2 * columns))[:, None]


def mean_luminance(radiance: np.ndarray) -> float:
    """Mean over the sphere of an equirectangular image, [H, W, 3]."""
    weights = texel_weights(*radiance.shape[:2])
    return float(((radiance @ LUMINANCE).astype(np.float64) * weights).sum())


def turned(light: np.ndarray, rotation_rad: float) -> np.ndarray:
    """A light map turned anticlockwise about the vertical, seen from above.

    Between texels it is linear, which leaves the mean of each row as it is.
    """
    columns = light.shape[1]
    # A turn to the left takes the texels to lower columns.
    shift = rotation_rad / (2 * np.pi) * columns
    whole = int(np.floor(shift))
    part = np.float32(shift - whole)
    return (1 - part) * np.roll(light, -whole, 1) + part * np.roll(light, -whole - 1, 1)


def spread_suns(light: np.ndarray, most: float = MOST_RADIANCE) -> np.ndarray:
    """Spreads what is too bright for a small texel over its surroundings.

    A sun of one texel is hit by few samples and its light is noise. What exceeds half the bound
    goes into a von Mises-Fisher lobe about the same direction (Fisher, Dispersion on a sphere,
    1953); a lobe of concentration k that holds a share e of all light peaks at 2 k e means, which
    is the other half. The mean over the sphere stays.

    Args:
        light: Radiance, [H, W, 3].
        most: Largest luminance, in means over the sphere.
    """
    mean = mean_luminance(light)
    luminance = light @ LUMINANCE
    rows, columns = np.nonzero(luminance > most * mean)
    if not len(rows):
        return light
    share = 1 - np.float32(most / 2 * mean) / luminance[rows, columns]
    weights = np.repeat(texel_weights(*luminance.shape), luminance.shape[1], 1).astype(np.float32)
    excess = light[rows, columns] * (share * weights[rows, columns])[:, None]
    rest = light.copy()
    rest[rows, columns] *= (1 - share)[:, None]
    # Neighbours share a lobe, which is wider than they are apart.
    cells, member = np.unique(rows // 2 * luminance.shape[1] + columns // 2, return_inverse=True)
    energy = np.zeros((len(cells), 3), dtype=np.float32)
    np.add.at(energy, member, excess)
    centres = np.zeros((len(cells), 3), dtype=np.float32)
    directions = texel_directions(*luminance.shape)
    np.add.at(centres, member, directions[rows, columns] * (excess @ LUMINANCE)[:, None])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    concentration = np.float32(most / 4 * mean / float((excess @ LUMINANCE).sum()))
    lobes = np.exp(concentration * (directions.reshape(-1, 3) @ centres.T - 1))
    lobes /= weights.ravel() @ lobes
    return rest + (lobes @ energy).reshape(light.shape)


def camera_rays(camera_k: np.ndarray, cam_from_world: np.ndarray, size: int) -> np.ndarray:
    """Unit directions of pixel centres, world frame, float32 [size, size, 3].

    Args:
        camera_k: Intrinsics, px, [3, 3].
        cam_from_world: [R|t], metres, [3, 4]; only the rotation counts.
        size: Image width and height, px.
    """
    world_from_pixel = cam_from_world[:, :3].T @ np.linalg.inv(camera_k)
    rays = np.empty((size, size, 3), dtype=np.float32)
    _camera_rays(world_from_pixel, rays)
    return rays


@kernel
def _camera_rays(world_from_pixel, rays):
    for row in range(len(rays)):
        for column in range(len(rays)):
            x, y = column + 0.5, row + 0.5
            u = world_from_pixel[0, 0] * x + world_from_pixel[0, 1] * y + world_from_pixel[0, 2]
            v = world_from_pixel[1, 0] * x + world_from_pixel[1, 1] * y + world_from_pixel[1, 2]
            w = world_from_pixel[2, 0] * x + world_from_pixel[2, 1] * y + world_from_pixel[2, 2]
            length = np.sqrt(u * u + v * v + w * w)
            rays[row, column, 0] = u / length
            rays[row, column, 1] = v / length
            rays[row, column, 2] = w / length


def look_up(image: np.ndarray, directions: np.ndarray, rotation_rad: float = 0.0) -> np.ndarray:
    """Radiance of an equirectangular image in given directions, linear between texels.

    Args:
        image: float16 or float32, [H, W, 3].
        directions: Unit vectors, world frame, float32 [..., 3].
        rotation_rad: Turns the image anticlockwise about the vertical.

    Returns:
        float32, [..., 3].
    """
    flat = np.ascontiguousarray(directions.reshape(-1, 3))
    cosine, sine = np.float32(np.cos(rotation_rad)), np.float32(np.sin(rotation_rad))
    found = np.empty_like(flat)
    if image.dtype == np.float16:
        _look_up_half(image.view(np.uint16), _half_values(), flat, cosine, sine, found)
    else:
        _look_up(image, flat, cosine, sine, found)
    return found.reshape(directions.shape)


_HALVES: list[np.ndarray] = []


def _half_values() -> np.ndarray:
    """The number of each bit pattern: compiled code knows no half floats."""
    if not _HALVES:
        _HALVES.append(np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32))
    return _HALVES[0]


@kernel
def _corners(direction, cosine, sine, height, width):
    """Columns and rows of the four texels about a direction, and the place between them."""
    east = cosine * direction[0] + sine * direction[1]
    north = -sine * direction[0] + cosine * direction[1]
    up = min(max(direction[2], np.float32(-1.0)), np.float32(1.0))
    x = (0.5 - np.arctan2(north, east) / (2 * np.pi)) * width - 0.5
    y = min(max(np.arccos(up) / np.pi * height - 0.5, 0.0), height - 1.0)
    left, top = int(np.floor(x)), int(y)
    dx, dy = np.float32(x - left), np.float32(y - top)
    return left % width, (left + 1) % width, top, min(top + 1, height - 1), dx, dy


@kernel
def _look_up_half(image, values, directions, cosine, sine, found):
    height, width = image.shape[0], image.shape[1]
    for i in range(len(directions)):
        left, right, top, bottom, dx, dy = _corners(directions[i], cosine, sine, height, width)
        for c in range(3):
            a, b = values[image[top, left, c]], values[image[top, right, c]]
            upper = a + dx * (b - a)
            a, b = values[image[bottom, left, c]], values[image[bottom, right, c]]
            found[i, c] = upper + dy * (a + dx * (b - a) - upper)


@kernel
def _look_up(image, directions, cosine, sine, found):
    height, width = image.shape[0], image.shape[1]
    for i in range(len(directions)):
        left, right, top, bottom, dx, dy = _corners(directions[i], cosine, sine, height, width)
        for c in range(3):
            a, b = image[top, left, c], image[top, right, c]
            upper = a + dx * (b - a)
            a, b = image[bottom, left, c], image[bottom, right, c]
            found[i, c] = upper + dy * (a + dx * (b - a) - upper)
