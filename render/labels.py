"""From a planned sample to a row of the manifest."""

from __future__ import annotations

from typing import Any

import numpy as np

from render.manifest.conventions import JointState, project
from render.planning import Plan

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


def label_row(plan: Plan, dataset: str, engine: str) -> dict[str, Any]:
    """A row of the manifest, but for the image's location.

    Args:
        plan: What was rendered.
        dataset: Name of the data set, the start of the sample's key.
        engine: Renderer and version.
    """
    scene, geometry = plan.scene, plan.geometry
    joints_px = project(geometry.joints_cam_m, np.array(scene.camera_k))
    inside = ((joints_px >= 0) & (joints_px <= scene.size)).all(1)
    state = np.where(plan.hidden, JointState.SELF_OCCLUDED, JointState.VISIBLE)
    state = np.where(inside, state, JointState.OUTSIDE)
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
        "joint_state": [int(value) for value in state],
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
        "environment": scene.environment,
        "environment_rotation_rad": scene.environment_rotation_rad,
        "environment_strength": scene.environment_strength,
        "skin_tone": scene.skin_tone,
        "samples_per_pixel": scene.samples,
        "engine": engine,
        "seed": scene.seed,
        "scene": scene.model_dump_json(),
    }
