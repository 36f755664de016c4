"""What a Blender process is told to do."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from render.recipe import DatasetRecipe


class RenderJob(BaseModel):
    """Parts of a data set for one process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: DatasetRecipe = Field(description="Of the data set.")
    hand: Path = Field(description="Folder of the built hand.")
    root: Path = Field(description="Data set folder.")
    parts: list[int] = Field(description="Parts to render.")
    threads: int = Field(default=1, ge=0, description="Render threads; 0 for all.")
