"""Hands with one joint bent, and what their triangles should then do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, finger_of, joint_frames
from mano_assets.hand import Hand
from mano_assets.skeleton import MANO16


def posed_rad(hand: Hand, angles_rad: np.ndarray) -> np.ndarray:
    """Vertices of the mean shape, metres, [..., V, 3] for angles [..., 16, 3]."""
    pose = angles_to_pose(angles_rad, joint_frames(hand.arrays["J"]))[..., 3:]
    zeros = np.zeros((*pose.shape[:-1], 3))
    return hand.posed(zeros, pose, np.zeros((*pose.shape[:-1], 10)), zeros)[0]


def one_joint(joint: int, bend: float = 0.0, splay: float = 0.0, twist: float = 0.0) -> np.ndarray:
    """Angles of a flat hand with one joint turned, radians, [16, 3]."""
    angles = np.zeros((MANO16.num_joints, 3))
    angles[joint] = bend, splay, twist
    return angles


def hinge(finger: str) -> int:
    """The PIP joint; the thumb's IP joint."""
    return MANO16.chain(finger)[2 if finger == "thumb" else 1]


def without_correctives(hand: Hand) -> Hand:
    """The same hand by linear blend skinning alone."""
    return replace(hand, arrays=hand.arrays | {"posedirs": np.zeros_like(hand.arrays["posedirs"])})


def share_beyond(hand: Hand, joint: int) -> np.ndarray:
    """How much of each vertex moves with a joint, [V]."""
    chain = MANO16.chain(finger_of(MANO16.joints[joint]))
    return hand.arrays["weights"][:, chain[chain.index(joint) :]].sum(1)


def axis_angle(hand: Hand, joint: int, angles_rad: np.ndarray) -> np.ndarray:
    """The joint's rotation in MANO's axes, [3]."""
    pose = angles_to_pose(angles_rad, joint_frames(hand.arrays["J"]))
    return pose.reshape(MANO16.num_joints, 3)[joint]


def turned_by_share(hand: Hand, joint: int, angles_rad: np.ndarray) -> np.ndarray:
    """The flat hand's vertices, each turned about the joint by its share of the rotation, [V, 3].

    What dual quaternion skinning makes of one bent joint.
    """
    share, vector = share_beyond(hand, joint), axis_angle(hand, joint, angles_rad)
    centre = hand.arrays["J"][joint]
    arms = hand.arrays["v_template"] - centre
    return centre + Rotation.from_rotvec(share[:, None] * vector).apply(arms)


def turned_over(hand: Hand, joint: int, angles_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which triangles face the wrong way when one joint is bent.

    Returns:
        Those, and those that its bend moves with more than one bone, [F] each.
    """
    share = share_beyond(hand, joint)[hand.triangles].mean(1)
    rotations = Rotation.from_rotvec(share[:, None] * axis_angle(hand, joint, angles_rad))
    expected = rotations.apply(face_normals(hand.arrays["v_template"], hand.triangles))
    found = face_normals(posed_rad(hand, angles_rad), hand.triangles)
    return (expected * found).sum(1) <= 0, (share > 1e-3) & (share < 1 - 1e-3)


def face_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Twice the area long, [F, 3]."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)
