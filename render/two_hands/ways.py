"""How a second hand comes to the labelled one: by relation, the turn of it and the way it takes.

Distances are those of an adult's hand. Angles and shares are stated choices, looked at in pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mano_assets.skeleton import HAND21
from render.two_hands.hands import HandAxes, cross, lying, unit

Relation = Literal["touching", "clasping", "beside", "behind", "before"]
"""How a second hand stands to the labelled one: palm or fingertip laid on it; fingers closed
around it; near it; further from the camera or nearer to it, one over the other in the image."""

NUM_UNIFORMS, NUM_NORMALS = 6, 6
"""Random numbers of a way."""

_CLASPED = (
    (0.25, "arm"),
    (0.3, ("wrist", "middle_mcp")),
    (0.25, ("middle_mcp", "middle_dip")),
    (0.1, ("thumb_mcp", "thumb_tip")),
    (0.1, ("index_mcp", "index_dip")),
)
"""Shares of what is clasped: the forearm behind the wrist, the palm, the long fingers, one."""

_ARM_M = (0.01, 0.07)
"""Where a forearm is clasped: how far behind the wrist."""

_LAID = (0.2, 1.0)
"""Where a hand is laid: from the wrist to the middle finger's second joint."""

_LAID_SPREAD, _POINTED_SPREAD, _CLASPED_SPREAD, _SHOWN_SPREAD = 0.15, 0.35, 0.12, 0.25
"""Spread of directions: what is added to a unit vector's coordinates, standard deviation."""

_ASIDE_M = (0.03, 0.1)
"""In the image, the palm of a hand behind or before is this far off the other's."""


@dataclass(frozen=True)
class Way:
    """A hand's turn, and the way on which it comes.

    Attributes:
        axes: Columns fingers, thumb and palm, camera frame, [3, 3].
        target_m: It comes towards this point, [3].
        anchor: With this of it: share of the way from the wrist to the middle finger's second
            joint, or the name of a joint.
        away: Unit vector against the way, [3].
        on_arm: Whether it may come down on the labelled hand's arm.
    """

    axes: np.ndarray
    target_m: np.ndarray
    anchor: float | str
    away: np.ndarray
    on_arm: bool = False

    def anchor_m(self, joints_m: np.ndarray) -> np.ndarray:
        """The anchor of a hand with such joints, [21, 3] -> [3]."""
        if isinstance(self.anchor, str):
            return joints_m[HAND21.index(self.anchor)]
        return _along(joints_m, self.anchor)


def laid(first: HandAxes, joints_m: np.ndarray, side: str, u: np.ndarray, n: np.ndarray) -> Way:
    """The palm comes down on the palm or the back, turned any way.

    Args:
        first: How the labelled hand lies.
        joints_m: Its joints, [21, 3].
        side: Of the second hand.
        u: Uniform numbers, [NUM_UNIFORMS].
        n: Normal numbers, [NUM_NORMALS].
    """
    away = unit((first.palm if u[0] < 0.5 else -first.palm) + _LAID_SPREAD * n[:3])
    axes = lying(_turned_about(away, u[1]), -away, side)
    target = _along(joints_m, _between(_LAID, u[2]))
    return Way(axes, target, _between((0.4, 1.1), u[3]), away)


def pointed(first: HandAxes, joints_m: np.ndarray, side: str, u: np.ndarray, n: np.ndarray) -> Way:
    """The index fingertip comes at a bone from any side but the arm's; arguments as of `laid`."""
    around = 2 * np.pi * u[0]
    across = np.cos(around) * first.palm + np.sin(around) * first.thumb
    away = unit(across + 0.4 * u[1] * first.fingers + _POINTED_SPREAD * n[:3])
    parent, child = HAND21.bones[int(u[2] * len(HAND21.bones))]
    target = joints_m[parent] + u[3] * (joints_m[child] - joints_m[parent])
    fingers = unit(-away + _POINTED_SPREAD * n[3:6])
    return Way(lying(fingers, _turned_about(fingers, u[4]), side), target, "index_tip", away)


