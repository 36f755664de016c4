"""Run in a process of its own: pairs of meshes in Blender's bounding volumes.

For each pair whether triangles overlap, and the smallest distance from a vertex, or the middle of
an edge or a triangle, of either to the other.

Usage: two_hands_overlap.py PAIRS.npz OUTPUT.npz
"""

import sys

import bpy  # noqa: F401  (mathutils is inside it)
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree


def samples(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    corners = vertices[triangles]
    middles = (corners + np.roll(corners, 1, axis=1)).reshape(-1, 3) / 2
    return np.concatenate([vertices, middles, corners.mean(1)])


def near(points: np.ndarray, others: np.ndarray, most_m: float) -> np.ndarray:
    inside = (points > others.min(0) - most_m) & (points < others.max(0) + most_m)
    return points[inside.all(1)]


def gap_m(tree: BVHTree, points: np.ndarray) -> float:
    most = 0.02
    for point in points:
        found = tree.find_nearest(Vector(point), most)
        if found[3] is not None:
            most = min(most, found[3])
    return most


def main() -> None:
    overlaps, gaps = [], []
    with np.load(sys.argv[1]) as pairs:
        given = zip(*(pairs[key] for key in ("first", "faces", "second", "others")), strict=True)
        for first, faces, second, others in given:
            # Blender's trees hold single precision: the middle of the scene keeps rounding small.
            middle = first.mean(0)
            first, second = first - middle, second - middle
            one = BVHTree.FromPolygons(first.tolist(), faces.tolist())
            other = BVHTree.FromPolygons(second.tolist(), others.tolist())
            overlaps.append(len(one.overlap(other)) > 0)
            gaps.append(
                min(
                    gap_m(one, near(samples(second, others), first, 0.02)),
                    gap_m(other, near(samples(first, faces), second, 0.02)),
                )
            )
    np.savez(sys.argv[2], overlaps=overlaps, gaps_m=gaps)


main()
