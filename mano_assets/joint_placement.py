"""Where the joints are: MANO's and the annotators' places, regressed from the mesh.

The rig's own wrist lies about 2 cm too far up the arm and its knuckles about 1 cm too far down the
fingers. PIP joints and fingertips agree with annotations, so the other joints are measured off from
those along each finger, in the proportions of real hands.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import nnls
from scipy.spatial import KDTree

from mano_assets.people import Arms, phalanges
from mano_assets.skeleton import FINGERS, HAND21

BONE_PROPORTIONS = {
    "thumb": (36.5, 31.5, 28.5),
    "index": (41.0, 25.0, 21.5),
    "middle": (43.5, 29.0, 22.5),
    "ring": (41.5, 28.0, 22.0),
    "little": (33.0, 19.5, 18.0),
}
"""Lengths of a finger's three bones, base to tip, mm. Thumb, index and middle: the middle of the
ranges over six annotated hands of InterHand2.6M; ring and little: the percentages of hand length of
Buchholz, Armstrong and Goldstein, Ergonomics 35(3), 1992, scaled to the same middle finger."""

WRIST_TO_KNUCKLE = {"index": 86.5, "middle": 84.0, "ring": 80.5, "little": 78.5}
"""mm, the middle of the same six hands' ranges."""

WRIST_SHIFT = 0.10
"""How far the wrist lies down the hand from the rig's, as a share of the rig's wrist to fingertip:
2 cm of 20 cm."""

_NEIGHBOURS = 40


def place_joints(arms: Arms) -> np.ndarray:
    """Joint places of every person.

    Returns:
        hand21 joints, fingertips at the far end of the rig's bones, metres, [P, 21, 3].
    """
    joints = np.empty((len(arms.vertices), HAND21.num_joints, 3))
    rig_wrist = arms.heads["wrist.R"]
    middle_tip = arms.tails[phalanges("middle")[-1]]
    length = np.linalg.norm(middle_tip - rig_wrist, axis=-1, keepdims=True)
    wrist = _toward(rig_wrist, arms.heads[phalanges("middle")[0]], WRIST_SHIFT * length)
    joints[:, HAND21.root] = wrist
    for finger in FINGERS:
        base, middle, last = (arms.heads[bone] for bone in phalanges(finger))
        tip = arms.tails[phalanges(finger)[-1]]
        proximal, intermediate, distal = BONE_PROPORTIONS[finger]
        if finger == "thumb":
            unit = _distance(last, tip) / distal
            mcp = _toward(last, middle, intermediate * unit)
            chain = [_toward(mcp, base, proximal * unit), mcp, last, tip]
        else:
            unit = (_distance(middle, last) + _distance(last, tip)) / (intermediate + distal)
            dip = _toward(middle, last, intermediate * unit)
            share = proximal / (proximal + WRIST_TO_KNUCKLE[finger])
            reach = _distance(middle, base) + _distance(base, wrist)
            chain = [_toward(middle, base, share * reach), middle, dip, tip]
        joints[:, HAND21.chain(finger)] = np.stack(chain, 1)
    return joints


def _distance(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.linalg.norm(end - start, axis=-1, keepdims=True)


def _toward(start: np.ndarray, target: np.ndarray, distance: np.ndarray) -> np.ndarray:
    direction = target - start
    return start + direction / np.linalg.norm(direction, axis=-1, keepdims=True) * distance


def regress_joints(
    vertices: np.ndarray, joints: np.ndarray, allowed: Mapping[int, np.ndarray]
) -> np.ndarray:
    """Sparse convex weights that find the joints from the vertices of any person.

    Args:
        vertices: People x vertices, metres, [P, V, 3].
        joints: Their joints, metres, [P, J, 3].
        allowed: For some joints, which vertices may carry weight, joint to [V] bool.

    Returns:
        Rows that sum to one, [J, V].
    """
    regressor = np.zeros((joints.shape[1], vertices.shape[1]))
    for joint in range(joints.shape[1]):
        candidates = np.flatnonzero(allowed.get(joint, np.ones(vertices.shape[1], bool)))
        tree = KDTree(vertices[0, candidates])
        near = candidates[tree.query(joints[0, joint], k=_NEIGHBOURS)[1]]
        # The last row asks for a sum of one; the small ridge spreads the weight over the ring.
        system = np.concatenate([vertices[:, near].transpose(0, 2, 1).reshape(-1, len(near))])
        target = joints[:, joint].reshape(-1)
        ridge = 1e-3 * np.sqrt(len(vertices))
        system = np.vstack([system, np.full(len(near), 10.0), ridge * np.eye(len(near))])
        target = np.concatenate([target, [10.0], np.full(len(near), ridge / len(near))])
        weights = nnls(system, target)[0]
        regressor[joint, near] = weights / weights.sum()
    return regressor
