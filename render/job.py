"""What a Blender process is told to do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from mano_assets.errors import InputError
from render.recipe import DatasetRecipe

Device = Literal["auto", "cpu", "cuda", "optix", "hip", "metal", "oneapi"]


def parse_device(text: str) -> Device:
    """A processor by its name.

    Raises:
        InputError: There is no such kind.
    """
    if text not in get_args(Device):
        raise InputError(f"device: is {text!r}, expected one of {', '.join(get_args(Device))}.")
    return cast(Device, text)


class RenderJob(BaseModel):
    """Parts of a data set for one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: DatasetRecipe = Field(description="Of the data set.")
    hand: Path = Field(description="Folder of the built hand.")
    root: Path = Field(description="Data set folder.")
    parts: list[int] = Field(description="Parts to render.")
    threads: int = Field(
        default=1, ge=0, description="Render threads; 1 is pinned to a core, 0 takes all cores."
    )
    device: Device = Field(default="auto", description="Processor that renders.")
