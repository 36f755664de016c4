"""Convex regions of joint angles that real poses fill, as few corners.

Spurr et al. 2020, section 3.2: the convex hull of all poses' angles, simplified by the method of
Ramer, Douglas and Peucker, then by taking corners away as long as almost all poses stay inside.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

SIMPLIFY_RAD = 5e-4
"""Largest distance of a left-out corner from the simplified outline."""

SHARE_INSIDE = 0.9995
"""Share of the poses that must stay inside."""

MARGIN_RAD = 1e-3
"""Every pose counts as a square of twice this side: a joint that only bends has a region too."""

MAX_CORNERS = 48
"""Corners kept at most: the regions are tensors of one shape in every checkpoint."""


def angle_hull(angles: np.ndarray) -> np.ndarray:
    """The region of one joint.

    Args:
        angles: Flexion and abduction of the poses, radians, [N, 2].

    Returns:
        Corners counter-clockwise, radians, [V, 2], V at most `MAX_CORNERS`.
    """
    square = MARGIN_RAD * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    low, high = angles.min(0), angles.max(0)
    # Hulls of hulls: padding every one of many poses by four corners would be slow.
    outline = angles
    if len(angles) > 4 and (high - low > MARGIN_RAD).all():
        outline = angles[ConvexHull(angles, qhull_options="QJ").vertices]
    padded = (outline[:, None] + square).reshape(-1, 2)
    corners = padded[ConvexHull(padded).vertices]
    return _thin_out(_simplify(corners), angles)


def inside_hull(angles: np.ndarray, corners: np.ndarray, tolerance: float = 1e-9) -> np.ndarray:
    """Which poses lie in a counter-clockwise convex region: [N, 2] and [V, 2] to [N]."""
    edges = np.roll(corners, -1, 0) - corners
    start = (edges[:, 0] * corners[:, 1]) - (edges[:, 1] * corners[:, 0])
    left = angles[:, 1, None] * edges[:, 0] - angles[:, 0, None] * edges[:, 1] - start
    return (left >= -tolerance).all(-1)


def _simplify(corners: np.ndarray) -> np.ndarray:
    """Ramer-Douglas-Peucker on a closed outline, split at its two most distant corners."""
    distance = np.linalg.norm(corners[:, None] - corners[None], axis=-1)
    first, second = sorted(np.unravel_index(distance.argmax(), distance.shape))
    ring = np.roll(corners, -first, 0)
    split = int(second - first)
    there = _simplify_line(ring[: split + 1])
    back = _simplify_line(np.concatenate([ring[split:], ring[:1]]))
    return np.concatenate([there[:-1], back[:-1]])


def _simplify_line(points: np.ndarray) -> np.ndarray:
    """Keeps the ends and every corner that is farther than the tolerance from what is kept."""
    start, end = points[0], points[-1]
    along = (end - start) / max(np.linalg.norm(end - start), 1e-12)
    offset = points - start
    distance = np.abs(along[0] * offset[:, 1] - along[1] * offset[:, 0])
    farthest = int(distance.argmax())
    if distance[farthest] <= SIMPLIFY_RAD:
        return np.stack([start, end])
    left, right = _simplify_line(points[: farthest + 1]), _simplify_line(points[farthest:])
    return np.concatenate([left[:-1], right])


def _thin_out(corners: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Takes the corner away that loses fewest poses, then least area, while that is allowed.

    Corners that are too many go by their area.
    """
    within = angles[inside_hull(angles, corners)]
    wanted = SHARE_INSIDE * len(angles)
    while len(corners) > 3:
        before, after = np.roll(corners, 1, 0), np.roll(corners, -1, 0)
        chord, offset = after - before, corners - before
        area = np.abs(chord[:, 0] * offset[:, 1] - chord[:, 1] * offset[:, 0])
        # A pose is lost with a corner when it lies on the corner's side of the chord.
        start = chord[:, 0] * before[:, 1] - chord[:, 1] * before[:, 0]
        side = within[:, 1, None] * chord[:, 0] - within[:, 0, None] * chord[:, 1] - start
        lost = (side < 0).sum(0)
        cheapest = np.lexsort([area, lost])[0]
        if len(within) - lost[cheapest] < wanted:
            if len(corners) <= MAX_CORNERS:
                break
            cheapest = area.argmin()
        within = within[side[:, cheapest] >= 0]
        corners = np.delete(corners, cheapest, 0)
    return corners
