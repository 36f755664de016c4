"""The camera from its lens to its file: what a photograph adds to the light of the scene."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    model_validator,
)

from render.factors.camera import CameraKind
from render.limits import PositiveRange, Range, Share, ShareRange

Moving = Literal["nothing", "hand", "camera"]

_APERTURES_MM: dict[CameraKind, tuple[float, float]] = {
    "phone": (1.5, 3.8),
    "webcam": (1.0, 2.0),
    "headset": (0.8, 1.8),
    "system": (5.0, 30.0),
}
"""Focal length over f-number: phones 2.7 mm f/1.8 to 6.9 mm f/1.8, webcams 3.7 mm f/2, system
cameras 24 mm f/4 to 50 mm f/1.8."""


def _qualities(limits: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= limits[0] <= limits[1] <= 100:
        raise ValueError(f"expected two qualities from 1 to 100 in ascending order, got {limits}")
    return limits


class SensorRecipe(BaseModel):
    """How cameras are drawn; the defaults are those of photographs on the internet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aperture_mm: dict[CameraKind, PositiveRange] = Field(
        default_factory=lambda: dict(_APERTURES_MM),
        description="Diameter of the lens's opening by kind, evenly in its logarithm.",
    )
    defocus_share: Share = Field(default=1.0, description="Share with depth of field.")
    focus_error_dioptres: NonNegativeFloat = Field(
        default=0.2, description="Standard deviation of 1/focus distance about 1/hand's, 1/m."
    )
    motion_share: Share = Field(default=0.25, description="Share with motion blur.")
    motion_length: PositiveRange = Field(
        default=(0.004, 0.04),
        description="Way during the exposure over the image's width, evenly in its logarithm.",
    )
    camera_moves_share: Share = Field(
        default=0.4, description="Of those, share where the camera moves and not the hand."
    )
    metered: bool = Field(default=True, description="Whether the exposure follows the picture.")
    metering_limit_ev: NonNegativeFloat = Field(
        default=2.5, description="Most that metering changes, stops."
    )
    exposure_error_ev: NonNegativeFloat = Field(
        default=0.5, description="Standard deviation, stops."
    )
    white_balance_error_mired: NonNegativeFloat = Field(
        default=18.0, description="Standard deviation along the colour temperature."
    )
    tint_error_duv: NonNegativeFloat = Field(
        default=0.003, description="Standard deviation across it, towards green."
    )
    vignetting: ShareRange = Field(default=(0.0, 0.25), description="Loss in the corners.")
    noise_share: Share = Field(default=1.0, description="Share with noise.")
    electrons_at_white: PositiveRange = Field(
        default=(700.0, 60000.0),
        description="Collected by a pixel of diffuse white, evenly in the logarithm: few at high "
        "ISO, many at low.",
    )
    read_noise_electrons: PositiveRange = Field(
        default=(1.5, 8.0), description="Standard deviation in the dark."
    )
    contrast: PositiveRange = Field(
        default=(1.15, 1.6), description="Slope of the tone curve in logarithms."
    )
    sharpening_share: Share = Field(default=0.5, description="Share with sharpening.")
    sharpening: PositiveRange = Field(default=(0.2, 1.0), description="Share of detail added.")
    jpeg_quality: Annotated[tuple[int, int], AfterValidator(_qualities)] = Field(
        default=(60, 96), description="Of the file."
    )
    jpeg_half_chroma_share: Share = Field(
        default=0.7, description="Share with 4:2:0 chroma; the others have 4:4:4."
    )

    @model_validator(mode="after")
    def _complete(self) -> SensorRecipe:
        missing = [kind for kind in get_args(CameraKind) if kind not in self.aperture_mm]
        if missing:
            raise ValueError(f"aperture_mm lacks {missing[0]}, expected one of each kind of camera")
        return self


PLAIN_CONTRAST = 1.3
"""Of a camera without a look of its own."""


