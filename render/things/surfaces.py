"""Surfaces by construction: turned on a lathe, cut from a sheet, bent from a tube.

Each is closed and its triangles run anticlockwise as seen from outside. Where a sharp edge is
wanted, the faces beside it have vertices of their own, so shading stops there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_ROUND = np.linspace(0, np.pi / 2, 5)


@dataclass(frozen=True)
class Mesh:
    """Vertices [V, 3] in metres and triangles [F, 3]."""

    vertices: np.ndarray
    triangles: np.ndarray

    def moved(self, *shift_m: float) -> Mesh:
        """The same mesh elsewhere."""
        return Mesh(self.vertices + np.array(shift_m), self.triangles)

    def scaled(self, *factors: float) -> Mesh:
        """The same mesh stretched along its axes by positive factors."""
        return Mesh(self.vertices * np.array(factors), self.triangles)


def joined(parts: Sequence[Mesh]) -> Mesh:
    """Several meshes as one; they may overlap."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate(
            [part.triangles + start for part, start in zip(parts, starts[:-1], strict=True)]
        ),
    )


def lathe(*profiles: Sequence[tuple[float, float]], sections: int = 20) -> Mesh:
    """A surface of revolution about z.

    Args:
        profiles: Pieces of its outline as (radius, z), one after the other from the axis at the
            bottom to the axis at the top; between two pieces the edge is sharp.
        sections: Corners of each ring.
    """
    parts = []
    angles = 2 * np.pi * np.arange(sections) / sections
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(sections)], axis=1)
    for profile in profiles:
        outline = np.array(profile, float)
        rings = ring * outline[:, :1, None]
        rings[..., 2] += outline[:, 1:]
        parts.append(_skin_over(rings))
    return joined(parts)


def dome(radius: float, height: float, z: float, upper: bool) -> list[tuple[float, float]]:
    """A quarter of an ellipse: from the rim to the axis, or from the axis to the rim below."""
    arc = [(radius * np.cos(angle), z + height * np.sin(angle)) for angle in _ROUND[:-1]]
    arc.append((0.0, z + height))
    return arc if upper else [(r, 2 * z - y) for r, y in reversed(arc)]


def cylinder(radius: float, low: float, high: float, sections: int = 16) -> Mesh:
    """A cylinder along z."""
    return lathe(
        [(0, low), (radius, low)],
        [(radius, low), (radius, high)],
        [(radius, high), (0, high)],
        sections=sections,
    )


def pill(radius: float, low: float, high: float, sections: int = 16) -> Mesh:
    """A cylinder along z with round ends."""
    height = min(radius, 0.45 * (high - low))
    profile = dome(radius, height, low + height, False) + dome(radius, height, high - height, True)
    return lathe(profile, sections=sections)


def tube(path_m: np.ndarray, radii_m: np.ndarray, sections: int = 12, closed: bool = False) -> Mesh:
    """A tube along a path in the xz-plane, its ends flat.

    Args:
        path_m: x and z of its middle line, [N, 2].
        radii_m: Across the plane (along y) and within it, [N, 2].
        sections: Corners of each ring.
        closed: Whether the end of the path is joined to its start.
    """
    if closed:
        along = np.roll(path_m, -1, axis=0) - np.roll(path_m, 1, axis=0)
    else:
        along = np.gradient(path_m, axis=0)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    # The tangent times the y axis.
    across = np.stack([-along[:, 1], np.zeros(len(path_m)), along[:, 0]], axis=1)
    angles = 2 * np.pi * np.arange(sections) / sections
    middle = np.stack([path_m[:, 0], np.zeros(len(path_m)), path_m[:, 1]], axis=1)
    rings = middle[:, None] + (
        np.cos(angles)[:, None] * radii_m[:, None, :1] * np.array([0.0, 1.0, 0.0])
        + np.sin(angles)[:, None] * radii_m[:, None, 1:] * across[:, None]
    )
    if closed:
        return _skin_over(np.concatenate([rings, rings[:1]]), joined_ends=True)
    ends = [
        _skin_over(np.stack([np.broadcast_to(middle[0], rings[0].shape), rings[0]])),
        _skin_over(np.stack([rings[-1], np.broadcast_to(middle[-1], rings[-1].shape)])),
    ]
    return joined([_skin_over(rings), *ends])


def sheet(outline_m: np.ndarray, thickness_m: float) -> Mesh:
    """A flat piece across x.

    Args:
        outline_m: y and z of its corners, anticlockwise as seen from positive x; all of them in
            sight of their mean, [N, 2].
        thickness_m: Along x.
    """
    count = len(outline_m)
    layers = np.empty((2, count, 3))
    layers[:, :, 0] = np.array([[-0.5], [0.5]]) * thickness_m
    layers[:, :, 1:] = outline_m
    centres = layers.mean(1, keepdims=True)
    corner = np.arange(count)
    following = (corner + 1) % count
    side = np.concatenate(
        [
            np.stack([corner, following, following + count], axis=1),
            np.stack([corner, following + count, corner + count], axis=1),
        ]
    )
    fan = np.stack([np.full(count, count), corner, following], axis=1)
    return joined(
        [
            Mesh(layers.reshape(-1, 3), side),
            Mesh(np.concatenate([layers[1], centres[1]]), fan),
            Mesh(np.concatenate([layers[0], centres[0]]), fan[:, ::-1]),
        ]
    )


def box(x_m: float, y_m: float, z_m: float) -> Mesh:
    """A box around the origin."""
    square = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]) / 2
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    sides = []
    for axis in range(3):
        turned = np.roll(square, axis + 1, axis=1)
        sides += [Mesh(turned, faces), Mesh(-turned, faces[:, ::-1])]
    return joined(sides).scaled(x_m, y_m, z_m)


def rounded_rectangle(width_m: float, height_m: float, corner_m: float) -> np.ndarray:
    """Outline around the origin, anticlockwise, [N, 2]."""
    quarter = np.linspace(0, np.pi / 2, 5)
    centres = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    centres = centres * (np.array([width_m, height_m]) / 2 - corner_m)
    angles = quarter + np.arange(4)[:, None] * np.pi / 2
    arcs = corner_m * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return (centres[:, None] + arcs).reshape(-1, 2)


def _skin_over(rings: np.ndarray, joined_ends: bool = False) -> Mesh:
    """Joins rings [R, S, 3] in turn; a ring whose corners coincide becomes one vertex."""
    poles = (rings == rings[:, :1]).all((1, 2))
    used, triangles = _net(rings.shape[1], tuple(poles.tolist()), joined_ends)
    return Mesh(rings.reshape(-1, 3)[used], triangles)


@lru_cache(maxsize=256)
def _net(
    sections: int, poles: tuple[bool, ...], joined_ends: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices of rings are used, and the triangles between them; poles are one vertex."""
    numbers = np.arange(len(poles) * sections).reshape(-1, sections)
    one = np.array(poles)
    numbers[one] = numbers[one, :1]
    if joined_ends:
        numbers[-1] = numbers[0]
    beside = np.roll(numbers, -1, axis=1)
    triangles = np.concatenate(
        [
            np.stack([numbers[:-1], beside[:-1], beside[1:]], axis=-1).reshape(-1, 3),
            np.stack([numbers[:-1], beside[1:], numbers[1:]], axis=-1).reshape(-1, 3),
        ]
    )
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    used = np.zeros(numbers.size, dtype=bool)
    used[triangles] = True
    triangles = (np.cumsum(used) - 1)[triangles]
    triangles.flags.writeable = False
    return np.flatnonzero(used), triangles
