"""How far a surface reaches to all sides, station by station along an arm, compiled."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel


@kernel
def reach_by_station(
    points: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    stations: np.ndarray,
    half_m: float,
    directions: np.ndarray,
) -> np.ndarray:
    """Support function of a surface's parts across an axis.

    Args:
        points: Vertices, the third coordinate along the axis, [P, 3].
        low: Lowest and
        high: highest place that a vertex's triangles reach, [P].
        stations: Ascending places, [S].
        half_m: Half the length of the part at each station.
        directions: Unit vectors across the axis, [K, 2].

    Returns:
        Greatest coordinate along each direction of the vertices whose triangles come within
        half_m of a station, -inf where there are none, [S, K].
    """
    reach = np.full((len(stations), len(directions)), -np.inf)
    along = np.empty(len(directions))
    for row in range(len(points)):
        first = np.searchsorted(stations, low[row] - half_m)
        last = np.searchsorted(stations, high[row] + half_m)
        if first >= last:
            continue
        for k in range(len(directions)):
            along[k] = points[row, 0] * directions[k, 0] + points[row, 1] * directions[k, 1]
        for station in range(first, last):
            for k in range(len(directions)):
                if along[k] > reach[station, k]:
                    reach[station, k] = along[k]
    return reach


@kernel
def triangle_spans(along: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest place that the triangles of each vertex reach, [V] both.

    Args:
        along: Place of each vertex, [V].
        triangles: [F, 3].
    """
    low, high = along.copy(), along.copy()
    for a, b, c in triangles:
        least = min(along[a], along[b], along[c])
        most = max(along[a], along[b], along[c])
        for vertex in (a, b, c):
            low[vertex] = min(low[vertex], least)
            high[vertex] = max(high[vertex], most)
    return low, high
