"""The palm's arch: how far the hand is cupped.

The ring and little finger's metacarpals flex and supinate when the hand is cupped. MANO's palm is
one rigid piece, so the arch shows where its fingers begin: as a pattern of twists at the knuckles.
Cocchiarella et al. (Comput. Methods Biomech. Biomed. Eng. 19(6), 2016) measured just this: with
all metacarpals taken as one segment the knuckles of ring and little supinate by 9.3 and 16.3
degrees more in a neutral hand, and by up to 17.0 and 33.0 in a grip, than with a segment for each.

The arch is a coordinate of the angle space, not an addition to it: the least-squares projection of
the four knuckles' twists on the pattern. What is left of the twists is the joints' own play.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mano_assets.array_namespace import Array, constant_like
from mano_assets.skeleton import MANO16

PALM_ARCH_PATTERN = {"index": -0.15, "middle": 0.0, "ring": 0.6, "little": 1.0}
"""Twist of each finger's MCP joint per radian of arch; positive turns the pad to the thumb.

Ring to little: 7.7 to 16.7 and 17.0 to 33.0 degrees in living hands (Cocchiarella et al. 2016,
abstract), 20 to 27 of flexion and 27 to 22 of supination in cadavers' carpometacarpal joints
(El-shennawy et al., J. Hand Surg. Am. 26(6), 2001, abstract); 0.6 lies between. The middle
finger's metacarpal is the one that the palm follows. The index finger's has 5 degrees of rotation
(El-shennawy), which is its share at a full arch; that it turns away from the thumb, the other side
of a deepening hollow, is geometry and no measurement.
"""

_TWIST = 2
"""Column of the angle space."""


def _pattern() -> np.ndarray:
    pattern = np.zeros((MANO16.num_joints, 3))
    for finger, share in PALM_ARCH_PATTERN.items():
        pattern[MANO16.index(f"{finger}_mcp"), _TWIST] = share
    return pattern


_PATTERN = _pattern()
_SQUARED_NORM = float((_PATTERN**2).sum())


def palm_arch(angles_rad: Array) -> Array:
    """The arch of a pose.

    Args:
        angles_rad: Bend, splay and twist, [..., 16, 3]; numpy or torch.

    Returns:
        Radians, [...]; 0 in the flat hand, positive when cupped.
    """
    twists: Any = angles_rad[..., _TWIST]
    shares = constant_like(_PATTERN[:, _TWIST], angles_rad)
    return (twists * shares).sum(-1) / _SQUARED_NORM


def with_palm_arch(angles_rad: Array, arch_rad: float | Array) -> Array:
    """The same pose with another arch.

    Args:
        angles_rad: [..., 16, 3]; numpy or torch.
        arch_rad: Radians, one for all poses or [...].

    Returns:
        [..., 16, 3]: all but the four MCP twists as they were, and of those the part that is no
        arch.
    """
    angles: Any = angles_rad
    change = arch_rad - palm_arch(angles)
    return angles + change[..., None, None] * constant_like(_PATTERN, angles)
