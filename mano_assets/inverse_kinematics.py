"""Joint angles from the places of joints alone: which pose of the hand has these 21 joints?

The palm is taken for rigid. Its rotation is the one that carries the wrist and the knuckles of the
flat hand nearest to those seen, in the sense of least squares: the orthogonal Procrustes problem
(Schoenemann, Psychometrika 31(1), 1966), solved with a proper rotation (Kabsch, Acta Cryst. A32,
1976). Down each finger, the direction of a bone in the frame of its joint then gives two angles.

A joint's place says nothing of the turn about its own bone, and none of the 21 shows the forearm:
twists and the wrist stay at zero.
"""

from __future__ import annotations

import numpy as np

from mano_assets.anatomy import joint_frames
from mano_assets.hand import MIRROR, Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16

PALM = (HAND21.joints[HAND21.root], "index_mcp", "middle_mcp", "ring_mcp", "little_mcp")
"""The joints that move with the palm. The thumb's base is not among them: data sets place it
differently."""

HINGES = tuple(joint for joint in MANO16.joints if joint.rsplit("_")[-1] in ("pip", "dip", "ip"))
"""Joints that bend only."""

_TINY_M = 1e-9
"""A shorter bone has no direction."""


def angles_from_joints(joints_3d_m: np.ndarray, side: str, hand: Hand) -> np.ndarray:
    """Bend and splay of every finger joint from the directions of the bones.

    Exact for joints that the hand makes in its mean shape from poses without twist. Measured on the
    free hand, root mean square of the bends: other shapes cost 0.4 degrees, since the bones of
    their flat hands point a little elsewhere; twists within the active range 0.7; noise of 1 mm on
    each coordinate 4.

    Args:
        joints_3d_m: hand21 joints, all finite, in any frame that is not mirrored, [..., 21, 3].
            Directions alone count: their unit does not matter.
        side: right or left, whose joints they are.
        hand: Whose mean shape and joint frames the angles are measured against.

    Returns:
        Angles of right hands, radians, [..., 16, 3]; the wrist's row, all twists and the splay of
        hinges are zero. Bends lie within half a turn, so a joint that is pushed beyond that by
        noise comes back with the other sign. A bone without length counts as straight ahead.
    """
    joints = np.asarray(joints_3d_m, dtype=np.float64)
    shape = joints.shape[:-2]
    joints = joints.reshape(-1, HAND21.num_joints, 3)
    if side == "left":
        joints = joints * MIRROR
    flat = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3))[1]
    frames = joint_frames(hand.arrays["J"])
    palm = _palm_rotation(joints, flat)
    angles = np.zeros((len(joints), MANO16.num_joints, 3))
    for finger in FINGERS:
        chain = MANO16.chain(finger)
        places = HAND21.chain(finger)
        # Rotation from each joint's frame to where the joints were given.
        turn = palm @ frames[chain[0]]
        for number, joint in enumerate(chain):
            here, beyond = places[number], places[number + 1]
            seen = np.einsum("nji,nj->ni", turn, joints[:, beyond] - joints[:, here])
            straight = (flat[beyond] - flat[here]) @ frames[joint]
            bend, splay = _turn_between(straight, seen, MANO16.joints[joint] in HINGES)
            angles[:, joint, 0], angles[:, joint, 1] = bend, splay
            if joint != chain[-1]:
                onward = frames[joint].T @ frames[chain[number + 1]]
                turn = turn @ _rotation(bend, splay) @ onward
    return angles.reshape(*shape, MANO16.num_joints, 3)


def _palm_rotation(joints: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Rotations that carry the flat hand's palm to those seen, [N, 3, 3]."""
    palm = HAND21.indices(PALM)
    seen = joints[:, palm] - joints[:, palm].mean(1, keepdims=True)
    rest = flat[palm] - flat[palm].mean(0)
    left, _, right = np.linalg.svd(np.swapaxes(seen, 1, 2) @ rest)
    # A palm is nearly flat: without this, its mirror image would fit as well.
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    return left @ right


def _turn_between(
    straight: np.ndarray, seen: np.ndarray, is_hinge: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Bend and splay that carry a bone of the flat hand to where it is seen.

    Args:
        straight: The bone in its joint's frame when flat, [3].
        seen: The bone there now, of any length, [N, 3].
        is_hinge: Whether the joint has no splay.

    Returns:
        Bend and splay, radians, [N] each.
    """
    straight = straight / np.linalg.norm(straight)
    length = np.linalg.norm(seen, axis=-1, keepdims=True)
    known = length > _TINY_M
    along, palmwards, thumbwards = np.where(known, seen / np.where(known, length, 1), straight).T
    # Joints with a splay have their frame along the bone: a bend leaves its part across in place.
    splay = np.zeros(len(seen)) if is_hinge else np.arcsin(np.clip(thumbwards, -1, 1))
    # The last bone ends at a fingertip, which may lie a little off its frame.
    bend = np.arctan2(palmwards, along) - np.arctan2(straight[1], straight[0])
    return np.remainder(bend + np.pi, 2 * np.pi) - np.pi, splay


def _rotation(bend: np.ndarray, splay: np.ndarray) -> np.ndarray:
    """The rotation of bend after splay in a joint's frame, [N, 3, 3]."""
    cos_bend, sin_bend = np.cos(bend), np.sin(bend)
    cos_splay, sin_splay = np.cos(splay), np.sin(splay)
    zero = np.zeros_like(bend)
    rows = [
        [cos_bend * cos_splay, -sin_bend, -cos_bend * sin_splay],
        [sin_bend * cos_splay, cos_bend, -sin_bend * sin_splay],
        [sin_splay, zero, cos_splay],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)
