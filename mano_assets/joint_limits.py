"""Ranges of motion: which angles a hand can take, and how far others are from them.

Two ranges. The *functional* range is what daily activities need; the *active* range is what a
person reaches with their own muscles. What only an outside force reaches (passive motion) is
outside both. Couplings between joints (`mano_assets.joint_couplings`) narrow both further.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args

import numpy as np

from mano_assets.array_namespace import Array, constant_like, namespace_of
from mano_assets.errors import InputError
from mano_assets.joint_couplings import coupled, coupling_excess
from mano_assets.palm_arch import PALM_ARCH_PATTERN
from mano_assets.skeleton import MANO16

Range = Literal["functional", "active"]
Degrees = tuple[float, float]

BEND_LIMITS_DEG: dict[Range, dict[str, Degrees]] = {
    "active": {
        "wrist": (-70.0, 80.0),
        "mcp": (-25.0, 85.0),
        "pip": (-5.0, 105.0),
        "dip": (-5.0, 80.0),
        "thumb_cmc": (-20.0, 40.0),
        "thumb_mcp": (-10.0, 50.0),
        "thumb_ip": (-15.0, 80.0),
    },
    "functional": {
        "wrist": (-60.0, 54.0),
        "mcp": (-10.0, 71.0),
        "pip": (0.0, 87.0),
        "dip": (0.0, 64.0),
        "thumb_cmc": (-15.0, 35.0),
        "thumb_mcp": (0.0, 32.0),
        "thumb_ip": (0.0, 43.0),
    },
}
"""Extension (negative) and flexion.

Active. Wrist: American Academy of Orthopaedic Surgeons, Joint Motion (1965): 70 and 80. MCP, PIP
and DIP: e-hand.com's clinical table (MCP 0-90 with 0-45 of hyperextension, PIP 0-100, DIP 0-80),
narrowed at the MCP to what RenderIH's ValidJudger admits (-25..70..80) since hyperextension varies
between people; a few degrees of hyperextension at PIP and DIP are its too. Thumb: the same two
sources (MCP 10 and 55, IP 15 and 80 at e-hand.com; CMC -20..40 in RenderIH).

Functional. Wrist: all of Ryu et al.'s daily activities (J. Hand Surg. Am. 16(3), 1991); most do
with 10 of flexion to 35 of extension (Brumfield and Champoux, Clin. Orthop. 187, 1984). Flexion of
MCP, PIP and DIP: 90% of activities (Bain et al., J. Hand Surg. Eur. 40(4), 2015: 19-71, 23-87 and
10-64; means of 61, 60 and 39 in Hume et al., J. Hand Surg. Am. 15(2), 1990). A straight finger is
no exertion, so the lower ends are not Bain's but the flat hand, at the MCP the 10 degrees of
extension that Hayashi and Shimizu's 19 activities need (J. Hand Ther. 26(1), 2013). Thumb MCP and
IP: upper ends of Hume's functional ranges (its abstract gives their means, 21 and 18; the ends are
quoted at second hand). Thumb CMC: 5 degrees inside the active range, the least by which the
functional range fell short of the active one in Gracia-Ibanez et al. (J. Hand Ther. 30(3), 2017:
5 to 28 degrees).
"""

SPLAY_LIMITS_DEG: dict[Range, dict[str, Degrees]] = {
    "active": {
        "wrist": (-35.0, 20.0),
        "index_mcp": (-20.0, 25.0),
        "middle_mcp": (-20.0, 20.0),
        "ring_mcp": (-20.0, 15.0),
        "little_mcp": (-30.0, 15.0),
        "thumb_cmc": (-30.0, 30.0),
    },
    "functional": {
        "wrist": (-35.0, 17.0),
        "index_mcp": (-10.0, 20.0),
        "middle_mcp": (-10.0, 10.0),
        "ring_mcp": (-15.0, 10.0),
        "little_mcp": (-25.0, 10.0),
        "thumb_cmc": (-25.0, 25.0),
    },
}
"""Away from the thumb (negative) and towards it; the wrist's ulnar and radial deviation; a thumb
pressed to the palm and lifted out of it. Joints that are not named are hinges.

Active. Wrist: e-hand.com (35 and 20), between the American Academy of Orthopaedic Surgeons (30 and
20) and Boone and Azen (36 and 22, J. Bone Joint Surg. Am. 61(5), 1979). Fingers and thumb:
RenderIH's ValidJudger, but mano_pybullet's 20 degrees for the index away from the thumb and for the
middle finger (RenderIH has 15, with which the two cannot be crossed). For comparison, straight
fingers spread to angles of 17, 14 and 32 degrees between neighbours (Chatzioglou et al., Anat.
Cell Biol. 57(2), 2024).

