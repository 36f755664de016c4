"""Counting and signing handshapes, by how far each finger is curled and spread.

Angles in degrees from the flat hand; positive splay is towards the thumb. The shapes are those of
everyday counting and of the American manual alphabet, as drawn in any primer. Its F, O, S and V are
nine, zero, fist and two; its R is the family crossed_fingers, its M, N and T thumb_under.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.skeleton import FINGERS, MANO16

Bends = tuple[float, float, float]
"""Bend of a finger's three joints, base to tip, degrees."""

OPEN: Bends = (2, 4, 3)
BENT: Bends = (35, 45, 28)
CURLED: Bends = (80, 95, 56)
HALF: Bends = (50, 70, 45)
HOOKED: Bends = (24, 98, 70)

THUMB_OUT: Bends = (-18, 2, 0)
THUMB_ALONG: Bends = (-6, 6, 4)
THUMB_ACROSS: Bends = (26, 28, 24)
THUMB_SIDE: Bends = (-4, 14, 10)


class Handshape(BaseModel):
    """A handshape; users write their own into a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thumb: Bends = Field(description="Bends of the thumb's CMC, MCP and IP joints, degrees.")
    index: Bends = Field(description="Bends of the MCP, PIP and DIP joints, degrees.")
    middle: Bends = Field(description="As index.")
    ring: Bends = Field(description="As index.")
    little: Bends = Field(description="As index.")
    thumb_splay: float = Field(
        default=0.0, description="Of the thumb's base, degrees; positive lifts it out of the palm."
    )
    spread: float = Field(
        default=0.3, ge=0, le=1, description="Fingers side by side at 0, a wide fan at 1."
    )


def _shape(
    thumb: Bends,
    index: Bends,
    middle: Bends,
    ring: Bends,
    little: Bends,
    thumb_splay: float = 0.0,
    spread: float = 0.3,
) -> Handshape:
    return Handshape(
        thumb=thumb,
        index=index,
        middle=middle,
        ring=ring,
        little=little,
        thumb_splay=thumb_splay,
        spread=spread,
    )


FAN_DEG = {"index": 12.0, "middle": 2.0, "ring": -8.0, "little": -18.0}
"""Splay of the fingers at full spread."""

CLOSED = -0.9
"""Share of the full spread at which fingers lie side by side: the flat hand's stand apart."""

HANDSHAPES = {
    "rest": _shape((2, 14, 12), (14, 22, 12), (16, 25, 14), (18, 27, 15), (20, 27, 15)),
    "flat": _shape(THUMB_ALONG, OPEN, OPEN, OPEN, OPEN, -14, 0.0),
    "zero": _shape((26, 26, 34), HALF, HALF, HALF, HALF, 6, 0.0),
    "one": _shape(THUMB_ACROSS, OPEN, CURLED, CURLED, CURLED, 29),
    "two": _shape(THUMB_ACROSS, OPEN, OPEN, CURLED, CURLED, 29, 0.9),
    "three": _shape(THUMB_OUT, OPEN, OPEN, CURLED, CURLED, -10, 0.8),
    "four": _shape((34, 36, 40), OPEN, OPEN, OPEN, OPEN, -12, 0.9),
    "five": _shape(THUMB_OUT, OPEN, OPEN, OPEN, OPEN, -10, 1.0),
    "six": _shape((34, 28, 28), OPEN, OPEN, OPEN, BENT, 4, 0.8),
    "seven": _shape((34, 28, 28), OPEN, OPEN, BENT, OPEN, 6, 0.8),
    "eight": _shape((28, 24, 28), OPEN, BENT, OPEN, OPEN, 8, 0.8),
    "nine": _shape((18, 22, 30), HALF, OPEN, OPEN, OPEN, 6, 0.8),
    "fist": _shape(THUMB_ACROSS, CURLED, CURLED, CURLED, CURLED, 29, 0.0),
    "thumb_up": _shape(THUMB_OUT, CURLED, CURLED, CURLED, CURLED, -6, 0.0),
    "letter_a": _shape(THUMB_SIDE, CURLED, CURLED, CURLED, CURLED, -4, 0.0),
    "letter_b": _shape((34, 36, 40), OPEN, OPEN, OPEN, OPEN, -8, 0.0),
    "letter_c": _shape((6, 15, 20), BENT, BENT, BENT, BENT, 14, 0.1),
    "letter_d": _shape((24, 24, 30), OPEN, HALF, HALF, HALF, 10, 0.0),
    "letter_e": _shape((34, 30, 40), HOOKED, HOOKED, HOOKED, HOOKED, 4, 0.0),
    "letter_g": _shape((-2, 6, 6), (55, 6, 4), CURLED, CURLED, CURLED, 14, 0.0),
    "letter_i": _shape(THUMB_ACROSS, CURLED, CURLED, CURLED, OPEN, 29, 0.2),
    "letter_k": _shape((14, 8, 10), OPEN, (45, 6, 4), CURLED, CURLED, 24, 0.6),
    "letter_l": _shape(THUMB_OUT, OPEN, CURLED, CURLED, CURLED, -10, 0.2),
    "letter_u": _shape(THUMB_ACROSS, OPEN, OPEN, CURLED, CURLED, 29, 0.0),
    "letter_w": _shape((34, 32, 30), OPEN, OPEN, OPEN, CURLED, 4, 0.9),
    "letter_x": _shape(THUMB_ACROSS, (20, 80, 50), CURLED, CURLED, CURLED, 29, 0.1),
    "letter_y": _shape(THUMB_OUT, CURLED, CURLED, CURLED, OPEN, -6, 0.5),
    "horns": _shape(THUMB_ACROSS, OPEN, CURLED, CURLED, OPEN, 29, 0.5),
    "point_down": _shape(THUMB_SIDE, (55, 8, 5), CURLED, CURLED, CURLED, 0, 0.1),
}


def handshape_angles(shape: Handshape) -> np.ndarray:
    """A handshape in the angle space of `mano_assets.anatomy`.

    Returns:
        Bend, splay and twist of the 16 joints in MANO's order, radians, [16, 3].
    """
    angles = np.zeros((16, 3))
    for finger in FINGERS:
        joints = MANO16.chain(finger)
        angles[joints, 0] = getattr(shape, finger)
        base = joints[0]
        angles[base, 1] = (
            shape.thumb_splay
            if finger == "thumb"
            else FAN_DEG[finger] * (CLOSED + shape.spread * (1 - CLOSED))
        )
    return np.deg2rad(angles)
