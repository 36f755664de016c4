"""The forearm: how it turns at the wrist, and one for a mesh that ends there."""

from __future__ import annotations

from typing import Any

import numpy as np

from mano_assets.building.forearm_loft import arm_frame, loft
from mano_assets.errors import InputError
from mano_assets.skeleton import MANO16
from mano_assets.skinning import smoothstep

_CARPUS, _CENTRE = 0.45, 0.03
"""In shares of wrist to middle MCP: the skin bends over 0.45 on either side of a place 0.03 up the
arm from the wrist joint. For an adult the middle 60 % of the turn take 32 mm, the carpus and the
end of the radius. Over 0.4 some triangles of the free hand turn over at 80 degrees of flexion."""


def forearm_weights(vertices: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """How much each vertex turns with the forearm when the wrist bends.

    It depends on the place along the arm alone: 0 on the hand, 1 on the forearm, about one half at
    the wrist joint, with a continuous derivative.

    Args:
        vertices: At rest, [V, 3].
        joints: MANO's, at rest, [16, 3].

    Returns:
        [V].
    """
    arm = arm_frame(joints)
    place = (vertices - arm.wrist) @ arm.up / arm.palm_m
    return smoothstep(_CENTRE - _CARPUS, _CENTRE + _CARPUS, place)


def turned_forearm(
    vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, wrist_axis_angle: np.ndarray
) -> np.ndarray:
    """Bends the wrist: the hand stays, the forearm turns the other way about the wrist joint.

    Every vertex turns by its share of the angle. Averaging positions instead would thin the wrist
    (the collapse of linear blend skinning; Kavan et al. 2008, Geometric Skinning with Approximate
    Dual Quaternion Blending, section 2). A vertex of weight 0 stays exactly where it is, and so
    does every vertex at angle 0.

    Args:
        vertices: [..., V, 3]. At rest, before skinning: the wrist's rotation then carries hand
            and forearm.
        joints: MANO's, of the same hands, [..., 16, 3].
        weights: From `forearm_weights`, [V].
        wrist_axis_angle: The hand's rotation relative to the forearm, axis-angle in the axes of
            the vertices, [..., 3].

    Returns:
        [..., V, 3].
    """
    # Compiled code is loaded when it is first needed.
    from mano_assets.skinning_kernels import turned_by_share

    vertices, axes = np.asarray(vertices), -np.asarray(wrist_axis_angle, dtype=float)
    batch = np.broadcast_shapes(vertices.shape[:-2], axes.shape[:-1])
    rest, centres, axes = (
        np.ascontiguousarray(
            np.broadcast_to(array, (*batch, *array.shape[-own:])), dtype=float
        ).reshape(-1, *array.shape[-own:])
        for array, own in ((vertices, 2), (joints[..., MANO16.root, :], 1), (axes, 1))
    )
    return turned_by_share(rest, weights, centres, axes).reshape(*batch, *vertices.shape[-2:])


def join_forearm(arrays: dict[str, Any]) -> dict[str, Any]:
    """Continues a mesh that ends at the wrist by a forearm, open at the elbow.

    Across the boundary the surface keeps its slope; over 5 cm its cross-section becomes the
    ellipse of a forearm of the hand's size. Vertices and triangles are appended: those of the hand
    keep their numbers and stay bit for bit. Skin weights and pose directions fade likewise from
    the boundary's to those of joint 0 alone.

    Args:
        arrays: By MANO's keys, as `mano_assets.building.official.load_official` returns them.

    Returns:
        The same with `forearm` (True for the new vertices) and `forearm_weights`, both [V];
        without the keys `quads` and `uv`, which the new faces lack.

    Raises:
        InputError: The mesh has no or several open boundaries, or one far from the wrist.
    """
    template, triangles = arrays["v_template"], arrays["f"].astype(np.int64)
    regressor = arrays["J_regressor"]
    num_hand = len(template)
    loop = _boundary_loop(triangles)
    joints = regressor @ template
    arm = arm_frame(joints)
    away = np.linalg.norm(template[loop].mean(0) - arm.wrist)
    if away > arm.palm_m:
        raise InputError(
            f"f: its boundary lies {100 * away:.0f} cm from the wrist joint, "
            "expected one open boundary at the wrist."
        )
    from_hand, own_share = loft(template, triangles, loop, regressor, arm)
    fade = np.repeat(own_share, len(loop))
    num_new = len(from_hand)
    rings = np.concatenate([loop, np.arange(num_hand, num_hand + num_new)]).reshape(-1, len(loop))

    def extended(directions: np.ndarray) -> np.ndarray:
        flat = directions.reshape(num_hand, -1)
        return np.concatenate([flat, from_hand @ flat]).reshape(-1, *directions.shape[1:])

    joined = {key: value for key, value in arrays.items() if key not in ("quads", "uv")}
    joined["v_template"] = extended(template)
    joined["shapedirs"] = extended(arrays["shapedirs"])
    boundary = np.tile(loop, len(own_share))
    joined["posedirs"] = np.concatenate(
        [arrays["posedirs"], fade[:, None, None] * arrays["posedirs"][boundary]]
    )
    wrist_alone = np.eye(MANO16.num_joints)[MANO16.root]
    faded = fade[:, None] * arrays["weights"][boundary] + (1 - fade[:, None]) * wrist_alone
    joined["weights"] = np.concatenate([arrays["weights"], faded])
    joined["J_regressor"] = np.concatenate([regressor, np.zeros((len(regressor), num_new))], 1)
    joined["f"] = np.concatenate([triangles, _strips(joined["v_template"], rings)]).astype(
        arrays["f"].dtype
    )
    joined["forearm"] = np.arange(num_hand + num_new) >= num_hand
    joined["forearm_weights"] = forearm_weights(joined["v_template"], joints)
    return joined


def _boundary_loop(triangles: np.ndarray) -> np.ndarray:
    """The vertices of the one open boundary, in the order in which its triangles name them."""
    expected = "expected one open boundary at the wrist"
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    num = int(triangles.max()) + 1
    there, back = edges @ [num, 1], edges @ [1, num]
    free = edges[~np.isin(there, back)]
    follower = {int(start): int(end) for start, end in free}
    if len(np.unique(there)) < len(there) or len(follower) < len(free):
        raise InputError(f"f: its triangles are no surface that faces outwards, {expected}.")
    loops = []
    while follower:
        loop = [next(iter(follower))]
        while loop[-1] in follower:
            loop.append(follower.pop(loop[-1]))
        loops.append(loop[:-1])
    if len(loops) != 1:
        raise InputError(f"f: its mesh has {len(loops) or 'no'} open boundaries, {expected}.")
    return np.array(loops[0])


def _strips(vertices: np.ndarray, rings: np.ndarray) -> np.ndarray:
    """Triangles between neighbouring rings [K, N] of vertex numbers, split at the shorter diagonal.

    The first ring runs as the hand's triangles name it, so these name it the other way round.
    """
    near, far = rings[:-1].ravel(), rings[1:].ravel()
    near_next, far_next = np.roll(rings[:-1], -1, 1).ravel(), np.roll(rings[1:], -1, 1).ravel()
    falling, rising = (
        np.linalg.norm(vertices[one] - vertices[other], axis=1)
        for one, other in ((near_next, far), (near, far_next))
    )
    apex = np.where(falling <= rising, far, far_next)
    base = np.where(falling <= rising, near_next, near)
    lower = np.stack([near_next, near, apex], 1)
    upper = np.stack([base, far, far_next], 1)
    return np.concatenate([lower, upper])
