"""Giving way on contact: a pose that runs into itself is opened until it only touches.

A fist closes until flesh meets flesh. Angles drawn for one overshoot, by another amount for every
shape of hand: here the parts that overlap retreat in small steps the way they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from mano_assets.anatomy import finger_of
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, MANO16
from render.poses.articulation import BEND, SPLAY, TWIST

Yields = Literal["thumb", "fingers", "nothing"]
"""Who retreats where thumb and finger overlap; with nothing, no pose is opened."""

STEP_SIZES = (1.0, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0)
"""A pose far from contact takes longer steps; after the last one it is given up."""

_FINGER_STEP, _THUMB_STEP = 0.05, 0.08
"""Shares of a bend, or of the thumb's range, that a step of size 1 takes."""

_SIDE_STEP_RAD = np.deg2rad(2.5)
_THUMB_RANGE = limits_rad("active")[MANO16.chain("thumb")]


def eased(
    angles_rad: np.ndarray, overlapping: Iterable[tuple[int, int]], yields: Yields, size: float
) -> np.ndarray:
    """One step back from overlap.

    A finger in the palm or behind the thumb uncurls a little, neighbours move apart sideways, the
    thumb lifts off.

    Args:
        angles_rad: Bend, splay and twist, [16, 3].
        overlapping: Pairs of MANO bones that run into each other; numbers beyond MANO's joints are
            the forearm's.
        yields: Who retreats where thumb and finger overlap.
        size: Of the step; 1 moves a fingertip by 1 to 3 mm.

    Returns:
        [16, 3].
    """
    angles = angles_rad.copy()
    uncurling, lifting, parting = set(), False, set()
    for pair in overlapping:
        fingers = {_finger(bone) for bone in pair} - {None}
        if "thumb" in fingers and (yields == "thumb" or len(fingers) == 1):
            lifting = True
        elif len(fingers) == 2 and "thumb" not in fingers:
            parting.add(tuple(sorted(fingers, key=FINGERS.index)))
        else:
            uncurling |= fingers - {"thumb"}
    for finger in uncurling:
        angles[MANO16.chain(finger), BEND] *= 1 - size * _FINGER_STEP
    for near, far in parting:
        for finger, side in ((near, 1), (far, -1)):
            base = MANO16.chain(finger)[0]
            angles[base, SPLAY] += side * size * _SIDE_STEP_RAD
            angles[base, TWIST] *= 0.8
    if lifting:
        _lift_thumb(angles, size)
    return angles


def _finger(bone: int) -> str | None:
    if bone in (MANO16.root, MANO16.num_joints):
        return None
    return finger_of(MANO16.joints[bone])


def _lift_thumb(angles: np.ndarray, size: float) -> None:
    """Out of the palm first; a thumb that is lifted already straightens and gives way sideways."""
    chain = MANO16.chain("thumb")
    reach = _THUMB_RANGE[..., 1] - _THUMB_RANGE[..., 0]
    highest = _THUMB_RANGE[0, SPLAY, 1]
    if angles[chain[0], SPLAY] < highest:
        step = size * _THUMB_STEP * reach[0, SPLAY]
        angles[chain[0], SPLAY] = min(angles[chain[0], SPLAY] + step, highest)
        return
    step = size * _THUMB_STEP * reach[:, BEND]
    angles[chain, BEND] -= np.minimum(step, np.maximum(angles[chain, BEND], 0))
