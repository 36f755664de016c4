"""Which joints the camera sees, by casting a ray at each."""

from __future__ import annotations

import numpy as np

from mano_assets.hand import Hand
from mano_assets.skeleton import HAND21, MANO16

FLESH_SHARE = 0.55
"""A joint that is seen lies at most this share of the wrist's distance to the middle knuckle under
its own skin. The thickest flesh over a joint, the heel of the hand over the wrist, is 0.45; the
breadth of the palm, which hides its far knuckle from the side, is 0.7."""

GAP_M = 0.001
"""Creases narrower than this do not count as coming out of the flesh."""

_SHORT_M = 1e-6
"""Fingertips lie on the skin: their own does not cover them."""


def hidden_joints(
    vertices_cam_m: np.ndarray, joints_cam_m: np.ndarray, hand: Hand, side: str
) -> np.ndarray:
    """Whether the hand itself covers each joint: `hidden_behind` its own mesh, [21] bool.

    Args:
        vertices_cam_m: Posed mesh, camera frame, [V, 3].
        joints_cam_m: hand21, camera frame, [21, 3].
        hand: Its triangles and skin weights.
        side: Of the posed mesh.
    """
    triangles = hand.triangles if side == "right" else hand.triangles[:, ::-1]
    return hidden_behind(vertices_cam_m, joints_cam_m, triangles, hand.arrays["weights"])


def hidden_behind(
    vertices_cam_m: np.ndarray,
    joints_cam_m: np.ndarray,
    triangles: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Whether skin covers each joint.

    A joint is seen when the first skin on its ray belongs to one of the bones that meet in it, and
    the ray stays in the flesh from there to the joint.

    Args:
        vertices_cam_m: Posed mesh, camera frame, [V, 3].
        joints_cam_m: hand21, camera frame, [21, 3].
        triangles: Corners anticlockwise from outside, [F, 3].
        weights: Of the skin, on MANO's joints, [V, 16].

    Returns:
        [21] bool.
    """
    starts, faces, depths, inward = _crossings(joints_cam_m, vertices_cam_m, triangles)
    wrist, knuckle = joints_cam_m[HAND21.root], joints_cam_m[HAND21.index("middle_mcp")]
    flesh_m = FLESH_SHARE * np.linalg.norm(knuckle - wrist)
    distances = np.linalg.norm(joints_cam_m, axis=1)
    hidden = np.zeros(len(joints_cam_m), dtype=bool)
    crossed = np.flatnonzero(starts[:-1] < starts[1:])
    first = starts[crossed]
    own = weights[triangles[faces[first]]] * _MEETING[crossed, None]
    hidden[crossed] = (own.sum((1, 2)) / 3 < 0.5) | (distances[crossed] - depths[first] > flesh_m)
    # A ray that goes in once, as most do, comes out nowhere.
    for joint in crossed[(np.diff(starts)[crossed] > 1) | ~inward[first]]:
        ray = slice(starts[joint], starts[joint + 1])
        hidden[joint] |= _comes_out([*depths[ray], distances[joint]], inward[ray])
    return hidden


def first_surfaces_m(
    points_cam_m: np.ndarray, vertices_cam_m: np.ndarray, triangles: np.ndarray
) -> np.ndarray:
    """How far off the first surface before each point is.

    Args:
        points_cam_m: [N, 3].
        vertices_cam_m: [V, 3].
        triangles: [F, 3].

    Returns:
        Distance from the camera, metres, inf where the view is free, [N].
    """
    starts, _, depths, _ = _crossings(points_cam_m, vertices_cam_m, triangles)
    found = np.full(len(points_cam_m), np.inf)
    crossed = starts[:-1] < starts[1:]
    found[crossed] = depths[starts[:-1][crossed]]
    return found


def _crossings(
    points_cam_m: np.ndarray, vertices_cam_m: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    # Compiled code is loaded when it is first needed.
    from render.ray_casting import skins_before

    return skins_before(
        np.ascontiguousarray(points_cam_m, dtype=np.float64),
        np.ascontiguousarray(vertices_cam_m, dtype=np.float64),
        np.ascontiguousarray(triangles),
        _SHORT_M,
    )


def _comes_out(depths_m: list[float], inward: np.ndarray) -> bool:
    layers = 0
    for number, goes_in in enumerate(inward):
        layers += 1 if goes_in else -1
        if layers <= 0 and depths_m[number + 1] - depths_m[number] > GAP_M:
            return True
    return False


def _meeting_bones(joint: int) -> np.ndarray:
    """1 for MANO bones on both sides of a hand21 joint: a fingertip ends its last bone, [16]."""
    name, parent = HAND21.joints[joint], HAND21.parents[joint]
    bones = [name] if name in MANO16.joints else []
    if parent >= 0:
        bones.append(HAND21.joints[parent])
    meeting = np.zeros(MANO16.num_joints)
    meeting[MANO16.indices(bones)] = 1.0
    return meeting


_MEETING = np.stack([_meeting_bones(joint) for joint in range(HAND21.num_joints)])
