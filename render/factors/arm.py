"""The arm: how long the forearm is, how the elbow bends, or no forearm at all."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.hand import Hand
from render.dress.arm_extension import (
    boundary_loop,
    extend_arm,
    extension_faces,
    extension_triangles,
)
from render.dress.elbow import Elbow
from render.dress.straight_arm import StraightArm, straight_arm
from render.dress.wrist_cap import WristCap
from render.limits import PositiveRange, Range
from render.placement import CLEARANCE_M
from render.posed_hand import PosedHand

UPPER_CLEARANCE_M = 0.08
"""The upper arm keeps this far in front of the camera's plane."""

_NUM_CANDIDATES = 40
_STATIONS = 7
_MOST_TRIES = 8
_LENS_WEIGHT, _HAND_WEIGHT, _END_WEIGHT, _BACK_WEIGHT = 100.0, 4.0, 1.0, 0.5


class ArmRecipe(BaseModel):
    """How arms vary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    forearm: bool = Field(
        default=True, description="False: the hand ends in a closed cap at the wrist."
    )
    forearm_length: PositiveRange = Field(
        default=(0.85, 1.15), description="Length of the forearm over that of the hand's own."
    )
    elbow_flexion_deg: Range = Field(
        default=(10.0, 140.0), description="0 is a straight arm; people reach about 145."
    )


class Arm(BaseModel):
    """An arm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    forearm: bool = Field(default=True, description="Whether there is more than the hand.")
    forearm_length: float = Field(default=1.0, gt=0, description="Over that of the hand's own.")
    elbow_flexion_rad: float = Field(default=0.0, description="0 is a straight arm.")
    elbow_azimuth_rad: float = Field(
        default=0.0,
        description="Where the upper arm bends to, about the forearm: 0 the little finger's side, "
        "90 degrees the back of the hand.",
    )


