"""Rings: bands round the proximal phalanx, fitted to the finger's skin."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.hand import MIRROR, Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from render.dress.arm_extension import tube_triangles
from render.dress.sections import band, directions, inside
from render.posed_hand import PosedHand
from render.solids import Material, Solid

Finger = Literal["thumb", "index", "middle", "ring", "little"]

_NUM_SIDES = 36
_GAP_M = 0.0003
_PROFILE = np.array([[0.5, 0.0], [-0.5, 0.0], [-0.5, 0.55], [-0.3, 1.0], [0.3, 1.0], [0.5, 0.55]])
"""Of a band: place in widths and height in thicknesses."""
_STONE = np.array([[0.7, 0.0], [1.0, 0.55], [0.6, 1.0]])
"""Radius and height of a stone's rings, in its radius."""
_NUM_STONE_SIDES = 8
_SKIN_SHARES = (0.2, 1.0)
"""Of the way from knuckle to PIP joint, at rest: faces that a ring can lie on."""
_LEAST_RADIUS_M = 0.003
_SAMPLES = 4
"""Points along the edges of other skin, on which it is tested whether a ring cuts it."""


class Stone(BaseModel):
    """A stone on the back of a ring."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    radius_m: float = Field(gt=0, description="Metres.")
    material: Material = Field(description="Of the stone.")


class Ring(BaseModel):
    """A ring on a finger."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    finger: Finger = Field(description="Which finger.")
    place: float = Field(ge=0, le=1, description="From knuckle to the next joint.")
    width_m: float = Field(gt=0, description="Along the finger, metres.")
    thickness_m: float = Field(gt=0, description="Metres.")
    material: Material = Field(description="Of the band.")
    stone: Stone | None = Field(default=None, description="On the finger's back.")


class FingerSkin:
    """Which faces of a hand a ring lies on, finger by finger.

    Args:
        hand: The right hand.
    """

    def __init__(self, hand: Hand) -> None:
        template, weights = hand.arrays["v_template"], hand.arrays["weights"]
        owner = weights.argmax(1)
        self.hand_triangles = hand.triangles[~hand.arrays["forearm"][hand.triangles].any(1)]
        self._under, self._others = {}, {}
        for finger in FINGERS:
            near, far = _phalanx(finger)
            start, end = hand.arrays["J"][MANO16.indices([near, far])]
            share = (template - start) @ (end - start) / ((end - start) @ (end - start))
            chain = np.isin(owner, [*MANO16.chain(finger)])
            on = chain[self.hand_triangles].all(1)
            span = share[self.hand_triangles]
            on &= (span.max(1) > _SKIN_SHARES[0]) & (span.min(1) < _SKIN_SHARES[1])
            self._under[finger] = self.hand_triangles[on]
            self._others[finger] = self.hand_triangles[~on]

    def under(self, finger: str) -> np.ndarray:
        """Faces round the finger's proximal phalanx, [F, 3]."""
        return self._under[finger]

    def others(self, finger: str) -> np.ndarray:
        """All other faces of the hand, [F, 3]."""
        return self._others[finger]


