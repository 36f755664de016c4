"""Where a hand stands before the camera, and the crop of the camera's frame around it."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16
from render.factors.camera import Camera

CLEARANCE_M = 0.06
"""The arm keeps this far in front of the camera's plane: it may not reach through the lens."""

NEAREST_JOINT_M = 0.1
"""No joint comes nearer to the camera: a phone focuses no closer."""

_ROOM_DEG = (0.0, 45.0, 85.0)
_KNUCKLES = MANO16.indices([f"{finger}_mcp" for finger in FINGERS[1:]])


def towards(off_axis: np.ndarray) -> np.ndarray:
    """Turns the camera's axis to the direction (x, y, 1) by the shortest way, [3, 3].

    A hand turned with it shows the side that it would show on the axis.
    """
    direction = np.array([*off_axis, 1.0])
    across = np.cross([0.0, 0.0, 1.0], direction)
    sine = np.linalg.norm(across)
    if sine == 0:
        return np.eye(3)
    return Rotation.from_rotvec(across / sine * np.arctan(sine)).as_matrix()


def stand(vertices_m: np.ndarray, joints_m: np.ndarray, camera: Camera) -> np.ndarray:
    """Puts a hand before the camera, the middle of its joints in the camera's direction.

    A hand whose joints would come nearer than `NEAREST_JOINT_M`, or whose arm would reach through
    the camera's plane, stands further off.

    Args:
        vertices_m: Turned as the camera sees it, [V, 3].
        joints_m: hand21, [21, 3].
        camera: Distance and direction.

    Returns:
        Translation, metres, [3].
    """
    middle = (joints_m.min(0) + joints_m.max(0)) / 2
    depth = max(camera.distance_m, middle[2] + nearest_depth_m(vertices_m, joints_m))
    return np.array([*camera.off_axis, 1.0]) * depth - middle


def nearest_depth_m(vertices_m: np.ndarray, joints_m: np.ndarray) -> float:
    """The least depth that keeps joints, [J, 3], and arm, [V, 3], clear of the camera."""
    return max(NEAREST_JOINT_M - joints_m[:, 2].min(), CLEARANCE_M - vertices_m[:, 2].min())


def crop(joints_cam_m: np.ndarray, camera: Camera, size: int) -> np.ndarray:
    """The intrinsics of the crop that shows joints at the size and place that are asked for.

    Args:
        joints_cam_m: [J, 3].
        camera: Wished size and place.
        size: Width and height of the picture, px.

    Returns:
        K, px, [3, 3]. A crop is no larger than the camera's frame: near the camera the joints may
        be larger than asked for.
    """
    tangents = joints_cam_m[:, :2] / joints_cam_m[:, 2:]
    low, high = tangents.min(0), tangents.max(0)
    extent = (high - low).max()
    share = max(camera.hand_share, camera.focal_over_frame * extent)
    focal = share * size / extent
    centre = (0.5 + np.array(camera.jitter)) * size - focal * (low + high) / 2
    return np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])


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
