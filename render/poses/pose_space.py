"""The space that poses are compared in: which angles count, and how far two hands are apart.

Compared are the angles that a hand can move: every bend, and the splay of the joints that have one
by `mano_assets.joint_limits`. Two poses are as far apart as the root mean square difference of
these angles, all of which weigh the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16

MOTIONS = ("bend", "splay")
"""Columns of the angles that are compared; a twist can hardly be seen or measured."""

_BLOCK_ELEMENTS = 2**24
"""Distances held at once: 128 MiB."""


@dataclass(frozen=True)
class Angle:
    """An angle that is compared.

    Attributes:
        joint: By MANO16's names.
        motion: bend or splay.
        functional_rad: Lower and upper limit in daily life.
        active_rad: Lower and upper limit of what muscles reach.
    """

    joint: str
    motion: str
    functional_rad: tuple[float, float]
    active_rad: tuple[float, float]

    @property
    def label(self) -> str:
        """Such as "index mcp bend"."""
        return f"{self.joint.replace('_', ' ')} {self.motion}"


def compared_angles(with_wrist: bool) -> tuple[Angle, ...]:
    """The angles that a hand can move, joints in MANO's order."""
    functional, active = limits_rad("functional"), limits_rad("active")
    return tuple(
        Angle(joint, motion, tuple(functional[row, column]), tuple(active[row, column]))
        for column, motion in enumerate(MOTIONS)
        for row, joint in enumerate(MANO16.joints)
        if active[row, column, 1] > active[row, column, 0] and (with_wrist or row != MANO16.root)
    )


def features_of(angles_rad: np.ndarray, angles: tuple[Angle, ...]) -> np.ndarray:
    """The compared angles of poses, [..., 16, 3] to [..., K]."""
    joints = MANO16.indices([angle.joint for angle in angles])
    return angles_rad[..., joints, [MOTIONS.index(angle.motion) for angle in angles]]


def nearest(
    queries_rad: np.ndarray, points_rad: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest pose to each pose, by exhaustive search.

    In the twenty dimensions of a hand a k-d tree prunes little: for 20,000 poses against as many it
    took three times as long as the products of matrices here.

    Args:
        queries_rad: Angles, [Q, K].
        points_rad: Angles to search, [P, K]; None for the queries themselves, each left out when
            its own turn comes.

    Returns:
        Root mean square differences, radians, [Q], and rows of the points, [Q]. Which of several is
        taken that are equally near to 1e-7 radians is left open.
    """
    points = queries_rad if points_rad is None else points_rad
    if points_rad is None and len(points) < 2:
        return np.full(len(points), np.inf), np.zeros(len(points), dtype=np.int64)
    squared = (points**2).sum(1)
    found = np.empty(len(queries_rad), dtype=np.int64)
    block = max(1, _BLOCK_ELEMENTS // len(points))
    for start in range(0, len(queries_rad), block):
        part = queries_rad[start : start + block]
        # Squared distance less the query's own square, which is the same for all points.
        ranking = squared - 2 * part @ points.T
        if points_rad is None:
            own = np.arange(len(part))
            ranking[own, start + own] = np.inf
        found[start : start + block] = ranking.argmin(1)
    return rms(queries_rad - points[found]), found


def rms(differences_rad: np.ndarray) -> np.ndarray:
    """Root mean square over the angles, [..., K] to [...]."""
    return np.sqrt((differences_rad**2).mean(-1))


def share_within(distances: np.ndarray, radii: np.ndarray | float) -> np.ndarray:
    """Share of the distances that are no larger than each radius, in the radii's shape."""
    return np.searchsorted(np.sort(distances), radii, side="right") / len(distances)
