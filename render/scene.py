"""A sample as a pure description: drawn from the recipe, posed, placed before the camera.

The world's z is up. Without pitch and roll the camera looks along the world's y; it stands at the
origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from render.poses.distributions import sample_angles
from render.randomness import stream
from render.recipe import DatasetRecipe, SplitRecipe

_CAM_FROM_LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Camera axes (right, down, forward) of a level camera, in the world's (right, forward, up)."""

_PALM_VIEW = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""A right hand in MANO's axes to the camera's: fingers up in the image, palm towards the camera."""

BACK_VIEW = Rotation.from_euler("y", np.pi).as_matrix() @ _PALM_VIEW

_CLEARANCE_M = 0.06
"""The arm keeps this far in front of the camera's plane: it may not reach through the lens."""

_NEAREST_JOINT_M = 0.1
"""No joint comes nearer to the camera: a phone focuses no closer."""

_VIEW_TRIES = 50
_HALVINGS = 24


class Scene(BaseModel):
    """Everything that makes one image; with the hand's file it is enough to render it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: int = Field(description="Sample number.")
    split: str = Field(description="Name of the split.")
    side: str = Field(description="right or left.")
    distribution: str = Field(description="Pose distribution.")
    family: str = Field(description="Family of the distribution.")
    global_orient: list[float] = Field(description="Wrist rotation, camera frame, axis-angle.")
    pose: list[float] = Field(description="MANO pose of the hand's side, 45.")
    betas: list[float] = Field(description="Shape, 10.")
    translation_m: list[float] = Field(description="MANO translation, camera frame.")
    camera_k: list[list[float]] = Field(description="Intrinsics, px.")
    cam_from_world: list[list[float]] = Field(description="Extrinsics [R|t], metres.")
    size: int = Field(description="Image width and height, px.")
    environment: str = Field(description="File name of the environment image.")
    environment_rotation_rad: float = Field(description="About the vertical.")
    environment_strength: float = Field(description="Factor on its radiance.")
    skin_tone: float = Field(description="0 darkest to 1 lightest.")
    skin_roughness: float = Field(description="0 wet to 1 powdery.")
    skin_seed: float = Field(description="Place in the skin's noise.")
    exposure_ev: float = Field(description="Stops.")
    samples: int = Field(description="Path-tracing samples a pixel.")
    denoise: str = Field(description="Quality of the denoiser.")
    jpeg_quality: int = Field(description="Of the file.")
    seed: int = Field(description="Of the renderer.")


@dataclass(frozen=True)
class PosedHand:
    """The hand of a scene in the camera frame, metres: vertices [V, 3] and hand21 [21, 3]."""

    vertices_cam_m: np.ndarray
    joints_cam_m: np.ndarray


def plan_scene(recipe: DatasetRecipe, hand: Hand, environments: list[Path], index: int) -> Scene:
    """Draws a sample.

    Args:
        recipe: Of the data set.
        hand: The hand.
        environments: Environment images to choose from.
        index: Sample number.

    Returns:
        Its scene; the same for the same arguments anywhere.
    """
    split = recipe.split_of(index)
    rng = stream(recipe.seed, "pose", index)
    names = sorted(split.poses)
    weights = np.array([split.poses[name] for name in names])
    distribution = names[rng.choice(len(names), p=weights / weights.sum())]
    family, angles = sample_angles(distribution, rng, recipe.handshapes)
    pose = angles_to_pose(angles, joint_frames(hand.arrays["J"]))

    rng = stream(recipe.seed, "hand", index)
    side = "left" if rng.random() < recipe.left_share else "right"
    betas = np.clip(rng.normal(0, recipe.shape_std, 10), -2.5, 2.5)
    if side == "left":
        pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)

    rng = stream(recipe.seed, "camera", index)
    size = recipe.image.size
    focal = rng.uniform(*recipe.camera.focal_over_width) * size
    camera_k = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1.0]])
    extent = rng.uniform(*recipe.camera.hand_share) * size
    shift = rng.uniform(-1, 1, 2) * recipe.camera.centre_jitter * size
    view = stream(recipe.seed, "view", index)
    tries = 0
    while True:
        tries += 1
        global_orient = Rotation.from_matrix(draw_orientation(split, view)).as_rotvec()
        if side == "left":
            global_orient = global_orient * MIRROR_AXIS_ANGLE
        vertices, joints = hand.posed(global_orient, pose, betas, np.zeros(3), side)
        translation = _place(joints, camera_k, extent, shift)
        if vertices[:, 2].min() + translation[2] > _CLEARANCE_M or tries == _VIEW_TRIES:
            break
    pitch, roll = (
        np.deg2rad(rng.uniform(*limits))
        for limits in (recipe.camera.pitch_deg, recipe.camera.roll_deg)
    )
    tilt = Rotation.from_euler("ZX", [roll, -pitch]).as_matrix()
    cam_from_world = np.concatenate([tilt @ _CAM_FROM_LEVEL, np.zeros((3, 1))], 1)

    rng = stream(recipe.seed, "light", index)
    environment = environments[rng.integers(len(environments))].name
    rotation = rng.uniform(0, 2 * np.pi)
    strength = rng.uniform(*recipe.light.strength)
    exposure = rng.uniform(*recipe.image.exposure_ev)
    rng = stream(recipe.seed, "skin", index)
    return Scene(
        index=index,
        split=split.name,
        side=side,
        distribution=distribution,
        family=family,
        global_orient=global_orient.tolist(),
        pose=pose.tolist(),
        betas=betas.tolist(),
        translation_m=translation.tolist(),
        camera_k=camera_k.tolist(),
        cam_from_world=cam_from_world.tolist(),
        size=size,
        environment=environment,
        environment_rotation_rad=rotation,
        environment_strength=strength,
        skin_tone=rng.uniform(*recipe.skin.tone),
        skin_roughness=rng.uniform(*recipe.skin.roughness),
        skin_seed=rng.uniform(0, 100),
        exposure_ev=exposure,
        samples=recipe.image.samples,
        denoise=recipe.image.denoise,
        jpeg_quality=recipe.image.jpeg_quality,
        seed=int(stream(recipe.seed, "engine", index).integers(2**31)),
    )


def pose_scene(scene: Scene, hand: Hand) -> PosedHand:
    """The geometry of a scene."""
    vertices, joints = hand.posed(
        np.array(scene.global_orient),
        np.array(scene.pose),
        np.array(scene.betas),
        np.array(scene.translation_m),
        scene.side,
    )
    return PosedHand(vertices, joints)


def draw_orientation(split: SplitRecipe, rng: np.random.Generator) -> np.ndarray:
    """Draws the rotation of a right hand into the camera frame, [3, 3].

    The direction that faces the camera is uniform over the cap of `view_spread_deg`.
    """
    frontal = BACK_VIEW if rng.random() < split.back_share else _PALM_VIEW
    cosine = rng.uniform(np.cos(np.deg2rad(split.view_spread_deg)), 1.0)
    around = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(around), np.sin(around), 0.0])
    tilt = Rotation.from_rotvec(axis * np.arccos(cosine))
    roll = np.deg2rad(rng.uniform(-split.roll_spread_deg, split.roll_spread_deg))
    return (Rotation.from_euler("z", roll) * tilt).as_matrix() @ frontal


def _place(
    joints_m: np.ndarray, camera_k: np.ndarray, extent_px: float, shift_px: np.ndarray
) -> np.ndarray:
    """Translation that gives the joints' box the wished extent and centre in the image, [3].

    A hand that would have to come nearer than `_NEAREST_JOINT_M` stays there and is smaller.
    """
    near = _NEAREST_JOINT_M - joints_m[:, 2].min()
    far = near + 4 * camera_k[0, 0] * np.ptp(joints_m, axis=0).max() / extent_px
    depth, offset = far, np.zeros(2)
    # The extent falls with the depth: halving the interval cannot miss.
    for _ in range(_HALVINGS):
        depth = (near + far) / 2
        offset, extent = _centred(joints_m, camera_k[0, 0], depth, shift_px)
        near, far = (depth, far) if extent > extent_px else (near, depth)
    return np.array([*offset, depth])


def _centred(
    joints_m: np.ndarray, focal: float, depth: float, shift_px: np.ndarray
) -> tuple[np.ndarray, float]:
    """Sideways offset that centres the joints' box at a depth, and the box's extent in px."""
    z = joints_m[:, 2] + depth
    axes = np.arange(2)
    offset = np.zeros(2)
    # Newton's steps: the box's centre is piecewise linear in the offset.
    for _ in range(4):
        pixels = focal * (joints_m[:, :2] + offset) / z[:, None]
        low, high = pixels.argmin(0), pixels.argmax(0)
        middle = (pixels[low, axes] + pixels[high, axes]) / 2
        offset = offset - (middle - shift_px) / (focal * (1 / z[low] + 1 / z[high]) / 2)
    pixels = focal * (joints_m[:, :2] + offset) / z[:, None]
    return offset, float(np.ptp(pixels, axis=0).max())
