"""The conventions that every label in every room follows.

* Lengths are metres, angles radians, images RGB uint8 with row 0 on top.
* The camera frame is OpenCV's: x right, y down, z forward.
* Pixel coordinates are continuous: an image of W x H pixels spans [0, W] x [0, H], so the centre of
  its top-left pixel is (0.5, 0.5). Data sets that give integer pixel centres (x = 0 is the centre
  of the first column) are shifted by `PIXEL_CENTRE` when they are read.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

PIXEL_CENTRE = 0.5
"""Added to coordinates of data sets whose integer coordinates are pixel centres, px."""

HAND_SIDES = ("right", "left")


class JointState(IntEnum):
    """What the camera sees of a joint."""

    UNKNOWN = 0
    """Labelled, but nobody said whether it can be seen."""
    VISIBLE = 1
    SELF_OCCLUDED = 2
    """Behind another part of the same hand or its forearm."""
    OCCLUDED = 3
    """Behind another thing."""
    OUTSIDE = 4
    """Outside the image."""
    MISSING = 5
    """Not labelled: its coordinates are NaN and must not be used."""


def project(points_cam_m: np.ndarray, camera_k: np.ndarray) -> np.ndarray:
    """Pinhole projection.

    Args:
        points_cam_m: Points in the camera frame, metres, [..., N, 3].
        camera_k: Intrinsics, [..., 3, 3].

    Returns:
        Continuous pixel coordinates, [..., N, 2].
    """
    homogeneous = points_cam_m @ np.swapaxes(camera_k, -1, -2)
    return homogeneous[..., :2] / homogeneous[..., 2:]


def backproject(points_px: np.ndarray, depth_m: np.ndarray, camera_k: np.ndarray) -> np.ndarray:
    """Inverse of `project` at known depth.

    Args:
        points_px: Continuous pixel coordinates, [..., N, 2].
        depth_m: z in the camera frame, metres, [..., N].
        camera_k: Intrinsics, [..., 3, 3].

    Returns:
        Points in the camera frame, metres, [..., N, 3].
    """
    ones = np.ones((*points_px.shape[:-1], 1))
    rays = np.concatenate([points_px, ones], -1) @ np.swapaxes(np.linalg.inv(camera_k), -1, -2)
    return rays * depth_m[..., None]
