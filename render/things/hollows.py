"""Hollows of the hand: where in a section across it an axis is surrounded by fingers and palm."""

from __future__ import annotations

import numpy as np

_GRID = np.stack(
    np.meshgrid(np.arange(-0.055, 0.06, 0.01), np.arange(0.008, 0.07, 0.009), indexing="ij"), -1
).reshape(-1, 2)
"""Places for the axis off the knuckles, along the palm and out of it, metres."""

_LEAST_ENCLOSED = 0.55
"""Share of the directions around the axis in which there is hand; beside a plane it is a half."""

_NEAR_M = 0.022
"""What is this much further away than the nearest skin still surrounds."""

_WIDER, _SPARE_M = 2.5, 0.01
"""Hollows wider than that times what is wished are no hold."""

_MISFIT_WEIGHT = 0.3
_NUM_LIKELY, _NUM_BEST = 20, 2


def hollows(
    slab: np.ndarray, least_m: float, wished_m: float
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Places for an axis: surrounded, and about as wide as is wished.

    Args:
        slab: Skin near the section, off the knuckles, along the palm and out of it, [N, 2].
        least_m: Least distance from the axis to the skin.
        wished_m: The best.

    Returns:
        The axis, the skin's nearest point and its distance; the best first.
    """
    # Compiled code is loaded when it is first needed.
    from render.things.section_kernels import clearances, enclosed_shares

    if len(slab) == 0:
        return []
    slab = np.ascontiguousarray(slab)
    clearance, nearest = clearances(slab, _GRID)
    fits = (clearance > least_m) & (clearance < _WIDER * wished_m + _SPARE_M)
    misfit = np.minimum(np.abs(clearance - wished_m) / wished_m, 1.0)
    likely = np.flatnonzero(fits)[np.argsort(misfit[fits], kind="stable")[:_NUM_LIKELY]]
    centres, clearance, nearest = _GRID[likely], clearance[likely], nearest[likely]
    misfit = misfit[likely]
    enclosed = enclosed_shares(slab, centres, clearance + _NEAR_M)
    order = np.argsort(_MISFIT_WEIGHT * misfit - enclosed, kind="stable")
    return [
        (centres[number], slab[nearest[number]], float(clearance[number]))
        for number in order[enclosed[order] >= _LEAST_ENCLOSED][:_NUM_BEST]
    ]
