"""A second hand: on the labelled one, around it, beside, behind or before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, field_validator
from scipy.spatial.transform import Rotation

from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from render.limits import PositiveRange, Share
from render.posed_hand import PosedHand
from render.two_hands.poses import flat_pose, open_pose, pointing_pose
from render.two_hands.search import PlacedHand, Search, View
from render.two_hands.ways import (
    NUM_NORMALS,
    NUM_UNIFORMS,
    MakeWay,
    Relation,
    Way,
    before,
    behind,
    beside,
    clasping,
    laid,
    pointed,
)

SamplePose = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""From random numbers and a shape, [10], to a valid pose of a right hand, wrist first, [48]."""

_WAYS = 24
"""Ways that are drawn for a relation; few have believable arms."""

_CONTACT_M = (2e-4, 8e-4)
"""Gap along the way that is left between hands that touch."""

_CLASP_M = (1e-3, 2e-3)
"""Likewise before the hand closes: the skin of the palm swells as the fingers bend."""

_MOST_BETA = 2.5
_POINTING_SHARE, _SAMPLED_SHARE = 0.35, 0.35
"""Of the touching hands, those that point, and those of a drawn pose; the others lie flat."""


class SecondHandRecipe(BaseModel):
    """A second hand in the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Share = Field(default=0.12, description="Share of images with a second hand.")
    relations: dict[Relation, NonNegativeFloat] = Field(
        default={"touching": 0.3, "clasping": 0.25, "beside": 0.25, "behind": 0.1, "before": 0.1},
        description="Relation to weight: touching, clasping, beside, behind, before.",
    )
    same_side_share: Share = Field(
        default=0.15,
        description="Share of second hands of the labelled hand's own side: another person's.",
    )
    shape_std: float = Field(
        default=0.9, ge=0, le=3, description="Of another person's ten shape coefficients."
    )
    beside_gap_m: PositiveRange = Field(
        default=(0.003, 0.04), description="Gap to a hand beside, metres."
    )
    depth_gap_m: PositiveRange = Field(
        default=(0.005, 0.08), description="Gap to a hand behind or before, metres."
    )
    most_hidden: Share = Field(
        default=0.6, description="Most of the visible joints that the second hand may cover."
    )

    @field_validator("relations")
    @classmethod
    def _weighted(cls, relations: dict[Relation, float]) -> dict[Relation, float]:
        if sum(relations.values()) <= 0:
            raise ValueError("expected at least one relation with a positive weight")
        return relations


class SecondHand(BaseModel):
    """A second hand, in terms of its own side as the labelled one's are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: Literal["right", "left"] = Field(description="right or left.")
    global_orient: list[float] = Field(description="Wrist rotation, camera frame, axis-angle.")
    pose: list[float] = Field(description="MANO pose of its side, 45.")
    wrist: list[float] = Field(description="Hand against the forearm, axis-angle, its side.")
    betas: list[float] = Field(description="Shape, 10.")
    translation_m: list[float] = Field(description="MANO translation, camera frame.")
    relation: Relation = Field(description="To the labelled hand.")


def second_hand_geometry(second: SecondHand, hand: Hand) -> PosedHand:
    """Its vertices and joints in the camera frame."""
    return PosedHand(
        *hand.posed(
            np.array(second.global_orient),
            np.array(second.pose),
            np.array(second.betas),
            np.array(second.translation_m),
            second.side,
            np.array(second.wrist),
        )
    )