class ArmMesh:
    """A hand's mesh with the elbow and the upper arm; its faces are the same for every pose.

    The first vertices and triangles are the hand's. The last ones continue the mesh from its cut
    to a closed end.

    Args:
        hand: The right hand.

    Attributes:
        hand: The same.
        extension: The rings beyond its cut.
        triangles: Anticlockwise from outside for a right hand, [F', 3].
        faces: The same surface for rendering: the hand's quads if it has them, else its
            triangles, then quads and few others.
        source_vertex: For each vertex that of the hand whose skin it has, [V'].
        wrist_loop: The last vertices of the hand before the forearm's (`forearm` in its arrays),
            where a hand without a forearm ends. The free hand's lie up to 14 mm above the wrist
            joint; those of a MANO file are MANO's own boundary.
    """

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.extension = extend_arm(hand)
        num = len(hand.arrays["v_template"])
        self.triangles = np.concatenate([hand.triangles, extension_triangles(self.extension, num)])
        faces = hand.arrays["quads"] if "quads" in hand.arrays else hand.arrays["f"]
        self.faces = [*faces.astype(int).tolist(), *extension_faces(self.extension, num)]
        self.source_vertex = np.concatenate(
            [np.arange(num), np.tile(self.extension.rim, len(self.extension.own))]
        )
        self._last: tuple[np.ndarray | None, str, StraightArm | None] = None, "", None
        self._cap = WristCap(self.triangles, hand.arrays["forearm"], len(self.source_vertex))
        self.wrist_loop = boundary_loop(
            hand.triangles[~hand.arrays["forearm"][hand.triangles].any(1)]
        )

    @cached_property
    def num_vertices(self) -> int:
        """V'."""
        return len(self.source_vertex)

    @cached_property
    def weights(self) -> np.ndarray:
        """Of the skin, on MANO's joints, [V', 16]."""
        return self.hand.arrays["weights"][self.source_vertex]

    @cached_property
    def on_arm(self) -> np.ndarray:
        """Whether a vertex belongs to the arm and not to the hand, [V']."""
        beyond = np.arange(self.num_vertices) >= len(self.hand.arrays["v_template"])
        return self.hand.arrays["forearm"][self.source_vertex] | beyond

    @cached_property
    def _mirrored(self) -> np.ndarray:
        return np.ascontiguousarray(self.triangles[:, ::-1])

    def triangles_of(self, side: str) -> np.ndarray:
        """Anticlockwise from outside for a hand of a side, [F', 3]."""
        return self.triangles if side == "right" else self._mirrored

    def straight(self, geometry: PosedHand, side: str) -> StraightArm:
        """The forearm of a posed hand in its own coordinates, and its straight continuation."""
        last, last_side, found = self._last
        # Arm, sleeve and bracelet of a hand all ask for it.
        if last is not geometry.vertices_cam_m or last_side != side or found is None:
            found = straight_arm(
                self.hand, self.extension, geometry.vertices_cam_m, geometry.joints_cam_m, side
            )
            self._last = geometry.vertices_cam_m, side, found
        return found

    def elbow(self, straight: StraightArm, arm: Arm) -> Elbow:
        """The map that stretches and bends the straight arm."""
        return straight.elbow(
            self.extension, arm.forearm_length, arm.elbow_flexion_rad, arm.elbow_azimuth_rad
        )

    def extended(
        self, vertices_cam_m: np.ndarray, joints_cam_m: np.ndarray, arm: Arm, side: str
    ) -> np.ndarray:
        """The hand's vertices and those of its arm.

        The hand's own stay bit for bit; of the forearm only what is stretched or bent moves.
        Without a forearm its vertices and all beyond lie on a low dome over the wrist.

        Args:
            vertices_cam_m: [V, 3].
            joints_cam_m: hand21, [21, 3].
            arm: How it is.
            side: right or left.

        Returns:
            [V', 3].
        """
        if not arm.forearm:
            return self._cap.closed(vertices_cam_m, side)
        straight = self.straight(PosedHand(vertices_cam_m, joints_cam_m), side)
        return self._bent(vertices_cam_m, straight, self.elbow(straight, arm))

    def _bent(self, vertices_cam_m: np.ndarray, straight: StraightArm, elbow: Elbow) -> np.ndarray:
        rigid = self.extension.rigid
        own = straight.hand_m[rigid]
        extended = np.empty((self.num_vertices, 3))
        extended[: len(vertices_cam_m)] = vertices_cam_m
        extended[rigid] += straight.turned(elbow.bent(own) - own)
        extended[len(vertices_cam_m) :] = straight.in_camera(elbow.bent(straight.extension_m))
        return extended


def draw_arm(
    recipe: ArmRecipe,
    rng: np.random.Generator,
    geometry: PosedHand,
    arm_mesh: ArmMesh,
    side: str,
    camera_k: np.ndarray,
    size_px: int,
) -> Arm:
    """Draws an arm: of many directions of the upper arm the first that suits the picture best.

    An arm may reach neither through the lens nor, if it can be helped, before the hand, and its
    end shall be out of the picture or behind the arm. Every direction that an elbow allows may be
    taken, as the forearm turns under the hand.

    Args:
        recipe: How arms vary.
        rng: Numbers are always drawn in the same count.
        geometry: The posed hand.
        arm_mesh: Of the hand.
        side: right or left.
        camera_k: Intrinsics, px, [3, 3].
        size_px: Image width and height.
    """
    length = rng.uniform(*recipe.forearm_length)
    flexions = np.deg2rad(rng.uniform(*recipe.elbow_flexion_deg, _NUM_CANDIDATES))
    azimuths = rng.uniform(-np.pi, np.pi, _NUM_CANDIDATES)
    if not recipe.forearm:
        return Arm(forearm=False)
    straight = arm_mesh.straight(geometry, side)
    costs = _costs(straight, arm_mesh, length, flexions, azimuths, geometry, camera_k, size_px)
    order = np.argsort(costs, kind="stable")
    nearest: tuple[float, Arm] | None = None
    for number, candidate in enumerate(order[:_MOST_TRIES]):
        # Where no arm of the drawn length is clear of the lens, a shorter one may be.
        shorter = length if number < _MOST_TRIES / 2 else min(length, recipe.forearm_length[0])
        arm = Arm(
            forearm_length=shorter,
            elbow_flexion_rad=float(flexions[candidate]),
            elbow_azimuth_rad=float(azimuths[candidate]),
        )
        short = _short_of_clear(arm_mesh, straight, geometry, arm)
        if nearest is None or short < nearest[0]:
            nearest = short, arm
        if short <= 0:
            break
    assert nearest is not None
    return nearest[1]


