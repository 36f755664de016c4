"""Smooth movement between poses."""

from __future__ import annotations

import numpy as np


def between(start_rad: np.ndarray, end_rad: np.ndarray, time: float) -> np.ndarray:
    """The pose on the way from one to another.

    All angles move together along the path of least jerk, at rest at both ends (Flash and Hogan,
    J. Neurosci. 5(7), 1985, eq. 5): velocity and acceleration are continuous through the key poses.

    Args:
        start_rad: Angles, [..., 16, 3].
        end_rad: [..., 16, 3].
        time: 0 at the start, 1 at the end.

    Returns:
        [..., 16, 3].
    """
    share = time**3 * (10 - 15 * time + 6 * time**2)
    return start_rad + share * (end_rad - start_rad)
