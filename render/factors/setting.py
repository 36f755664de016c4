"""What surrounds the hand: the light, and the background that belongs to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeFloat, model_validator

from render.limits import PositiveRange, Range, Share, ShareRange

Kind = Literal["environment", "room", "photograph", "texture"]
KINDS: tuple[Kind, ...] = ("environment", "room", "photograph", "texture")
TexturePattern = Literal["leaves", "noise", "shapes", "gradient"]
TEXTURE_PATTERNS: tuple[TexturePattern, ...] = ("leaves", "noise", "shapes", "gradient")

_LENS_HEIGHT_M = (0.9, 1.8)
"""Of a camera held in the hand, by someone who sits or stands."""


_T = TypeVar("_T")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _counting(limits: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= limits[0] <= limits[1]:
        raise ValueError(f"expected two counts in ascending order, got {limits}")
    return limits


_Counts = Annotated[tuple[int, int], AfterValidator(_counting)]


class RoomRecipe(_Part):
    """Rooms made from nothing: boxes with furniture, windows and lamps."""

    width_m: PositiveRange = Field(default=(2.4, 7.0), description="Of either side of the floor.")
    height_m: PositiveRange = Field(default=(2.2, 3.6), description="Of the ceiling.")
    furniture: _Counts = Field(default=(6, 20), description="Pieces in a room.")
    windows: _Counts = Field(default=(0, 3), description="Windows of a room; without, lamps light.")
    daylight: Share = Field(default=0.7, description="Share of the rooms seen by day.")


class TextureRecipe(_Part):
    """Pictures of nothing, with the spectrum of natural ones."""

    patterns: dict[TexturePattern, NonNegativeFloat] = Field(
        default_factory=lambda: {"leaves": 4.0, "noise": 2.0, "shapes": 2.0, "gradient": 1.0},
        description="Pattern to weight.",
    )
    slope: Range = Field(
        default=(0.8, 1.4), description="Amplitude falls with frequency to this power."
    )

    @model_validator(mode="after")
    def _weighted(self) -> TextureRecipe:
        if sum(self.patterns.values()) <= 0:
            raise ValueError("expected at least one pattern with a positive weight")
        return self


class SettingRecipe(_Part):
    """Light and background."""

    kinds: dict[Kind, NonNegativeFloat] = Field(
        default_factory=lambda: {
            "environment": 4.0,
            "room": 3.0,
            "photograph": 3.0,
            "texture": 1.0,
        },
        description="Kind to weight; that of photographs counts if there is a folder of them.",
    )
    environments: Path | None = Field(
        default=None, description="Folder of .exr and .hdr images; null for Blender's own eight."
    )
    photographs: Path | None = Field(
        default=None, description="Folder of .jpg and .png photographs as backgrounds, or null."
    )
    strength: PositiveRange = Field(default=(0.7, 1.4), description="Mean radiance of the light.")
    crop: ShareRange = Field(
        default=(0.5, 1.0), description="Part of a photograph's shorter side that is seen."
    )
    room: RoomRecipe = Field(default_factory=RoomRecipe, description="Rooms.")
    texture: TextureRecipe = Field(default_factory=TextureRecipe, description="Textures.")

    @model_validator(mode="after")
    def _some_kind(self) -> SettingRecipe:
        if sum(self.weight(kind) for kind in KINDS) <= 0:
            raise ValueError(
                "kinds leaves nothing to choose from, expected a positive weight of a kind other "
                "than photograph, or photographs: a folder"
            )
        if self.crop[0] <= 0:
            raise ValueError(f"crop is {self.crop}, expected shares above 0")
        return self

    def weight(self, kind: Kind) -> float:
        """Weight of a kind, 0 for photographs without a folder."""
        if kind == "photograph" and self.photographs is None:
            return 0.0
        return self.kinds.get(kind, 0.0)


class Room(_Part):
    """A room; the rest of it follows from the setting's seed."""

    size_m: tuple[float, float, float] = Field(description="Width, depth, height.")
    camera_m: tuple[float, float, float] = Field(description="From the room's lowest corner.")
    num_furniture: int = Field(description="Pieces.")
    num_windows: int = Field(description="Windows.")
    by_day: bool = Field(description="Whether its windows are bright.")


class Crop(_Part):
    """The part of a photograph that is seen: a square."""

    side: float = Field(description="Over the photograph's shorter side.")
    left: float = Field(description="0 at the left end of what is possible to 1 at the right.")
    top: float = Field(description="0 at the top to 1 at the bottom.")
    mirrored: bool = Field(description="Left and right exchanged.")


