"""Two hands: how they lie to each other, and whether one body can hold both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mano_assets.anatomy import joint_frames
from mano_assets.geometry.self_intersection import SelfIntersection, self_intersection_test
from mano_assets.geometry.surface_patches import FOREARM, compact_patches, triangle_bones
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from render.posed_hand import PosedHand

NEAREST_ELBOWS_M = 0.1
"""Elbows of one person keep this far apart: a forearm is some 8 cm thick there."""

_SQUARE_DEG = 70.0
"""Forearms that point at each other leave the body's front open: it is judged up to here."""

_THUMB_DOWN = -0.6
"""Cosine of a thumb to the body's up: forearms turn by 85 degrees of pronation from thumbs up, and
the shoulder adds some. Our judgement."""

_ELBOW_SHARE = 0.03
"""Of the forearm's length: its end, which stands for the elbow."""


@dataclass(frozen=True)
class HandAxes:
    """Where a hand is and how it lies; unit vectors and metres, one frame.

    Attributes:
        wrist_m: [3].
        elbow_m: End of the forearm, [3].
        fingers: From the wrist to the middle knuckle, [3].
        thumb: Across the palm to the thumb's side, [3].
        palm: Out of the palm, [3].
    """

    wrist_m: np.ndarray
    elbow_m: np.ndarray
    fingers: np.ndarray
    thumb: np.ndarray
    palm: np.ndarray

    @cached_property
    def matrix(self) -> np.ndarray:
        """Columns are fingers, thumb and palm, [3, 3]."""
        return np.stack([self.fingers, self.thumb, self.palm], 1)


@dataclass(frozen=True)
class Patches:
    """Triangles in compact patches.

    Attributes:
        faces: Their numbers in the hand, those of a patch together, [N].
        starts: First of each patch, and N, [P + 1].
    """

    faces: np.ndarray
    starts: np.ndarray


def _patches(faces: np.ndarray, bones: np.ndarray, centres: np.ndarray) -> Patches:
    order, starts = compact_patches(centres[faces], bones[faces], _PATCH_SIZE)
    return Patches(faces[order], starts)


@dataclass(frozen=True)
class HandParts:
    """What of a hand never changes, prepared once; this takes a second.

    Attributes:
        frames: Anatomical frames, [16, 3, 3].
        elbow: Vertices at the end of the forearm, [N].
        closed: The right hand's triangles, then those that close the end of the arm, [F + K, 3].
        bones: Bone of each of these, MANO's number or `FOREARM`, [F + K].
        patches: All triangles.
        fingers: Those that move with each finger, thumb to little.
        test: Whether the hand runs into itself.
    """

    frames: np.ndarray
    elbow: np.ndarray
    closed: np.ndarray
    bones: np.ndarray
    patches: Patches
    fingers: tuple[Patches, ...]
    test: SelfIntersection


_MOVING = 0.1
"""A triangle moves with a finger whose bones have this share in it."""

_PATCH_SIZE = 32

_PREPARED: dict[str, HandParts] = {}


def hand_parts(hand: Hand) -> HandParts:
    """The parts of a hand; the same hand's are prepared once a process."""
    if hand.digest not in _PREPARED:
        # Compiled code is loaded when it is first needed.
        from mano_assets.geometry.mesh_crossing import capped

        weights = hand.arrays["weights"][hand.triangles].sum(1)
        moving = [
            np.flatnonzero(weights[:, MANO16.chain(finger)].sum(1) / 3 > _MOVING)
            for finger in FINGERS
        ]
        bones = triangle_bones(hand)
        centres = hand.arrays["v_template"][hand.triangles].mean(1)
        closed = capped(hand.triangles)
        # The forearm of the flat hand runs along MANO's x.
        along = hand.arrays["v_template"][:, 0]
        elbow = along > (1 - _ELBOW_SHARE) * along.max()
        _PREPARED[hand.digest] = HandParts(
            joint_frames(hand.arrays["J"]),
            np.flatnonzero(elbow),
            closed,
            np.append(bones, np.full(len(closed) - len(bones), FOREARM)),
            _patches(np.arange(len(bones)), bones, centres),
            tuple(_patches(faces, bones, centres) for faces in moving),
            self_intersection_test(hand),
        )
    return _PREPARED[hand.digest]


def triangles_of(right_triangles: np.ndarray, side: str) -> np.ndarray:
    """A right hand's triangles as those of a side, anticlockwise from outside, [F, 3]."""
    return np.ascontiguousarray(right_triangles if side == "right" else right_triangles[:, ::-1])


