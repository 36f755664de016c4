"""What stands and hangs in a room: surfaces with a pattern each, and what shines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

NUM_WALLS = 6
"""Surfaces of the empty room: 2 axis + 1 if the axis' upper one; the last is the ceiling."""

FLOOR, CEILING = 4, 5


class Pattern(IntEnum):
    """How a surface is coloured; the numbers that the compiled code goes by."""

    PLAIN = 0
    STRIPES = 1
    TILES = 2
    BRICKS = 3
    PLANKS = 4
    CARPET = 5
    PICTURE = 6
    BOOKS = 7
    CURTAIN = 8
    DOOR = 9
    WINDOW = 10
    LAMP = 11
    DOTS = 12


@dataclass(frozen=True)
class RoomModel:
    """A furnished room. Its lowest corner is the origin, its edges are the axes, z is up.

    Attributes:
        size_m: [3].
        camera_m: Where it is seen from, [3].
        panels_m: Flat things on walls: surface they are on, lower and upper end along its first
            axis, then along its second, [P, 5]. Later ones lie over earlier ones.
        boxes_m: Furniture: lowest and highest corner, [B, 6].
        patterns: Of the six walls, the panels and the boxes, in this order, [S].
        colours: Two linear RGB albedos, or radiances of what shines, [S, 6].
        periods_m: Of the pattern, [S].
        places: Where in the noise a surface lies, [S, 2].
        lights: What shines: centre (m), direction it faces, area (m2), RGB radiance, [L, 10].
        ambient: Irradiance from everything that the lights shine on, RGB, [3].
    """

    size_m: np.ndarray
    camera_m: np.ndarray
    panels_m: np.ndarray
    boxes_m: np.ndarray
    patterns: np.ndarray
    colours: np.ndarray
    periods_m: np.ndarray
    places: np.ndarray
    lights: np.ndarray
    ambient: np.ndarray


def wall_axes(surface: int) -> tuple[int, int, int]:
    """Normal, first and second axis of a wall."""
    normal = surface // 2
    return normal, 1 if normal == 0 else 0, 1 if normal == 2 else 2
