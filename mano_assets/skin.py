"""Where skin differs over the hand: palm, redness, nails; and its tones."""

from __future__ import annotations

import numpy as np

from mano_assets.anatomy import PALMAR, THUMB_PALMAR, finger_of
from mano_assets.hand import Hand
from mano_assets.skeleton import HAND21, MANO16

MONK_SRGB = (
    "292420", "3a312a", "604134", "825c43", "a07e56",
    "d7bd96", "eadaba", "f7ead0", "f3e7db", "f6ede4",
)  # fmt: skip
"""The ten tones of the Monk Skin Tone scale (Monk 2022, skintone.google), dark to light."""

REDNESS_RADIUS_M = 0.008
NAIL_LENGTH_M = 0.012
NAIL_HALF_WIDTH_M = 0.0062


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


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals, [V, 3]."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def skin_zones(hand: Hand) -> np.ndarray:
    """How much each vertex belongs to the palm, the reddish places and the nails.

    Returns:
        0 to 1, [V, 3].
    """
    template = hand.arrays["v_template"]
    normals = vertex_normals(template, hand.triangles)
    owner = hand.arrays["weights"].argmax(1)
    on_thumb = np.array([finger_of(MANO16.joints[joint]) == "thumb" for joint in owner])
    facing = np.where(on_thumb[:, None], THUMB_PALMAR / np.linalg.norm(THUMB_PALMAR), PALMAR)
    palmness = (normals * facing).sum(1)
    palm = _smoothstep(-0.25, 0.45, palmness)
    # The inner forearm is hardly lighter than the outer.
    joints = hand.arrays["J_regressor"] @ template
    palm *= _smoothstep(0.06, 0.0, template[:, 0] - joints[MANO16.root, 0])
    red = np.zeros(len(template))
    for name in HAND21.joints[1:]:
        tip = name.endswith("_tip")
        finger = finger_of(name)
        place = (
            template[hand.tip_vertices[[f for f, _ in HAND21.chains].index(finger)]]
            if tip
            else joints[MANO16.index(name)]
        )
        near = np.exp(-((np.linalg.norm(template - place, axis=1) / (1.5 * REDNESS_RADIUS_M)) ** 2))
        red = np.maximum(red, near * (0.6 if tip else 0.8 * (1 - palm)))
    return np.stack([palm, red, _nails(hand, template, normals, joints)], 1)


def _nails(hand: Hand, template: np.ndarray, normals: np.ndarray, joints: np.ndarray) -> np.ndarray:
    nails = np.zeros(len(template))
    for number, (finger, _) in enumerate(HAND21.chains):
        tip = template[hand.tip_vertices[number]]
        bone = tip - joints[MANO16.chain(finger)[-1]]
        axis = bone / np.linalg.norm(bone)
        facing = THUMB_PALMAR if finger == "thumb" else PALMAR
        back = -(facing - (facing @ axis) * axis)
        back /= np.linalg.norm(back)
        offset = template - tip
        along, across = offset @ axis, np.abs(offset @ np.cross(axis, back))
        own = np.isin(hand.arrays["weights"].argmax(1), MANO16.chain(finger))
        nails = np.maximum(
            nails,
            own
            * (normals @ back > 0.35)
            * _smoothstep(-NAIL_LENGTH_M - 0.001, -NAIL_LENGTH_M + 0.001, along)
            * _smoothstep(NAIL_HALF_WIDTH_M + 0.001, NAIL_HALF_WIDTH_M - 0.001, across),
        )
    return nails


def _smoothstep(start: float, end: float, values: np.ndarray) -> np.ndarray:
    share = np.clip((values - start) / (end - start), 0, 1)
    return share * share * (3 - 2 * share)
