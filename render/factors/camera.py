"""The camera: which kind, how far off, where in its frame the hand is, and the crop around it.

The picture is a crop of a larger frame, as in the real data sets: the kind of camera and the
distance make the perspective, the crop makes the size of the hand in the picture.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

from render.limits import PositiveRange, Range, Share

CameraKind = Literal["phone", "webcam", "headset", "system"]


class CameraKindRecipe(BaseModel):
    """One kind of camera."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    focal_over_frame: PositiveRange = Field(
        description="Focal length in widths of the whole frame: 0.5 sees 90 degrees."
    )
    distance_m: PositiveRange = Field(description="Depth at which the hand stands.")


def _kinds() -> dict[CameraKind, CameraKindRecipe]:
    def kind(focal: tuple[float, float], distance_m: tuple[float, float]) -> CameraKindRecipe:
        return CameraKindRecipe(focal_over_frame=focal, distance_m=distance_m)

    return {
        "phone": kind((0.66, 1.0), (0.25, 1.2)),
        "webcam": kind((0.62, 1.0), (0.3, 0.9)),
        "headset": kind((0.42, 0.7), (0.22, 0.6)),
        "system": kind((1.0, 2.4), (0.7, 3.0)),
    }


class CameraRecipe(BaseModel):
    """Cameras and the crops of their frames."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: dict[CameraKind, FiniteFloat] = Field(
        default={"phone": 0.4, "webcam": 0.2, "headset": 0.2, "system": 0.2},
        description="Kind of camera to weight.",
    )
    kinds: dict[CameraKind, CameraKindRecipe] = Field(
        default_factory=_kinds,
        description="What the kinds are. Phones' main and front cameras are 24 to 28 mm in 35 mm "
        "terms, 0.67 to 0.78 widths, portraits 36; webcams see 53 to 78 degrees, headsets' colour "
        "cameras 70 to 100. The distances are a stated choice.",
    )
    frame_share: Share = Field(
        default=0.7, description="The hand is off the axis by at most this share of half a frame."
    )
    hand_share: PositiveRange = Field(
        default=(0.2, 0.85),
        description="Longer side of the hand's joints over the picture's width; in a clip, of the "
        "room in which it moves. A crop is never larger than its frame.",
    )
    centre_jitter: float = Field(
        default=0.08, ge=0, le=0.5, description="Largest shift off the centre, picture widths."
    )
    pitch_deg: Range = Field(default=(-35.0, 20.0), description="Camera looks up (+) or down (-).")
    roll_deg: Range = Field(default=(-12.0, 12.0), description="Camera turned about its axis.")

    @field_validator("weights")
    @classmethod
    def _weighted(cls, weights: dict[CameraKind, FiniteFloat]) -> dict[CameraKind, float]:
        if not weights or sum(weights.values()) <= 0 or min(weights.values()) < 0:
            raise ValueError("expected at least one kind of camera with a positive weight")
        return weights


class Camera(BaseModel):
    """A camera and a crop of its frame, before it is known how large the hand is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: CameraKind = Field(description="phone, webcam, headset or system.")
    focal_over_frame: float = Field(description="Focal length in widths of the whole frame.")
    distance_m: float = Field(description="Wished depth of the hand.")
    off_axis: list[float] = Field(description="Tangents of the direction to the hand, right, down.")
    hand_share: float = Field(description="Wished longer side of the joints, picture widths.")
    jitter: list[float] = Field(description="Joints' box off the picture's centre, widths.")
    pitch_rad: float = Field(description="Up (+) or down (-).")
    roll_rad: float = Field(description="About the axis.")


def draw_camera(recipe: CameraRecipe, rng: np.random.Generator) -> Camera:
    """A camera of a recipe."""
    weights = np.array(list(recipe.weights.values()))
    name = list(recipe.weights)[rng.choice(len(weights), p=weights / weights.sum())]
    kind = recipe.kinds[name]
    focal = rng.uniform(*kind.focal_over_frame)
    # Evenly in the reciprocal: as many near hands as the room for far ones would crowd out.
    near, far = kind.distance_m
    distance = 1 / rng.uniform(1 / far, 1 / near)
    half_frame = 0.5 / focal * np.array([1.0, 0.75]) * recipe.frame_share
    off_axis = rng.uniform(-1, 1, 2) * half_frame
    share = rng.uniform(*recipe.hand_share)
    jitter = rng.uniform(-1, 1, 2) * recipe.centre_jitter
    pitch, roll = (
        np.deg2rad(rng.uniform(*limits)) for limits in (recipe.pitch_deg, recipe.roll_deg)
    )
    return Camera(
        kind=name,
        focal_over_frame=focal,
        distance_m=distance,
        off_axis=off_axis.tolist(),
        hand_share=share,
        jitter=jitter.tolist(),
        pitch_rad=pitch,
        roll_rad=roll,
    )
