"""Poses of a second hand that fit a relation: open to clasp, flat to lie, pointing to touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.joint_limits import clamp
from render.poses.articulation import LONG_FINGERS, curl, fan, flat_hand, rest_wrist, thumb

_NUM_UNIFORMS = 10


@dataclass(frozen=True)
class OpenPose:
    """A hand that can close, bend, splay and twist, [16, 3] each.

    Attributes:
        open_rad: Before.
        closed_rad: If nothing holds the fingers.
    """

    open_rad: np.ndarray
    closed_rad: np.ndarray


def open_pose(rng: np.random.Generator) -> OpenPose:
    """A hand open to clasp, the thumb out to the side, and as far closed as it may."""
    u = rng.random(_NUM_UNIFORMS)
    angles, shut = flat_hand(), flat_hand()
    for number, finger in enumerate(LONG_FINGERS):
        curl(angles, finger, (0.02 + 0.1 * u[number], 0.05, 0.03))
        reach = 0.6 + 0.3 * u[4] + 0.1 * u[5 + number]
        curl(shut, finger, (reach, reach, 0.7 * reach))
    spread = -0.2 + 0.4 * u[9]
    fan(angles, spread)
    fan(shut, 0.3 * spread)
    thumb(angles, -0.8, 0.1, -0.2, 0.0)
    thumb(shut, 0.8, 0.5, 0.4 + 0.3 * u[4], 0.4 + 0.3 * u[8])
    rest_wrist(angles, rng)
    shut[:1] = angles[:1]
    return OpenPose(clamp(angles, "active"), clamp(shut, "active"))


def flat_pose(rng: np.random.Generator) -> np.ndarray:
    """A flat hand at ease, bend, splay and twist, [16, 3]."""
    u = rng.random(_NUM_UNIFORMS)
    angles = flat_hand()
    for number, finger in enumerate(LONG_FINGERS):
        curl(angles, finger, (0.02 + 0.15 * u[4] + 0.05 * u[number], 0.05 + 0.15 * u[5], 0.08))
    fan(angles, -0.2 + 0.7 * u[6])
    thumb(angles, -0.6 + 0.8 * u[7], 0.3 * u[8], 0.1, 0.3 * u[9])
    rest_wrist(angles, rng)
    return clamp(angles, "active")


def pointing_pose(rng: np.random.Generator) -> np.ndarray:
    """The index finger out, the others curled, bend, splay and twist, [16, 3]."""
    u = rng.random(_NUM_UNIFORMS)
    angles = flat_hand()
    curl(angles, "index", (0.05 + 0.3 * u[0], 0.05 + 0.2 * u[1], 0.1))
    for number, finger in enumerate(LONG_FINGERS[1:]):
        reach = 0.45 + 0.3 * u[4] + 0.06 * u[5 + number]
        curl(angles, finger, (reach, 1.1 * reach, 0.7 * reach))
    thumb(angles, 0.2 + 0.3 * u[8], 0.5 + 0.4 * u[9], 0.3, 0.3)
    rest_wrist(angles, rng)
    return clamp(angles, "active")
