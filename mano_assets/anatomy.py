"""The anatomy of the fingers: an angle space of bend, splay and twist at every joint.

Angles are measured from the flat hand. At each of MANO's 15 finger joints stands a right-handed
frame of twist axis (along the bone, towards the tip), splay axis and bend axis; a positive bend
flexes towards the palm. The bend is about the axis of the bone before the joint, the splay about
the axis that floats with the bend, the twist about the bone after it: the order of the joint
coordinate systems of the International Society of Biomechanics (Wu et al., J. Biomech. 38(5),
2005).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.skeleton import FINGERS, MANO16

FINGER_JOINTS = MANO16.joints[1:]
"""The 15 joints of the angle space, in MANO's order."""

PALMAR = np.array([0.0, -1.0, 0.0])
"""The direction that the palm of the flat right hand faces, MANO's axes."""

THUMB_PALMAR = np.array([-0.46, -0.20, -0.86])
"""The direction that the thumb's pad faces at rest, opposite its nail: it is turned towards the
little finger."""

BEND_LIMITS_DEG = {
    "mcp": (-25.0, 85.0),
    "pip": (-5.0, 105.0),
    "dip": (-5.0, 80.0),
    "thumb_cmc": (-20.0, 40.0),
    "thumb_mcp": (-10.0, 50.0),
    "thumb_ip": (-15.0, 80.0),
}
"""Active range of motion. MCP, PIP and DIP: e-hand.com's clinical table (MCP 0-90 with 0-45 of
hyperextension, PIP 0-100, DIP 0-80), narrowed at the MCP to what RenderIH's ValidJudger admits
(-25..70..80) since hyperextension varies between people; thumb: the same two sources."""

SPLAY_LIMITS_DEG = {
    "index": (-15.0, 25.0),
    "middle": (-15.0, 15.0),
    "ring": (-20.0, 15.0),
    "little": (-30.0, 15.0),
    "thumb_cmc": (-30.0, 30.0),
}
"""RenderIH's ValidJudger; positive splays towards the thumb, and lifts the thumb out of the
palm."""

DIP_PER_PIP = 2.0 / 3.0
"""Tendon coupling: the DIP joint bends by two thirds of the PIP joint."""


def finger_of(joint: str) -> str:
    """The finger a joint belongs to."""
    return joint.split("_")[0]


def bend_limits_rad() -> np.ndarray:
    """Lower and upper bend of the 15 joints, [15, 2]."""
    rows = [
        BEND_LIMITS_DEG[joint if joint.startswith("thumb") else joint.split("_")[1]]
        for joint in FINGER_JOINTS
    ]
    return np.deg2rad(rows)


def splay_limits_rad() -> np.ndarray:
    """Lower and upper splay of the 15 joints, zero where a joint is a hinge, [15, 2]."""
    rows = []
    for joint in FINGER_JOINTS:
        key = joint if joint == "thumb_cmc" else finger_of(joint)
        free = joint == "thumb_cmc" or (joint.endswith("_mcp") and finger_of(joint) != "thumb")
        rows.append(SPLAY_LIMITS_DEG[key] if free else (0.0, 0.0))
    return np.deg2rad(rows)


def joint_frames(joints_rest_m: np.ndarray) -> np.ndarray:
    """The anatomical frames of the flat right hand.

    Args:
        joints_rest_m: MANO's 16 rest joints, metres, MANO's axes, [16, 3].

    Returns:
        Columns are the twist, splay and bend axes, [15, 3, 3].
    """
    frames = np.empty((15, 3, 3))
    for finger in FINGERS:
        chain = MANO16.chain(finger)
        bones = [joints_rest_m[b] - joints_rest_m[a] for a, b in pairwise(chain)]
        bones.append(bones[-1])
        facing = THUMB_PALMAR if finger == "thumb" else PALMAR
        for joint, bone in zip(chain, bones, strict=True):
            twist = bone / np.linalg.norm(bone)
            bend = np.cross(twist, facing)
            bend /= np.linalg.norm(bend)
            frames[joint - 1] = np.stack([twist, np.cross(bend, twist), bend], 1)
    return frames


def angles_to_pose(angles_rad: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Anatomical angles to MANO's axis-angle pose.

    Args:
        angles_rad: Bend, splay and twist of each joint, [..., 15, 3].
        frames: From `joint_frames`, [15, 3, 3].

    Returns:
        Pose of the flat-hand model, [..., 45].
    """
    bend, splay, twist = np.moveaxis(np.asarray(angles_rad), -1, 0)
    shape = bend.shape
    # Positive splay is towards the thumb: about the splay axis, which points out of the palm, that
    # is a negative turn of a right hand.
    euler = np.stack([bend, -splay, twist], -1).reshape(-1, 3)
    local = Rotation.from_euler("ZYX", euler).as_matrix().reshape(*shape, 3, 3)
    world = frames @ local @ np.swapaxes(frames, -1, -2)
    return Rotation.from_matrix(world.reshape(-1, 3, 3)).as_rotvec().reshape(*shape[:-1], 45)


def pose_to_angles(pose: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Inverse of `angles_to_pose`, for splay within 90 degrees.

    Args:
        pose: [..., 45].
        frames: From `joint_frames`, [15, 3, 3].

    Returns:
        Bend, splay and twist, [..., 15, 3].
    """
    pose = np.asarray(pose)
    shape = (*pose.shape[:-1], 15)
    world = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(*shape, 3, 3)
    local = np.swapaxes(frames, -1, -2) @ world @ frames
    euler = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_euler("ZYX").reshape(*shape, 3)
    return np.stack([euler[..., 0], -euler[..., 1], euler[..., 2]], -1)


def finger_pose_basis(joints_rest_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and principal components of poses within the limits, as MANO's files carry them.

    Args:
        joints_rest_m: [16, 3].

    Returns:
        Mean [45] and components, strongest first, [45, 45].
    """
    rng = np.random.default_rng(0)
    angles = np.zeros((4096, 15, 3))
    limits = bend_limits_rad()
    curl = rng.beta(1.2, 2.0, (4096, 5))
    for number, finger in enumerate(FINGERS):
        mcp, middle, last = (joint - 1 for joint in MANO16.chain(finger))
        for joint in (mcp, middle):
            share = np.clip(curl[:, number] + rng.normal(0, 0.12, 4096), 0, 1)
            angles[:, joint, 0] = share * limits[joint, 1]
        angles[:, last, 0] = DIP_PER_PIP * angles[:, middle, 0]
    splay = splay_limits_rad()
    angles[..., 1] = rng.uniform(splay[:, 0], splay[:, 1], (4096, 15)) * 0.5
    poses = angles_to_pose(angles, joint_frames(joints_rest_m))
    mean = poses.mean(0)
    components = np.linalg.svd(poses - mean, full_matrices=True)[2]
    signs = np.sign(components[np.arange(45), np.abs(components).argmax(1)])
    return mean, components * signs[:, None]
