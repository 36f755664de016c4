"""A furnished room as seen from its camera."""

from __future__ import annotations

from functools import cache

import numpy as np

from render.settings.rooms.model import NUM_WALLS, RoomModel
from render.settings.rooms.patterns import noise_tile, paint_surfaces
from render.settings.rooms.rays import boxes_in_view, first_hits
from render.settings.rooms.shading import shade

_tile = cache(noise_tile)


def room_radiance(room: RoomModel, directions: np.ndarray) -> np.ndarray:
    """Radiance from given directions.

    Args:
        room: The room.
        directions: Unit vectors, room frame, float32 [..., 3].

    Returns:
        RGB in units of a white wall's own under an irradiance of pi, float32 [..., 3].
    """
    rays = np.ascontiguousarray(directions.reshape(-1, 3))
    near = boxes_in_view(rays, room.camera_m, room.boxes_m)
    surfaces, points, facings = first_hits(
        rays, room.camera_m, room.size_m, room.panels_m, room.boxes_m, near
    )
    found, shines = paint_surfaces(
        surfaces,
        points,
        facings,
        rays,
        room.panels_m,
        room.patterns,
        room.colours,
        room.periods_m,
        room.places,
        _tile(),
    )
    shade(
        surfaces,
        points,
        facings,
        found,
        shines,
        room.size_m,
        room.boxes_m,
        near,
        NUM_WALLS + len(room.panels_m),
        room.lights,
        room.ambient,
    )
    return found.reshape(directions.shape)
