"""What a hand's joints may not do together, though each may alone.

Three couplings: a DIP joint follows its PIP joint, neighbouring knuckles follow each other, and a
bent knuckle cannot splay. The bounds are wide: they admit what people can do with effort and rule
out what they cannot do at all. All are linear in the angles, but for the splay's corner.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from mano_assets.array_namespace import Array, constant_like, copy_of, namespace_of
from mano_assets.skeleton import FINGERS, MANO16

DIP_PER_PIP = 2.0 / 3.0
"""Tendon coupling of the free finger: the DIP joint bends by two thirds of the PIP joint (as
ASAPRealizer animates it; the deep flexor alone bends them by 29.4 and 41.8 degrees, a ratio of
0.70: Nimbarte et al., J. Orthop. Surg. Res. 3:27, 2008)."""

DIP_BAND = ((0.3, -27.0), (1.1, 25.0))
"""Least and most DIP bend: a factor on the PIP bend and degrees added to it.

0.3 to 1.1 around the natural two thirds, and a tolerance. Below, a PIP of 90 degrees still goes
with a straight DIP: the superficial flexor bends the PIP alone, and a pinch or a table extends the
DIP while the PIP is flexed (Roda-Sales et al., PeerJ 10:e14051, 2022). A fully flexed PIP (105)
keeps a few degrees: the extensor's terminal tendon is slack there. Above, a straight finger bends
its tip by 25 degrees at most, and a claw (100, 80) is well inside. The factors are those of
handmade hand models and the tolerances our judgement, looked at in pictures.
"""

FREE_SPLAY_SHARE = 0.15
"""Share of the splay's range that is left at 90 degrees of MCP flexion; it shrinks in proportion
to the flexion. The collateral ligaments grow taut: clinical texts leave no abduction at 90 degrees,
measured laxity falls from 24 to 15 degrees (in vivo, J. Hand Surg. Am. 2014,
doi:10.1016/j.jhsa.2014.02.033); what is active lies between, near the former."""

_MCP_BOUNDS = (
    ("index over middle", {"index": 1, "middle": -1}, 80.0),
    ("ring over middle", {"ring": 1, "middle": -1}, 80.0),
    ("middle over ring", {"middle": 1, "ring": -1}, 70.0),
    ("little over ring", {"little": 1, "ring": -1}, 80.0),
    ("ring under both", {"middle": 0.5, "little": 0.5, "ring": -1}, 50.0),
    ("ring over both", {"ring": 1, "middle": -0.5, "little": -0.5}, 60.0),
    ("middle over both", {"middle": 1, "index": -0.5, "ring": -0.5}, 70.0),
)
"""Name, weights of the MCP bends and the most degrees that the sum may have.

An MCP joint's range depends on its neighbours' posture, and fixed ranges allow postures that no
hand has (doi:10.1080/10255842.2016.1189541; regressions with an error of 7.7 degrees). The thumb
and then the index finger are the most independent (Ingram et al., Exp. Brain Res. 188, 2008), and
index and little have extensors of their own: so neither is bound while it is straighter than its
neighbour (pointing, the letter I). The numbers are our judgement from everyday handshapes, not
measurements: with the thumb's help people fold ring and little beside a straight middle finger
(80) and show the middle finger alone (80), but lift the ring finger out of a fist by no more than
some 50 degrees, and bend it alone by 60.
"""

_BEND, _SPLAY = 0, 1  # Columns of the angle space.
_LONG_FINGERS = FINGERS[1:]
_MCP, _PIP, _DIP = (
    MANO16.indices([f"{finger}_{segment}" for finger in _LONG_FINGERS])
    for segment in ("mcp", "pip", "dip")
)
_MCP_WEIGHTS = np.array(
    [[weights.get(finger, 0.0) for finger in _LONG_FINGERS] for _, weights, _ in _MCP_BOUNDS]
)
_MCP_MOST_RAD = np.deg2rad([bound for _, _, bound in _MCP_BOUNDS])

_INSIDE_RAD = 1e-6
"""Knuckles are drawn this far inside a bound: then rounding cannot leave them outside."""

COUPLINGS = (
    *(f"mcp: {name}" for name, _, _ in _MCP_BOUNDS),
    *(f"{finger}: {what}" for what, finger in product(("splay", "dip"), _LONG_FINGERS)),
)
"""Names of the couplings, in the order of `coupling_excess`."""


def _splay_range(angles_rad: Any, limits: np.ndarray) -> tuple[Any, Any]:
    flexion = (angles_rad[..., _MCP, _BEND] / (np.pi / 2)).clip(0.0, 1.0)
    share = 1.0 - (1.0 - FREE_SPLAY_SHARE) * flexion
    lower, upper = (constant_like(limits[_MCP, _SPLAY, end], angles_rad) for end in (0, 1))
    return lower * share, upper * share


def _dip_range(angles_rad: Any) -> tuple[Any, Any]:
    pip = angles_rad[..., _PIP, _BEND]
    (least, below), (most, above) = DIP_BAND
    return least * pip + np.deg2rad(below), most * pip + np.deg2rad(above)


def coupling_excess(angles_rad: Array, limits: np.ndarray) -> Array:
    """How far each coupling is broken.

    Args:
        angles_rad: Bend, splay and twist, [..., 16, 3]; numpy or torch.
        limits: Lower and upper ends, of which the MCP splay's matter, radians, [16, 3, 2].

    Returns:
        Radians by `COUPLINGS`, not negative, [..., 15].
    """
    angles: Any = angles_rad
    sums = angles[..., _MCP, _BEND] @ constant_like(_MCP_WEIGHTS.T, angles)
    parts = [(sums - constant_like(_MCP_MOST_RAD, angles)).clip(min=0.0)]
    for value, (lower, upper) in (
        (angles[..., _MCP, _SPLAY], _splay_range(angles, limits)),
        (angles[..., _DIP, _BEND], _dip_range(angles)),
    ):
        parts.append((lower - value).clip(min=0.0) + (value - upper).clip(min=0.0))
    return namespace_of(angles).concatenate(parts, -1)


def coupled(angles_rad: Array, limits: np.ndarray) -> Array:
    """The pose with its couplings kept; one that keeps them already comes back unchanged.

    The four knuckles are drawn together towards their mean bend until they keep their bounds, so
    that all stay in their range. Then splays are cut to what the bend leaves, and DIP bends to what
    the PIP bend allows.

    Args:
        angles_rad: Within `limits`, [..., 16, 3]; numpy or torch.
        limits: [16, 3, 2], radians; the bend's ends are the same for the four MCP joints.

    Returns:
        [..., 16, 3].
    """
    library = namespace_of(angles_rad)
    result = copy_of(angles_rad)
    bends = result[..., _MCP, _BEND]
    most = constant_like(_MCP_MOST_RAD, result)
    sums = bends @ constant_like(_MCP_WEIGHTS.T, result)
    kept = sums <= most
    shares = library.where(kept, 1.0, (most - _INSIDE_RAD) / library.where(kept, 1.0, sums))
    share = library.amin(shares, -1)[..., None]
    mean = bends.mean(-1)[..., None]
    result[..., _MCP, _BEND] = library.where(share < 1.0, mean + share * (bends - mean), bends)
    lower, upper = _splay_range(result, limits)
    result[..., _MCP, _SPLAY] = library.clip(result[..., _MCP, _SPLAY], lower, upper)
    lower, upper = _dip_range(result)
    result[..., _DIP, _BEND] = library.clip(result[..., _DIP, _BEND], lower, upper)
    return result
