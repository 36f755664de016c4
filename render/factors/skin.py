"""The skin: its tone, what shows on it, how wet it is; procedural or from the user's textures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.errors import InputError
from mano_assets.skin_maps import NUM_VARIANTS
from render.limits import Range, Share, ShareRange

TEXTURE_SUFFIXES = (".png", ".jpg", ".jpeg")


class SkinRecipe(BaseModel):
    """How skins are drawn: evenly between the ends of each range."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tone: ShareRange = Field(
        default=(0.0, 1.0), description="Along the Monk scale, 0 darkest to 1 lightest."
    )
    undertone: Range = Field(default=(-1.0, 1.0), description="-1 cool (pink) to 1 warm (yellow).")
    roughness: ShareRange = Field(default=(0.42, 0.66), description="Of dry skin, 1 is powdery.")
    wet_share: Share = Field(default=0.2, description="Share of images with sweaty or wet skin.")
    wetness: ShareRange = Field(default=(0.1, 0.8), description="Of those, 1 is dripping wet.")
    redness: ShareRange = Field(default=(0.1, 0.9), description="Of knuckles and fingertips.")
    mottling: ShareRange = Field(default=(0.1, 0.8), description="Unevenness of the colour.")
    veins: ShareRange = Field(default=(0.0, 0.9), description="On the back; tendons follow.")
    wrinkles: ShareRange = Field(
        default=(0.35, 1.0), description="Creases, palm lines, wrinkles of the knuckles, grain."
    )
    freckles: ShareRange = Field(default=(0.0, 0.6), description="On the back.")
    hairs: ShareRange = Field(default=(0.0, 0.8), description="On forearm and back.")
    subsurface_share: Share = Field(
        default=0.2, description="Share of images with subsurface scattering, which costs time."
    )
    textures: Path | None = Field(
        default=None,
        description="Folder of colour maps (.png, .jpg) in the hand's own UV layout; for the free "
        "hand that is MakeHuman's of the whole body. None: procedural skin alone.",
    )
    textures_share: Share = Field(
        default=0.5, description="Share of images with such a map, where there is a folder."
    )


class SkinLook(BaseModel):
    """The skin in one image."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tone: float = Field(
        description="0 darkest to 1 lightest along the Monk scale; a texture has its own tone."
    )
    undertone: float = Field(description="-1 cool to 1 warm.")
    roughness: float = Field(description="Of dry skin.")
    wetness: float = Field(description="0 dry to 1 dripping wet.")
    redness: float = Field(description="0 to 1.")
    mottling: float = Field(description="0 to 1.")
    veins: float = Field(description="0 to 1.")
    wrinkles: float = Field(description="0 to 1.")
    freckles: float = Field(description="0 to 1.")
    hairs: float = Field(description="0 to 1.")
    subsurface: bool = Field(description="Whether light scatters below the surface.")
    variant: int = Field(ge=0, description="Which of the baked draws of creases, veins and spots.")
    texture: str | None = Field(default=None, description="Name of the user's colour map.")


def draw_skin(
    recipe: SkinRecipe, rng: np.random.Generator, textures: Sequence[str] = ()
) -> SkinLook:
    """Draws a skin; always the same count of numbers.

    Args:
        recipe: Ranges and shares.
        rng: Stream of this factor.
        textures: Names of the user's colour maps.
    """
    names = (
        "tone", "undertone", "roughness", "redness", "mottling", "veins", "wrinkles", "freckles",
        "hairs",
    )  # fmt: skip
    drawn = {name: float(rng.uniform(*getattr(recipe, name))) for name in names}
    wet, scattering, textured, which = rng.uniform(size=4)
    wetness = float(rng.uniform(*recipe.wetness))
    variant = int(rng.integers(NUM_VARIANTS))
    texture = None
    if textures and textured < recipe.textures_share:
        texture = textures[int(which * len(textures))]
    return SkinLook(
        **drawn,
        wetness=wetness if wet < recipe.wet_share else 0.0,
        subsurface=bool(scattering < recipe.subsurface_share),
        variant=variant,
        texture=texture,
    )


def list_skin_textures(folder: Path | None) -> list[Path]:
    """The colour maps of a folder, sorted by name; none without a folder.

    Raises:
        InputError: The folder holds no image.
    """
    if folder is None:
        return []
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in TEXTURE_SUFFIXES)
    if not files:
        raise InputError(
            f"dataset.skin.textures: {folder} holds no image, expected .png or .jpg colour maps."
        )
    return files
