"""Held and occluding things: procedural ones and a user's meshes, never through the hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, field_validator

from render.limits import PositiveRange, Share, ShareRange
from render.posed_hand import PosedHand
from render.solids import Solid
from render.things import candidates, grasps, nearness
from render.things.candidates import Candidate, Choice, draw_candidate
from render.things.description import Thing, thing_solids
from render.things.fitting import Pose
from render.things.kinds import KINDS, KindName
from render.things.library import MeshLibrary, read_meshes
from render.things.nearness import View
from render.things.obstacle import Flesh, Obstacle, flesh_of
from render.things.occlusion import hides
from render.things.surfaces import Mesh

__all__ = [
    "Flesh", "MeshLibrary", "Thing", "ThingsRecipe", "draw_things", "flesh_of", "library_of",
    "thing_solids",
]  # fmt: skip

_NUM_TRIES = 4
"""Things drawn for a place until one fits it."""

_THIN_M = 0.008
"""Half the thickness below which a long thing is rather pinched than wrapped."""

_RATHER_LYING, _FEW_LAYERS = 0.7, 6
"""Share of flat things that may lie on an open hand, near its palm, before others are tried."""


class ThingsRecipe(BaseModel):
    """Things that the hand holds or that stand in its way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    held_share: Share = Field(default=0.25, description="Share of images with a held thing.")
    near_share: Share = Field(
        default=0.1, description="Share of images with a thing before the hand or beside it."
    )
    kinds: dict[KindName, NonNegativeFloat] = Field(
        default={name: 1.0 for name in KINDS},
        description="Kind to weight: kinds are tried in drawn order until one fits the hand.",
    )
    size_factor: PositiveRange = Field(
        default=(0.85, 1.2), description="Factor on the usual lengths of a kind."
    )
    meshes: Path | None = Field(
        default=None, description="Folder of meshes that trimesh reads: .obj, .ply, .stl, .glb, ..."
    )
    mesh_share: Share = Field(
        default=0.5, description="Share of the folder's meshes among the things, if there is one."
    )
    mesh_size_m: PositiveRange = Field(
        default=(0.05, 0.2), description="Longest side of a mesh of the folder, metres."
    )
    most_mesh_triangles: int = Field(
        default=2000, ge=20, description="Meshes of more triangles are simplified to that many."
    )
    near_cover: ShareRange = Field(
        default=(0.06, 0.4), description="Share of the hand's box that a thing near it covers."
    )
    most_hidden: Share = Field(
        default=0.6, description="Largest share of the joints that things may hide from the camera."
    )

    @field_validator("kinds")
    @classmethod
    def _weighted(cls, kinds: dict[KindName, float]) -> dict[KindName, float]:
        if sum(kinds.values()) <= 0:
            raise ValueError("expected at least one kind with a positive weight")
        return kinds


def library_of(recipe: ThingsRecipe) -> MeshLibrary:
    """The recipe's meshes, read once for all images.

    Raises:
        InputError: The folder holds no mesh, or one that cannot be read.
    """
    return read_meshes(recipe.meshes, recipe.most_mesh_triangles)


