"""Where a hand stands before the camera."""

from __future__ import annotations

import numpy as np
from scipy.optimize import root_scalar

CLEARANCE_M = 0.06
"""The arm keeps this far in front of the camera's plane: it may not reach through the lens."""

NEAREST_JOINT_M = 0.1
"""No joint comes nearer to the camera: a phone focuses no closer."""

_EXACT_M, _EXACT_PX = 1e-8, 1e-6
_MOST_STEPS = 8
_AXES = np.arange(2)


def place_hand(
    vertices_m: np.ndarray,
    joints_m: np.ndarray,
    camera_k: np.ndarray,
    extent_px: float,
    shift_px: np.ndarray,
) -> np.ndarray:
    """Puts a hand before the camera so that its joints fill a wished part of the image.

    A hand whose joints would come nearer than `NEAREST_JOINT_M`, or whose arm would reach through
    the camera's plane, stands further off and is smaller.

    Args:
        vertices_m: Turned as the camera sees it, [V, 3].
        joints_m: hand21, [21, 3].
        camera_k: Intrinsics, px, [3, 3].
        extent_px: Wished longer side of the joints' box.
        shift_px: Wished centre of the joints' box off the principal point, [2].

    Returns:
        Translation, metres, [3].
    """
    near = max(NEAREST_JOINT_M - joints_m[:, 2].min(), CLEARANCE_M - vertices_m[:, 2].min())
    far = near + 4 * camera_k[0, 0] * np.ptp(joints_m, axis=0).max() / extent_px
    box = _Box(joints_m, camera_k[0, 0], shift_px)

    # The reciprocal of the extent is almost linear in the depth.
    def too_large(depth: float) -> float:
        return 1 / extent_px - 1 / box.extent_px(depth)

    # The extent falls with the depth: there is one depth between, or the nearest is far enough.
    depth = near
    if too_large(near) > 0:
        depth = root_scalar(too_large, bracket=(near, far), method="brentq", xtol=_EXACT_M).root
        box.extent_px(depth)
    return np.array([*box.offset_m, depth])


class _Box:
    """The box of a hand's joints in the image, centred at any depth.

    Attributes:
        offset_m: Sideways offset that centred it the last time; the next search starts there.
    """

    def __init__(self, joints_m: np.ndarray, focal: float, shift_px: np.ndarray) -> None:
        self._joints, self._focal, self._shift = joints_m, focal, shift_px
        self.offset_m = np.zeros(2)

    def extent_px(self, depth: float) -> float:
        """Centres the box at a depth; its longer side."""
        per_metre = self._focal / (self._joints[:, 2] + depth)
        flat = self._joints[:, :2] * per_metre[:, None]
        extent = 0.0
        # Newton's steps: the box's centre is piecewise linear in the offset.
        for _ in range(_MOST_STEPS):
            pixels = flat + per_metre[:, None] * self.offset_m
            low, high = pixels.argmin(0), pixels.argmax(0)
            first, last = pixels[low, _AXES], pixels[high, _AXES]
            extent = float((last - first).max())
            off = (first + last) / 2 - self._shift
            if abs(off[0]) < _EXACT_PX and abs(off[1]) < _EXACT_PX:
                break
            self.offset_m = self.offset_m - 2 * off / (per_metre[low] + per_metre[high])
        return extent
