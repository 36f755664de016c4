"""The colours of a room's surfaces."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel
from render.settings.rooms.model import NUM_WALLS, Pattern

_PLAIN, _STRIPES, _TILES = int(Pattern.PLAIN), int(Pattern.STRIPES), int(Pattern.TILES)
_BRICKS, _PLANKS, _CARPET = int(Pattern.BRICKS), int(Pattern.PLANKS), int(Pattern.CARPET)
_PICTURE, _BOOKS, _CURTAIN = int(Pattern.PICTURE), int(Pattern.BOOKS), int(Pattern.CURTAIN)
_DOOR, _WINDOW, _LAMP = int(Pattern.DOOR), int(Pattern.WINDOW), int(Pattern.LAMP)
_DOTS = int(Pattern.DOTS)

_SHAPES = 7
"""In a picture."""


def noise_tile(size: int = 512) -> np.ndarray:
    """Noise that repeats without seams, of mean 0 and deviation 1, float32 [size, size].

    A sum of octaves whose amplitude falls with their frequency, as in photographs. Always the
    same; a surface has its own place in it.
    """
    rng = np.random.Generator(np.random.Philox(key=20020))
    total = np.zeros((size, size))
    cells = 4
    while cells <= size:
        octave = rng.standard_normal((cells, cells))
        for axis in (0, 1):
            at = np.arange(size) * cells / size
            low = at.astype(int)
            share = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
            share = share * share * (3 - 2 * share)
            octave = (
                np.take(octave, low, axis) * (1 - share)
                + np.take(octave, (low + 1) % cells, axis) * share
            )
        total += octave / cells**0.7
        cells *= 2
    return ((total - total.mean()) / total.std()).astype(np.float32)


@kernel
def _noise(tile, u, v):
    """Noise at a place, linear between its grains; one tile is 1 x 1."""
    last = len(tile) - 1
    x, y = u * len(tile), v * len(tile)
    left, top = int(np.floor(x)), int(np.floor(y))
    dx, dy = np.float32(x - left), np.float32(y - top)
    # The size is a power of two, which makes this a remainder.
    left, top = left & last, top & last
    right, bottom = (left + 1) & last, (top + 1) & last
    upper = tile[top, left] + dx * (tile[top, right] - tile[top, left])
    lower = tile[bottom, left] + dx * (tile[bottom, right] - tile[bottom, left])
    return upper + dy * (lower - upper)


@kernel
def _grain(tile, u, v):
    """Noise at a place, as it falls."""
    last = len(tile) - 1
    return tile[int(v * len(tile)) & last, int(u * len(tile)) & last]


@kernel
def _chance(a, b, c):
    """A number from 0 to 1 that depends on three whole ones (xxHash's way of mixing)."""
    mixed = (a * 374761393 + b * 668265263 + c * 2246822519) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 3266489917) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) / 4294967296.0


@kernel
def _blend(pattern, u, v, wide, high, period, key, tile, here, there):
    """Share of the second colour, and a factor on both; u, v in metres from a corner."""
    mottled = _noise(tile, here + u * 0.13, there + v * 0.13)
    fine = _grain(tile, there + u * 1.1, here + v * 1.1)
    share, factor = 0.0, 1.0 + 0.05 * mottled + 0.02 * fine
    if pattern == _STRIPES:
        share = 1.0 if u / period - np.floor(u / period) < 0.35 + 0.3 * here else 0.0
    elif pattern == _DOTS:
        row = int(np.floor(v / period))
        column = np.floor(u / period + 0.5 * (row % 2))
        x = u / period + 0.5 * (row % 2) - column - 0.5
        y = v / period - row - 0.5
        share = 1.0 if x * x + y * y < 0.01 + 0.1 * there else 0.0
    elif pattern == _TILES:
        column, row = int(np.floor(u / period)), int(np.floor(v / period))
        edge = 0.003 / period
        x, y = u / period - column, v / period - row
        if min(min(x, 1 - x), min(y, 1 - y)) < edge:
            share, factor = 1.0, 0.6
        else:
            factor += 0.12 * (_chance(column, row, key) - 0.5)
            if here > 0.6:
                share = 1.0 * ((column + row) % 2)
    elif pattern == _BRICKS:
        row = int(np.floor(v / (period * 0.32)))
        along = u / period + 0.5 * (row % 2)
        column = int(np.floor(along))
        x, y = along - column, v / (period * 0.32) - row
        if min(x, 1 - x) < 0.025 or min(y, 1 - y) < 0.07:
            share = 1.0
        else:
            factor += 0.5 * (_chance(column, row, key) - 0.5) + 0.12 * fine
    elif pattern == _PLANKS:
        row = int(np.floor(v / period))
        along = u / (period * 9) + _chance(row, 7, key)
        column = int(np.floor(along))
        y = v / period - row
        grain = _noise(tile, here + u * 0.15 + 0.37 * row, there + v * 2.5)
        share = min(max(0.4 + 0.3 * grain, 0.0), 1.0)
        factor += 0.35 * (_chance(column, row, key) - 0.5)
        if min(y, 1 - y) < 0.012 or (along - column) < 0.002:
            factor *= 0.35
    elif pattern == _CARPET:
        share = min(max(0.5 + 0.35 * _noise(tile, u * 2.3, v * 2.3) + 0.2 * mottled, 0.0), 1.0)
        factor += 0.2 * fine
    elif pattern == _BOOKS:
        row = int(np.floor(v / period))
        column = int(np.floor(u / 0.035 + 0.4 * np.sin(u * 40.0)))
        y = v / period - row
        factor = 0.5 + _chance(column, row, key)
        share = _chance(column, row, key + 1)
        if y > 0.65 + 0.3 * _chance(column, row, key + 2):
            factor = 0.12
        if y < 0.07:
            share, factor = 0.0, 1.0
    elif pattern == _CURTAIN:
        fold = np.sin(2 * np.pi * u / period + 2.0 * mottled)
        factor = 0.7 + 0.3 * fold
    elif pattern == _DOOR:
        edge = min(min(u, wide - u), high - v)
        inner = min(min(u - 0.12, wide - 0.12 - u), min(abs(v - 1.0) - 0.08, high - 0.12 - v))
        if edge < 0.03:
            factor = 0.7
        elif 0.0 < inner < 0.02:
            factor = 0.6
        if abs(u - 0.09) < 0.06 and abs(v - 1.03) < 0.015:
            share = 1.0
    return share, factor