def draw_things(
    recipe: ThingsRecipe,
    rng: np.random.Generator,
    geometry: PosedHand,
    flesh: Flesh,
    side: str,
    camera_k: np.ndarray,
    size_px: int,
    library: MeshLibrary,
    placed: Sequence[Solid] = (),
) -> tuple[Thing, ...]:
    """Draws a held thing and one that is in the way, each with its share.

    A thing touches the skin at most; it never passes through the hand or its forearm.

    Args:
        recipe: Of the things.
        rng: As many numbers are taken from it whatever comes of them.
        geometry: The posed hand.
        flesh: The hand, prepared with `flesh_of`.
        side: right or left.
        camera_k: Intrinsics, px, [3, 3].
        size_px: Width and height of the image.
        library: From `library_of` of the same recipe.
        placed: What is there already, such as a sleeve and rings. Things near the hand stay clear
            of it; what is held does not heed it, as flesh under a ring would give way.

    Returns:
        None, one or two things. Where nothing fits, there is none.
    """
    has_held, has_near = rng.random(2) < (recipe.held_share, recipe.near_share)
    for_held, for_near = rng.random((2, _NUM_TRIES, candidates.NUM_UNIFORMS))
    if not (has_held or has_near):
        return ()
    choice = Choice(
        recipe.kinds, recipe.size_factor, recipe.mesh_share, recipe.mesh_size_m, library
    )
    obstacle = Obstacle(flesh, geometry.vertices_cam_m)
    joints = geometry.joints_cam_m
    view = View(joints, np.zeros(len(joints), bool), recipe.most_hidden, camera_k, size_px)
    things: list[Thing] = []
    others = [Mesh(solid.vertices_cam_m, solid.triangles) for solid in placed]
    held = _held(choice, for_held, geometry, side, obstacle, view) if has_held else None
    if held is not None:
        thing, mesh = held
        things.append(thing)
        others.append(mesh)
        view = replace(view, hidden=hides(mesh, joints))
    near = _near(choice, for_near, recipe.near_cover, obstacle, view, others) if has_near else None
    if near is not None:
        things.append(near)
    return tuple(things)


def _held(
    choice: Choice,
    uniforms: np.ndarray,
    geometry: PosedHand,
    side: str,
    obstacle: Obstacle,
    view: View,
) -> tuple[Thing, Mesh] | None:
    palm = grasps.palm_of(geometry.joints_cam_m, side)
    tried = []

    def pose_in(candidate: Candidate, grasp: grasps.GraspName, layers: int) -> Pose | None:
        shape, stretch, drawn = candidate.shape, candidate.stretch, candidate.place
        if grasp == "wrapped":
            return grasps.wrapped(shape, stretch, palm, obstacle, drawn)
        if grasp == "pinched":
            return grasps.pinched(shape, stretch, geometry, palm, obstacle, drawn)
        return grasps.lying(shape, stretch[0], palm, obstacle, drawn, layers)

    for row in uniforms:
        candidate = draw_candidate(choice, row)
        tried.append(candidate)
        for grasp in _order(candidate):
            pose = pose_in(candidate, grasp, _FEW_LAYERS)
            mesh = _allowed(candidate, pose, view)
            if pose is not None and mesh is not None:
                return candidate.thing("held", pose, grasp), mesh
    # What no grasp takes is put where it touches.
    for candidate in tried:
        pose = pose_in(candidate, "lying", grasps.NUM_LAYERS)
        mesh = _allowed(candidate, pose, view)
        if pose is not None and mesh is not None:
            return candidate.thing("held", pose, "lying"), mesh
    return None


def _order(candidate: Candidate) -> tuple[grasps.GraspName, ...]:
    """Grasps to try."""
    shape = candidate.shape
    if shape.form == "flat":
        return ("pinched", "lying") if candidate.taste < _RATHER_LYING else ("pinched",)
    rather_pinched = 0.35 if shape.form == "compact" else 0.75 if shape.radius_m < _THIN_M else 0.0
    if candidate.taste < rather_pinched:
        return ("pinched", "wrapped")
    return ("wrapped", "pinched")


def _near(
    choice: Choice,
    uniforms: np.ndarray,
    cover: tuple[float, float],
    obstacle: Obstacle,
    view: View,
    others: list[Mesh],
) -> Thing | None:
    for row in uniforms:
        candidate = draw_candidate(choice, row)
        shape = candidate.shape
        pose = nearness.nearby(shape, cover, obstacle, view, others, candidate.place)
        if pose is not None:
            return candidate.thing("near", pose, None)
    return None


def _allowed(candidate: Candidate, pose: Pose | None, view: View) -> Mesh | None:
    """The thing where it is, if the view allows it."""
    if pose is None:
        return None
    mesh = candidate.placed(pose)
    return mesh if view.allows(mesh) else None
