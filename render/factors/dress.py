"""What is worn: a sleeve, a bracelet or a watch, rings."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.skeleton import FINGERS
from render.dress.bracelet import (
    Bracelet,
    WatchCase,
    bracelet_solids,
    half_length_m,
    place_clear_of_hand,
)
from render.dress.finger_ring import Finger, FingerSkin, Ring, RingPlace, Stone
from render.dress.materials import draw_cloth, draw_dial, draw_metal, draw_stone, draw_strap
from render.dress.skin_of_arm import ArmFaces, SkinOfArm, skin_of_arm
from render.dress.sleeve import Sleeve, cuff_clear_of_hand, sleeve_solid
from render.factors.arm import Arm, ArmMesh
from render.limits import PositiveRange, Range, Share, ShareRange
from render.posed_hand import PosedHand
from render.solids import Solid

_FROM_CUFF_M = 0.004
"""A bracelet is bare when it lies so far below the cuff."""
_HIGHEST_BRACELET_M = 0.085
"""A bracelet that would have to sit higher, to clear the hand, is left off."""


class SleeveRecipe(BaseModel):
    """How sleeves vary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Share = Field(default=0.5, description="How many arms have one.")
    cuff: ShareRange = Field(
        default=(0.08, 1.0), description="Where it begins: 0 at the wrist joint, 1 at the elbow."
    )
    near_wrist_share: Share = Field(
        default=0.5, description="How many are long: they begin in the lowest fifth of that range."
    )
    gap_m: Range = Field(default=(0.0, 0.012), description="Between skin and cloth at the cuff.")
    slack_m: Range = Field(default=(0.0, 0.012), description="How much wider it gets.")
    thickness_m: PositiveRange = Field(default=(0.0008, 0.003), description="Of the cloth.")
    hem_m: Range = Field(default=(0.0, 0.05), description="Breadth of the folded rim.")
    hem_thickness_m: Range = Field(default=(0.0003, 0.003), description="How far it stands out.")
    fold_m: Range = Field(default=(0.001, 0.009), description="Height of folds.")
    patterned_share: Share = Field(default=0.4, description="How many are not plain.")
    value: ShareRange = Field(default=(0.03, 0.98), description="Lightness of colours, HSV.")
    saturation: ShareRange = Field(default=(0.0, 0.8), description="Of colours, HSV.")


class RingShares(BaseModel):
    """How many fingers of each kind wear a ring."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thumb: Share = Field(default=0.02, description="Of thumbs.")
    index: Share = Field(default=0.05, description="Of index fingers.")
    middle: Share = Field(default=0.06, description="Of middle fingers.")
    ring: Share = Field(default=0.15, description="Of ring fingers.")
    little: Share = Field(default=0.03, description="Of little fingers.")


class DressRecipe(BaseModel):
    """How what is worn varies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sleeve: SleeveRecipe = Field(default=SleeveRecipe(), description="Sleeves.")
    bracelet_share: Share = Field(default=0.25, description="Arms with a bracelet or a watch.")
    watch_share: Share = Field(default=0.4, description="How many of these are watches.")
    bracelet_m: PositiveRange = Field(
        default=(0.01, 0.06), description="Of the bracelet's middle from the wrist joint."
    )
    rings: RingShares = Field(default=RingShares(), description="Rings.")
    ring_width_m: PositiveRange = Field(default=(0.002, 0.007), description="Along the finger.")
    stone_share: Share = Field(default=0.25, description="How many rings have a stone.")


