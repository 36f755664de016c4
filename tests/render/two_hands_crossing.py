"""Whether two meshes run into each other, by brute force."""

import numpy as np


def edges_pass(points: np.ndarray, edges: np.ndarray, corners: np.ndarray) -> bool:
    """Whether one of the edges passes through one of the triangles (Möller and Trumbore)."""
    low, high = corners.min(1), corners.max(1)
    starts, ends = points[edges[:, 0]], points[edges[:, 1]]
    apart = (np.minimum(starts, ends)[:, None] > high) | (np.maximum(starts, ends)[:, None] < low)
    edge, face = np.nonzero(~apart.any(2))
    start, way = starts[edge], ends[edge] - starts[edge]
    origin, u, v = corners[face, 0], corners[face, 1] - corners[face, 0], corners[face, 2]
    v = v - origin
    across = np.cross(way, v)
    scale = (u * across).sum(1)
    scale[scale == 0] = np.nan
    to = start - origin
    first = (to * across).sum(1) / scale
    turned = np.cross(to, u)
    second = (way * turned).sum(1) / scale
    along = (v * turned).sum(1) / scale
    hits = (first >= 0) & (second >= 0) & (first + second <= 1) & (along >= 0) & (along <= 1)
    return bool(hits.any())


def run_into_each_other(
    first: np.ndarray, first_faces: np.ndarray, second: np.ndarray, second_faces: np.ndarray
) -> bool:
    """Every edge of one against every triangle of the other in the box that they share."""
    low, high = np.maximum(first.min(0), second.min(0)), np.minimum(first.max(0), second.max(0))
    near = []
    for points, triangles in ((first, first_faces), (second, second_faces)):
        corners = points[triangles]
        near.append(triangles[((corners.max(1) >= low) & (corners.min(1) <= high)).all(1)])
    for points, own, others, theirs in (
        (first, near[0], second, near[1]),
        (second, near[1], first, near[0]),
    ):
        edges = np.unique(np.sort(own[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        if edges_pass(points, edges, others[theirs]):
            return True
    return False
