"""How far values are from where they may be; zero inside (Spurr et al. 2020, section 3.2)."""

from __future__ import annotations

from torch import Tensor

ON_THE_EDGE = 1e-6
"""Rounding below which a value counts as inside."""


def interval_penalty(values: Tensor, limits: Tensor) -> Tensor:
    """Distance to intervals: [..., N] and lower and upper ends [N, 2] to [..., N]."""
    low, high = limits.unbind(-1)
    return (low - values).clamp(min=0) + (values - high).clamp(min=0)


def inside_hulls(angles: Tensor, hulls: Tensor) -> Tensor:
    """Which angles lie in their regions: [..., N, 2] and [N, V, 2] to [..., N]."""
    edges = hulls.roll(-1, -2) - hulls
    offset = angles[..., None, :] - hulls
    left = edges[..., 0] * offset[..., 1] - edges[..., 1] * offset[..., 0]
    return (left >= -ON_THE_EDGE).all(-1)


def hull_penalty(angles: Tensor, hulls: Tensor) -> Tensor:
    """Distance of angles to convex regions, on the circle.

    Outside, the smallest |cos a - cos p|_1 + |sin a - sin p|_1 over the region's edges, p the
    nearest point of the edge; so an angle and the same angle a full turn on are alike.

    Args:
        angles: Flexion and abduction, radians, [..., N, 2].
        hulls: Corners counter-clockwise; repeated corners do no harm, [N, V, 2].

    Returns:
        [..., N].
    """
    edges = hulls.roll(-1, -2) - hulls
    offset = angles[..., None, :] - hulls
    squared = (edges**2).sum(-1).clamp(min=1e-12)
    share = ((offset * edges).sum(-1) / squared).clamp(0, 1)
    nearest = hulls + share[..., None] * edges
    here = angles[..., None, :]
    distance = (here.cos() - nearest.cos()).abs() + (here.sin() - nearest.sin()).abs()
    smallest = distance.sum(-1).amin(-1)
    return smallest.masked_fill(inside_hulls(angles, hulls), 0)
