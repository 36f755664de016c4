"""Where the joints are: MANO's and the annotators' places, regressed from the mesh.

The rig's own wrist lies about 2 cm too far up the arm and its knuckles about 1 cm too far down the
fingers. PIP joints and fingertips agree with annotations, so the other joints are measured off from
those along each finger, in the proportions of real hands. All of the rig's joints lie close under
the skin of the back: they are moved into the middle of the fingers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import nnls
from scipy.spatial import KDTree

from mano_assets.anatomy import PALMAR, THUMB_PALMAR
from mano_assets.building.people import Arms, phalanges
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

DEPTH_MM = {
    "thumb": (0.0, 2.6, 3.6),
    "index": (5.0, 5.0, 4.0),
    "middle": (6.0, 5.0, 4.0),
    "ring": (7.5, 4.5, 4.0),
    "little": (7.5, 3.5, 2.2),
}
"""How far each joint moves from the rig's line towards the palm on a hand with 85 mm from wrist to
middle knuckle: as far as the middle between back and pad, at the knuckles as far as 10 mm under the
back. Measured on the average person's mesh."""

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
    return _deepened(joints)


def palm_axes(joints: np.ndarray) -> np.ndarray:
    """MANO's axes on any right hand: rows are x up the arm, y out of the back, z to the thumb.

    Args:
        joints: hand21, [P, 21, 3].

    Returns:
        [P, 3, 3].
    """
    wrist, index, middle, little = (
        joints[:, HAND21.index(name)] for name in ("wrist", "index_mcp", "middle_mcp", "little_mcp")
    )
    forward = _unit(middle - wrist)
    # Index to little, seen along the fingers of a right hand: its cross product with them is
    # the palm's normal on the back of the hand.
    up = _across(np.cross(little - wrist, index - wrist), forward)
    return np.stack([-forward, up, np.cross(-forward, up)], 1)


def _deepened(joints: np.ndarray) -> np.ndarray:
    axes = palm_axes(joints)
    middle_mcp = joints[:, HAND21.index("middle_mcp")]
    size = _distance(joints[:, HAND21.root], middle_mcp) / 0.085
    deep = joints.copy()
    for finger in FINGERS:
        facing = np.einsum("pij,i->pj", axes, THUMB_PALMAR if finger == "thumb" else PALMAR)
        chain = HAND21.chain(finger)
        for joint, before, after, depth in zip(
            chain[:3], [chain[0], *chain], chain[1:], DEPTH_MM[finger], strict=False
        ):
            bone = _unit(joints[:, after] - joints[:, before])
            deep[:, joint] += _across(facing, bone) * size * depth / 1000
    return deep


def _across(directions: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Unit vectors of the parts of directions that stand across unit axes."""
    return _unit(directions - (directions * axes).sum(-1, keepdims=True) * axes)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _distance(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.linalg.norm(end - start, axis=-1, keepdims=True)


def _toward(start: np.ndarray, target: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The point at a distance on the average person (row 0), and at that share on everyone.

    So a joint keeps its place in the skin where fingers grow and palms do not.
    """
    share = distance[0] / _distance(start[0], target[0])
    return start + share * (target - start)


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
