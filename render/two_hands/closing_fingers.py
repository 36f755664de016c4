"""Closing a hand around a thing: each finger bends until just before it would run into it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mano_assets.joint_limits import clamp
from mano_assets.skeleton import FINGERS, MANO16

_STEPS = 2
_HALVINGS = (3, 4)
"""In all joints and in the outer two; together a 32nd of the way: two or three degrees a joint."""

Crossing = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From angles, [16, 3], and which fingers are asked for, [5], to which of these meet the thing."""


def closed(open_rad: np.ndarray, closed_rad: np.ndarray, crossing: Crossing) -> np.ndarray:
    """A hand closed around a thing.

    First the fingers bend in all joints; a finger that is stopped goes on bending in the two outer
    ones (as grasps are closed since Miller and Allen, GraspIt!, IEEE Robot. Autom. Mag. 11(4),
    2004). No finger passes through anything that is thicker than its step.

    Args:
        open_rad: Bend, splay and twist before, clear of the thing, [16, 3].
        closed_rad: Where the fingers go if nothing holds them, [16, 3].
        crossing: Tells which fingers run into the thing.

    Returns:
        [16, 3], within the active limits. It does not cross the thing, but for what fingers that
        are coupled do to each other.
    """
    shares = _until_met(open_rad, closed_rad, crossing, _HALVINGS[0])
    stopped = between(open_rad, closed_rad, shares)
    onward = stopped.copy()
    for finger, share in zip(FINGERS, shares, strict=True):
        if share < 1.0:
            outer = MANO16.chain(finger)[1:]
            onward[outer] = closed_rad[outer]
    return between(stopped, onward, _until_met(stopped, onward, crossing, _HALVINGS[1]))


def _until_met(
    open_rad: np.ndarray, closed_rad: np.ndarray, crossing: Crossing, halvings: int
) -> np.ndarray:
    """Share of its way on which each finger is free, [5].

    The fingers move together. First in long steps, to find the one in which a finger meets the
    thing; then that step is halved.
    """
    free, met = np.zeros(len(FINGERS)), np.full(len(FINGERS), np.inf)

    def try_out(shares: np.ndarray, moving: np.ndarray) -> None:
        hit = crossing(between(open_rad, closed_rad, shares), moving)
        met[moving & hit] = shares[moving & hit]
        free[moving & ~hit] = shares[moving & ~hit]

    for step in range(_STEPS):
        share, moving = (step + 1) / _STEPS, np.isinf(met)
        if moving.any():
            try_out(np.where(moving, share, free), moving)
    for _ in range(halvings):
        moving = np.isfinite(met)
        if moving.any():
            try_out(np.where(moving, (free + met) / 2, free), moving)
    return free


def between(open_rad: np.ndarray, closed_rad: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Angles within the active limits, each finger a share of its way, [5] -> [16, 3]."""
    whole = np.zeros(MANO16.num_joints)
    for finger, share in zip(FINGERS, shares, strict=True):
        whole[MANO16.chain(finger)] = share
    return clamp(open_rad + whole[:, None] * (closed_rad - open_rad), "active")
