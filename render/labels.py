"""From a planned sample to a row of the manifest."""

from __future__ import annotations

from typing import Any

import numpy as np

from render.factors.arm import ArmMesh
from render.manifest.conventions import JointState, project
from render.planning import Plan
from render.visibility import first_surfaces_m, hidden_behind

BOX_PADDING = 1.2
"""The hand box is this much larger than the joints' own, as in InterHand2.6M."""


def sample_id(dataset: str, index: int) -> str:
    """Key of a sample."""
    return f"{dataset}-{index:07d}"


def joint_box(joints_px: np.ndarray) -> np.ndarray:
    """Padded box around joints, (x, y, width, height) in px, [4]."""
    low, high = joints_px.min(0), joints_px.max(0)
    size = (high - low) * BOX_PADDING
    return np.concatenate([(low + high) / 2 - size / 2, size])


def label_row(plan: Plan, states: np.ndarray, dataset: str, engine: str) -> dict[str, Any]:
    """A row of the manifest, but for the image's location.

    Args:
        plan: What was rendered.
        states: Of the joints, `joint_states`, [21].
        dataset: Name of the data set, the start of the sample's key.
        engine: Renderer and version.
    """
    scene, geometry = plan.scene, plan.geometry
    joints_px = project(geometry.joints_cam_m, np.array(scene.camera_k))
    return {
        "sample_id": sample_id(dataset, scene.index),
        "index": scene.index,
        "split": scene.split,
        "sequence": scene.sequence,
        "frame": scene.frame,
        "width": scene.size,
        "height": scene.size,
        "camera_k": np.ravel(scene.camera_k).tolist(),
        "cam_from_world": np.ravel(scene.cam_from_world).tolist(),
        "side": scene.side,
        "joints_2d": joints_px.ravel().tolist(),
        "joints_3d": geometry.joints_cam_m.ravel().tolist(),
        "joint_state": [int(value) for value in states],
        "box": joint_box(joints_px).tolist(),
        "mano_global_orient": scene.global_orient,
        "mano_pose": scene.pose,
        "wrist_pose": scene.wrist,
        "mano_betas": scene.betas,
        "mano_trans": scene.translation_m,
        "pose_distribution": scene.distribution,
        "pose_family": scene.family,
        "hardness": plan.hardness.total,
        "hardness_parts": plan.hardness.parts(),
        "environment": scene.setting.name,
        "environment_rotation_rad": scene.setting.rotation_rad,
        "environment_strength": scene.setting.strength,
        "skin_tone": scene.skin.tone,
        "occluder": ", ".join(occluders(plan)) or None,
        "samples_per_pixel": scene.samples,
        "engine": engine,
        "seed": scene.seed,
        "scene": scene.model_dump_json(),
    }


def joint_states(plan: Plan, arm_mesh: ArmMesh) -> np.ndarray:
    """What the camera sees of each joint, and if it does not, why, [21].

    Of several surfaces before a joint the first gives the reason.
    """
    scene, staged = plan.scene, plan.staged
    joints = staged.hand.joints_cam_m
    triangles = arm_mesh.triangles_of(scene.side)
    hidden = hidden_behind(staged.skin_cam_m, joints, triangles, arm_mesh.weights)
    own_m = first_surfaces_m(joints, staged.skin_cam_m, triangles)
    others_m = np.full(len(joints), np.inf)
    for vertices, faces in other_surfaces(plan, arm_mesh):
        others_m = np.minimum(others_m, first_surfaces_m(joints, vertices, faces))
    behind_others = np.isfinite(others_m) & (~hidden | (others_m < own_m))
    joints_px = project(joints, np.array(scene.camera_k))
    inside = ((joints_px >= 0) & (joints_px <= scene.size)).all(1)
    state = np.where(hidden, JointState.SELF_OCCLUDED, JointState.VISIBLE)
    state = np.where(behind_others, JointState.OCCLUDED, state)
    return np.where(inside, state, JointState.OUTSIDE)


def other_surfaces(plan: Plan, arm_mesh: ArmMesh) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices, camera frame, and triangles of all that is not the labelled hand."""
    staged = plan.staged
    surfaces = [(solid.vertices_cam_m, solid.triangles) for solid in staged.solids]
    if plan.scene.second is not None and staged.second_skin_cam_m is not None:
        side = plan.scene.second.hand.side
        surfaces.append((staged.second_skin_cam_m, arm_mesh.triangles_of(side)))
    return surfaces


def occluders(plan: Plan) -> list[str]:
    """Names of what may stand in the way: things and a second hand, not what the hand wears."""
    scene = plan.scene
    names = [f"{thing.role}/{thing.kind}" for thing in scene.things]
    return names if scene.second is None else [*names, f"second hand/{scene.second.hand.relation}"]
