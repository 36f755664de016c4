"""How hard a pose is, as numbers."""

from __future__ import annotations

import numpy as np

from mano_assets.anatomy import FINGER_JOINTS

FUNCTIONAL_BEND_DEG = {"mcp": (19.0, 71.0), "pip": (23.0, 87.0), "dip": (10.0, 64.0)}
"""Range that covers 90% of daily activities: Bain et al., J. Hand Surg. Eur. 40(4), 2015."""


def range_exceedance(angles_rad: np.ndarray) -> np.ndarray:
    """Mean bend outside the functional range, over the 12 finger joints that have one.

    Stretching a finger is no exertion, so the lower end counts only below the flat hand.

    Args:
        angles_rad: Bend, splay and twist, [..., 15, 3].

    Returns:
        Radians, [...].
    """
    total = np.zeros(np.shape(angles_rad)[:-2])
    joints = [joint for joint in FINGER_JOINTS if not joint.startswith("thumb")]
    for joint in joints:
        bend = np.rad2deg(angles_rad[..., FINGER_JOINTS.index(joint), 0])
        upper = FUNCTIONAL_BEND_DEG[joint.split("_")[1]][1]
        total = total + np.maximum(bend - upper, 0) + np.maximum(-bend, 0)
    return np.deg2rad(total / len(joints))
