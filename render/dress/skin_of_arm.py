"""What clothes and bracelets lie on: the straight arm's skin, and the hand that they must clear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.hand import Hand
from render.dress.sections import directions
from render.dress.straight_arm import StraightArm
from render.solids import Material, Solid

_ARM_SHARE = 0.25
"""What turns at least so much with the forearm counts as arm: worn things go round it."""


class ArmFaces:
    """Which faces of a mesh are the arm's; worked out once.

    Args:
        hand: The right hand.
        triangles: Of the hand with its arm, [F', 3].
        num: Vertices of the hand with its arm.

    Attributes:
        arm: Vertices of the arm, [A].
        arm_triangles: Faces with a corner on the arm, as numbers into the next, [F, 3].
        near: Vertices of these faces, [N].
        is_arm: Which of these are the arm's, [N].
        hand_triangles: Faces that are not all arm, [G, 3].
    """

    def __init__(self, hand: Hand, triangles: np.ndarray, num: int) -> None:
        is_arm = np.ones(num, dtype=bool)
        weights = hand.arrays["forearm_weights"]
        is_arm[: len(weights)] = weights > _ARM_SHARE
        on_arm = is_arm[triangles]
        self.hand_triangles = triangles[~on_arm.all(1)]
        self.near, corners = np.unique(triangles[on_arm.any(1)], return_inverse=True)
        self.arm_triangles = corners.reshape(-1, 3)
        self.is_arm = is_arm[self.near]
        self.arm = self.near[self.is_arm]


@dataclass(frozen=True)
class SkinOfArm:
    """A posed, straight arm, in the coordinates of `StraightArm`.

    Attributes:
        straight: The arm.
        arm_m: Its vertices, [A, 3].
        low_m: Lowest and
        high_m: highest place that the triangles of each of them reach, [A].
        whole_m: All vertices, [V', 3].
        hand_triangles: Faces that are not all arm, [G, 3].
        end_m: The arm's upper end.
    """

    straight: StraightArm
    arm_m: np.ndarray
    low_m: np.ndarray
    high_m: np.ndarray
    whole_m: np.ndarray
    hand_triangles: np.ndarray
    end_m: float

    def hand_above(self, place_m: float) -> np.ndarray:
        """Points of the hand's faces that reach above a place, [P, 3]."""
        above = (self.whole_m[:, 2] > place_m)[self.hand_triangles].any(1)
        faces = self.whole_m[self.hand_triangles[above]]
        between = (faces + np.roll(faces, 1, axis=1)) / 2
        points = np.concatenate([faces, between, faces.mean(1, keepdims=True)], 1).reshape(-1, 3)
        return points[points[:, 2] > place_m]

    def reach(self, stations_m: np.ndarray, half_m: float, num_sides: int) -> np.ndarray:
        """Support function of the skin near each station, metres, [S, num_sides].

        See `reach_by_station`. Stations off the arm have that of the nearest on it.
        """
        # Compiled code is loaded when it is first needed.
        from render.dress.section_kernel import reach_by_station

        reach = reach_by_station(
            self.arm_m, self.low_m, self.high_m, stations_m, half_m, directions(num_sides)
        )
        on = np.flatnonzero(np.isfinite(reach[:, 0]))
        nearest = np.abs(np.arange(len(reach))[:, None] - on).argmin(1)
        return reach[on[nearest]]

    def solid(
        self,
        name: str,
        vertices_m: np.ndarray,
        triangles: np.ndarray,
        material: Material,
        smooth: bool = True,
    ) -> Solid:
        """A surface of the arm's coordinates in the camera frame."""
        if self.straight.mirror[0] < 0:
            triangles = triangles[:, ::-1]
        return Solid(name, self.straight.in_camera(vertices_m), triangles, material, smooth)


def skin_of_arm(straight: StraightArm, faces: ArmFaces) -> SkinOfArm:
    """The skin of a straight arm."""
    # Compiled code is loaded when it is first needed.
    from render.dress.section_kernel import triangle_spans

    whole = np.concatenate([straight.hand_m, straight.extension_m])
    low, high = triangle_spans(whole[faces.near, 2], faces.arm_triangles)
    return SkinOfArm(
        straight=straight,
        arm_m=whole[faces.arm],
        low_m=low[faces.is_arm],
        high_m=high[faces.is_arm],
        whole_m=whole,
        hand_triangles=faces.hand_triangles,
        end_m=float(straight.extension_m[:, 2].max()),
    )
