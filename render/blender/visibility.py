"""Which joints the camera sees, by casting a ray at each."""

from __future__ import annotations

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from mano_assets.hand import Hand
from mano_assets.skeleton import HAND21, MANO16

FLESH_M = 0.03
"""A joint lies at most this deep under the skin that covers it: half the breadth of a wrist."""


def hidden_joints(vertices_cam_m: np.ndarray, joints_cam_m: np.ndarray, hand: Hand) -> np.ndarray:
    """Whether another part of the hand covers each joint.

    A joint is seen when the first skin on its ray belongs to one of the bones that meet in it and
    lies within flesh's depth of it.

    Args:
        vertices_cam_m: Posed mesh, camera frame, [V, 3].
        joints_cam_m: hand21, camera frame, [21, 3].
        hand: Its triangles and skin weights.

    Returns:
        [21] bool.
    """
    triangles = hand.triangles
    tree = BVHTree.FromPolygons(vertices_cam_m.tolist(), triangles.tolist())
    hidden = np.zeros(len(joints_cam_m), dtype=bool)
    for joint, place in enumerate(joints_cam_m):
        distance = np.linalg.norm(place)
        direction = Vector(place / distance)
        _, _, face, depth = tree.ray_cast(Vector((0, 0, 0)), direction, distance + FLESH_M)
        if face is None:
            continue
        own = hand.arrays["weights"][triangles[face]][:, _meeting_bones(joint)].sum() / 3
        hidden[joint] = own < 0.5 or depth < distance - FLESH_M
    return hidden


def _meeting_bones(joint: int) -> list[int]:
    """MANO bones on both sides of a hand21 joint: a fingertip ends its last bone."""
    name, parent = HAND21.joints[joint], HAND21.parents[joint]
    bones = [name] if name in MANO16.joints else []
    if parent >= 0:
        bones.append(HAND21.joints[parent])
    return MANO16.indices(bones)