def clasping(first: HandAxes, joints_m: np.ndarray, side: str, u: np.ndarray, n: np.ndarray) -> Way:
    """The palm comes across a limb, the fingers square to it; arguments as of `laid`."""
    place = int(np.searchsorted(np.cumsum([share for share, _ in _CLASPED]), u[0]))
    bone = _CLASPED[min(place, len(_CLASPED) - 1)][1]
    if isinstance(bone, str):
        limb = unit(first.wrist_m - first.elbow_m)
        target = first.wrist_m - _between(_ARM_M, u[1]) * limb
    else:
        start, end = joints_m[HAND21.indices(bone)]
        limb, target = unit(end - start), start + u[1] * (end - start)
    away = _turned_about(limb, u[2])
    fingers = cross(limb, away) * (1 if u[3] < 0.5 else -1)
    fingers = unit(fingers + _CLASPED_SPREAD * n[:3])
    anchor = _between((0.5, 0.75), u[4])
    return Way(lying(fingers, -away, side), target, anchor, away, on_arm=bone == "arm")


def beside(first: HandAxes, joints_m: np.ndarray, side: str, u: np.ndarray, n: np.ndarray) -> Way:
    """The mirror image of the labelled hand, roughly, as both hands are shown.

    Arguments as of `laid`. A hand that is shown lies beside the other in the image.
    """
    around = 2 * np.pi * u[0]
    away = np.cos(around) * first.thumb + 0.7 * np.sin(around) * first.palm
    away = unit(away * np.array([1.0, 1.0, 0.3]))
    target = _along(joints_m, 0.7) + 0.02 * n[3:6]
    return Way(_mirrored(first, away, side, n), target, 0.7, away)


def behind(first: HandAxes, joints_m: np.ndarray, side: str, u: np.ndarray, n: np.ndarray) -> Way:
    """The mirror image again, the labelled hand over it in the image; arguments as of `laid`."""
    palm = _along(joints_m, 0.7)
    away = unit(palm)
    sideways = _turned_about(away, u[0])
    target = palm + _between(_ASIDE_M, u[1]) * sideways
    return Way(_mirrored(first, sideways, side, n), target, 0.7, away)


def before(first: HandAxes, joints_m: np.ndarray, side: str, u: np.ndarray, n: np.ndarray) -> Way:
    """The mirror image again, over the labelled hand in the image; arguments as of `laid`."""
    way = behind(first, joints_m, side, u, n)
    return Way(way.axes, way.target_m, way.anchor, -way.away)


MakeWay = Callable[[HandAxes, np.ndarray, str, np.ndarray, np.ndarray], Way]


def _mirrored(first: HandAxes, across: np.ndarray, side: str, n: np.ndarray) -> np.ndarray:
    """A hand mirrored in the plane across a vector, roughly."""
    fingers, palm = (
        direction - 2 * (direction @ across) * across for direction in (first.fingers, first.palm)
    )
    fingers = unit(fingers + _SHOWN_SPREAD * n[:3])
    return lying(fingers, palm + _SHOWN_SPREAD * n[[1, 2, 0]], side)


def _along(joints_m: np.ndarray, share: float) -> np.ndarray:
    """From the wrist towards the middle finger's second joint."""
    wrist, joint = joints_m[HAND21.indices(["wrist", "middle_pip"])]
    return wrist + share * (joint - wrist)


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + share * (limits[1] - limits[0])


def _turned_about(axis: np.ndarray, share: float) -> np.ndarray:
    """A unit vector square to an axis, turned by a share of the whole turn."""
    aside = unit(cross(axis, np.eye(3)[np.argmin(np.abs(axis))]))
    angle = 2 * np.pi * share
    return np.cos(angle) * aside + np.sin(angle) * cross(axis, aside)
