"""Where a surface that comes down on another meets it first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.geometry.compiled import kernel

_CELL_M = 0.006
"""Cells of the plane across the way; of 3 to 12 mm the fastest for two hands."""


@dataclass(frozen=True)
class Meeting:
    """Where a surface that comes down on another meets it first.

    Attributes:
        travel_m: How far it comes until they touch; inf if it passes by.
        face: Triangle of the one that lies there.
        coming_face: Triangle of the one that comes.
    """

    travel_m: float
    face: int
    coming_face: int


def meeting(
    points_m: np.ndarray,
    triangles: np.ndarray,
    coming_m: np.ndarray,
    coming_triangles: np.ndarray,
    away: np.ndarray,
) -> Meeting:
    """Where one closed mesh meets another that it comes down on from far away, exactly.

    Seen along the way, the surfaces first meet at a corner of either or where two edges cross. What
    stops short of the meeting does not cross the other mesh.

    Args:
        points_m: Mesh that lies there, [V, 3].
        triangles: Anticlockwise from outside, [F, 3].
        coming_m: Mesh that comes, [W, 3]; at any distance along the way, even beyond the meeting.
        coming_triangles: [G, 3].
        away: Unit vector against the way, [3].
    """
    aside = np.cross(away, np.eye(3)[np.argmin(np.abs(away))])
    aside = aside / np.linalg.norm(aside)
    frame = np.stack([aside, np.cross(away, aside), away], 1)
    travel, face, coming = _first_meeting(
        np.ascontiguousarray(points_m @ frame),
        triangles,
        np.ascontiguousarray(coming_m @ frame),
        coming_triangles,
        _CELL_M,
    )
    return Meeting(travel, face, coming)


@kernel
def _facing(points, triangles, sign):
    """Numbers of the triangles that face up (1) or down (-1)."""
    kept = np.empty(len(triangles), np.int64)
    count = 0
    for face in range(len(triangles)):
        i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        ux, uy = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
        vx, vy = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1]
        if sign * (ux * vy - uy * vx) > 0.0:
            kept[count] = face
            count += 1
    return kept[:count]


@kernel
def _span(points, triangle, axis):
    a, b, c = points[triangle[0], axis], points[triangle[1], axis], points[triangle[2], axis]
    return min(a, b, c), max(a, b, c)


@kernel
def _height(points, triangle, x, y):
    """Height of a triangle over a place of the plane; NaN beside it."""
    i, j, k = triangle
    ax, ay = points[i, 0] - x, points[i, 1] - y
    bx, by = points[j, 0] - x, points[j, 1] - y
    cx, cy = points[k, 0] - x, points[k, 1] - y
    one, two, three = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
    total = one + two + three
    if total < 0.0:
        one, two, three, total = -one, -two, -three, -total
    if total == 0.0 or one < 0.0 or two < 0.0 or three < 0.0:
        return np.nan
    return (one * points[i, 2] + two * points[j, 2] + three * points[k, 2]) / total


@kernel
def _room_between(points, below, others, above, least):
    """Least height of one triangle above another, where one lies over the other."""
    for corner in range(3):
        p = above[corner]
        height = _height(points, below, others[p, 0], others[p, 1])
        if others[p, 2] - height < least:
            least = others[p, 2] - height
        p = below[corner]
        height = _height(others, above, points[p, 0], points[p, 1])
        if height - points[p, 2] < least:
            least = height - points[p, 2]
    for first in range(3):
        p, q = below[first], below[(first + 1) % 3]
        ux, uy = points[q, 0] - points[p, 0], points[q, 1] - points[p, 1]
        for second in range(3):
            r, s = above[second], above[(second + 1) % 3]
            vx, vy = others[s, 0] - others[r, 0], others[s, 1] - others[r, 1]
            across = ux * vy - uy * vx
            if across == 0.0:
                continue
            wx, wy = others[r, 0] - points[p, 0], others[r, 1] - points[p, 1]
            share, other = (wx * vy - wy * vx) / across, (wx * uy - wy * ux) / across
            if 0.0 <= share <= 1.0 and 0.0 <= other <= 1.0:
                low = points[p, 2] + share * (points[q, 2] - points[p, 2])
                high = others[r, 2] + other * (others[s, 2] - others[r, 2])
                if high - low < least:
                    least = high - low
    return least


@kernel
def _first_meeting(points, triangles, others, other_triangles, cell):
    """Least height of a mesh over another along z, and the triangles it is between."""
    faces, coming = _facing(points, triangles, 1.0), _facing(others, other_triangles, -1.0)
    low_x, low_y = points[:, 0].min(), points[:, 1].min()
    columns = int((points[:, 0].max() - low_x) / cell) + 1
    rows = int((points[:, 1].max() - low_y) / cell) + 1
    starts = np.zeros(columns * rows + 1, np.int64)
    highest = np.full(columns * rows, -np.inf)
    members = np.empty(0, np.int64)
    # Count the faces over each cell, then list them.
    for turn in range(2):
        for face in faces:
            triangle = (triangles[face, 0], triangles[face, 1], triangles[face, 2])
            x, to_x = _span(points, triangle, 0)
            y, to_y = _span(points, triangle, 1)
            top = _span(points, triangle, 2)[1]
            for row in range(int((y - low_y) / cell), int((to_y - low_y) / cell) + 1):
                for column in range(int((x - low_x) / cell), int((to_x - low_x) / cell) + 1):
                    place = row * columns + column
                    if turn == 0:
                        starts[place + 1] += 1
                        highest[place] = max(highest[place], top)
                    else:
                        starts[place] -= 1
                        members[starts[place]] = face
        if turn == 0:
            starts = np.cumsum(starts)
            members = np.empty(starts[-1], np.int64)
            # Filled from the end of each cell down to its start.
            starts[:-1] = starts[1:]
    least, face_met, coming_met = np.inf, -1, -1
    for other in coming:
        above = (other_triangles[other, 0], other_triangles[other, 1], other_triangles[other, 2])
        x, to_x = _span(others, above, 0)
        y, to_y = _span(others, above, 1)
        bottom = _span(others, above, 2)[0]
        first_row, last_row = max(int((y - low_y) // cell), 0), int((to_y - low_y) // cell)
        first_column, last_column = max(int((x - low_x) // cell), 0), int((to_x - low_x) // cell)
        for row in range(first_row, min(last_row, rows - 1) + 1):
            for column in range(first_column, min(last_column, columns - 1) + 1):
                place = row * columns + column
                if bottom - highest[place] >= least:
                    continue
                for member in range(starts[place], starts[place + 1]):
                    face = members[member]
                    below = (triangles[face, 0], triangles[face, 1], triangles[face, 2])
                    if bottom - _span(points, below, 2)[1] >= least:
                        continue
                    found = _room_between(points, below, others, above, least)
                    if found < least:
                        least, face_met, coming_met = found, face, other
    return least, face_met, coming_met
