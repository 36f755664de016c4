"""A hand that anyone may use, in MANO's file format.

Built from sampled people: joints regressed to MANO's places, skin weights, every hand straightened
to a flat rest pose, a shape space of ten components over all of them, and pose correctives. The
forearm belongs to the mesh; it bends at the wrist by an angle of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import finger_pose_basis
from mano_assets.building.joint_placement import palm_axes, place_joints, regress_joints
from mano_assets.building.people import Arms, sample_arms
from mano_assets.building.pose_correctives import fit_pose_correctives
from mano_assets.building.skin_weights import skin_weights
from mano_assets.forearm import forearm_weights
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from mano_assets.skinning import blend

NUM_BETAS = 10
TIP_VERTICES = {"thumb": 744, "index": 320, "middle": 443, "ring": 554, "little": 671}
"""Fingertip vertices of MANO's mesh as `smplx` has them (smplx/vertex_ids.py, "mano"). Our mesh
is numbered so that its fingertips are the same vertices."""

BREADTH_SCALE = (0.93, 0.04)
"""Mean and standard deviation of a factor across the hand. MakeHuman's hands are broader for their
length than people's (`mano_assets.measures`), and slender and broad hands of one length are as
good as missing: breadth over length varies by 2 %, among people by some 5 %."""

_MANO_IN_HAND21 = HAND21.indices(MANO16.joints)
_FOREARM_WEIGHT = 0.15
"""Weight of forearm vertices in the shape space, so that its components describe hands."""


def build_free_hand(num_people: int, seed: int) -> dict[str, Any]:
    """Builds the right hand.

    Args:
        num_people: People the shape space is drawn from.
        seed: Of the draw.

    Returns:
        Arrays by MANO's keys (v_template, shapedirs, posedirs, J_regressor, weights, f,
        kintree_table, hands_mean, hands_components, ...) and by our own: quads, uv, forearm.
        Metres, in MANO's axes: fingers along -x, palm towards -y, thumb at +z, wrist at 0.
    """
    arms, joints21 = _canonical_frame(_numbered_like_mano(sample_arms(num_people, seed)), seed)
    triangles = _triangles(arms.quads)
    weights = skin_weights(arms.vertices[0], triangles, joints21[0], arms.finger_membership)
    regressor = regress_joints(
        arms.vertices, joints21[:, _MANO_IN_HAND21], _regressor_support(arms)
    )
    flat = np.stack([_flattened(person, regressor @ person, weights) for person in arms.vertices])
    flat -= (regressor @ flat)[:, :1]
    forearm = flat[0, :, 0] > 0.015
    template, shapedirs, explained = _shape_space(flat, np.where(forearm, _FOREARM_WEIGHT, 1.0))
    joints = regressor @ template
    mean, components = finger_pose_basis(joints)
    parents = np.array(MANO16.parents, dtype=np.int64)
    parents[0] = 2**32 - 1
    return {
        "v_template": template,
        "shapedirs": shapedirs,
        "posedirs": fit_pose_correctives(template, triangles, weights, joints),
        "J_regressor": regressor,
        "J": joints,
        "weights": weights,
        "f": triangles.astype(np.uint32),
        "kintree_table": np.stack([parents, np.arange(16)]),
        "hands_mean": mean,
        "hands_components": components,
        "bs_style": "lbs",
        "bs_type": "lrotmin",
        "quads": arms.quads.astype(np.uint32),
        "uv": arms.uv,
        "forearm": forearm,
        "forearm_weights": forearm_weights(template, joints),
        "shape_variance_explained": explained,
    }


def _triangles(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _numbered_like_mano(arms: Arms) -> Arms:
    """Swaps vertices so that the fingertips have MANO's numbers."""
    order = np.arange(arms.vertices.shape[1])
    joints = place_joints(arms)[0]
    for finger, number in TIP_VERTICES.items():
        tip = joints[HAND21.index(f"{finger}_tip")]
        distance = np.linalg.norm(arms.vertices[0] - tip, axis=1)
        here = int(np.flatnonzero(order == distance.argmin())[0])
        order[[number, here]] = order[[here, number]]
    rank = np.argsort(order)
    return Arms(
        arms.vertices[:, order],
        arms.heads,
        arms.tails,
        rank[arms.quads],
        {finger: share[order] for finger, share in arms.finger_membership.items()},
        arms.uv,
    )


def _canonical_frame(arms: Arms, seed: int) -> tuple[Arms, np.ndarray]:
    """Every person's hand in MANO's axes with the wrist at the origin, and its 21 joints."""
    joints = place_joints(arms)
    wrist, axes = joints[:, HAND21.root], palm_axes(joints)
    middle, deviation = BREADTH_SCALE
    breadth = np.random.default_rng([seed, 1]).normal(middle, deviation, len(joints))
    breadth[0] = middle

    def turn(points: np.ndarray) -> np.ndarray:
        turned = np.einsum("pij,pvj->pvi", axes, points - wrist[:, None])
        turned[..., 2] *= breadth[:, None]
        return turned

    moved = Arms(
        turn(arms.vertices),
        arms.heads,
        arms.tails,
        arms.quads,
        arms.finger_membership,
        arms.uv,
    )
    return moved, turn(joints)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _regressor_support(arms: Arms) -> dict[int, np.ndarray]:
    """A finger's outer joints are found from that finger's own skin."""
    support = {}
    for finger in FINGERS:
        own = arms.finger_membership[finger] > 0.5
        for joint in HAND21.chain(finger)[1:3]:
            support[MANO16.index(HAND21.joints[joint])] = own
    return support


def _flattened(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same hand with straight fingers in the plane of the palm; the thumb stays as it is."""
    rotations = np.tile(np.eye(3), (16, 1, 1))
    for finger in FINGERS[1:]:
        mcp, pip, dip = MANO16.chain(finger)
        tip = vertices[TIP_VERTICES[finger]]
        first, second, third = (
            _unit(b - a)
            for a, b in ((joints[mcp], joints[pip]), (joints[pip], joints[dip]), (joints[dip], tip))
        )
        straight = _unit((tip - joints[mcp]) * np.array([1.0, 0.0, 1.0]))
        turned = np.eye(3)
        for joint, bone in ((mcp, first), (pip, second), (dip, third)):
            local = _rotation_between(turned @ bone, straight)
            # Rotations are relative to the parent: bring the world rotation into its frame.
            rotations[joint] = turned.T @ local @ turned
            turned = local @ turned
    return blend(vertices, weights, joints, MANO16.parents, rotations)[0]


def _rotation_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Smallest rotation that takes one unit vector to another, [3, 3]."""
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis)
    if sine < 1e-9:
        return np.eye(3)
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, start @ end)).as_matrix()


def _shape_space(
    people: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and ten components such that coefficients are N(0, 1) over the people.

    Returns:
        Template [V, 3], directions [V, 3, 10], cumulative share of the variance [10].
    """
    mean = people.mean(0)
    centred = ((people - mean) * weights[:, None]).reshape(len(people), -1)
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    # Signs are free in an SVD: fix them so that builds agree.
    signs = np.sign(left[np.abs(left).argmax(0), np.arange(len(strength))])
    scores = (left * signs * np.sqrt(len(people) - 1))[:, :NUM_BETAS]
    # Regressing the unweighted vertices on the scores gives the forearm its full motion back.
    directions = np.linalg.lstsq(scores, (people - mean).reshape(len(people), -1), rcond=None)[0]
    explained = np.cumsum(strength**2)[:NUM_BETAS] / (strength**2).sum()
    return mean, directions.T.reshape(*mean.shape, NUM_BETAS), explained