class Texture(_Part):
    """A picture of nothing; the rest of it follows from the setting's seed."""

    pattern: TexturePattern = Field(description="What it is made of.")
    slope: float = Field(description="Amplitude falls with frequency to this power.")


class Setting(_Part):
    """Light and background of an image; with the files it names, enough to make them again."""

    kind: Kind = Field(description="environment, room, photograph or texture.")
    file: str | None = Field(description="Name of the environment image or photograph.")
    seed: int = Field(description="Of everything procedural.")
    rotation_rad: float = Field(description="About the world's vertical.")
    strength: float = Field(description="Mean radiance of the light.")
    room: Room | None = Field(default=None, description="Of kind room.")
    crop: Crop | None = Field(default=None, description="Of kind photograph.")
    texture: Texture | None = Field(default=None, description="Of kind texture.")

    @property
    def name(self) -> str:
        """The file's name, or the kind and the seed of what is made from nothing."""
        return self.file or f"{self.kind} {self.seed}"

    @property
    def distance_m(self) -> float:
        """About how far off the background is, for the blur of the lens."""
        return {"environment": np.inf, "room": 2.0, "photograph": 4.0, "texture": 1.5}[self.kind]

    @property
    def blur_px(self) -> float:
        """Radius of the blur that takes the jags off what is worked out at pixel centres alone."""
        return 0.7 if self.kind in ("room", "texture") else 0.0


def draw_setting(
    recipe: SettingRecipe,
    rng: np.random.Generator,
    environments: list[str],
    photographs: list[str],
) -> Setting:
    """Draws a setting, with the same count of random numbers whatever comes out.

    Args:
        recipe: What to choose from.
        rng: Stream of this factor.
        environments: Names of the environment images, in a fixed order.
        photographs: Names of the photographs, in a fixed order; may be empty without a folder.
    """
    kind: Kind = _weighted(KINDS, [recipe.weight(kind) for kind in KINDS], rng.random())
    place = rng.random()
    seed = int(rng.integers(2**31))
    rotation = rng.uniform(0, 2 * np.pi)
    strength = rng.uniform(*recipe.strength)
    room, crop, texture = _room(recipe.room, rng), _crop(recipe, rng), _texture(recipe.texture, rng)
    files = {"environment": environments, "photograph": photographs}.get(kind)
    return Setting(
        kind=kind,
        file=files[int(place * len(files))] if files is not None else None,
        seed=seed,
        rotation_rad=rotation,
        strength=strength,
        room=room if kind == "room" else None,
        crop=crop if kind == "photograph" else None,
        texture=texture if kind == "texture" else None,
    )


def _weighted(choices: tuple[_T, ...], weights: list[float], uniform: float) -> _T:
    ends = np.cumsum(weights) / np.sum(weights)
    return choices[int(np.searchsorted(ends, uniform, side="right"))]


def _count(limits: tuple[int, int], uniform: float) -> int:
    return limits[0] + int(uniform * (limits[1] - limits[0] + 1))


def _room(recipe: RoomRecipe, rng: np.random.Generator) -> Room:
    width, depth = rng.uniform(*recipe.width_m, 2).tolist()
    height = rng.uniform(*recipe.height_m)
    across, along, up = rng.random(3)
    furniture, windows, day = rng.random(3)
    return Room(
        size_m=(width, depth, height),
        camera_m=(
            width * (0.2 + 0.6 * across),
            depth * (0.2 + 0.6 * along),
            min(_LENS_HEIGHT_M[0] + up * (_LENS_HEIGHT_M[1] - _LENS_HEIGHT_M[0]), 0.8 * height),
        ),
        num_furniture=_count(recipe.furniture, furniture),
        num_windows=_count(recipe.windows, windows),
        by_day=bool(day < recipe.daylight),
    )


def _crop(recipe: SettingRecipe, rng: np.random.Generator) -> Crop:
    side = rng.uniform(*recipe.crop)
    left, top, mirrored = rng.random(3).tolist()
    return Crop(side=side, left=left, top=top, mirrored=mirrored < 0.5)


def _texture(recipe: TextureRecipe, rng: np.random.Generator) -> Texture:
    weights = [recipe.patterns.get(pattern, 0.0) for pattern in TEXTURE_PATTERNS]
    pattern: TexturePattern = _weighted(TEXTURE_PATTERNS, weights, rng.random())
    return Texture(pattern=pattern, slope=rng.uniform(*recipe.slope))