def hand_axes(geometry: PosedHand, parts: HandParts, side: str) -> HandAxes:
    """How a posed hand lies, by the joints of its palm."""
    wrist, index, middle, little = geometry.joints_cam_m[_PALM]
    fingers, palm = unit(middle - wrist), cross(index - little, middle - wrist)
    palm = unit(palm if side == "right" else -palm)
    thumb = _across(fingers, palm, side)
    return HandAxes(wrist, geometry.vertices_cam_m[parts.elbow].mean(0), fingers, thumb, palm)


_PALM = HAND21.indices(["wrist", "index_mcp", "middle_mcp", "little_mcp"])


def lying(fingers: np.ndarray, palm: np.ndarray, side: str) -> np.ndarray:
    """Columns fingers, thumb and palm, [3, 3], of a hand that shall lie so.

    Args:
        fingers: Unit, [3].
        palm: What of it is across the fingers counts, [3].
        side: Of the hand.
    """
    palm = unit(palm - (palm @ fingers) * fingers)
    return np.stack([fingers, _across(fingers, palm, side), palm], 1)


def _across(fingers: np.ndarray, palm: np.ndarray, side: str) -> np.ndarray:
    return cross(fingers, palm) if side == "right" else cross(palm, fingers)


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The cross product of two vectors, [3]; numpy's own takes ten times as long for one."""
    (ax, ay, az), (bx, by, bz) = first.tolist(), second.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def unit(vector: np.ndarray) -> np.ndarray:
    """Of length one, [3]."""
    return vector / np.sqrt(vector @ vector)


class Apart:
    """Whether part of a second hand is apart from the first hand, and how far, exactly.

    Args:
        whole: The first hand.
        triangles: Of its side, in the hand's order, [F, 3].
        part: Of the second hand.
        second_triangles: Of its side, [F, 3].
    """

    def __init__(
        self,
        whole: Patches,
        triangles: np.ndarray,
        part: Patches,
        second_triangles: np.ndarray,
    ) -> None:
        num_vertices, num_faces = int(triangles.max()) + 1, len(whole.faces)
        self._triangles = np.concatenate(
            [triangles[whole.faces], second_triangles[part.faces] + num_vertices]
        )
        self._starts = np.concatenate([whole.starts, num_faces + part.starts[1:]])
        num_patches = len(whole.starts) - 1
        first, second = np.indices((num_patches, len(part.starts) - 1)).reshape(2, -1)
        self._pairs = np.stack([first, second + num_patches], 1)

    def crosses(self, both_m: np.ndarray) -> bool:
        """Answers for vertices of the first hand, then of the second, in one frame, [2 V, 3]."""
        # Compiled code is loaded when it is first needed.
        from mano_assets.geometry.triangles import crossing_pairs

        num = len(self._triangles)
        # Every pair is tested: one byte that stands for all.
        tested = np.broadcast_to(np.uint8(255), (num, (num + 7) // 8))
        found = crossing_pairs(both_m, self._triangles, self._starts, self._pairs, tested, 1)
        return len(found) > 0

    def gap_m(self, both_m: np.ndarray) -> float:
        """Smallest distance; vertices as of `crosses`."""
        from mano_assets.geometry.triangle_distance import smallest_distance
        from mano_assets.geometry.triangles import triangle_boxes

        boxes, patches = triangle_boxes(both_m, self._triangles, self._starts)
        return smallest_distance(both_m, self._triangles, boxes, patches, self._starts, self._pairs)


def arms_of_one_body(first: HandAxes, second: HandAxes, first_side: str) -> bool:
    """Whether one person can hold both hands so; a coarse test by the elbows and the thumbs.

    Elbows keep apart and the forearms do not close towards them. The body is behind the elbows;
    where the forearms tell its front, its up follows, and no thumb points down.

    Args:
        first: A hand.
        second: Of the other side.
        first_side: Side of the first.
    """
    right, left = (first, second) if first_side == "right" else (second, first)
    to_right = right.elbow_m - left.elbow_m
    apart_m = float(np.linalg.norm(to_right))
    wrists_m = float(np.linalg.norm(right.wrist_m - left.wrist_m))
    if apart_m < max(NEAREST_ELBOWS_M, 0.8 * wrists_m):
        return False
    to_right = to_right / apart_m
    arms = [unit(hand.wrist_m - hand.elbow_m) for hand in (right, left)]
    forward = arms[0] + arms[1]
    forward = forward - (forward @ to_right) * to_right
    # A forearm that turns away from the other elbow does not bring its hand to the other.
    if arms[0] @ to_right > 0.5 or arms[1] @ to_right < -0.5:
        return False
    if np.linalg.norm(forward) < 2 * np.cos(np.deg2rad(_SQUARE_DEG)):
        return True
    up = cross(to_right, unit(forward))
    return all(hand.thumb @ up > _THUMB_DOWN for hand in (right, left))
