"""How crops are changed at random: ranges and probabilities. Light to import."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AugmentConfig(BaseModel):
    """Ranges of random changes; a range or probability of zero switches a change off.

    Only geometry and colour are on by default. The others cost time, need a folder, masks or both,
    or are not part of the papers' recipes: their ranges have defaults, and a recipe that wants them
    gives the probability.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scale: float = Field(
        default=0.25, ge=0, le=1, description="Largest zoom in and out, 0.25 for 1/1.25 to 1.25."
    )
    shift: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        description="Largest shift along x and y, share of the crop's side.",
    )
    rotation_rad: float = Field(
        default=math.pi / 6,
        ge=0,
        le=math.pi,
        description="Largest rotation in the image plane, radians.",
    )
    colour: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="Largest relative change of brightness, contrast, saturation.",
    )
    blur: float = Field(default=0.0, ge=0, le=1, description="Probability of a Gaussian blur.")
    blur_sigma: float = Field(
        default=0.015,
        gt=0,
        le=0.1,
        description="Its largest standard deviation, share of the crop's side; drawn for x and y "
        "apart, so that some blurs have a direction.",
    )
    noise: float = Field(default=0.0, ge=0, le=1, description="Probability of white noise.")
    noise_std: float = Field(
        default=0.05, gt=0, le=1, description="Its largest standard deviation; white is 1."
    )
    jpeg: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Probability of JPEG's losses; the slowest of all on a CPU.",
    )
    jpeg_quality: tuple[float, float] = Field(
        default=(30, 95), description="Least and greatest quality, 1 to 100."
    )
    cutout: float = Field(
        default=0.0, ge=0, le=1, description="Probability of an upright square of one colour."
    )
    cutout_side: tuple[float, float] = Field(
        default=(0.1, 0.35), description="Least and greatest side, share of the crop's side."
    )
    occluder: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Probability of a drawn thing in front: an ellipse, a polygon or a bar, plain "
        "or textured.",
    )
    occluder_side: tuple[float, float] = Field(
        default=(0.1, 0.45), description="Least and greatest width, share of the crop's side."
    )
    hidden_joint_weight: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Factor on the weights of joints behind a cut-out or a drawn thing.",
    )
    background: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Probability of another background around the hand's mask. Things held or worn "
        "go with the old one; samples without a mask keep theirs.",
    )
    backgrounds: Path | None = Field(
        default=None,
        description="Folder of pictures for backgrounds; without one, other samples of the batch "
        "with their hands painted over, and noise.",
    )
    fourier: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Probability of mixing low-frequency amplitudes towards another picture's.",
    )
    fourier_mix: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Largest share of the other's amplitudes; FACT's eta is 1.",
    )
    fourier_band: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="Frequencies mixed, along x and y each, in cycles a pixel: FDA's beta, there "
        "0.01 to 0.09; 0.5 is the whole spectrum as in FACT.",
    )
    style_images: Path | None = Field(
        default=None,
        description="Folder of real pictures whose amplitudes are aimed at; other samples of the "
        "batch without one.",
    )
    folder_images: int = Field(
        default=500,
        ge=1,
        description="Pictures of a folder that are kept in memory; of more, every n-th is taken.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> AugmentConfig:
        limits = {"jpeg_quality": (1, 100), "cutout_side": (0, 1), "occluder_side": (0, 1)}
        for name, (least, greatest) in limits.items():
            low, high = getattr(self, name)
            if not least <= low <= high <= greatest:
                raise ValueError(
                    f"{name} is [{low}, {high}], expected two rising numbers from {least} to "
                    f"{greatest}"
                )
        return self

    @property
    def needs_masks(self) -> bool:
        """Whether the hands' masks have to be read."""
        return self.background > 0
