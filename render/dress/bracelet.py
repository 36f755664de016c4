"""Bracelets and watches: closed bands round the forearm."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from render.dress.arm_extension import tube_triangles
from render.dress.elbow import Elbow
from render.dress.sections import band, directions, inside
from render.dress.skin_of_arm import SkinOfArm
from render.solids import Material, Solid

_NUM_SIDES = 48
_LEAST_GAP_M = 0.0005
_FROM_HAND_M = 0.005
_BACK_OF_HAND_RAD = np.pi / 2
"""In the forearm's coordinates: the second axis points to the back of the hand."""
_PROFILE = np.array(
    [
        [0.5, 0.0],
        [0.0, 0.0],
        [-0.5, 0.0],
        [-0.5, 0.6],
        [-0.35, 1.0],
        [0.0, 1.0],
        [0.35, 1.0],
        [0.5, 0.6],
    ]
)
"""Of a band: place in widths and height in thicknesses."""
_NUM_CASE_SIDES = 32
_CASE = np.array([[0.94, 0.0], [1.0, 0.15], [1.0, 0.8], [0.94, 1.0], [0.84, 1.0], [0.82, 0.93]])
"""Of a watch case from its back to the rim of its glass: radius and height of its rings."""


class WatchCase(BaseModel):
    """The case of a watch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    radius_m: float = Field(gt=0, description="Half its breadth, metres.")
    height_m: float = Field(gt=0, description="Over the wrist, metres.")
    squareness: float = Field(ge=2, description="Power of its outline: 2 round, 6 nearly square.")
    material: Material = Field(description="Of the case.")
    dial: Material = Field(description="Of the face under the glass.")


class Bracelet(BaseModel):
    """A band round the forearm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    place_m: float = Field(gt=0, description="Its middle, up the unstretched arm, metres.")
    width_m: float = Field(gt=0, description="Along the arm, metres.")
    thickness_m: float = Field(gt=0, description="Metres.")
    gap_m: float = Field(ge=0, description="Between skin and band, metres.")
    material: Material = Field(description="Of the band.")
    watch: WatchCase | None = Field(default=None, description="On the back of the wrist.")


def half_length_m(bracelet: Bracelet) -> float:
    """Half of what it takes up along the arm."""
    return max(bracelet.width_m / 2, bracelet.watch.radius_m if bracelet.watch else 0.0)


def place_clear_of_hand(bracelet: Bracelet, arm: SkinOfArm) -> float:
    """The band's place, moved up the arm past all of the hand that it would pass through."""
    half = half_length_m(bracelet)
    out = bracelet.thickness_m + bracelet.gap_m + _LEAST_GAP_M + _FROM_HAND_M
    if bracelet.watch:
        out = max(out, bracelet.watch.height_m + _FROM_HAND_M)
    place = bracelet.place_m
    hand = arm.hand_above(place - half - _FROM_HAND_M)
    if len(hand):
        reach = arm.reach(np.array([place]), half, _NUM_SIDES)[0] + out
        touching = inside(hand[:, :2], reach)
        if touching.any():
            place = max(place, float(hand[touching, 2].max()) + _FROM_HAND_M + half)
    return place


def bracelet_solids(bracelet: Bracelet, arm: SkinOfArm, elbow: Elbow) -> list[Solid]:
    """The band, and the watch's case and dial."""
    half = half_length_m(bracelet)
    skin = arm.reach(np.array([bracelet.place_m]), half, _NUM_SIDES)[0] + _LEAST_GAP_M
    name = "watch" if bracelet.watch else "bracelet"
    places = bracelet.place_m + bracelet.width_m * _PROFILE[:, 0]
    offsets = bracelet.gap_m + bracelet.thickness_m * _PROFILE[:, 1]
    vertices, triangles = band(skin, places, offsets)
    solids = [arm.solid(name, elbow.bent(vertices), triangles, bracelet.material)]
    if bracelet.watch:
        case, dial = _case(bracelet.watch)
        back = int(np.argmax(directions(_NUM_SIDES) @ [0.0, 1.0]))
        foot = np.array([0.0, skin[back], bracelet.place_m])
        # The arm lies wherever its outline touches the support line: the middle of that side.
        sideward = (skin[back - 1] - skin[back + 1]) / (2 * np.sin(2 * np.pi / _NUM_SIDES))
        foot[0] = sideward
        for (points, faces), material in (
            (case, bracelet.watch.material),
            (dial, bracelet.watch.dial),
        ):
            placed = elbow.bent(points + foot)
            solids.append(arm.solid(name, placed, faces, material, smooth=False))
    return solids


def _case(watch: WatchCase) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Case and dial as vertices and triangles; the second axis points out of the wrist."""
    angles = 2 * np.pi * np.arange(_NUM_CASE_SIDES) / _NUM_CASE_SIDES
    cosine, sine = np.cos(angles), np.sin(angles)
    # A superellipse |x|^n + |y|^n = 1.
    power = watch.squareness
    rim = 1 / (np.abs(cosine) ** power + np.abs(sine) ** power) ** (1 / power)
    # Anticlockwise about the second axis: from the third to the first.
    flat = watch.radius_m * rim[:, None] * np.stack([sine, np.zeros_like(sine), cosine], 1)
    rings = _CASE[:, 0, None, None] * flat
    rings = rings + _CASE[:, 1, None, None] * np.array([0.0, watch.height_m, 0.0])
    numbers = np.arange(len(_CASE) * _NUM_CASE_SIDES).reshape(len(_CASE), -1)
    vertices = rings.reshape(-1, 3)
    case = np.concatenate([tube_triangles(numbers), _fan(numbers[0])[:, ::-1], _fan(numbers[-1])])
    dial = rings[-1] + [0.0, 0.01 * watch.height_m, 0.0]
    return (vertices, case), (dial, _fan(np.arange(_NUM_CASE_SIDES)))


def _fan(ring: np.ndarray) -> np.ndarray:
    return np.stack([np.full(len(ring) - 2, ring[0]), ring[1:-1], ring[2:]], 1)
