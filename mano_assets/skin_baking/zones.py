"""Where skin differs over the hand: redness, nails."""

from __future__ import annotations

import numpy as np

from mano_assets.skeleton import FINGERS, HAND21
from mano_assets.skin_baking.surface_points import SkinPoints
from mano_assets.skinning import smoothstep

NAIL_LENGTH = 0.5
NAIL_HALF_WIDTH = 0.24
"""In shares of the finger's last bone: those of the nails in the free hand's mesh."""

_KNUCKLE_M = 0.011
_NAIL_EDGE_M = 0.0004
_FREE_EDGE = 0.82
_LUNULA = 0.24
"""Where along the nail the free edge begins and the lunula ends."""

_MOON_PALENESS = 0.45


def red_zone(points: SkinPoints) -> np.ndarray:
    """How much blood shows: knuckles, fingertips, the balls of thumb and little finger; [N]."""
    palm = points.palm
    red = np.zeros(len(palm))
    for name in HAND21.joints[1:]:
        tip = name.endswith("_tip")
        apart = np.linalg.norm(points.places_m - points.joint(name), axis=1)
        red = np.maximum(red, np.exp(-((apart / _KNUCKLE_M) ** 2)) * (0.6 if tip else 1 - palm))
    for name, share in (("thumb_mcp", 0.5), ("little_mcp", 0.4)):
        ball = points.joint(name) + share * (points.joint("wrist") - points.joint(name))
        apart = np.linalg.norm(points.places_m - ball, axis=1)
        red = np.maximum(red, 0.5 * palm * np.exp(-((apart / 0.025) ** 2)))
    return red


def nail_zones(points: SkinPoints) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nails.

    Returns:
        Nail, paleness on it (free edge and lunula), and the fold of skin about it; 0 to 1, each
        [N].
    """
    nail, pale, fold = (np.zeros(len(points.places_m)) for _ in range(3))
    for number, finger in enumerate(FINGERS):
        along, across, facing, length_m, half_m = _nail_frame(points, finger)
        own = (points.fingers[:, number] > 0.5) * smoothstep(0.2, 0.45, facing)
        # The root is round, the sides run straight to the tip.
        root_m = along * length_m - 0.35 * half_m * across**2
        side_m = (1 - np.abs(across)) * half_m
        inside_m = np.minimum(root_m, side_m)
        plate = own * smoothstep(-_NAIL_EDGE_M, _NAIL_EDGE_M, inside_m)
        edge = smoothstep(_FREE_EDGE, _FREE_EDGE + 0.05, along + 0.05 * across**2)
        moon = smoothstep(_LUNULA + 0.04, _LUNULA - 0.04, along + 0.25 * across**2)
        nail = np.maximum(nail, plate)
        pale = np.maximum(pale, own * np.maximum(edge, _MOON_PALENESS * moon))
        beyond = smoothstep(1.0, 0.9, along)
        fold = np.maximum(fold, own * beyond * np.exp(-((inside_m / 0.0006) ** 2)))
    return nail, pale, fold


def _nail_frame(
    points: SkinPoints, finger: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Where points lie on a nail.

    Returns:
        Share of its length from its root [N], of its half breadth [N], cosine of the skin with its
        outward direction [N]; length and half breadth, metres.
    """
    joints, palmar = points.bones(finger)
    bone = joints[-1] - joints[-2]
    bone_m = float(np.linalg.norm(bone))
    axis = bone / bone_m
    back = (palmar @ axis) * axis - palmar
    back /= np.linalg.norm(back)
    length_m, half_m = NAIL_LENGTH * bone_m, NAIL_HALF_WIDTH * bone_m
    offset = points.places_m - joints[-1]
    along = offset @ axis / length_m + 1
    return along, offset @ np.cross(axis, back) / half_m, points.normals @ back, length_m, half_m
