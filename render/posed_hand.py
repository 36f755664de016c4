"""A hand before the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PosedHand:
    """A hand in the camera frame, metres: vertices [V, 3] and hand21 [21, 3]."""

    vertices_cam_m: np.ndarray
    joints_cam_m: np.ndarray