@kernel
def _picture(u, v, wide, high, colours, key, tile, place, found):
    """A picture of overlapping shapes in a frame."""
    edge = min(min(u, wide - u), min(v, high - v))
    if edge < 0.025:
        shine = 0.04 if place[0] < 0.6 else 0.7
        found[:] = shine
        return
    if edge < 0.06 and place[1] < 0.5:
        found[:] = 0.75
        return
    share = min(max(0.5 + 0.4 * _noise(tile, place[0] + u * 0.3, place[1] + v * 0.3), 0.0), 1.0)
    for c in range(3):
        found[c] = colours[c] + share * (colours[c + 3] - colours[c])
    for k in range(_SHAPES):
        x = u / wide - _chance(k, 1, key)
        y = v / high - _chance(k, 2, key)
        turn = 6.3 * _chance(k, 3, key)
        along = (x * np.cos(turn) + y * np.sin(turn)) / (0.04 + 0.35 * _chance(k, 4, key))
        across = (-x * np.sin(turn) + y * np.cos(turn)) / (0.04 + 0.25 * _chance(k, 5, key))
        boxy = _chance(k, 6, key) < 0.4
        if max(abs(along), abs(across)) < 1 if boxy else along * along + across * across < 1:
            for c in range(3):
                found[c] = _chance(k, 7 + c, key) ** 2


@kernel
def _window(u, v, wide, high, direction, colours, key, tile, place, found):
    """The view through a window, or its frame; true where it shines."""
    panes = 1 + int(wide / 0.8)
    column = u / wide * panes
    column -= np.floor(column)
    if (
        min(min(u, wide - u), min(v, high - v)) < 0.05
        or min(column, 1 - column) * wide / panes < 0.025
    ):
        for c in range(3):
            found[c] = colours[c + 3]
        return False
    azimuth = np.arctan2(direction[1], direction[0]) / (2 * np.pi)
    skyline = -0.02 + 0.09 * _noise(tile, place[0] + azimuth * 0.8, place[1])
    if direction[2] > skyline:
        clouds = 0.75 + 0.18 * _noise(tile, azimuth, place[1] + direction[2] * 0.5)
        for c in range(3):
            found[c] = colours[c] * max(clouds, 0.2)
    else:
        leaves = _noise(tile, place[0] + azimuth * 3.0, place[1] + direction[2])
        dim = max(0.22 + 0.1 * leaves, 0.03)
        found[0] = colours[0] * dim * (0.7 + 0.5 * _chance(1, 1, key))
        found[1] = colours[1] * dim
        found[2] = colours[2] * dim * (0.4 + 0.4 * _chance(1, 2, key))
    return True


@kernel
def paint_surfaces(
    surfaces, points_m, facings, directions, panels_m, patterns, colours, periods_m, places, tile
):
    """What the surfaces look like in themselves.

    Args:
        surfaces: See `first_hits`, [N].
        points_m: Room frame, [N, 3].
        facings: See `first_hits`, [N].
        directions: From the camera, room frame, [N, 3].
        panels_m: See `RoomModel`, also the next four, [P, 5].
        patterns: [S].
        colours: [S, 6].
        periods_m: [S].
        places: [S, 2].
        tile: See `noise_tile`.

    Returns:
        Albedo, or the radiance of what shines, RGB, float32 [N, 3]; and whether it shines, [N].
    """
    found = np.empty((len(surfaces), 3), np.float32)
    shines = np.zeros(len(surfaces), np.bool_)
    for i in range(len(surfaces)):
        s = surfaces[i]
        axis = facings[i] // 2
        u = points_m[i, 1 if axis == 0 else 0]
        v = points_m[i, 1 if axis == 2 else 2]
        wide, high = 0.0, 0.0
        if NUM_WALLS <= s < NUM_WALLS + len(panels_m):
            p = s - NUM_WALLS
            u, v = u - panels_m[p, 1], v - panels_m[p, 3]
            wide, high = panels_m[p, 2] - panels_m[p, 1], panels_m[p, 4] - panels_m[p, 3]
        pattern, key = patterns[s], int(places[s, 0] * 1e6)
        if pattern == _BOOKS and axis == 2:
            pattern = _PLAIN
        if pattern == _LAMP:
            shines[i] = True
            for c in range(3):
                found[i, c] = colours[s, c]
        elif pattern == _WINDOW:
            shines[i] = _window(
                u, v, wide, high, directions[i], colours[s], key, tile, places[s], found[i]
            )
        elif pattern == _PICTURE:
            _picture(u, v, wide, high, colours[s], key, tile, places[s], found[i])
        else:
            share, factor = _blend(
                pattern, u, v, wide, high, periods_m[s], key, tile, places[s, 0], places[s, 1]
            )
            for c in range(3):
                colour = colours[s, c] + share * (colours[s, c + 3] - colours[s, c])
                found[i, c] = min(max(colour * factor, 0.01), 0.95)
    return found, shines
