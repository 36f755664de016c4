"""Things in the picture beside the labelled hand: surfaces with a plain, procedural material."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Pattern = Literal["plain", "stripes", "checks", "speckle"]

Colour = tuple[float, float, float]
"""Linear RGB albedo."""


class Material(BaseModel):
    """How a surface looks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    colour: Colour = Field(description="Linear RGB albedo.")
    second_colour: Colour = Field(default=(0.5, 0.5, 0.5), description="Of the pattern.")
    pattern: Pattern = Field(default="plain", description="Where the second colour is.")
    period_m: float = Field(default=0.01, gt=0, description="Of the pattern, metres.")
    roughness: float = Field(default=0.6, ge=0, le=1, description="0 mirror to 1 chalk.")
    metallic: float = Field(default=0.0, ge=0, le=1, description="1 is metal.")


@dataclass(frozen=True)
class Solid:
    """A closed or open surface in the camera's frame.

    Attributes:
        name: What it is, as told in the manifest: sleeve, ring, held/cylinder, ...
        vertices_cam_m: [V, 3].
        triangles: Corners anticlockwise from outside, [F, 3].
        material: How it looks.
        smooth: Whether its faces are shaded as one surface.
    """

    name: str
    vertices_cam_m: np.ndarray
    triangles: np.ndarray
    material: Material
    smooth: bool = True
