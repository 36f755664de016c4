"""Skin weights of the free hand for MANO's 16 joints.

How much of a vertex belongs to a finger at all is found by bone heat; how a finger's skin is
shared between its three bones depends on the place along the finger alone, so that a bending
joint leaves the rest of the hand in peace and its skin turns over a width at which it cannot fold
into itself.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mano_assets.skeleton import FINGERS, HAND21, MANO16
from mano_assets.skinning import bone_heat, segment_distance, smoothstep

OWNED = (0.12, 0.88)
"""Bone heat's long tails are cut: below the first share a vertex does not move with a finger at
all, above the second it moves with it wholly."""

TURN_WIDTH = 1.45
"""Half-width of the skin that turns at a hinge, in radii of the finger. The smoothstep's steepest
slope is 0.75 / half-width; skin one radius inside the bend folds when the bend times that slope
exceeds one over the radius: here beyond 110 degrees."""

_KNUCKLE_REACH_M = {"thumb": 0.020}
_KNUCKLE_REACH_OTHERS_M = 0.014
"""Beyond its own skin a finger's bone reaches only around the knuckle."""


def skin_weights(
    vertices: np.ndarray,
    triangles: np.ndarray,
    joints21: np.ndarray,
    finger_membership: dict[str, np.ndarray],
) -> np.ndarray:
    """Weights for MANO's 16 joints.

    Args:
        vertices: One person's hand and forearm in MANO's axes, metres, [V, 3].
        triangles: [F, 3].
        joints21: Its hand21 joints, metres, [21, 3].
        finger_membership: Share of each vertex on a finger's phalanges, finger to [V].

    Returns:
        Rows sum to one, [V, 16].
    """
    of_finger = _finger_shares(vertices, triangles, joints21, finger_membership)
    weights = np.zeros((len(vertices), 16))
    weights[:, MANO16.root] = 1 - of_finger.sum(1)
    for number, finger in enumerate(FINGERS):
        base, middle, last = MANO16.chain(finger)
        chain = joints21[HAND21.chain(finger)]
        share = of_finger[:, number]
        own = share > 0.5
        outer, outermost = (_beyond(vertices, chain, hinge, own) for hinge in (1, 2))
        weights[:, base] = share * (1 - outer)
        weights[:, middle] = share * outer * (1 - outermost)
        weights[:, last] = share * outer * outermost
    return weights


def _finger_shares(
    vertices: np.ndarray,
    triangles: np.ndarray,
    joints21: np.ndarray,
    finger_membership: dict[str, np.ndarray],
) -> np.ndarray:
    """How much of each vertex moves with each finger, [V, 5]."""
    distances = np.full((len(vertices), 1 + len(FINGERS)), np.inf)
    allowed = np.ones((len(vertices), 1 + len(FINGERS)), dtype=bool)
    wrist = joints21[HAND21.root]
    elbow = np.array([vertices[:, 0].max(), 0.0, 0.0])
    palm = [segment_distance(vertices, wrist, elbow)]
    for number, finger in enumerate(FINGERS, start=1):
        chain = joints21[HAND21.chain(finger)]
        if finger != "thumb":
            palm.append(segment_distance(vertices, wrist, chain[0]))
        to_bones = [segment_distance(vertices, *bone) for bone in pairwise(chain)]
        distances[:, number] = np.min(to_bones, axis=0)
        for other in FINGERS:
            if other != finger:
                allowed[finger_membership[other] > 0.5, number] = False
        reach = _KNUCKLE_REACH_M.get(finger, _KNUCKLE_REACH_OTHERS_M)
        on_finger = finger_membership[finger] > 0.5
        allowed[~on_finger & (distances[:, number] > reach), number] = False
    distances[:, 0] = np.min(palm, axis=0)
    shares = smoothstep(*OWNED, bone_heat(vertices, triangles, distances, allowed)[:, 1:])
    return shares / np.maximum(shares.sum(1, keepdims=True), 1)


def _beyond(vertices: np.ndarray, chain: np.ndarray, hinge: int, own: np.ndarray) -> np.ndarray:
    """How much of each vertex lies beyond a hinge of its finger, [V]."""
    before, after = chain[hinge] - chain[hinge - 1], chain[hinge + 1] - chain[hinge]
    axis = before / np.linalg.norm(before) + after / np.linalg.norm(after)
    axis /= np.linalg.norm(axis)
    offset = vertices - chain[hinge]
    along = offset @ axis
    ring = own & (np.abs(along) < 0.005)
    radius = np.linalg.norm(offset[ring] - along[ring, None] * axis, axis=1).mean()
    width = TURN_WIDTH * radius
    return np.where(own, smoothstep(-width, width, along), 0.0)
