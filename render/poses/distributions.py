"""Named pose distributions and how a sample is drawn from one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from mano_assets.anatomy import bend_limits_rad, splay_limits_rad
from mano_assets.errors import InputError
from render.poses.handshapes import HANDSHAPES, Handshape, handshape_angles
from render.poses.hard import HARD_FAMILIES

Family = Callable[[np.random.Generator], np.ndarray]

JITTER_RAD = np.deg2rad(6.0)
"""Standard deviation of each bend around a handshape; splay varies half as much."""


def _around(shape: Handshape, rng: np.random.Generator) -> np.ndarray:
    angles = handshape_angles(shape)
    angles[:, 0] += rng.normal(0, JITTER_RAD, 15)
    angles[:, 1] += rng.normal(0, JITTER_RAD / 2, 15)
    return angles


_SHAPES: dict[str, Family] = {name: partial(_around, shape) for name, shape in HANDSHAPES.items()}

DISTRIBUTIONS: dict[str, dict[str, Family]] = {
    "handshapes": _SHAPES,
    "counting": {
        name: _SHAPES[name] for name in ("zero", "one", "two", "three", "four", "five", "fist")
    },
    "rest": {"rest": _SHAPES["rest"]},
    "hard": dict(HARD_FAMILIES),
    **{name: {name: family} for name, family in HARD_FAMILIES.items()},
}
"""Distribution name to its families, which are drawn with equal chance."""


def find_distribution(name: str, own: Mapping[str, Handshape] | None = None) -> dict[str, Family]:
    """The families of a distribution.

    Args:
        name: Of a distribution, or of one of the user's handshapes.
        own: The user's handshapes; each is a distribution of its own.

    Raises:
        InputError: There is none of that name.
    """
    if own and name in own:
        return {name: partial(_around, own[name])}
    if name not in DISTRIBUTIONS:
        known = ", ".join(sorted([*DISTRIBUTIONS, *(own or ())]))
        raise InputError(f"pose distribution {name!r} is unknown, expected one of {known}.")
    return DISTRIBUTIONS[name]


def sample_angles(
    name: str, rng: np.random.Generator, own: Mapping[str, Handshape] | None = None
) -> tuple[str, np.ndarray]:
    """Draws a pose.

    Args:
        name: Of a distribution.
        rng: Generator of the sample's pose stream.
        own: The user's handshapes.

    Returns:
        The family it is of, and bend, splay and twist of MANO's 15 joints, clamped to the active
        range, radians, [15, 3].
    """
    families = find_distribution(name, own)
    family = sorted(families)[rng.integers(len(families))]
    angles = families[family](rng)
    angles[:, 0] = np.clip(angles[:, 0], *bend_limits_rad().T)
    angles[:, 1] = np.clip(angles[:, 1], *splay_limits_rad().T)
    return family, angles
