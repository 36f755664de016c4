"""Where skin differs over the hand: palm, redness, nails, creases; and its tones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mano_assets.anatomy import PALMAR, THUMB_PALMAR, finger_of
from mano_assets.geometry.surface import vertex_normals
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from mano_assets.skinning import segment_distance, smoothstep

MONK_SRGB = (
    "292420", "3a312a", "604134", "825c43", "a07e56",
    "d7bd96", "eadaba", "f7ead0", "f3e7db", "f6ede4",
)  # fmt: skip
"""The ten tones of the Monk Skin Tone scale (Monk 2022, skintone.google), dark to light."""

REDNESS_RADIUS_M = 0.008
NAIL_LENGTH = 0.5
NAIL_HALF_WIDTH = 0.24
"""In shares of the finger's last bone: those of the nails in the free hand's mesh."""

_NAIL_EDGE_M = 0.001
CREASE_WIDTH_M = 0.0022

FINGER_ROOT = 0.45
"""Where the fold at the root of a finger lies between its MCP and PIP joints."""

PALM_LINES = (
    # Distal palmar crease: from the little finger's edge to the gap of index and middle.
    (
        {"little_mcp": 1.08, "wrist": 0.12, "ring_mcp": -0.2},
        {"ring_mcp": 0.92, "wrist": 0.08},
        {"middle_mcp": 0.98, "wrist": 0.02},
        {"index_mcp": 0.6, "middle_mcp": 0.5, "wrist": -0.1},
    ),
    # Proximal palmar crease: from the index finger's edge down to the little finger's side.
    (
        {"index_mcp": 1.12, "middle_mcp": -0.2, "wrist": 0.08},
        {"middle_mcp": 0.78, "wrist": 0.22},
        {"ring_mcp": 0.6, "wrist": 0.4},
        {"little_mcp": 0.62, "wrist": 0.38},
    ),
    # Thenar crease: round the ball of the thumb to the middle of the wrist.
    (
        {"index_mcp": 1.12, "middle_mcp": -0.2, "wrist": 0.08},
        {"index_mcp": 0.4, "middle_mcp": 0.35, "wrist": 0.25},
        {"middle_mcp": 0.42, "wrist": 0.58},
        {"ring_mcp": 0.12, "wrist": 0.88},
    ),
    # Wrist crease.
    (
        {"wrist": 1.25, "index_mcp": -0.25},
        {"wrist": 1.0},
        {"wrist": 1.25, "little_mcp": -0.25},
    ),
)
"""The palm's lines through places that are sums of joints, by eye."""