def _short_of_clear(
    arm_mesh: ArmMesh, straight: StraightArm, geometry: PosedHand, arm: Arm
) -> float:
    """How much the nearest point of an arm is too near to the camera's plane, metres."""
    depths = arm_mesh._bent(geometry.vertices_cam_m, straight, arm_mesh.elbow(straight, arm))[:, 2]
    num = len(geometry.vertices_cam_m)
    return max(
        CLEARANCE_M - float(depths[:num].min()), UPPER_CLEARANCE_M - float(depths[num:].min())
    )


def _costs(
    straight: StraightArm,
    arm_mesh: ArmMesh,
    length: float,
    flexions: np.ndarray,
    azimuths: np.ndarray,
    geometry: PosedHand,
    camera_k: np.ndarray,
    size_px: int,
) -> np.ndarray:
    """How badly each direction of the upper arm suits the picture, [N]."""
    centres, radius = _centre_lines(straight, arm_mesh, length, flexions, azimuths)
    lens = np.maximum(UPPER_CLEARANCE_M + radius - centres[..., 2], 0).max(1)
    depths = np.maximum(centres[..., 2], 0.02)
    pixels = centres[..., :2] * camera_k[0, 0] / depths[..., None] + camera_k[:2, 2]
    radii = radius * camera_k[0, 0] / depths
    joints = geometry.joints_cam_m
    flat = joints[:, :2] * camera_k[0, 0] / joints[:, 2:] + camera_k[:2, 2]
    away = (pixels[..., :1] - flat[:, 0]) ** 2 + (pixels[..., 1:] - flat[:, 1]) ** 2
    before = (away < radii[..., None] ** 2) & (depths[..., None] < joints[:, 2])
    hidden = before.any(1).mean(1)
    outside = ((pixels < -radii[..., None]) | (pixels > size_px + radii[..., None])).any(2)
    # An arm that has left the picture looks odd when it comes back.
    back = (outside[:, :-1] & ~outside[:, 1:]).any(1)
    end, end_radius = pixels[:, -1], radii[:, -1]
    # An end further off than the arm before it, inside its outline in the picture.
    nearer = np.linalg.norm(pixels[:, :-1] - end[:, None], axis=-1) + end_radius[:, None]
    covered = ((nearer < radii[:, :-1]) & (depths[:, :-1] < depths[:, -1:])).any(1)
    seen = ~(outside[:, -1] | covered)
    return _LENS_WEIGHT * lens + _HAND_WEIGHT * hidden + _END_WEIGHT * seen + _BACK_WEIGHT * back


def _centre_lines(
    straight: StraightArm,
    arm_mesh: ArmMesh,
    length: float,
    flexions: np.ndarray,
    azimuths: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Places along the upper arm's centre line, camera frame, [N, S, 3], and its radius."""
    radius = straight.radius_m * float(arm_mesh.extension.radii.max())
    elbow_m = arm_mesh.extension.elbow_m * length
    end_m = float(straight.extension_m[:, 2].max()) - arm_mesh.extension.elbow_m
    reach = np.linspace(0.0, end_m, _STATIONS)
    sine, cosine = np.sin(flexions), np.cos(flexions)
    up = np.stack([sine * np.cos(azimuths), sine * np.sin(azimuths), cosine], 1)
    local = reach[:, None] * up[:, None] + np.array([0.0, 0.0, elbow_m])
    return straight.in_camera(local), radius
