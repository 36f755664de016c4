"""Where a second hand finds room: of many ways to the labelled hand the first that is good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mano_assets.anatomy import angles_to_pose
from mano_assets.geometry.surface_patches import FOREARM
from mano_assets.hand import MIRROR, Hand
from mano_assets.skeleton import FINGERS, HAND21
from render.placement import CLEARANCE_M
from render.posed_hand import PosedHand
from render.two_hands.closing_fingers import between, closed
from render.two_hands.hands import (
    Apart,
    HandAxes,
    Patches,
    arms_of_one_body,
    hand_axes,
    hand_parts,
    triangles_of,
)
from render.two_hands.poses import OpenPose
from render.two_hands.ways import MakeWay, Relation, Way
from render.visibility import hidden_joints

if TYPE_CHECKING:
    from render.two_hands.meeting import Meeting

_MEETINGS = 6
"""So many ways are followed to the end."""

_LEAST_SEEN = 4
"""Joints of the second hand that lie within the image."""

_FARTHEST_M = 0.3
"""Between the middle knuckles of the two; what an arm keeps further off is not near."""

_MOST_GAP_M = 0.0015
"""Between a hand and what it clasps."""

_CLOSURES = (1.0, 0.8, 0.6, 0.4)
"""A hand whose thumb and fingers run into each other closes by these shares of its way."""

_SHORT_M = 1e-6
_KNUCKLE = HAND21.index("middle_mcp")


@dataclass(frozen=True)
class PlacedHand:
    """A right hand, or its mirror image, before the camera.

    Attributes:
        pose: Wrist, then MANO's 45, of the right hand, [48].
        rotation: Of the hand of its side into the camera frame, [3, 3].
        translation_m: MANO's, [3].
        geometry: In the camera frame.
    """

    pose: np.ndarray
    rotation: np.ndarray
    translation_m: np.ndarray
    geometry: PosedHand


@dataclass(frozen=True)
class View:
    """What of the labelled hand may be hidden, and what the camera sees.

    Attributes:
        camera_k: Intrinsics, px, [3, 3].
        size_px: Width and height.
        most_hidden: Most of the visible joints that may be covered.
    """

    camera_k: np.ndarray
    size_px: int
    most_hidden: float

    def within(self, joints_cam_m: np.ndarray) -> np.ndarray:
        """Whether points lie in the image, [N, 3] -> [N]."""
        pixels = joints_cam_m @ self.camera_k.T
        pixels = pixels[:, :2] / pixels[:, 2:]
        return ((pixels > 0) & (pixels < self.size_px)).all(1) & (joints_cam_m[:, 2] > 0)


class Search:
    """Looks for room beside one labelled hand, for one second hand.

    Args:
        first: The labelled hand.
        hand: Both are made of it.
        side: Of the labelled hand.
        second_side: Of the other.
        betas: The other's shape, [10].
        view: What the camera sees.
    """

    def __init__(
        self,
        first: PosedHand,
        hand: Hand,
        side: str,
        second_side: str,
        betas: np.ndarray,
        view: View,
    ) -> None:
        self._first, self._hand, self._side, self._second_side = first, hand, side, second_side
        self._parts, self._view = hand_parts(hand), view
        self._knuckle_m = first.joints_cam_m[_KNUCKLE]
        self._shaped = hand.shaped(betas)
        self._root = self._shaped[1][HAND21.root]
        self._mirror = MIRROR if second_side == "left" else np.ones(3)
        self._triangles = triangles_of(hand.triangles, side)
        self._second_triangles = triangles_of(hand.triangles, second_side)
        self._axes = hand_axes(first, self._parts, side)
        self._in_sight = view.within(first.joints_cam_m) & ~hidden_joints(
            first.vertices_cam_m, first.joints_cam_m, hand, side
        )

    def way(self, make: MakeWay, uniforms: np.ndarray, normals: np.ndarray) -> Way:
        """A way to the labelled hand."""
        return make(self._axes, self._first.joints_cam_m, self._second_side, uniforms, normals)

    def pose(self, angles_rad: np.ndarray) -> np.ndarray | None:
        """The pose, [48], of bend, splay and twist, [16, 3]; None if it runs into itself."""
        pose = angles_to_pose(angles_rad, self._parts.frames)
        points, _ = self._hand.bent(*self._shaped, np.zeros(3), pose[3:], pose[:3])
        return None if self._parts.test.intersects(points) else pose

    def placed(
        self, pose: np.ndarray, ways: Iterable[Way], relation: Relation, gap_m: float
    ) -> PlacedHand | None:
        """The first good way of a hand that keeps its pose.

        Args:
            pose: Of the right hand, [48].
            ways: In the order in which they are tried.
            relation: Touching hands may not touch with an arm.
            gap_m: Along the way.
        """
        for placed in self._met(pose, ways, relation, gap_m):
            if self._good(placed.geometry) and self._clear(placed.geometry):
                return placed
        return None

    def clasped(self, pose: OpenPose, ways: Iterable[Way], gap_m: float) -> PlacedHand | None:
        """The first good way of a hand that closes at its end; arguments as of `placed`."""
        start = angles_to_pose(pose.open_rad, self._parts.frames)
        for placed in self._met(start, ways, "clasping", gap_m):
            if not self._good(placed.geometry):
                continue
            shut = self._shut(placed, pose)
            if shut is not None and self._good(shut.geometry) and self._held(shut.geometry):
                return shut
        return None

    def _met(
        self, pose: np.ndarray, ways: Iterable[Way], relation: Relation, gap_m: float
    ) -> Iterator[PlacedHand]:
        """Hands at the ends of their ways, of those with believable arms."""
        # Compiled code is loaded when it is first needed.
        from render.two_hands.meeting import meeting

        touching = relation in ("touching", "clasping")
        local = self._local(pose)
        lying = hand_axes(local, self._parts, self._second_side)
        left = _MEETINGS
        for way in ways:
            rotation = way.axes @ lying.matrix.T
            shift = way.target_m - rotation @ way.anchor_m(local.joints_cam_m)
            if not self._believable(lying, rotation, shift):
                continue
            points = local.vertices_cam_m @ rotation.T + shift
            met = meeting(
                self._first.vertices_cam_m,
                triangles_of(self._parts.closed, self._side),
                points,
                triangles_of(self._parts.closed, self._second_side),
                way.away,
            )
            if np.isfinite(met.travel_m) and (not touching or self._by_hand(met, way)):
                shift = shift - (met.travel_m - gap_m) * way.away
                placed = self._at(pose, local, rotation, shift)
                # Where only an arm is in the way, the hand may have come past the other.
                beyond = (placed.geometry.joints_cam_m[_KNUCKLE] - self._knuckle_m) @ way.away > 0
                in_order = beyond or relation not in ("behind", "before")
                if in_order and self._believable(lying, rotation, shift):
                    yield placed
            left -= 1
            if left == 0:
                return

    def _local(self, pose: np.ndarray) -> PosedHand:
        """About its wrist, not turned."""
        posed = self._hand.bent(*self._shaped, np.zeros(3), pose[3:], pose[:3])
        return PosedHand(*((points - self._root) * self._mirror for points in posed))

    def _at(
        self, pose: np.ndarray, local: PosedHand, rotation: np.ndarray, wrist_m: np.ndarray
    ) -> PlacedHand:
        geometry = PosedHand(
            local.vertices_cam_m @ rotation.T + wrist_m, local.joints_cam_m @ rotation.T + wrist_m
        )
        return PlacedHand(pose, rotation, wrist_m - self._root * self._mirror, geometry)

    def _believable(self, lying: HandAxes, rotation: np.ndarray, wrist_m: np.ndarray) -> bool:
        """Another person's arm may come from anywhere."""
        if self._side == self._second_side:
            return True
        turned = HandAxes(
            wrist_m,
            rotation @ lying.elbow_m + wrist_m,
            *(rotation @ direction for direction in (lying.fingers, lying.thumb, lying.palm)),
        )
        return arms_of_one_body(self._axes, turned, self._side)

    def _by_hand(self, met: Meeting, way: Way) -> bool:
        bones = self._parts.bones
        on_arm = bones[met.face] == FOREARM and not way.on_arm
        return not on_arm and bones[met.coming_face] != FOREARM

    def _good(self, second: PosedHand) -> bool:
        """Clear of the camera, near, in the image but for its elbow, not in front of too much."""
        away = second.joints_cam_m[_KNUCKLE] - self._knuckle_m
        return bool(
            second.vertices_cam_m[:, 2].min() >= CLEARANCE_M
            and not self._view.within(second.vertices_cam_m[self._parts.elbow]).any()
            and np.linalg.norm(away) <= _FARTHEST_M
            and self._view.within(second.joints_cam_m).sum() >= _LEAST_SEEN
            and self._covered(second) <= self._view.most_hidden
        )

    def _clear(self, second: PosedHand) -> bool:
        """Whether the hands do not cross; rounding and coupled fingers could make them."""
        return not self._whole.crosses(self._both(second))

    def _held(self, second: PosedHand) -> bool:
        """Whether the hands touch; a hand may have closed past the other."""
        return 0.0 < self._whole.gap_m(self._both(second)) <= _MOST_GAP_M

    def _both(self, second: PosedHand) -> np.ndarray:
        return np.concatenate([self._first.vertices_cam_m, second.vertices_cam_m])

    @cached_property
    def _whole(self) -> Apart:
        return self._test(self._parts.patches)

    def _test(self, part: Patches) -> Apart:
        return Apart(self._parts.patches, self._triangles, part, self._second_triangles)

    def _covered(self, second: PosedHand) -> float:
        """Share of the labelled hand's visible joints that the second hand hides."""
        # Compiled code is loaded when it is first needed.
        from render.ray_casting import skins_before

        joints = np.ascontiguousarray(self._first.joints_cam_m[self._in_sight])
        if len(joints) == 0:
            return 0.0
        starts, *_ = skins_before(joints, second.vertices_cam_m, self._second_triangles, _SHORT_M)
        return float((np.diff(starts) > 0).mean())

    def _shut(self, placed: PlacedHand, pose: OpenPose) -> PlacedHand | None:
        """The hand closed around the labelled one where it is."""
        wrist_m = placed.translation_m + self._root * self._mirror

        def at(angles_rad: np.ndarray) -> PlacedHand:
            turned = angles_to_pose(angles_rad, self._parts.frames)
            return self._at(turned, self._local(turned), placed.rotation, wrist_m)

        tests = [self._test(finger) for finger in self._parts.fingers]

        def crossing(angles_rad: np.ndarray, moving: np.ndarray) -> np.ndarray:
            both = self._both(at(angles_rad).geometry)
            return np.array(
                [moves and test.crosses(both) for moves, test in zip(moving, tests, strict=True)]
            )

        shut = closed(pose.open_rad, pose.closed_rad, crossing)
        for share in _CLOSURES:
            angles_rad = between(pose.open_rad, shut, np.full(len(FINGERS), share))
            if self.pose(angles_rad) is not None:
                return at(angles_rad)
        return None
