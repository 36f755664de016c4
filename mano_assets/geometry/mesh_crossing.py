"""Whether two meshes run into each other, and whether one lies inside the other.

Surfaces that do not cross can still hold one another: a thing may lie wholly within the flesh. So
whoever must know that two things are apart asks both: `meshes_cross`, and `inside` for one point of
each part of either.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mano_assets.geometry.compiled import kernel
from mano_assets.geometry.triangles import crossing_pairs, triangle_boxes

_PATCH_SIZE = 16
"""Triangles whose boxes are looked at as one. Of 8 to 64 the fastest for a hand and a thing."""


def meshes_cross(
    points: np.ndarray,
    triangles: np.ndarray,
    others: np.ndarray,
    other_triangles: np.ndarray,
) -> bool:
    """Whether a triangle of one mesh crosses one of another.

    Decided exactly. What crossing is, `mano_assets.geometry.triangles` says: touching is not.

    Args:
        points: Of the first mesh, metres, [V, 3].
        triangles: Its triangles, [F, 3].
        others: Points of the second, in the same frame, [W, 3].
        other_triangles: Its triangles, [G, 3].
    """
    if len(triangles) == 0 or len(other_triangles) == 0:
        return False
    points, triangles = _as_arrays(points, triangles)
    others, other_triangles = _as_arrays(others, other_triangles)
    boxes, whole = triangle_boxes(points, triangles, np.array([0, len(triangles)]))
    other_boxes, other_whole = triangle_boxes(
        others, other_triangles, np.array([0, len(other_triangles)])
    )
    low = np.maximum(whole[0, :3], other_whole[0, :3])
    high = np.minimum(whole[0, 3:], other_whole[0, 3:])
    if (low > high).any():
        return False
    axis = int(np.argmax(high - low))
    near = _in_box(boxes, low, high, axis)
    other_near = _in_box(other_boxes, low, high, axis)
    if len(near) == 0 or len(other_near) == 0:
        return False
    starts = np.append(np.arange(0, len(near), _PATCH_SIZE), len(near))
    other_starts = np.append(np.arange(0, len(other_near), _PATCH_SIZE), len(other_near))
    patches, other_patches = np.indices((len(starts) - 1, len(other_starts) - 1)).reshape(2, -1)
    both = np.concatenate([triangles[near], other_triangles[other_near] + len(points)])
    found = crossing_pairs(
        np.concatenate([points, others]),
        both,
        np.concatenate([starts, len(near) + other_starts[1:]]),
        np.stack([patches, other_patches + len(starts) - 1], axis=1),
        # Every pair is tested: one byte that stands for all.
        np.broadcast_to(np.uint8(255), (len(both), (len(both) + 7) // 8)),
        1,
    )
    return len(found) > 0


def inside(points: np.ndarray, triangles: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Which points a closed mesh holds.

    A point is inside if the mesh winds around it: along a ray the surface leaves it more often, or
    less often, than it comes back. So parts of a mesh may overlap. The ray slips through no edge
    and no corner (Edelsbrunner and Mücke, Simulation of Simplicity, ACM Trans. Graph. 9(1), 1990).
    A point nearer to the surface than the rounding of its coordinates may be told either way.

    Args:
        points: Of the mesh, metres, [V, 3].
        triangles: All turned the same way, closed (if not, see `capped`), [F, 3].
        queries: In the same frame, [N, 3].

    Returns:
        [N] bool.
    """
    points, triangles = _as_arrays(points, triangles)
    return _windings(points, triangles, np.ascontiguousarray(queries, dtype=np.float64)) != 0


def capped(triangles: np.ndarray) -> np.ndarray:
    """The triangles of a mesh and those that close its holes, turned like their neighbours.

    Each hole, such as a forearm's end, is closed by a fan from one corner of its rim.

    Args:
        triangles: All turned the same way, [F, 3].

    Returns:
        [F + K, 3].
    """
    edges = triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64)
    num_points = int(edges.max(initial=0)) + 1
    # An edge that two neighbours run through in opposite directions is no rim.
    keys, counts = np.unique(edges.min(1) * num_points + edges.max(1), return_inverse=True)
    runs = np.bincount(counts, np.where(edges[:, 0] < edges[:, 1], 1, -1), len(keys)).astype(int)
    low, high = np.divmod(np.repeat(keys, np.abs(runs)), num_points)
    forward = np.repeat(runs, np.abs(runs)) > 0
    starts, ends = np.where(forward, low, high), np.where(forward, high, low)
    linked = coo_array((np.ones(len(starts)), (starts, ends)), shape=(num_points, num_points))
    loop_of = connected_components(linked, directed=False)[1]
    _, first, number = np.unique(loop_of[starts], return_index=True, return_inverse=True)
    fan = np.stack([ends, starts, starts[first][number]], axis=1)
    fan = fan[(fan[:, 2] != fan[:, 0]) & (fan[:, 2] != fan[:, 1])]
    return np.concatenate([triangles, fan.astype(triangles.dtype)])


def _as_arrays(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.ascontiguousarray(points, dtype=np.float64),
        np.ascontiguousarray(triangles, dtype=np.int64),
    )


def _in_box(boxes: np.ndarray, low: np.ndarray, high: np.ndarray, axis: int) -> np.ndarray:
    """Numbers of the boxes that reach into a box, sorted along an axis."""
    near = np.flatnonzero((boxes[:, :3] <= high).all(1) & (boxes[:, 3:] >= low).all(1))
    return near[np.argsort(boxes[near, axis], kind="stable")]


@kernel
def _turn(px, py, qx, qy):
    """Side of the edge from p to q on which the origin lies; where it is on it, as if shifted."""
    side = px * qy - py * qx
    if side == 0.0:
        side = py - qy
    if side == 0.0:
        side = qx - px
    return 1 if side > 0.0 else -1


@kernel
def _windings(points, triangles, queries):
    """How often the surface leaves minus how often it returns, along z from each query."""
    windings = np.zeros(len(queries), np.int64)
    for face in range(len(triangles)):
        i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        low_x = min(points[i, 0], points[j, 0], points[k, 0])
        high_x = max(points[i, 0], points[j, 0], points[k, 0])
        low_y = min(points[i, 1], points[j, 1], points[k, 1])
        high_y = max(points[i, 1], points[j, 1], points[k, 1])
        high_z = max(points[i, 2], points[j, 2], points[k, 2])
        for query in range(len(queries)):
            x, y, z = queries[query, 0], queries[query, 1], queries[query, 2]
            if x < low_x or x > high_x or y < low_y or y > high_y or z > high_z:
                continue
            ax, ay = points[i, 0] - x, points[i, 1] - y
            bx, by = points[j, 0] - x, points[j, 1] - y
            cx, cy = points[k, 0] - x, points[k, 1] - y
            turn = _turn(ax, ay, bx, by)
            if _turn(bx, by, cx, cy) != turn or _turn(cx, cy, ax, ay) != turn:
                continue
            # The shares of the corners in the point where the ray meets the triangle.
            first, second, third = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
            whole = first + second + third
            if whole == 0.0:
                continue
            height = (
                first * (points[i, 2] - z)
                + second * (points[j, 2] - z)
                + third * (points[k, 2] - z)
            )
            if height * whole > 0.0:
                windings[query] += turn
    return windings
