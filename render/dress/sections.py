"""Convex outlines round an arm or a finger, and bands lofted over them."""

from __future__ import annotations

import numpy as np

from render.dress.arm_extension import tube_triangles


def directions(num: int) -> np.ndarray:
    """Unit vectors anticlockwise, [num, 2]."""
    angles = 2 * np.pi * np.arange(num) / num
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def outline(reach: np.ndarray) -> np.ndarray:
    """The polygon with one side on each support line, which encloses all it was measured from.

    Corner k lies where the lines k and k + 1 cross. Corners moved outwards from the axis, each by
    a factor of its own, still enclose it: both corners of a side stay beyond that side's line.

    Args:
        reach: Support function towards `directions(K)`, [..., K].

    Returns:
        Corners, [..., K, 2].
    """
    num = reach.shape[-1]
    normals = directions(num)
    step = 2 * np.pi / num
    sideward = (np.roll(reach, -1, -1) - reach * np.cos(step)) / np.sin(step)
    tangents = np.stack([-normals[:, 1], normals[:, 0]], 1)
    return reach[..., None] * normals + sideward[..., None] * tangents


def inside(points: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Which points [P, 2] lie within the polygon of a support function, [K] or [P, K]."""
    return (points @ directions(reach.shape[-1]).T < reach).all(-1)


def band(
    reach: np.ndarray, places_m: np.ndarray, offsets_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A closed band: a profile carried round an outline.

    Args:
        reach: Support function of what it goes round, [K].
        places_m: Of the profile's corners along the axis; the profile runs from the inner wall's
            upper end down it, and up the outer wall, [P].
        offsets_m: Their distance from the outline, [P].

    Returns:
        Vertices [P * K, 3] and triangles that face outwards.
    """
    corners = outline(reach + offsets_m[:, None])
    along = np.broadcast_to(places_m[:, None, None], (*corners.shape[:2], 1))
    numbers = np.arange(len(places_m) * len(reach)).reshape(len(places_m), -1)
    rings = np.concatenate([numbers, numbers[:1]])
    return np.concatenate([corners, along], -1).reshape(-1, 3), tube_triangles(rings)
