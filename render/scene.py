"""A sample as a pure description.

The world's z is up. Without pitch and roll the camera looks along the world's y; it stands at the
origin.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.hand import Hand
from render.factors.arm import Arm
from render.factors.camera import Camera
from render.factors.dress import Dress
from render.factors.second_hand import SecondHand
from render.factors.sensor import Sensor
from render.factors.setting import Setting
from render.factors.skin import SkinLook
from render.factors.things import Thing
from render.posed_hand import PosedHand


class SecondPerson(BaseModel):
    """The second hand with what belongs to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hand: SecondHand = Field(description="Its pose and place.")
    skin: SkinLook = Field(description="Its skin.")
    arm: Arm = Field(description="Its arm.")
    dress: Dress = Field(description="What it wears.")


class Scene(BaseModel):
    """Everything that makes one image.

    With the hand's file and the recipe's folders of images and meshes it is enough to render it
    again.
    """

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
    camera: Camera = Field(description="Camera and crop as they were drawn.")
    camera_k: list[list[float]] = Field(description="Intrinsics, px.")
    cam_from_world: list[list[float]] = Field(description="Extrinsics [R|t], metres.")
    size: int = Field(description="Image width and height, px.")
    setting: Setting = Field(description="Light and background.")
    skin: SkinLook = Field(description="The labelled hand's skin.")
    arm: Arm = Field(description="Its arm.")
    dress: Dress = Field(description="What it wears.")
    things: tuple[Thing, ...] = Field(description="Held and occluding things.")
    second: SecondPerson | None = Field(description="Another hand.")
    sensor: Sensor = Field(description="Lens, sensor, file.")
    samples: int = Field(description="Path-tracing samples a pixel.")
    denoise: str = Field(description="Quality of the denoiser.")
    seed: int = Field(description="Of the renderer.")
    attempt: int = Field(description="Lights that were drawn before because the image was flawed.")


def pose_scene(scene: Scene, hand: Hand) -> PosedHand:
    """The labelled hand of a scene."""
    vertices, joints = hand.posed(
        np.array(scene.global_orient),
        np.array(scene.pose),
        np.array(scene.betas),
        np.array(scene.translation_m),
        scene.side,
        np.array(scene.wrist),
    )
    return PosedHand(vertices, joints)