class Dress(BaseModel):
    """What is worn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sleeve: Sleeve | None = Field(default=None, description="Over elbow and upper arm.")
    bracelet: Bracelet | None = Field(default=None, description="Or watch.")
    rings: tuple[Ring, ...] = Field(default=(), description="Of thumb to little finger.")


class Wearer:
    """What of a hand decides where worn things lie; worked out once.

    Args:
        arm_mesh: Of the hand.
    """

    def __init__(self, arm_mesh: ArmMesh) -> None:
        self.arm_mesh = arm_mesh
        self.fingers = FingerSkin(arm_mesh.hand)
        self._faces = ArmFaces(arm_mesh.hand, arm_mesh.triangles, arm_mesh.num_vertices)

    def skin(self, geometry: PosedHand, side: str) -> SkinOfArm:
        """The straight arm of a posed hand."""
        return skin_of_arm(self.arm_mesh.straight(geometry, side), self._faces)


def draw_dress(
    recipe: DressRecipe,
    rng: np.random.Generator,
    geometry: PosedHand,
    arm: Arm,
    wearer: Wearer,
    side: str,
) -> Dress:
    """Draws what is worn; what would pass through the hand is moved or left off.

    Args:
        recipe: How it varies.
        rng: Numbers are always drawn in the same count.
        geometry: The posed hand.
        arm: Its arm; without a forearm there are only rings.
        wearer: Of the hand.
        side: right or left.
    """
    sleeve = _draw_sleeve(recipe.sleeve, rng, wearer.arm_mesh.extension.elbow_m)
    bracelet = _draw_bracelet(recipe, rng)
    rings = [_draw_ring(recipe, rng, finger) for finger in FINGERS]
    if not arm.forearm:
        sleeve = bracelet = None
    if sleeve or bracelet:
        skin = wearer.skin(geometry, side)
        if sleeve:
            sleeve = sleeve.model_copy(update={"cuff_m": cuff_clear_of_hand(sleeve, skin)})
        if bracelet:
            place = place_clear_of_hand(bracelet, skin)
            highest = _HIGHEST_BRACELET_M
            if sleeve:
                highest = min(highest, sleeve.cuff_m - _FROM_CUFF_M - half_length_m(bracelet))
            fits = place <= highest
            bracelet = bracelet.model_copy(update={"place_m": place}) if fits else None
    worn: list[RingPlace] = []
    for ring in rings:
        if ring is None:
            continue
        place = RingPlace(ring, wearer.fingers, geometry, side)
        if place.fits() and not any(map(place.passes_through, worn)):
            worn.append(place)
    return Dress(sleeve=sleeve, bracelet=bracelet, rings=tuple(place.ring for place in worn))


def dress_solids(
    dress: Dress, geometry: PosedHand, arm: Arm, wearer: Wearer, side: str
) -> list[Solid]:
    """The surfaces of what is worn, camera frame.

    Args:
        dress: What is worn.
        geometry: The posed hand that it was drawn for.
        arm: Its arm.
        wearer: Of the hand.
        side: right or left.
    """
    solids: list[Solid] = []
    if dress.sleeve or dress.bracelet:
        skin = wearer.skin(geometry, side)
        elbow = wearer.arm_mesh.elbow(skin.straight, arm)
        if dress.sleeve:
            solids.append(sleeve_solid(dress.sleeve, skin, elbow))
        if dress.bracelet:
            solids += bracelet_solids(dress.bracelet, skin, elbow)
    for ring in dress.rings:
        solids += RingPlace(ring, wearer.fingers, geometry, side).solids()
    return solids


def _draw_sleeve(recipe: SleeveRecipe, rng: np.random.Generator, elbow_m: float) -> Sleeve | None:
    worn, long = rng.random() < recipe.share, rng.random() < recipe.near_wrist_share
    low, high = recipe.cuff
    place = low + (high - low) * rng.random() * (0.2 if long else 1.0)
    lengths = {
        name: float(rng.uniform(*getattr(recipe, name)))
        for name in ("gap_m", "slack_m", "thickness_m", "hem_m", "hem_thickness_m", "fold_m")
    }
    seed = int(rng.integers(2**31))
    cloth = draw_cloth(rng, recipe.patterned_share, recipe.value, recipe.saturation)
    if not worn:
        return None
    return Sleeve(cuff_m=place * elbow_m, fold_seed=seed, material=cloth, **lengths)


def _draw_bracelet(recipe: DressRecipe, rng: np.random.Generator) -> Bracelet | None:
    worn, is_watch = rng.random() < recipe.bracelet_share, rng.random() < recipe.watch_share
    place = rng.uniform(*recipe.bracelet_m)
    width, thickness, gap, strap_width = rng.random(4)
    metal, strap, is_metal = draw_metal(rng), draw_strap(rng), rng.random() < 0.6
    radius, height, square = rng.uniform((0.014, 0.006, 2.0), (0.021, 0.011, 6.0))
    is_round = rng.random() < 0.6
    case = WatchCase(
        radius_m=float(radius),
        height_m=float(height),
        squareness=2.0 if is_round else float(square),
        material=draw_metal(rng),
        dial=draw_dial(rng),
    )
    if not worn:
        return None
    band: dict[str, Any] = {
        "width_m": 0.003 + 0.022 * width**2,
        "thickness_m": 0.0015 + 0.0035 * thickness,
        "gap_m": 0.004 * gap,
    }
    if is_watch:
        # A strap lies close, and is narrower than the case.
        band["width_m"] = (1.0 + 0.4 * strap_width) * case.radius_m
        band |= {"thickness_m": 0.0018 + 0.0015 * thickness, "gap_m": 0.0005 * gap}
    material = metal if is_metal else strap
    return Bracelet(place_m=place, material=material, watch=case if is_watch else None, **band)


def _draw_ring(recipe: DressRecipe, rng: np.random.Generator, finger: Finger) -> Ring | None:
    worn, has_stone = rng.random() < getattr(recipe.rings, finger), rng.random()
    place, width = rng.uniform(0.55, 0.65), rng.uniform(*recipe.ring_width_m)
    thickness, radius = rng.uniform(0.0008, 0.0018), rng.uniform(0.0018, 0.0045)
    metal, material = draw_metal(rng), draw_stone(rng)
    if not worn:
        return None
    stone = Stone(radius_m=float(radius), material=material)
    # The back of a thumb does not lie where the other fingers' does.
    set_with_stone = has_stone < recipe.stone_share and finger != "thumb"
    return Ring(
        finger=finger,
        place=float(place),
        width_m=float(width),
        thickness_m=float(thickness),
        material=metal,
        stone=stone if set_with_stone else None,
    )
