"""Things without a place: which kind, how large, of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from render.things import grasps, kinds, materials, nearness
from render.things.description import Role, Thing, ThingKind, numbers
from render.things.fitting import Pose
from render.things.grasps import GraspName
from render.things.kinds import KINDS, KindName
from render.things.library import MeshLibrary
from render.things.materials import Stuff, draw_material
from render.things.shapes import Shape
from render.things.surfaces import Mesh

_MESH_STRETCH = (0.6, 1.4)
_MESH_STUFF: tuple[tuple[Stuff, ...], ...] = (("plastic", "wood", "metal", "rubber", "ceramic"),)

_NUM_HEAD = 4
_NUM_PLACE = max(grasps.NUM_UNIFORMS, nearness.NUM_UNIFORMS)
_NUM_LOOK = kinds.NUM_PARTS * (materials.NUM_UNIFORMS + 1)

NUM_UNIFORMS = _NUM_HEAD + kinds.NUM_UNIFORMS + _NUM_PLACE + _NUM_LOOK
"""Numbers that a thing is drawn with."""


@dataclass(frozen=True)
class Choice:
    """What is chosen from; `render.factors.things.ThingsRecipe` says what each means."""

    kinds: Mapping[KindName, float]
    size_factor: tuple[float, float]
    mesh_share: float
    mesh_size_m: tuple[float, float]
    library: MeshLibrary


@dataclass(frozen=True)
class Candidate:
    """A thing that looks for a place.

    Attributes:
        kind: Procedural kind, or mesh.
        dimensions: Of its kind.
        mesh: File name.
        shape: In its own frame.
        stretch: Least and largest scale.
        place: Numbers within [0, 1) to draw the place with, [6].
        taste: Number within [0, 1) to choose the grasp by.
        stuff: What its parts may be made of.
        looks: Numbers within [0, 1) to draw the materials with, one row a part.
    """

    kind: ThingKind
    dimensions: dict[str, float]
    mesh: str | None
    shape: Shape
    stretch: tuple[float, float]
    place: np.ndarray
    taste: float
    stuff: tuple[tuple[Stuff, ...], ...]
    looks: np.ndarray

    def thing(self, role: Role, pose: Pose, grasp: GraspName | None) -> Thing:
        """The same, with a place."""
        return Thing(
            role=role,
            kind=self.kind,
            grasp=grasp,
            dimensions=self.dimensions,
            mesh=self.mesh,
            rotation_vector=numbers(pose.rotation_vector),
            translation_m=numbers(pose.translation_m),
            scale=numbers(pose.scale),
            materials=tuple(
                draw_material(choices[int(look[0] * len(choices))], look[1:])
                for choices, look in zip(self.stuff, self.looks, strict=False)
            ),
        )

    def placed(self, pose: Pose) -> Mesh:
        """All its parts, camera frame."""
        whole = self.shape.whole
        return Mesh(pose.placed(whole.vertices), whole.triangles)


def draw_candidate(choice: Choice, uniforms: np.ndarray) -> Candidate:
    """A thing.

    Args:
        choice: What to choose from.
        uniforms: Within [0, 1), [NUM_UNIFORMS].
    """
    ends = np.cumsum([_NUM_HEAD, kinds.NUM_UNIFORMS, _NUM_PLACE])
    (is_mesh, which, size, taste), sizes, place, look = np.split(uniforms, ends)
    looks = look.reshape(kinds.NUM_PARTS, -1)
    if choice.library.shapes and is_mesh < choice.mesh_share:
        files = sorted(choice.library.shapes)
        name = files[int(which * len(files))]
        dimensions = {"size_m": _between(choice.mesh_size_m, size)}
        shape = choice.library.sized(name, dimensions["size_m"])
        given = ("mesh", dimensions, name, shape, _MESH_STRETCH)
        return Candidate(*given, place, float(taste), _MESH_STUFF, looks)
    names = list(choice.kinds)
    weights = np.cumsum([choice.kinds[name] for name in names])
    name = names[int(np.searchsorted(weights, which * weights[-1], side="right"))]
    kind = KINDS[name]
    dimensions = kind.dimensions(sizes, _between(choice.size_factor, size))
    given = (name, dimensions, None, kind.build(dimensions), kind.stretch)
    return Candidate(*given, place, float(taste), kind.stuff, looks)


def _between(limits: tuple[float, float], share: float) -> float:
    return float(limits[0] + (limits[1] - limits[0]) * share)
