"""Poses with every joint anywhere in a range of motion."""

from __future__ import annotations

import numpy as np

from mano_assets.joint_couplings import DIP_PER_PIP
from mano_assets.joint_limits import PALM_ARCH_LIMITS_DEG, Range, limits_rad
from mano_assets.palm_arch import with_palm_arch
from mano_assets.skeleton import MANO16
from render.poses.articulation import BEND, LONG_FINGERS, SPLAY

_PER_FINGER, _THUMB, _HAND = 4, 4, 3
NUM_RANGE_UNIFORMS = _PER_FINGER * len(LONG_FINGERS) + _THUMB + _HAND
"""Uniform numbers that a pose is made of."""

_DIP_RATIO = (0.6, 1.4)
"""The DIP joint's bend over what its tendon's coupling to the PIP joint gives."""


def range_angles(range_: Range, uniforms: np.ndarray) -> np.ndarray:
    """A pose anywhere in a range.

    Bends of MCP and PIP joints, splays and the thumb are uniform; DIP joints follow the PIP joints;
    the palm's arch and the wrist are uniform too.

    Args:
        range_: functional or active.
        uniforms: In [0, 1), [NUM_RANGE_UNIFORMS].

    Returns:
        Bend, splay and twist, [16, 3]; not clamped.
    """
    limits = limits_rad(range_)
    lower, upper = limits[..., 0], limits[..., 1]
    angles = np.zeros((MANO16.num_joints, 3))
    for number, finger in enumerate(LONG_FINGERS):
        mcp, pip, dip = MANO16.chain(finger)
        knuckle, middle, ratio, side = uniforms[_PER_FINGER * number : _PER_FINGER * (number + 1)]
        angles[mcp, BEND] = lower[mcp, BEND] + knuckle * (upper - lower)[mcp, BEND]
        angles[pip, BEND] = lower[pip, BEND] + middle * (upper - lower)[pip, BEND]
        low, high = _DIP_RATIO
        angles[dip, BEND] = angles[pip, BEND] * DIP_PER_PIP * (low + ratio * (high - low))
        angles[mcp, SPLAY] = lower[mcp, SPLAY] + side * (upper - lower)[mcp, SPLAY]
    rest = uniforms[_PER_FINGER * len(LONG_FINGERS) :]
    thumb = MANO16.chain("thumb")
    angles[thumb, BEND] = lower[thumb, BEND] + rest[:3] * (upper - lower)[thumb, BEND]
    angles[thumb[0], SPLAY] = lower[thumb[0], SPLAY] + rest[3] * (upper - lower)[thumb[0], SPLAY]
    wrist = slice(BEND, SPLAY + 1)
    angles[MANO16.root, wrist] = (
        lower[MANO16.root, wrist] + rest[4:6] * ((upper - lower)[MANO16.root, wrist])
    )
    flat, cupped = np.deg2rad(PALM_ARCH_LIMITS_DEG[range_])
    return with_palm_arch(angles, flat + rest[6] * (cupped - flat))