class Sensor(BaseModel):
    """The camera of one image; with the layers of light it is enough to develop it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aperture_mm: float = Field(ge=0, description="Diameter of the opening; 0 is a pinhole.")
    focus_m: float = Field(gt=0, description="Distance in focus.")
    moving: Moving = Field(description="nothing, hand or camera.")
    motion_px: float = Field(ge=0, description="Length of the way during the exposure.")
    motion_direction_rad: float = Field(description="From the image's x to its y.")
    metered: bool = Field(description="Whether the exposure follows the picture.")
    metering_limit_ev: float = Field(ge=0, description="Most that metering changes, stops.")
    exposure_ev: float = Field(description="On top of what is metered, stops.")
    white_balance_mired: float = Field(description="The light is this much warmer than assumed.")
    tint_duv: float = Field(description="And this much greener, in CIE 1960 uv.")
    vignetting: float = Field(ge=0, le=1, description="Loss in the corners.")
    electrons_at_white: float | None = Field(description="Of a pixel; null is free of noise.")
    read_noise_electrons: float = Field(ge=0, description="Standard deviation in the dark.")
    noise_seed: int = Field(ge=0, description="Key of the noise's own stream.")
    contrast: float = Field(gt=0, description="Slope of the tone curve in logarithms.")
    sharpening: float = Field(ge=0, description="Share of detail added.")
    jpeg_quality: int = Field(ge=1, le=100, description="Of the file.")
    jpeg_half_chroma: bool = Field(description="4:2:0, else 4:4:4.")


def draw_sensor(
    recipe: SensorRecipe,
    rng: np.random.Generator,
    kind: CameraKind,
    size: int,
    hand_distance_m: float,
) -> Sensor:
    """Draws a camera; always the same count of numbers, so that shares change nothing else.

    Args:
        recipe: Ranges and shares.
        rng: Stream of this factor.
        kind: Of the camera.
        size: Image width, px.
        hand_distance_m: z of the labelled hand, which the camera means to focus on.
    """
    (
        opening,
        defocused,
        moves,
        camera_moves,
        way,
        direction,
        corner,
        noisy,
        electrons,
        read_noise,
        contrast,
        sharpened,
        sharpening,
        quality,
        half_chroma,
    ) = rng.random(15).tolist()
    focus, exposure, temperature, tint = rng.standard_normal(4).tolist()
    noise_seed = int(rng.integers(2**32))

    # A lens does not focus beyond infinity; 5 cm is nearer than any of them does.
    vergence = np.clip(1 / hand_distance_m + recipe.focus_error_dioptres * focus, 1e-3, 20.0)
    moving: Moving = "nothing"
    if moves < recipe.motion_share:
        moving = "camera" if camera_moves < recipe.camera_moves_share else "hand"
    return Sensor(
        aperture_mm=(
            _between_logarithms(recipe.aperture_mm[kind], opening)
            if defocused < recipe.defocus_share
            else 0.0
        ),
        focus_m=float(1 / vergence),
        moving=moving,
        motion_px=(
            0.0 if moving == "nothing" else size * _between_logarithms(recipe.motion_length, way)
        ),
        motion_direction_rad=np.pi * direction,
        metered=recipe.metered,
        metering_limit_ev=recipe.metering_limit_ev,
        exposure_ev=recipe.exposure_error_ev * exposure,
        white_balance_mired=recipe.white_balance_error_mired * temperature,
        tint_duv=recipe.tint_error_duv * tint,
        vignetting=_between(recipe.vignetting, corner),
        electrons_at_white=(
            _between_logarithms(recipe.electrons_at_white, electrons)
            if noisy < recipe.noise_share
            else None
        ),
        read_noise_electrons=_between_logarithms(recipe.read_noise_electrons, read_noise),
        noise_seed=noise_seed,
        contrast=_between(recipe.contrast, contrast),
        sharpening=(
            _between(recipe.sharpening, sharpening) if sharpened < recipe.sharpening_share else 0.0
        ),
        jpeg_quality=min(
            recipe.jpeg_quality[0]
            + int(quality * (recipe.jpeg_quality[1] - recipe.jpeg_quality[0] + 1)),
            recipe.jpeg_quality[1],
        ),
        jpeg_half_chroma=half_chroma < recipe.jpeg_half_chroma_share,
    )


def without_blur(sensor: Sensor) -> Sensor:
    """The same camera with a pinhole, all still."""
    still = {"aperture_mm": 0.0, "moving": "nothing", "motion_px": 0.0}
    return sensor.model_copy(update=still)


def plain_sensor(sensor: Sensor) -> Sensor:
    """A camera without faults in its place; it still meters."""
    plain = {
        "exposure_ev": 0.0,
        "white_balance_mired": 0.0,
        "tint_duv": 0.0,
        "vignetting": 0.0,
        "electrons_at_white": None,
        "contrast": PLAIN_CONTRAST,
        "sharpening": 0.0,
        "jpeg_quality": 95,
        "jpeg_half_chroma": False,
    }
    return without_blur(sensor).model_copy(update=plain)


def _between(limits: Range, share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * share


def _between_logarithms(limits: Range, share: float) -> float:
    return float(np.exp(_between((np.log(limits[0]), np.log(limits[1])), share)))
