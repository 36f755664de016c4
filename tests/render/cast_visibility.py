"""Run in a process of its own: hidden joints with Blender's bounding volumes, one ray at a time.

Usage: cast_visibility.py HAND SCENES.npz OUTPUT.npz
"""

import sys
from pathlib import Path

import bpy  # noqa: F401  (mathutils is inside it)
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from mano_assets.hand import load_hand
from mano_assets.skeleton import HAND21, MANO16

FLESH_SHARE, GAP_M, STEP_M = 0.55, 0.001, 1e-6


def hidden_joints(
    vertices: np.ndarray, joints: np.ndarray, triangles: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    tree = BVHTree.FromPolygons(vertices.tolist(), triangles.tolist())
    wrist, knuckle = joints[HAND21.root], joints[HAND21.index("middle_mcp")]
    flesh_m = FLESH_SHARE * np.linalg.norm(knuckle - wrist)
    hidden = np.zeros(len(joints), dtype=bool)
    for joint, place in enumerate(joints):
        distance = float(np.linalg.norm(place))
        skins = skins_before(tree, Vector(place / distance), distance)
        if skins:
            face, depth, _ = skins[0]
            own = weights[triangles[face]][:, meeting_bones(joint)].sum() / 3
            hidden[joint] = own < 0.5 or distance - depth > flesh_m or comes_out(skins, distance)
    return hidden


def skins_before(tree: BVHTree, direction: Vector, distance: float) -> list:
    """What a ray from the camera crosses: face, distance, and whether it goes in there."""
    skins, start = [], 0.0
    while start < distance - STEP_M:
        reach = distance - STEP_M - start
        _, normal, face, step = tree.ray_cast(direction * start, direction, reach)
        if face is None:
            break
        skins.append((face, start + step, normal.dot(direction) < 0))
        start += step + STEP_M
    return skins


def comes_out(skins: list, distance: float) -> bool:
    layers = 0
    ends = [depth for _, depth, _ in skins[1:]] + [distance]
    for (_, depth, inward), end in zip(skins, ends, strict=True):
        layers += 1 if inward else -1
        if layers <= 0 and end - depth > GAP_M:
            return True
    return False


def meeting_bones(joint: int) -> list[int]:
    name, parent = HAND21.joints[joint], HAND21.parents[joint]
    bones = [name] if name in MANO16.joints else []
    if parent >= 0:
        bones.append(HAND21.joints[parent])
    return MANO16.indices(bones)


def main() -> None:
    hand = load_hand(Path(sys.argv[1]))
    with np.load(sys.argv[2]) as scenes:
        given = zip(scenes["vertices"], scenes["joints"], scenes["left"], strict=True)
        hidden = [
            hidden_joints(
                vertices,
                joints,
                hand.triangles[:, ::-1] if left else hand.triangles,
                hand.arrays["weights"],
            )
            for vertices, joints, left in given
        ]
    np.savez(sys.argv[3], hidden=hidden)


if __name__ == "__main__":
    main()
