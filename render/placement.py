"""Where a hand stands before the camera."""

from __future__ import annotations

import numpy as np
from scipy.optimize import root_scalar

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16

CLEARANCE_M = 0.06
"""The arm keeps this far in front of the camera's plane: it may not reach through the lens."""

NEAREST_JOINT_M = 0.1
"""No joint comes nearer to the camera: a phone focuses no closer."""

_ROOM_DEG = (0.0, 45.0, 85.0)
_KNUCKLES = MANO16.indices([f"{finger}_mcp" for finger in FINGERS[1:]])

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
    near = nearest_depth_m(vertices_m, joints_m)
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


def nearest_depth_m(vertices_m: np.ndarray, joints_m: np.ndarray) -> float:
    """The least depth that keeps joints, [J, 3], and arm, [V, 3], clear of the camera."""
    return max(NEAREST_JOINT_M - joints_m[:, 2].min(), CLEARANCE_M - vertices_m[:, 2].min())


def room_of_a_moving_hand(hand: Hand, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """About all that a hand takes up while its fingers move: straight, and bent at the knuckles.

    Args:
        hand: The right hand.
        betas: Its shape, [10].

    Returns:
        Vertices [3 V, 3] and joints [63, 3] of three hands with one wrist, not turned, metres.
    """
    frames, shaped = joint_frames(hand.arrays["J"]), hand.shaped(betas)
    vertices, joints = [], []
    for bend in _ROOM_DEG:
        angles = np.zeros((MANO16.num_joints, 3))
        angles[_KNUCKLES, 0] = np.deg2rad(bend)
        posed = hand.bent(*shaped, np.zeros(3), angles_to_pose(angles, frames)[3:])
        vertices.append(posed[0])
        joints.append(posed[1])
    return np.concatenate(vertices), np.concatenate(joints)


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
