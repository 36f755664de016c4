"""Where rays from the camera end in a room."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

_ZERO, _FAR = np.float32(0), np.float32(np.inf)


@kernel
def first_hits(directions, camera_m, size_m, panels_m, boxes_m, near):
    """The surfaces that rays from the camera meet.

    Args:
        directions: Room frame, [N, 3].
        camera_m: Inside the room and outside the boxes, [3].
        size_m: Of the room, [3].
        panels_m: See `RoomModel`, [P, 5].
        boxes_m: See `RoomModel`, [B, 6].
        near: Numbers of the boxes that a ray may meet.

    Returns:
        Number of the surface, of the six walls, then the panels, then the boxes, int32 [N]; the
        point, room frame, metres, float32 [N, 3]; and where the surface faces there: 2 axis + 1
        if upwards along the axis, int8 [N].
    """
    count, num_panels = len(directions), len(panels_m)
    surfaces = np.empty(count, np.int32)
    points = np.empty((count, 3), np.float32)
    facings = np.empty(count, np.int8)
    for i in range(count):
        nearest, surface, facing = _FAR, 0, 0
        for axis in range(3):
            step = directions[i, axis]
            if step > 0.0:
                away = (size_m[axis] - camera_m[axis]) / step
                if away < nearest:
                    nearest, surface, facing = away, 2 * axis + 1, 2 * axis
            elif step < 0.0:
                away = -camera_m[axis] / step
                if away < nearest:
                    nearest, surface, facing = away, 2 * axis, 2 * axis + 1
        wall = True
        for b in near:
            enter, leave, entered = _ZERO, nearest, -1
            for axis in range(3):
                step = directions[i, axis]
                if abs(step) < 1e-9:
                    if not boxes_m[b, axis] < camera_m[axis] < boxes_m[b, axis + 3]:
                        leave = -_FAR
                    continue
                low = (boxes_m[b, axis] - camera_m[axis]) / step
                high = (boxes_m[b, axis + 3] - camera_m[axis]) / step
                if low > high:
                    low, high = high, low
                if low > enter:
                    enter, entered = low, axis
                leave = min(leave, high)
                if enter > leave:
                    break
            if entered >= 0 and enter <= leave:
                nearest, surface, wall = enter, 6 + num_panels + b, False
                facing = 2 * entered + (1 if directions[i, entered] < 0.0 else 0)
        for axis in range(3):
            points[i, axis] = camera_m[axis] + nearest * directions[i, axis]
        if wall:
            normal = surface // 2
            first = points[i, 1 if normal == 0 else 0]
            second = points[i, 1 if normal == 2 else 2]
            on = surface
            for p in range(num_panels):
                if (
                    panels_m[p, 0] == on
                    and panels_m[p, 1] < first < panels_m[p, 2]
                    and panels_m[p, 3] < second < panels_m[p, 4]
                ):
                    surface = 6 + p
        surfaces[i] = surface
        facings[i] = facing
    return surfaces, points, facings


def boxes_in_view(directions: np.ndarray, camera_m: np.ndarray, boxes_m: np.ndarray) -> np.ndarray:
    """Numbers of the boxes whose surrounding sphere meets the cone about the rays, [K].

    Args:
        directions: Unit vectors, [N, 3].
        camera_m: [3].
        boxes_m: See `RoomModel`, [B, 6].
    """
    axis = directions[:: 1 + len(directions) // 1000].mean(0, dtype=np.float64)
    if not len(boxes_m) or np.linalg.norm(axis) < 0.1:
        return np.arange(len(boxes_m))
    axis /= np.linalg.norm(axis)
    opening = np.arccos(np.clip((directions @ axis.astype(np.float32)).min(), -1, 1))
    centres = (boxes_m[:, :3] + boxes_m[:, 3:]) / 2 - camera_m
    away = np.linalg.norm(centres, axis=1)
    radius = np.linalg.norm(boxes_m[:, 3:] - boxes_m[:, :3], axis=1) / 2
    angle = np.arccos(np.clip(centres @ axis / away, -1, 1))
    reach = np.arcsin(np.clip(radius / away, 0, 1))
    return np.flatnonzero((radius >= away) | (angle - reach <= opening + 1e-3))
