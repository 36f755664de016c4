"""Compiled loops of posing: the tree of joints, the blend of their motions, the turn of the arm."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel


@kernel
def tree_motions(rotations, joints, parents):
    """Rotations and places of a tree's joints in the root's frame.

    Args:
        rotations: Of each joint relative to its parent, [B, J, 3, 3].
        joints: Rest joints, [B, J, 3].
        parents: -1 for the root, which comes first, [J].

    Returns:
        Rotations [B, J, 3, 3] and places [B, J, 3].
    """
    turns = np.empty_like(rotations)
    places = np.empty_like(joints)
    for hand in range(len(rotations)):
        for joint in range(len(parents)):
            parent = parents[joint]
            if parent < 0:
                turns[hand, joint] = rotations[hand, joint]
                places[hand, joint] = joints[hand, joint]
                continue
            for row in range(3):
                place = places[hand, parent, row]
                for column in range(3):
                    total = 0.0
                    for between in range(3):
                        total += (
                            turns[hand, parent, row, between]
                            * rotations[hand, joint, between, column]
                        )
                    turns[hand, joint, row, column] = total
                    bone = joints[hand, joint, column] - joints[hand, parent, column]
                    place += turns[hand, parent, row, column] * bone
                places[hand, joint, row] = place
    return turns, places


@kernel
def blended(vertices, weights, turns, shifts):
    """Each vertex moved by the weighted mean of its joints' motions.

    Args:
        vertices: [B, V, 3].
        weights: Mostly zeros, [V, J].
        turns: [B, J, 3, 3].
        shifts: [B, J, 3].

    Returns:
        [B, V, 3].
    """
    moved = np.zeros_like(vertices)
    for hand in range(len(vertices)):
        for vertex in range(vertices.shape[1]):
            x, y, z = vertices[hand, vertex]
            for joint in range(weights.shape[1]):
                weight = weights[vertex, joint]
                if weight == 0.0:
                    continue
                for axis in range(3):
                    moved[hand, vertex, axis] += weight * (
                        turns[hand, joint, axis, 0] * x
                        + turns[hand, joint, axis, 1] * y
                        + turns[hand, joint, axis, 2] * z
                        + shifts[hand, joint, axis]
                    )
    return moved


@kernel
def turned_by_share(vertices, shares, centres, axes):
    """Each vertex turned about a centre by its share of an axis-angle vector (Rodrigues).

    Args:
        vertices: [B, V, 3].
        shares: [V]; a vertex with none stays exactly where it is.
        centres: [B, 3].
        axes: Axis-angle, [B, 3].

    Returns:
        [B, V, 3].
    """
    turned = vertices.copy()
    for hand in range(len(vertices)):
        x, y, z = axes[hand]
        angle = np.sqrt(x * x + y * y + z * z)
        if angle == 0.0:
            continue
        x, y, z = x / angle, y / angle, z / angle
        for vertex in range(len(shares)):
            if shares[vertex] == 0.0:
                continue
            sine = np.sin(shares[vertex] * angle)
            half = np.sin(shares[vertex] * angle / 2)
            versine = 2 * half * half
            px = vertices[hand, vertex, 0] - centres[hand, 0]
            py = vertices[hand, vertex, 1] - centres[hand, 1]
            pz = vertices[hand, vertex, 2] - centres[hand, 2]
            sx, sy, sz = y * pz - z * py, z * px - x * pz, x * py - y * px
            turned[hand, vertex, 0] += sine * sx + versine * (y * sz - z * sy)
            turned[hand, vertex, 1] += sine * sy + versine * (z * sx - x * sz)
            turned[hand, vertex, 2] += sine * sz + versine * (x * sy - y * sx)
    return turned
