"""Distances and directions from places in a plane to points around them."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

_SECTORS = 12


@kernel
def clearances(points, centres):
    """Distance from each centre [M, 2] to the nearest point [N, 2], and which it is; [M] each."""
    distances = np.empty(len(centres))
    nearest = np.empty(len(centres), np.int64)
    for centre in range(len(centres)):
        least = np.inf
        for point in range(len(points)):
            x = points[point, 0] - centres[centre, 0]
            y = points[point, 1] - centres[centre, 1]
            squared = x * x + y * y
            if squared < least:
                least = squared
                nearest[centre] = point
        distances[centre] = np.sqrt(least)
    return distances, nearest


@kernel
def enclosed_shares(points, centres, reaches):
    """Share of the twelfths of the circle around each centre with a point within reach, [M]."""
    shares = np.empty(len(centres))
    for centre in range(len(centres)):
        met = np.zeros(_SECTORS, np.bool_)
        squared_reach = reaches[centre] * reaches[centre]
        for point in range(len(points)):
            x = points[point, 0] - centres[centre, 0]
            y = points[point, 1] - centres[centre, 1]
            if x * x + y * y < squared_reach:
                met[int((np.arctan2(y, x) / (2 * np.pi) + 0.5) * _SECTORS) % _SECTORS] = True
        shares[centre] = met.sum() / _SECTORS
    return shares
