"""The skin cut up: which bone carries each triangle, compact patches, distances along the skin."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import dijkstra

from mano_assets.hand import Hand
from mano_assets.skeleton import MANO16

FOREARM = MANO16.num_joints
"""The forearm's number as a bone of its own, after MANO's."""


def triangle_bones(hand: Hand) -> np.ndarray:
    """The bone that carries most of each triangle, MANO's number or `FOREARM`, [F].

    What turns more with the forearm than with the hand is the forearm's.
    """
    corners = hand.triangles
    bones = hand.arrays["weights"][corners].sum(1).argmax(1)
    forearm_weights = hand.arrays.get("forearm_weights")
    if forearm_weights is not None:
        bones[forearm_weights[corners].mean(1) > 0.5] = FOREARM
    return bones


def compact_patches(
    centres: np.ndarray, groups: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Halves each group of triangles across its longest side until the pieces are small.

    Args:
        centres: Of the triangles, [F, 3].
        groups: Group of each triangle, [F].
        most: Triangles of a patch.

    Returns:
        Order that brings the triangles of a patch together, [F], and the first of each patch in
        that order, with F at the end, [P + 1].
    """
    patches = []
    waiting = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    while waiting:
        members = waiting.pop()
        if len(members) <= most:
            patches.append(members)
            continue
        axis = np.ptp(centres[members], axis=0).argmax()
        ranked = members[np.argsort(centres[members, axis], kind="stable")]
        waiting += [ranked[: len(ranked) // 2], ranked[len(ranked) // 2 :]]
    return np.concatenate(patches), np.cumsum([0, *map(len, patches)])


def skin_distance(vertices: np.ndarray, triangles: np.ndarray, most_m: float) -> np.ndarray:
    """Distance between triangles along the skin: over edges, from corner to nearest corner.

    Args:
        vertices: Metres, [V, 3].
        triangles: [F, 3].
        most_m: Distances beyond are infinite.

    Returns:
        Metres, [F, F].
    """
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    graph = sparse.csr_array((lengths, edges.T), (len(vertices), len(vertices)))
    between = dijkstra(graph, directed=False, limit=most_m).astype(np.float32)
    to_vertices = between[triangles].min(1)
    return np.ascontiguousarray(to_vertices.T)[triangles].min(1)
