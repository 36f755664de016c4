"""Words that pose families are written in: curl a finger, spread the hand, rest the wrist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, MANO16

LONG_FINGERS = FINGERS[1:]
BEND, SPLAY, TWIST = 0, 1, 2
"""Columns of the angle space."""

_ACTIVE = limits_rad("active")
_FAN = {"index": 1.0, "middle": 0.15, "ring": -0.55, "little": -1.0}
"""How far each finger goes to its own side when the hand is spread, shares of its range."""

_REST_BEND_DEG, _REST_DEVIATION_DEG = (-12.0, 10.0), (-3.0, 6.0)
_TENODESIS = 20.0
"""Degrees that the wrist extends when the fingers curl fully: it keeps the flexors long (the
tenodesis effect; Su et al., Clin. Biomech. 20(5), 2005, measured it). The amount is our choice."""


def flat_hand() -> np.ndarray:
    """All angles zero, [16, 3]."""
    return np.zeros((MANO16.num_joints, 3))


def curl(angles_rad: np.ndarray, finger: str, shares: float | Sequence[float] | np.ndarray) -> None:
    """Bends a finger's three joints, base to tip.

    Args:
        angles_rad: Changed in place, [16, 3].
        finger: Its name.
        shares: Of the active flexion; negative ones of the active extension; one or three.
    """
    joints = MANO16.chain(finger)
    shares = np.broadcast_to(np.asarray(shares, dtype=float), 3)
    lower, upper = _ACTIVE[joints, BEND].T
    angles_rad[joints, BEND] = np.where(shares < 0, -shares * lower, shares * upper)


def splay(angles_rad: np.ndarray, finger: str, share: float) -> None:
    """Splays a finger's base towards the thumb (positive) or away, as a share of that range."""
    base = MANO16.chain(finger)[0]
    lower, upper = _ACTIVE[base, SPLAY]
    angles_rad[base, SPLAY] = share * upper if share > 0 else -share * lower


def fan(angles_rad: np.ndarray, share: float) -> None:
    """Spreads the four long fingers: 0 as the flat hand has them, 1 as far as they go.

    Negative shares close them.
    """
    for finger, side in _FAN.items():
        splay(angles_rad, finger, share * side)


def thumb(
    angles_rad: np.ndarray, flexion: float, opening: float, mcp: float = 0.2, ip: float = 0.2
) -> None:
    """Places the thumb.

    Args:
        angles_rad: Changed in place, [16, 3].
        flexion: Of its base across the palm, share of the range; negative extends it.
        opening: Of its base out of the palm's plane, share; negative presses it to the palm.
        mcp: Bend of its middle joint, share.
        ip: Bend of its last joint, share.
    """
    curl(angles_rad, "thumb", (flexion, mcp, ip))
    splay(angles_rad, "thumb", opening)


def rest_wrist(angles_rad: np.ndarray, rng: np.random.Generator) -> None:
    """Gives the wrist an unstrained angle that fits the fingers: a curled hand extends it."""
    knuckles = MANO16.indices([f"{finger}_mcp" for finger in LONG_FINGERS])
    curled = angles_rad[knuckles, BEND].mean() / _ACTIVE[knuckles, BEND, 1].mean()
    bend = rng.normal(*_REST_BEND_DEG) - _TENODESIS * np.clip(curled, 0, 1)
    angles_rad[MANO16.root, :2] = np.deg2rad([bend, rng.normal(*_REST_DEVIATION_DEG)])


def jittered(
    angles_rad: np.ndarray, rng: np.random.Generator, bend_rad: float, splay_rad: float
) -> np.ndarray:
    """The fingers' pose with normal noise on every bend and on the splays, [16, 3]."""
    noisy = angles_rad.copy()
    noisy[1:, BEND] += rng.normal(0, bend_rad, MANO16.num_joints - 1)
    noisy[1:, SPLAY] += rng.normal(0, splay_rad, MANO16.num_joints - 1)
    return noisy
