"""A sleeve: cloth lofted round the straight arm, and bent with it."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.skinning import smoothstep
from render.dress.arm_extension import tube_triangles
from render.dress.elbow import Elbow
from render.dress.sections import inside, outline
from render.dress.skin_of_arm import SkinOfArm
from render.solids import Material, Solid

_NUM_SIDES = 40
_STEP_M = 0.009
_HEM_EDGE_M = 0.0015
_LINING_M = 0.025
_BEYOND_END_M = 0.006
_LEAST_GAP_M = 0.003
"""Between skin and lining: the straight sides of skin and cloth part by less at the elbow."""
_CROOK_M, _CROOK_REACH_M = 0.008, 0.09
"""Cloth gathers in the crook of the elbow. There the skin's long faces stand off the bent arm by up
to 1.5 mm, and a gap is pressed to a third."""
_NUM_FOLDS = 5
_FOLD_LENGTH_M = (0.025, 0.08)
_FROM_HAND_M = 0.006
"""The cuff stays so far above any part of the hand that it would touch: about half an edge of the
skin's triangles more than the cloth is thick."""


class Sleeve(BaseModel):
    """A sleeve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cuff_m: float = Field(gt=0, description="Where it begins, up the unstretched arm, metres.")
    gap_m: float = Field(ge=0, description="Between skin and cloth at the cuff, metres.")
    slack_m: float = Field(ge=0, description="How much wider it is at the elbow, metres.")
    thickness_m: float = Field(gt=0, description="Of the cloth, metres.")
    hem_m: float = Field(ge=0, description="Breadth of the folded rim, metres.")
    hem_thickness_m: float = Field(ge=0, description="By which the rim stands out, metres.")
    fold_m: float = Field(ge=0, description="Height of folds, metres.")
    fold_seed: int = Field(ge=0, description="Which folds.")
    material: Material = Field(description="Of the cloth.")


def cuff_clear_of_hand(sleeve: Sleeve, arm: SkinOfArm) -> float:
    """The cuff's place, moved up the arm past all of the hand that would pass through cloth.

    Args:
        sleeve: As it is wished.
        arm: The posed arm.
    """
    hand = arm.hand_above(sleeve.cuff_m - _FROM_HAND_M)
    if len(hand) == 0:
        return sleeve.cuff_m
    most = sleeve.gap_m + sleeve.slack_m + sleeve.thickness_m + sleeve.hem_thickness_m
    most += 2 * sleeve.fold_m + _LEAST_GAP_M + _FROM_HAND_M
    stations = np.arange(sleeve.cuff_m - _STEP_M, hand[:, 2].max() + 2 * _STEP_M, _STEP_M)
    reach = arm.reach(stations, _STEP_M, _NUM_SIDES) + most
    station = np.rint((hand[:, 2] - stations[0]) / _STEP_M).astype(int)
    touching = inside(hand[:, :2], reach[np.clip(station, 0, len(stations) - 1)])
    if not touching.any():
        return sleeve.cuff_m
    return max(sleeve.cuff_m, float(hand[touching, 2].max()) + _FROM_HAND_M)


def sleeve_solid(sleeve: Sleeve, arm: SkinOfArm, elbow: Elbow) -> Solid:
    """The sleeve's surface: lining behind the cuff, rim, outside, closed over the arm's end."""
    places, offsets = _profile(sleeve, arm.end_m)
    stations = np.arange(places.min() - _STEP_M, arm.end_m + 2 * _STEP_M, _STEP_M)
    # Three stations: one for the mean of neighbours, one for what lies between two stations, and
    # one for what lies between two rings.
    reach = arm.reach(stations, 3 * _STEP_M, _NUM_SIDES)
    reach[1:-1] = (reach[:-2] + reach[1:-1] + reach[2:]) / 3
    nearest = np.clip(np.searchsorted(stations, places), 1, len(stations) - 1)
    share = ((places - stations[nearest - 1]) / _STEP_M)[:, None]
    skin = (1 - share) * reach[nearest - 1] + share * reach[nearest]
    corners = outline(skin + offsets[:, None])
    angles = 2 * np.pi * (np.arange(_NUM_SIDES) + 0.5) / _NUM_SIDES
    crook = np.cos(angles - elbow.azimuth_rad)
    folds = _folds(sleeve, places, angles, elbow, crook)
    radii = np.linalg.norm(corners, axis=-1)
    corners = corners * (1 + folds / radii)[..., None]
    along = np.broadcast_to(places[:, None, None], (*corners.shape[:2], 1))
    vertices = np.concatenate([corners, along], -1)
    end = vertices[-1].mean(0) + np.array([0.0, 0.0, 0.3 * radii[-1].mean()])
    numbers = np.arange(len(places) * _NUM_SIDES).reshape(len(places), -1)
    tip = numbers.size
    cap = np.stack([numbers[-1], np.roll(numbers[-1], -1), np.full(_NUM_SIDES, tip)], 1)
    bent = elbow.bent(np.concatenate([vertices.reshape(-1, 3), end[None]]))
    return arm.solid(
        "sleeve", bent, np.concatenate([tube_triangles(numbers), cap]), sleeve.material
    )


def _profile(sleeve: Sleeve, end_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Places along the arm of the sleeve's rings and their distance from the skin, [R] both."""
    cuff, thickness = sleeve.cuff_m, sleeve.thickness_m
    raised = thickness + sleeve.hem_thickness_m
    lining = cuff + _LINING_M * np.array([1.0, 0.5, 0.06])
    rim = np.array([cuff, cuff, cuff + min(0.3 * raised, 0.002)])
    hem = cuff + sleeve.hem_m
    edge = np.linspace(rim[-1], hem, max(2, round(sleeve.hem_m / _STEP_M) + 1))[1:]
    above = np.arange(hem + _HEM_EDGE_M, end_m + _BEYOND_END_M + _STEP_M, _STEP_M)
    rows = (lining, rim, edge, above)
    heights = (np.zeros(3), raised * np.array([0.3, 0.7, 1.0]), raised, thickness)
    places = np.concatenate(rows)
    outer = np.concatenate(
        [np.broadcast_to(h, r.shape) for h, r in zip(heights, rows, strict=True)]
    )
    widening = sleeve.slack_m * smoothstep(0.0, 0.2, places - cuff)
    return places, _LEAST_GAP_M + sleeve.gap_m + widening + outer


