"""Where a thing may be that nobody holds: before the hand or beside it, covering part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from render.things.fitting import Fitting, Pose, last_true
from render.things.obstacle import Obstacle
from render.things.occlusion import apart, hides, rays_of_box
from render.things.shapes import Shape
from render.things.surfaces import Mesh

NUM_UNIFORMS = 6
"""Numbers that a place is drawn with."""

NEAREST_M = 0.05
"""Things keep this far from the camera's plane."""

_NUM_RAYS, _MOVES = 11, 6
"""Rays along a side of the hand's box; halvings of the way across it."""


@dataclass(frozen=True)
class View:
    """What the thing may hide, and of what.

    Attributes:
        joints_cam_m: hand21, [21, 3].
        hidden: Joints that other things hide already, [21] bool.
        most_hidden: Largest share of joints that all things may hide.
        camera_k: Intrinsics, px, [3, 3].
        size_px: Width and height of the image.
    """

    joints_cam_m: np.ndarray
    hidden: np.ndarray
    most_hidden: float
    camera_k: np.ndarray
    size_px: int

    def allows(self, thing: Mesh) -> bool:
        """Whether a thing, camera frame, is far enough from the camera and hides little enough."""
        if thing.vertices[:, 2].min() < NEAREST_M:
            return False
        hidden = self.hidden | hides(thing, self.joints_cam_m)
        return float(hidden.mean()) <= self.most_hidden


def nearby(
    shape: Shape,
    cover: tuple[float, float],
    obstacle: Obstacle,
    view: View,
    others: Sequence[Mesh],
    drawn: np.ndarray,
) -> Pose | None:
    """Moves a thing in from outside the image of the hand until it covers as much as is wished.

    Args:
        shape: The thing.
        cover: Least and largest share of the hand's box that it shall cover.
        obstacle: The hand.
        view: Of the hand.
        others: What it may not cross either, camera frame; within an open one, such as a sleeve,
            it may be taken for held by it, and refused.
        drawn: Numbers within [0, 1), [NUM_UNIFORMS].

    Returns:
        None if it cannot cover that much, or not without crossing something.
    """
    rotation = _rotation(drawn[:3])
    joints = view.joints_cam_m
    depth = float(np.median(joints[:, 2])) * (0.5 + 0.52 * drawn[3])
    rays, box = rays_of_box(obstacle.hand_cam_m, view.camera_k, view.size_px, _NUM_RAYS)
    focal_px = np.diag(view.camera_k)[:2]
    whole = shape.whole
    reach = float(np.linalg.norm(whole.vertices, axis=1).max())
    middle = np.append((box.mean(0) - view.camera_k[:2, 2]) / focal_px, 1.0) * depth
    half = np.append(np.ptp(box, axis=0) / 2 / focal_px, 0.0) * depth
    angle = 2 * np.pi * drawn[4]
    way = np.array([np.cos(angle), np.sin(angle), 0.0])
    # From where the box around the hand ends for certain.
    way *= np.linalg.norm(half) + reach * 1.5
    start = middle + way
    wished = cover[0] + (cover[1] - cover[0]) * drawn[5]
    fitting = Fitting(shape, obstacle, rotation)

    def placed(share: float) -> Mesh:
        return fitting.placed(start - share * way, 1.0)

    def covered(thing: Mesh) -> float:
        return float(hides(thing, rays).mean())

    def fits(share: float) -> bool:
        thing = placed(share)
        return (
            covered(thing) <= wished
            and view.allows(thing)
            and fitting.is_free(start - share * way, 1.0)
        )

    if not fits(0.0):
        return None
    share = last_true(fits, 0.0, 1.0, _MOVES)
    thing = placed(share)
    if covered(thing) < cover[0] or not view.allows(thing):
        return None
    if not all(apart(thing, shape.pieces, shape.closed, other) for other in others):
        return None
    return fitting.pose(start - share * way, 1.0)


def _rotation(uniforms: np.ndarray) -> np.ndarray:
    """Uniform over all rotations (Shoemake, Uniform Random Rotations, Graphics Gems III, 1992)."""
    u, v, w = uniforms
    quaternion = [
        np.sqrt(1 - u) * np.sin(2 * np.pi * v),
        np.sqrt(1 - u) * np.cos(2 * np.pi * v),
        np.sqrt(u) * np.sin(2 * np.pi * w),
        np.sqrt(u) * np.cos(2 * np.pi * w),
    ]
    return Rotation.from_quat(quaternion).as_matrix()