class RingPlace:
    """Where a ring sits on a posed finger; a left hand as the right one that it mirrors.

    Args:
        ring: The ring.
        skin: Of the hand.
        geometry: The posed hand, camera frame.
        side: right or left.
    """

    def __init__(self, ring: Ring, skin: FingerSkin, geometry: PosedHand, side: str) -> None:
        self.ring, self._skin, self._side = ring, skin, side
        self._mirror = MIRROR if side == "left" else np.ones(3)
        joints = geometry.joints_cam_m * self._mirror
        near, far = joints[HAND21.indices(_phalanx(ring.finger))]
        index, little = joints[HAND21.indices(["index_mcp", "little_mcp"])]
        along = (far - near) / np.linalg.norm(far - near)
        back = np.cross(along, index - little)
        back /= np.linalg.norm(back)
        # Rows across, to the finger's back and along it to the palm: right-handed.
        self._axes = np.stack([np.cross(back, -along), back, -along])
        self._centre = near + ring.place * (far - near)
        self._vertices = (geometry.vertices_cam_m * self._mirror - self._centre) @ self._axes.T
        half = ring.width_m / 2
        points = slab_points(self._vertices[skin.under(ring.finger)], half)
        support = points[:, :2] @ directions(_NUM_SIDES).T
        self.reach = support.max(0, initial=0.0) + _GAP_M

    def fits(self) -> bool:
        """Whether it goes round the bone and cuts no other part of the hand.

        Not even of its own finger, bent onto it. The fingers of a mitten have no skin of their
        own all round.
        """
        if self.reach.min() < _LEAST_RADIUS_M:
            return False
        others = self._skin.others(self.ring.finger)
        return not self._touches(self._vertices, others, self.ring.width_m / 2 + _GAP_M)

    def passes_through(self, other: RingPlace) -> bool:
        """Whether the ring cuts another one."""
        vertices, triangles = other._band()
        world = vertices @ other._axes + other._centre
        here = (world - self._centre) @ self._axes.T
        return self._touches(here, triangles, self.ring.width_m / 2)

    def _touches(self, vertices: np.ndarray, triangles: np.ndarray, half: float) -> bool:
        out = 1.1 * (self.reach.max() + self.ring.thickness_m)
        for axis, limit in ((2, half), (0, out), (1, out)):
            a, b, c = vertices[:, axis][triangles.T]
            low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
            triangles = triangles[(low < limit) & (high > -limit)]
        if len(triangles) == 0:
            return False
        points = slab_points(vertices[triangles], half)
        return bool(inside(points[:, :2], self.reach + self.ring.thickness_m + _GAP_M).any())

    def solids(self) -> list[Solid]:
        """The band, and the stone."""
        solids = [self._solid(*self._band(), self.ring.material, True)]
        if self.ring.stone:
            back = _NUM_SIDES // 4
            foot = np.array([0.0, self.reach[back] + 0.6 * self.ring.thickness_m, 0.0])
            vertices, triangles = _stone(self.ring.stone.radius_m)
            solids.append(self._solid(vertices + foot, triangles, self.ring.stone.material, False))
        return solids

    def _band(self) -> tuple[np.ndarray, np.ndarray]:
        places = self.ring.width_m * _PROFILE[:, 0]
        return band(self.reach, places, self.ring.thickness_m * _PROFILE[:, 1])

    def _solid(
        self, vertices: np.ndarray, triangles: np.ndarray, material: Material, smooth: bool
    ) -> Solid:
        if self._side == "left":
            triangles = triangles[:, ::-1]
        world = (vertices @ self._axes + self._centre) * self._mirror
        return Solid("ring", world, triangles, material, smooth)


def slab_points(corners: np.ndarray, half_m: float) -> np.ndarray:
    """Points whose hull is what triangles have between two planes across the third axis.

    Along the edges there are points in between too: what passes by in the slab is seen.

    Args:
        corners: [F, 3, 3].
        half_m: Half the distance of the planes.

    Returns:
        [P, 3].
    """
    start, end = corners.reshape(-1, 3), np.roll(corners, -1, 1).reshape(-1, 3)
    rise = end[:, 2] - start[:, 2]
    flat = np.abs(rise) < 1e-12
    safe = np.where(flat, 1.0, rise)
    first, last = (-half_m - start[:, 2]) / safe, (half_m - start[:, 2]) / safe
    first, last = np.minimum(first, last), np.maximum(first, last)
    level = np.abs(start[:, 2]) <= half_m
    first = np.where(flat, np.where(level, 0.0, 2.0), np.maximum(first, 0.0))
    last = np.where(flat, np.where(level, 1.0, -1.0), np.minimum(last, 1.0))
    crossing = first <= last
    shares = np.linspace(0, 1, _SAMPLES)
    at = first[crossing, None] + (last - first)[crossing, None] * shares
    points = start[crossing, None] + at[..., None] * (end - start)[crossing, None]
    return points.reshape(-1, 3)


def _phalanx(finger: str) -> list[str]:
    """Names of the joints at the ends of a finger's proximal phalanx."""
    return [f"{finger}_mcp", f"{finger}_{'ip' if finger == 'thumb' else 'pip'}"]


def _stone(radius_m: float) -> tuple[np.ndarray, np.ndarray]:
    """A cut stone; the second axis points out of the finger."""
    angles = 2 * np.pi * np.arange(_NUM_STONE_SIDES) / _NUM_STONE_SIDES
    flat = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], 1)
    rings = _STONE[:, 0, None, None] * flat + _STONE[:, 1, None, None] * np.array([0.0, 1.0, 0.0])
    numbers = np.arange(len(_STONE) * _NUM_STONE_SIDES).reshape(len(_STONE), -1)
    first, last = numbers[0], numbers[-1]
    caps = [
        np.stack([np.full(_NUM_STONE_SIDES - 2, ring[0]), ring[1:-1], ring[2:]], 1)
        for ring in (first, last)
    ]
    triangles = np.concatenate([tube_triangles(numbers), caps[0][:, ::-1], caps[1]])
    return radius_m * rings.reshape(-1, 3), triangles
