"""Which joints the camera sees, by casting a ray at each."""

from __future__ import annotations

import bpy  # noqa: F401  (mathutils is inside it)
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from mano_assets.hand import Hand
from mano_assets.skeleton import HAND21, MANO16

FLESH_SHARE = 0.55
"""A joint that is seen lies at most this share of the wrist's distance to the middle knuckle under
its own skin. The thickest flesh over a joint, the heel of the hand over the wrist, is 0.45; the
breadth of the palm, which hides its far knuckle from the side, is 0.7."""

GAP_M = 0.001
"""Creases narrower than this do not count as coming out of the flesh."""

_STEP_M = 1e-6


def hidden_joints(
    vertices_cam_m: np.ndarray, joints_cam_m: np.ndarray, hand: Hand, side: str
) -> np.ndarray:
    """Whether the hand itself covers each joint.

    A joint is seen when the first skin on its ray belongs to one of the bones that meet in it, and
    the ray stays in the flesh from there to the joint.

    Args:
        vertices_cam_m: Posed mesh, camera frame, [V, 3].
        joints_cam_m: hand21, camera frame, [21, 3].
        hand: Its triangles and skin weights.
        side: Of the posed mesh.

    Returns:
        [21] bool.
    """
    triangles = hand.triangles if side == "right" else hand.triangles[:, ::-1]
    tree = BVHTree.FromPolygons(vertices_cam_m.tolist(), triangles.tolist())
    wrist, knuckle = joints_cam_m[HAND21.root], joints_cam_m[HAND21.index("middle_mcp")]
    flesh_m = FLESH_SHARE * np.linalg.norm(knuckle - wrist)
    hidden = np.zeros(len(joints_cam_m), dtype=bool)
    for joint, place in enumerate(joints_cam_m):
        distance = float(np.linalg.norm(place))
        skins = _skins_before(tree, Vector(place / distance), distance)
        if skins:
            face, depth, _ = skins[0]
            own = hand.arrays["weights"][triangles[face]][:, _meeting_bones(joint)].sum() / 3
            hidden[joint] = own < 0.5 or distance - depth > flesh_m or _comes_out(skins, distance)
    return hidden


def _skins_before(
    tree: BVHTree, direction: Vector, distance: float
) -> list[tuple[int, float, bool]]:
    """What a ray from the camera crosses: face, distance, and whether it goes in there."""
    skins, start = [], 0.0
    while start < distance - _STEP_M:
        reach = distance - _STEP_M - start
        _, normal, face, step = tree.ray_cast(direction * start, direction, reach)
        if face is None:
            break
        skins.append((face, start + step, normal.dot(direction) < 0))
        start += step + _STEP_M
    return skins


def _comes_out(skins: list[tuple[int, float, bool]], distance: float) -> bool:
    layers = 0
    ends = [depth for _, depth, _ in skins[1:]] + [distance]
    for (_, depth, inward), end in zip(skins, ends, strict=True):
        layers += 1 if inward else -1
        if layers <= 0 and end - depth > GAP_M:
            return True
    return False


def _meeting_bones(joint: int) -> list[int]:
    """MANO bones on both sides of a hand21 joint: a fingertip ends its last bone."""
    name, parent = HAND21.joints[joint], HAND21.parents[joint]
    bones = [name] if name in MANO16.joints else []
    if parent >= 0:
        bones.append(HAND21.joints[parent])
    return MANO16.indices(bones)