def _folds(
    sleeve: Sleeve, places: np.ndarray, angles: np.ndarray, elbow: Elbow, crook: np.ndarray
) -> np.ndarray:
    """How far the cloth stands out, never in: waves, and wrinkles in the crook, [R, K]."""
    rng = np.random.default_rng(sleeve.fold_seed)
    lengths = rng.uniform(*_FOLD_LENGTH_M, _NUM_FOLDS)
    turns = rng.integers(-3, 4, _NUM_FOLDS)
    phases = rng.uniform(0, 2 * np.pi, (2, _NUM_FOLDS))
    wander = np.sin(2 * angles + phases[1, 0]) + 0.7 * np.sin(3 * angles + phases[1, 1])
    waves = np.zeros((len(places), len(angles)))
    for length, turn, phase in zip(lengths, turns, phases[0], strict=True):
        cycle = 2 * np.pi * places[:, None] / length + turn * angles + phase + wander
        # Cloth folds in narrow ridges between wide hollows.
        waves += (0.5 + 0.5 * np.sin(cycle)) ** 2 / _NUM_FOLDS
    near = np.exp(-(((places - elbow.elbow_m) / _CROOK_REACH_M) ** 2))[:, None]
    bunched = near * np.maximum(crook, 0) * min(elbow.flexion_rad, 1.5) / 1.5
    pull = smoothstep(0.0, 0.05, places - sleeve.cuff_m)[:, None]
    return sleeve.fold_m * (0.3 + 0.7 * pull) * waves * (1 + bunched) + _CROOK_M * bunched