def draw_second_hand(
    recipe: SecondHandRecipe,
    rng: np.random.Generator,
    geometry: PosedHand,
    hand: Hand,
    side: str,
    betas: np.ndarray,
    sample_pose: SamplePose,
    camera_k: np.ndarray,
    size_px: int,
) -> SecondHand | None:
    """Draws a second hand that does not run through the labelled one.

    A person's own other hand has the same shape, and arms that one body can have. If the wished
    relation has no room, the hand is put beside the other.

    Args:
        recipe: Its part of the recipe.
        rng: Of this factor.
        geometry: The labelled hand.
        hand: Both are made of it.
        side: Of the labelled hand.
        betas: Its shape, [10].
        sample_pose: Draws a valid pose for a shape; from a stream of its own.
        camera_k: Intrinsics, px, [3, 3].
        size_px: Width and height of the image.

    Returns:
        The hand; None without one, or if there is no room for it.
    """
    present, relation, other_person = rng.random(3)
    shape = np.clip(rng.normal(0, recipe.shape_std, 10), -_MOST_BETA, _MOST_BETA)
    tries = _Numbers(rng), _Numbers(rng)
    if present >= recipe.share:
        return None
    second_side: Literal["right", "left"] = "right" if side == "right" else "left"
    if other_person >= recipe.same_side_share:
        second_side = "left" if side == "right" else "right"
        shape = np.asarray(betas, dtype=float)
    view = View(np.asarray(camera_k, dtype=float), size_px, recipe.most_hidden)
    search = Search(geometry, hand, side, second_side, shape, view)
    wished = _chosen(recipe.relations, relation)
    for name, numbers in zip((wished, "beside"), tries, strict=True):
        placed = _placed(recipe, search, name, numbers, lambda poses: sample_pose(poses, shape))
        if placed is not None:
            return _described(placed, second_side, shape, name)
    return None


class _Numbers:
    """What a relation is drawn from: always as many, and a stream of poses."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.kind, self.gap = rng.random(2)
        self.uniforms = rng.random((_WAYS, NUM_UNIFORMS))
        self.normals = rng.normal(size=(_WAYS, NUM_NORMALS))
        self.poses = np.random.Generator(np.random.Philox(int(rng.integers(2**63))))

    def ways(self, search: Search, make: MakeWay) -> Iterator[Way]:
        """Ways of one kind."""
        for uniforms, normals in zip(self.uniforms, self.normals, strict=True):
            yield search.way(make, uniforms, normals)

    def gap_m(self, limits: tuple[float, float]) -> float:
        """Of a range."""
        return limits[0] + self.gap * (limits[1] - limits[0])


def _chosen(relations: Mapping[Relation, float], share: float) -> Relation:
    names = [name for name in get_args(Relation) if relations.get(name, 0.0) > 0.0]
    edges = np.cumsum([relations[name] for name in names])
    return names[int(np.searchsorted(edges[:-1] / edges[-1], share, side="right"))]


def _placed(
    recipe: SecondHandRecipe,
    search: Search,
    relation: Relation,
    numbers: _Numbers,
    draw_pose: Callable[[np.random.Generator], np.ndarray],
) -> PlacedHand | None:
    if relation == "clasping":
        gap_m = numbers.gap_m(_CLASP_M)
        return search.clasped(open_pose(numbers.poses), numbers.ways(search, clasping), gap_m)
    make, limits = laid, _CONTACT_M
    if relation == "touching":
        if numbers.kind < _POINTING_SHARE:
            make, angles = pointed, pointing_pose(numbers.poses)
        else:
            angles = flat_pose(numbers.poses)
        pose = search.pose(angles)
        if pose is None or numbers.kind > 1 - _SAMPLED_SHARE:
            pose = draw_pose(numbers.poses)
    else:
        make = {"beside": beside, "behind": behind, "before": before}[relation]
        limits = recipe.beside_gap_m if relation == "beside" else recipe.depth_gap_m
        pose = draw_pose(numbers.poses)
    return search.placed(pose, numbers.ways(search, make), relation, numbers.gap_m(limits))


def _described(
    placed: PlacedHand, side: Literal["right", "left"], betas: np.ndarray, relation: Relation
) -> SecondHand:
    pose = placed.pose.reshape(-1, 3) * (MIRROR_AXIS_ANGLE if side == "left" else 1.0)
    return SecondHand(
        side=side,
        global_orient=Rotation.from_matrix(placed.rotation).as_rotvec().tolist(),
        pose=pose[1:].ravel().tolist(),
        wrist=pose[0].tolist(),
        betas=betas.tolist(),
        translation_m=placed.translation_m.tolist(),
        relation=relation,
    )
