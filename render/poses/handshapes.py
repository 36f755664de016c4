"""Counting and signing handshapes, by how far each finger is curled and spread.

Angles in degrees from the flat hand; positive splay is towards the thumb. The shapes are those of
everyday counting and of the American manual alphabet (A to Y), as drawn in any primer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.anatomy import FINGER_JOINTS
from mano_assets.skeleton import FINGERS

Bends = tuple[float, float, float]
"""Bend of a finger's three joints, base to tip, degrees."""

OPEN: Bends = (2, 4, 3)
BENT: Bends = (35, 45, 28)
CURLED: Bends = (82, 98, 62)
HALF: Bends = (50, 70, 45)

THUMB_OUT: Bends = (-8, 2, 0)
THUMB_ALONG: Bends = (5, 10, 5)
THUMB_ACROSS: Bends = (32, 28, 25)
THUMB_SIDE: Bends = (12, 12, 8)


@dataclass(frozen=True)
class Handshape:
    """A handshape.

    Attributes:
        thumb, index, middle, ring, little: Bends of the fingers, degrees.
        thumb_splay: Of the thumb's base; positive away from the palm, degrees.
        spread: Share of a fan in which the fingers stand apart, 0 closed to 1 wide.
    """

    thumb: Bends
    index: Bends
    middle: Bends
    ring: Bends
    little: Bends
    thumb_splay: float = 0.0
    spread: float = 0.3


FAN_DEG = {"index": 12.0, "middle": 2.0, "ring": -8.0, "little": -18.0}
"""Splay of the fingers at full spread."""

HANDSHAPES = {
    "rest": Handshape((6, 12, 10), (14, 22, 12), (16, 25, 14), (18, 27, 15), (20, 27, 15)),
    "flat": Handshape(THUMB_ALONG, OPEN, OPEN, OPEN, OPEN, spread=0.0),
    "zero": Handshape((30, 25, 30), HALF, HALF, HALF, HALF, spread=0.0),
    "one": Handshape(THUMB_ACROSS, OPEN, CURLED, CURLED, CURLED, thumb_splay=-12),
    "two": Handshape(THUMB_ACROSS, OPEN, OPEN, CURLED, CURLED, -12, 0.9),
    "three": Handshape(THUMB_OUT, OPEN, OPEN, CURLED, CURLED, 18, 0.8),
    "four": Handshape(THUMB_ACROSS, OPEN, OPEN, OPEN, OPEN, -14, 0.9),
    "five": Handshape(THUMB_OUT, OPEN, OPEN, OPEN, OPEN, 20, 1.0),
    "six": Handshape((34, 28, 28), OPEN, OPEN, OPEN, HALF, -12, 0.8),
    "seven": Handshape((34, 28, 28), OPEN, OPEN, HALF, OPEN, -12, 0.8),
    "eight": Handshape((34, 28, 28), OPEN, HALF, OPEN, OPEN, -8, 0.8),
    "nine": Handshape((26, 24, 30), HALF, OPEN, OPEN, OPEN, 0, 0.8),
    "fist": Handshape(THUMB_ACROSS, CURLED, CURLED, CURLED, CURLED, -8, 0.0),
    "thumb_up": Handshape(THUMB_OUT, CURLED, CURLED, CURLED, CURLED, 20, 0.0),
    "letter_a": Handshape(THUMB_SIDE, CURLED, CURLED, CURLED, CURLED, 8, 0.0),
    "letter_c": Handshape((10, 15, 20), BENT, BENT, BENT, BENT, 12, 0.1),
    "letter_i": Handshape(THUMB_ACROSS, CURLED, CURLED, CURLED, OPEN, -12, 0.2),
    "letter_l": Handshape(THUMB_OUT, OPEN, CURLED, CURLED, CURLED, 24, 0.2),
    "letter_u": Handshape(THUMB_ACROSS, OPEN, OPEN, CURLED, CURLED, -12, 0.0),
    "letter_w": Handshape((34, 28, 28), OPEN, OPEN, OPEN, CURLED, -14, 0.9),
    "letter_x": Handshape(THUMB_ACROSS, (20, 80, 50), CURLED, CURLED, CURLED, -8, 0.1),
    "letter_y": Handshape(THUMB_OUT, CURLED, CURLED, CURLED, OPEN, 24, 0.5),
    "horns": Handshape(THUMB_ACROSS, OPEN, CURLED, CURLED, OPEN, -10, 0.5),
    "point_down": Handshape(THUMB_SIDE, (55, 8, 5), CURLED, CURLED, CURLED, 0, 0.1),
}


def handshape_angles(shape: Handshape) -> np.ndarray:
    """A handshape in the angle space of `mano_assets.anatomy`.

    Returns:
        Bend, splay and twist of the 15 joints in MANO's order, radians, [15, 3].
    """
    angles = np.zeros((15, 3))
    for finger in FINGERS:
        joints = [i for i, joint in enumerate(FINGER_JOINTS) if joint.startswith(finger)]
        angles[joints, 0] = getattr(shape, finger)
        base = joints[0]
        angles[base, 1] = (
            shape.thumb_splay if finger == "thumb" else FAN_DEG[finger] * (shape.spread - 0.15)
        )
    return np.deg2rad(angles)
