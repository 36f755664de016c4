"""Vectors and angles of bones whose gradients stay finite, also where a pose is degenerate.

A network's first poses may have bones of no length, or all along one line. Directions and angles
are undefined there; they are zero here, and so are their gradients.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mano_assets.skeleton import HAND21

NEGLIGIBLE = 1e-4
"""Lengths below this, in reference bones (10 micrometres), have no direction."""


def bone_vectors(joints: Tensor) -> Tensor:
    """Child minus parent for every bone of the skeleton: [..., J, 3] to [..., J - 1, 3]."""
    parents, children = (list(ends) for ends in zip(*HAND21.bones, strict=True))
    return joints[..., children, :] - joints[..., parents, :]


def length(vectors: Tensor) -> Tensor:
    """Lengths, [..., 3] to [...]; negligible ones are zero."""
    squared = (vectors**2).sum(-1)
    negligible = squared < NEGLIGIBLE**2
    return squared.masked_fill(negligible, 1).sqrt().masked_fill(negligible, 0)


def direction(vectors: Tensor) -> Tensor:
    """Unit vectors, [..., 3]; zero for negligible ones."""
    lengths = length(vectors)[..., None]
    return vectors / lengths.masked_fill(lengths == 0, 1) * (lengths > 0)


def angle_from(opposite: Tensor, adjacent: Tensor) -> Tensor:
    """The angle whose tangent is opposite / adjacent, in all four quadrants, radians."""
    undefined = (opposite**2 + adjacent**2) < NEGLIGIBLE**2
    return torch.atan2(opposite.masked_fill(undefined, 0), adjacent.masked_fill(undefined, 1))


def angle_between(first: Tensor, second: Tensor) -> Tensor:
    """Angle of two vectors, radians in 0..pi: two of [..., 3] to [...]."""
    return angle_from(length(torch.cross(first, second, dim=-1)), (first * second).sum(-1))
