"""Images of labels, drawn from the meshes: mask, depth, parts, normals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mano_assets.skeleton import MANO16
from render.development.label_images import (
    encode_depth,
    encode_mask,
    encode_normals,
    encode_parts,
)
from render.factors.arm import ArmMesh
from render.labels import other_surfaces
from render.planning import Plan
from render.rasters import Mesh, Raster, rasterise

HAND_ID, OTHER_ID = 1, 2
"""Surfaces of the labelled hand, and all others."""

ARM_PART = MANO16.num_joints + 1
SECOND_HAND_PART = ARM_PART + 1
FIRST_THING_PART = 32
"""Part ids: 0 nothing, 1 to 16 MANO's bones in its order (the palm is the wrist's), 17 the arm from
the wrist on, 18 a second hand and its arm, 32 and above worn and held things in their order."""


def raster_of(plan: Plan, arm_mesh: ArmMesh) -> Raster:
    """All of a plan's surfaces as the camera sees them, the labelled hand first."""
    skin = Mesh(plan.staged.skin_cam_m, arm_mesh.triangles_of(plan.scene.side), HAND_ID)
    others = [
        Mesh(vertices, triangles, OTHER_ID)
        for vertices, triangles in other_surfaces(plan, arm_mesh)
    ]
    return rasterise([skin, *others], np.array(plan.scene.camera_k), plan.scene.size)


def label_images(
    names: Iterable[str], plan: Plan, arm_mesh: ArmMesh, raster: Raster, mask: np.ndarray
) -> dict[str, bytes]:
    """PNG files of the images that are asked for.

    Args:
        names: Of `render.manifest.schema.LABEL_IMAGES`.
        plan: What was rendered.
        arm_mesh: Of the hand.
        raster: Of the plan.
        mask: Of the hand, [S, S] bool.
    """
    smooth = [True, *(solid.smooth for solid in plan.staged.solids)]
    smooth += [True] * (len(raster.meshes) - len(smooth))
    made = {
        "mask": lambda: encode_mask(mask),
        "depth": lambda: encode_depth(raster.depth_m),
        "parts": lambda: encode_parts(part_ids(plan, arm_mesh, raster)),
        "normals": lambda: encode_normals(raster.normals(smooth)),
    }
    return {name: made[name]() for name in names}


def part_ids(plan: Plan, arm_mesh: ArmMesh, raster: Raster) -> np.ndarray:
    """The part that is seen at each pixel's centre, see `FIRST_THING_PART`, uint8, [S, S]."""
    num_solids = len(plan.staged.solids)
    things = FIRST_THING_PART + np.arange(num_solids)
    parts: dict[int, np.ndarray] = {0: triangle_parts(arm_mesh)}
    for number, mesh in enumerate(raster.meshes[1:], start=1):
        part = things[number - 1] if number <= num_solids else SECOND_HAND_PART
        parts[number] = np.full(len(mesh.triangles), part)
    return raster.of_triangles(parts).astype(np.uint8)


def triangle_parts(arm_mesh: ArmMesh) -> np.ndarray:
    """The part of each triangle of a hand with its arm, [F']."""
    bones = arm_mesh.weights[arm_mesh.triangles].sum(1).argmax(1)
    on_arm = arm_mesh.on_arm[arm_mesh.triangles].all(1)
    return np.where(on_arm, ARM_PART, bones + 1)
