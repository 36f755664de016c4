"""A thing as a pure description, and the surfaces that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from render.solids import Material, Solid
from render.things.fitting import Pose
from render.things.grasps import GraspName
from render.things.kinds import KINDS, KindName
from render.things.library import MeshLibrary
from render.things.shapes import Shape

Role = Literal["held", "near"]
ThingKind = KindName | Literal["mesh"]
Numbers = tuple[float, float, float]


class Thing(BaseModel):
    """A thing that is held or in the way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role = Field(description="held, or near the hand.")
    kind: ThingKind = Field(description="Procedural kind, or mesh.")
    grasp: GraspName | None = Field(description="How it is held; null when it is not.")
    dimensions: dict[str, float] = Field(description="Of its kind; before scale.")
    mesh: str | None = Field(description="File name, when it is of a folder of meshes.")
    rotation_vector: Numbers = Field(description="Of its own axes in the camera's frame.")
    translation_m: Numbers = Field(description="Of its origin, camera frame, metres.")
    scale: Numbers = Field(description="Factors along its own axes.")
    materials: tuple[Material, ...] = Field(min_length=1, description="One a part.")

    @property
    def pose(self) -> Pose:
        """Where it is."""
        turn, shift, scale = (
            np.array(vector) for vector in (self.rotation_vector, self.translation_m, self.scale)
        )
        return Pose(turn, shift, scale)

    @property
    def name(self) -> str:
        """Role and kind."""
        return f"{self.role}/{self.kind}"


def numbers(vector: np.ndarray) -> Numbers:
    """A vector [3] as plain numbers."""
    return (float(vector[0]), float(vector[1]), float(vector[2]))


def shape_of(thing: Thing, library: MeshLibrary) -> Shape:
    """Its shape, in its own frame.

    Raises:
        InputError: Its mesh is not in the library.
    """
    if thing.kind == "mesh":
        return library.sized(thing.mesh or "", thing.dimensions["size_m"])
    return KINDS[thing.kind].build(thing.dimensions)


def thing_solids(things: Iterable[Thing], library: MeshLibrary) -> list[Solid]:
    """The surfaces of things, one a material.

    Args:
        things: From `render.factors.things.draw_things`.
        library: That they were drawn with.

    Raises:
        InputError: A mesh is not in the library.
    """
    solids = []
    for thing in things:
        shape, pose = shape_of(thing, library), thing.pose
        solids += [
            Solid(thing.name, pose.placed(part.vertices), part.triangles, material, shape.smooth)
            for part, material in zip(shape.parts, thing.materials, strict=True)
        ]
    return solids
