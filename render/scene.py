"""A sample as a pure description, and its geometry.

The world's z is up. Without pitch and roll the camera looks along the world's y; it stands at the
origin.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.hand import Hand
from render.posed_hand import PosedHand


class Scene(BaseModel):
    """Everything that makes one image; with the hand's file it is enough to render it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: int = Field(description="Sample number.")
    split: str = Field(description="Name of the split.")
    side: str = Field(description="right or left.")
    distribution: str = Field(description="Pose distribution.")
    family: str = Field(description="Family of the distribution.")
    sequence: str | None = Field(description="Name of the clip, if the sample is of one.")
    frame: int | None = Field(description="Number in the clip.")
    global_orient: list[float] = Field(description="Wrist rotation, camera frame, axis-angle.")
    pose: list[float] = Field(description="MANO pose of the hand's side, 45.")
    wrist: list[float] = Field(description="Hand against the forearm, axis-angle, its side.")
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


def pose_scene(scene: Scene, hand: Hand) -> PosedHand:
    """The geometry of a scene."""
    vertices, joints = hand.posed(
        np.array(scene.global_orient),
        np.array(scene.pose),
        np.array(scene.betas),
        np.array(scene.translation_m),
        scene.side,
        np.array(scene.wrist),
    )
    return PosedHand(vertices, joints)
