"""Skin weights by bone heat, and posing by linear blend skinning."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from mano_assets.geometry.surface import cotangent_laplacian, vertex_areas


def segment_distance(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of points to a segment, [N, 3] -> [N]."""
    axis = end - start
    along = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
    return np.linalg.norm(points - start - along[:, None] * axis, axis=1)


def smoothstep(start: float, end: float, values: np.ndarray) -> np.ndarray:
    """0 before the start, 1 after the end, a cubic with level ends between, [...]."""
    share = np.clip((values - start) / (end - start), 0, 1)
    return share * share * (3 - 2 * share)


def bone_heat(
    vertices: np.ndarray, triangles: np.ndarray, distances_m: np.ndarray, allowed: np.ndarray
) -> np.ndarray:
    """Skin weights as heat that flows from each vertex's nearest bone over the surface.

    Baran and Popovic, Automatic Rigging and Animation of 3D Characters, SIGGRAPH 2007, section 4:
    solve (L + M H) w_i = M H p_i with H = 1 / d^2 and M the vertices' areas. Which bones a vertex
    can see is given instead of tested.

    Args:
        vertices: Metres, [V, 3].
        triangles: [F, 3].
        distances_m: Distance of each vertex to each bone, [V, B].
        allowed: Whether a bone may be a vertex's nearest, [V, B].

    Returns:
        Weights, rows sum to one, [V, B].
    """
    distances = np.where(allowed, distances_m, np.inf)
    nearest = distances.argmin(1)
    heat = vertex_areas(vertices, triangles) / np.maximum(distances.min(1), 1e-3) ** 2
    laplacian = cotangent_laplacian(vertices, triangles)
    solver = splu((laplacian + sparse.diags_array(heat)).tocsc())
    onehot = np.eye(distances.shape[1])[nearest]
    weights = np.clip(solver.solve(heat[:, None] * onehot), 0, None)
    return weights / weights.sum(1, keepdims=True)


def blend(
    vertices: np.ndarray,
    weights: np.ndarray,
    joints: np.ndarray,
    parents: tuple[int, ...],
    rotations: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Linear blend skinning along a tree of joints.

    Args:
        vertices: Rest vertices, [..., V, 3].
        weights: [V, J].
        joints: Rest joints, [..., J, 3].
        parents: Parent of each joint, -1 for the root.
        rotations: Of each joint relative to its parent, [..., J, 3, 3].

    Returns:
        Posed vertices [..., V, 3] and posed joints [..., J, 3].
    """
    # Compiled code is loaded when it is first needed.
    from mano_assets.skinning_kernels import blended, tree_motions

    batch = np.broadcast_shapes(vertices.shape[:-2], joints.shape[:-2], rotations.shape[:-3])
    rest, rest_joints, relative = (
        np.ascontiguousarray(
            np.broadcast_to(array, (*batch, *array.shape[-own:])), dtype=float
        ).reshape(-1, *array.shape[-own:])
        for array, own in ((vertices, 2), (joints, 2), (rotations, 3))
    )
    turns, places = tree_motions(relative, rest_joints, np.array(parents))
    shifts = places - (turns @ rest_joints[..., None])[..., 0]
    moved = blended(rest, np.ascontiguousarray(weights), turns, shifts)
    return moved.reshape(*batch, *moved.shape[1:]), places.reshape(*batch, *places.shape[1:])
