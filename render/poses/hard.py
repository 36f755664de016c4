"""Hard articulations: families of poses that people seldom show a camera.

Each family draws anatomical angles from a generator. To add one, write a function and name it in
`HARD_FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mano_assets.anatomy import DIP_PER_PIP, FINGER_JOINTS, bend_limits_rad, splay_limits_rad
from mano_assets.skeleton import FINGERS

_LOWER, _UPPER = bend_limits_rad().T
_SPLAY_LOWER, _SPLAY_UPPER = splay_limits_rad().T


def _joints(finger: str) -> list[int]:
    return [i for i, joint in enumerate(FINGER_JOINTS) if joint.startswith(finger)]


def _curl(angles: np.ndarray, finger: str, share: np.ndarray) -> None:
    joints = _joints(finger)
    angles[joints, 0] = np.clip(share, 0, 1) * _UPPER[joints]


def active_range(rng: np.random.Generator) -> np.ndarray:
    """Every joint anywhere in its active range, the DIP coupled to the PIP, [15, 3] radians."""
    angles = np.zeros((15, 3))
    for finger in FINGERS:
        base, middle, last = _joints(finger)
        angles[[base, middle], 0] = rng.uniform(_LOWER[[base, middle]], _UPPER[[base, middle]])
        angles[last, 0] = np.clip(
            angles[middle, 0] * DIP_PER_PIP * rng.uniform(0.6, 1.4), _LOWER[last], _UPPER[last]
        )
    angles[:, 1] = rng.uniform(_SPLAY_LOWER, _SPLAY_UPPER) * 0.7
    # A curled finger cannot be splayed: its collateral ligaments are tight.
    angles[:, 1] *= np.clip(1 - angles[:, 0] / np.deg2rad(90), 0.1, 1)
    return angles


def claw(rng: np.random.Generator) -> np.ndarray:
    """Knuckles stretched or bent back, outer joints curled, fingers apart."""
    angles = np.zeros((15, 3))
    for finger in FINGERS:
        base, middle, last = _joints(finger)
        angles[base, 0] = rng.uniform(-0.35, 0.2)
        angles[middle, 0] = rng.uniform(0.55, 0.95) * _UPPER[middle]
        angles[last, 0] = rng.uniform(0.5, 0.9) * _UPPER[last]
    angles[:, 1] = rng.uniform(0.2, 0.7) * np.where(_SPLAY_UPPER > 0, _SPLAY_UPPER, 0)
    return angles


def isolation(rng: np.random.Generator) -> np.ndarray:
    """Any subset of fingers stretched while the others are curled."""
    angles = np.zeros((15, 3))
    stretched = rng.permutation(len(FINGERS))[: rng.integers(1, len(FINGERS))]
    for number, finger in enumerate(FINGERS):
        share = rng.uniform(0.0, 0.1, 3) if number in stretched else rng.uniform(0.75, 0.97, 3)
        _curl(angles, finger, share)
    return angles


def tight_fist(rng: np.random.Generator) -> np.ndarray:
    """All fingers curled to the end, the thumb over or beside them."""
    angles = np.zeros((15, 3))
    for finger in FINGERS[1:]:
        _curl(angles, finger, rng.uniform(0.88, 1.0, 3))
    _curl(angles, "thumb", rng.uniform([0.3, 0.2, 0.1], [0.9, 0.8, 0.8]))
    angles[_joints("thumb")[0], 1] = np.deg2rad(rng.uniform(14, 28))
    return angles


def hyperextension(rng: np.random.Generator) -> np.ndarray:
    """Fingers bent back at the knuckles and spread."""
    angles = np.zeros((15, 3))
    for finger in FINGERS:
        base = _joints(finger)[0]
        angles[base, 0] = rng.uniform(0.5, 1.0) * _LOWER[base]
    spread = rng.uniform(0.5, 1.0)
    for finger, side in (("index", 1), ("middle", 0.2), ("ring", -0.6), ("little", -1)):
        base = _joints(finger)[0]
        limit = _SPLAY_UPPER[base] if side > 0 else -_SPLAY_LOWER[base]
        angles[base, 1] = spread * side * limit
    return angles


HARD_FAMILIES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "active_range": active_range,
    "claw": claw,
    "isolation": isolation,
    "tight_fist": tight_fist,
    "hyperextension": hyperextension,
}