def tone_colour(tone: float) -> np.ndarray:
    """Linear RGB albedo along the Monk scale.

    Args:
        tone: 0 darkest to 1 lightest.

    Returns:
        [3].
    """
    scale = np.array([[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in MONK_SRGB])
    linear = np.where(scale <= 0.04045, scale / 12.92, ((scale + 0.055) / 1.055) ** 2.4)
    position = np.clip(tone, 0, 1) * (len(linear) - 1)
    low = min(int(position), len(linear) - 2)
    return linear[low] + (position - low) * (linear[low + 1] - linear[low])


def skin_zones(hand: Hand) -> np.ndarray:
    """How much each vertex belongs to the palm, the reddish places, the nails and the creases.

    Returns:
        0 to 1, [V, 4].
    """
    template = hand.arrays["v_template"]
    normals = vertex_normals(template, hand.triangles)
    joints = hand.arrays["J_regressor"] @ template
    palm = _palm(hand, template, normals, joints)
    red = np.zeros(len(template))
    for name in HAND21.joints[1:]:
        tip = name.endswith("_tip")
        place = _place(hand, template, joints, name)
        near = np.exp(-((np.linalg.norm(template - place, axis=1) / (1.5 * REDNESS_RADIUS_M)) ** 2))
        red = np.maximum(red, near * (0.6 if tip else 0.8 * (1 - palm)))
    nails = _nails(hand, template, normals, joints)
    return np.stack([palm, red, nails, _creases(hand, template, palm, joints)], 1)


def _place(hand: Hand, template: np.ndarray, joints: np.ndarray, name: str) -> np.ndarray:
    """Rest place of a hand21 joint, [3]."""
    if name.endswith("_tip"):
        return template[hand.tip_vertices[FINGERS.index(finger_of(name))]]
    return joints[MANO16.index(name)]


def _palm(hand: Hand, template: np.ndarray, normals: np.ndarray, joints: np.ndarray) -> np.ndarray:
    owner = hand.arrays["weights"].argmax(1)
    on_thumb = np.array([finger_of(MANO16.joints[joint]) == "thumb" for joint in owner])
    facing = np.where(on_thumb[:, None], THUMB_PALMAR / np.linalg.norm(THUMB_PALMAR), PALMAR)
    palm = smoothstep(-0.25, 0.45, (normals * facing).sum(1))
    # The inner forearm is hardly lighter than the outer.
    return palm * smoothstep(0.06, 0.0, template[:, 0] - joints[MANO16.root, 0])


def _creases(hand: Hand, template: np.ndarray, palm: np.ndarray, joints: np.ndarray) -> np.ndarray:
    creases = np.zeros(len(template))
    for finger in FINGERS:
        chain = MANO16.chain(finger)
        own = np.isin(hand.arrays["weights"].argmax(1), chain)
        places = [_place(hand, template, joints, joint) for joint in HAND21.joints]
        base, middle, last, tip = (places[joint] for joint in HAND21.chain(finger))
        rings = [(middle, base, last), (last, middle, tip)]
        if finger != "thumb":
            # The fold at the root of the finger lies well beyond its knuckle.
            rings.append((base + FINGER_ROOT * (middle - base), base, middle))
        for place, before, after in rings:
            axis = (after - before) / np.linalg.norm(after - before)
            across = np.abs((template - place) @ axis)
            creases = np.maximum(creases, own * _line(across))
    in_palm = hand.arrays["weights"][:, MANO16.root] > 0.3
    flat = template[:, [0, 2]]
    for line in PALM_LINES:
        points = np.array(
            [
                sum(share * joints[MANO16.index(name)] for name, share in corner.items())
                for corner in line
            ]
        )[:, [0, 2]]
        distance = np.min([segment_distance(flat, *pair) for pair in pairwise(points)], axis=0)
        creases = np.maximum(creases, in_palm * _line(distance))
    return creases * palm


def _line(distance_m: np.ndarray) -> np.ndarray:
    return np.exp(-((distance_m / CREASE_WIDTH_M) ** 2))


def _nails(hand: Hand, template: np.ndarray, normals: np.ndarray, joints: np.ndarray) -> np.ndarray:
    nails = np.zeros(len(template))
    for number, (finger, _) in enumerate(HAND21.chains):
        tip = template[hand.tip_vertices[number]]
        bone = tip - joints[MANO16.chain(finger)[-1]]
        bone_m = np.linalg.norm(bone)
        axis = bone / bone_m
        facing = THUMB_PALMAR if finger == "thumb" else PALMAR
        back = -(facing - (facing @ axis) * axis)
        back /= np.linalg.norm(back)
        offset = template - tip
        inside = offset @ axis + NAIL_LENGTH * bone_m
        beside = NAIL_HALF_WIDTH * bone_m - np.abs(offset @ np.cross(axis, back))
        own = np.isin(hand.arrays["weights"].argmax(1), MANO16.chain(finger))
        nails = np.maximum(
            nails,
            own
            * (normals @ back > 0.35)
            * smoothstep(-_NAIL_EDGE_M, _NAIL_EDGE_M, inside)
            * smoothstep(-_NAIL_EDGE_M, _NAIL_EDGE_M, beside),
        )
    return nails