Functional. Wrist: Ryu et al. 1991 (40 and 17), the ulnar end cut to the active one. Fingers and
thumb: 5 degrees inside the active range (Gracia-Ibanez et al. 2017, as above).
"""

PALM_ARCH_LIMITS_DEG: dict[Range, Degrees] = {"active": (-5.0, 25.0), "functional": (0.0, 17.0)}
"""Flattened and cupped, `mano_assets.palm_arch`. Active: the carpometacarpal joints of ring and
little rotate by 27 and 22 degrees (El-shennawy et al. 2001); the flat hand is nearly as flat as the
palm goes. Functional: from the neutral hand to a cylinder grip the little finger's knuckle
supinates by 16.7 degrees (Cocchiarella et al. 2016)."""

TWIST_PLAY_DEG: dict[Range, float] = {"active": 5.0, "functional": 3.0}
"""Twist of an MCP joint beyond the arch's share. Its passive axial rotation is large, to the side
of supination above all (J. Hand Surg. Br. 22(2), 1997, abstract), but a free hand uses little of
it: our judgement."""

TWIST_LIMITS_DEG: dict[Range, dict[str, Degrees]] = {
    "active": {"thumb_cmc": (-15.0, 5.0)},
    "functional": {"thumb_cmc": (-10.0, 0.0)},
}
"""Pronation (negative) and supination. The thumb's CMC joint: 21 degrees of active axial rotation
(two hundred hands, Chir. Main, 2009, doi:10.1016/j.main.2009.07.003), most of it the pronation of
opposition (Kawanishi et al., In Vivo 3-Dimensional Kinematics of Thumb Carpometacarpal Joint During
Thumb Opposition). Functional: the 10 degrees of one thumb's circumduction (4D CT, Clin. Orthop.
Relat. Res., PMC3940763). The wrist and all hinges: none; the forearm does the wrist's."""


@cache
def _limits(range: Range) -> np.ndarray:
    if range not in get_args(Range):
        expected = " or ".join(get_args(Range))
        raise InputError(f"range: is {range!r}, expected {expected}.")
    limits = np.zeros((MANO16.num_joints, 3, 2))
    for number, joint in enumerate(MANO16.joints):
        finger, _, segment = joint.partition("_")
        limits[number, 0] = BEND_LIMITS_DEG[range][
            segment if finger in PALM_ARCH_PATTERN else joint
        ]
        limits[number, 1] = SPLAY_LIMITS_DEG[range].get(joint, (0.0, 0.0))
        limits[number, 2] = TWIST_LIMITS_DEG[range].get(joint, (0.0, 0.0))
    for finger, share in PALM_ARCH_PATTERN.items():
        ends = np.sort(share * np.array(PALM_ARCH_LIMITS_DEG[range]))
        limits[MANO16.index(f"{finger}_mcp"), 2] = ends + TWIST_PLAY_DEG[range] * np.array([-1, 1])
    return np.deg2rad(limits)


def limits_rad(range: Range) -> np.ndarray:
    """Ends of each angle's range.

    Args:
        range: functional or active.

    Returns:
        Lower and upper bend, splay and twist of MANO's 16 joints, radians, [16, 3, 2].

    Raises:
        InputError: There is no such range.
    """
    return _limits(range).copy()


def clamp(angles_rad: Array, range: Range = "active") -> Array:
    """A pose within the limits and couplings; one that is within comes back unchanged.

    Args:
        angles_rad: Bend, splay and twist, [..., 16, 3]; numpy or torch.
        range: functional or active.

    Returns:
        [..., 16, 3]. Its `violation` and `coupling_violation` are zero.
    """
    limits = _limits(range)
    lower, upper = (constant_like(limits[..., end], angles_rad) for end in (0, 1))
    return coupled(namespace_of(angles_rad).clip(angles_rad, lower, upper), limits)


def violation(angles_rad: Array, range: Range = "active") -> Array:
    """How far each angle is outside its own range.

    Args:
        angles_rad: [..., 16, 3]; numpy or torch.
        range: functional or active.

    Returns:
        Radians, not negative, zero inside, [..., 16, 3]; its slope with the angle is one outside.
    """
    limits = _limits(range)
    angles: Any = angles_rad
    lower, upper = (constant_like(limits[..., end], angles) for end in (0, 1))
    return (lower - angles).clip(min=0.0) + (angles - upper).clip(min=0.0)


def coupling_violation(angles_rad: Array, range: Range = "active") -> Array:
    """How far each coupling between joints is broken.

    Args:
        angles_rad: [..., 16, 3]; numpy or torch.
        range: functional or active.

    Returns:
        Radians by `joint_couplings.COUPLINGS`, not negative, zero where kept, [..., 15].
    """
    return coupling_excess(angles_rad, _limits(range))
