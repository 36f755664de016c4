"""Run in a process of its own: which triangles of meshes Blender finds overlapping.

Usage: overlap_with_blender.py MESHES.npz OUTPUT.npz
"""

import sys

import bpy  # noqa: F401  (mathutils is inside it)
import numpy as np
from mathutils.bvhtree import BVHTree


def main() -> None:
    with np.load(sys.argv[1]) as given:
        meshes, triangles = given["meshes"], given["triangles"].tolist()
    found = {}
    for number, vertices in enumerate(meshes):
        tree = BVHTree.FromPolygons(vertices.tolist(), triangles)
        pairs = np.array(tree.overlap(tree), dtype=int).reshape(-1, 2)
        found[str(number)] = np.unique(np.sort(pairs, axis=1), axis=0)
    np.savez(sys.argv[2], **found)


main()
