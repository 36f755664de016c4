"""The arm before it is bent: a posed forearm in its own coordinates, and what continues it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.hand import MIRROR, Hand
from mano_assets.skeleton import HAND21, MANO16
from render.dress.arm_extension import ArmExtension
from render.dress.elbow import Elbow


@dataclass(frozen=True)
class StraightArm:
    """A posed hand as its forearm sees it; a left hand as the right one that it mirrors.

    Attributes:
        rotation: Columns across, through and up the forearm in the camera frame, [3, 3].
        origin_cam_m: Of the coordinates: at the wrist joint's place along the forearm's centre
            line, which is the third axis, [3].
        mirror: What takes a right hand's camera frame to that of the hand's side, [3].
        hand_m: The hand's vertices, [V, 3].
        extension_m: The vertices that continue them straight, [E, 3].
        radius_m: Of the arm at its cut.
    """

    rotation: np.ndarray
    origin_cam_m: np.ndarray
    mirror: np.ndarray
    hand_m: np.ndarray
    extension_m: np.ndarray
    radius_m: float

    def elbow(
        self, extension: ArmExtension, length: float, flexion_rad: float, azimuth_rad: float
    ) -> Elbow:
        """The map that bends this arm."""
        return Elbow(
            bare_m=extension.bend_end_m,
            elbow_m=extension.elbow_m,
            radius_m=self.radius_m,
            length=length,
            flexion_rad=flexion_rad,
            azimuth_rad=azimuth_rad,
        )

    def in_camera(self, points_m: np.ndarray) -> np.ndarray:
        """Points [..., 3] of the forearm's coordinates in the camera frame."""
        return (points_m @ self.rotation.T + self.origin_cam_m) * self.mirror

    def turned(self, vectors_m: np.ndarray) -> np.ndarray:
        """Vectors [..., 3] of the forearm's coordinates in the camera frame."""
        return vectors_m @ self.rotation.T * self.mirror


def straight_arm(
    hand: Hand,
    extension: ArmExtension,
    vertices_cam_m: np.ndarray,
    joints_cam_m: np.ndarray,
    side: str,
) -> StraightArm:
    """Finds the forearm of a posed hand.

    Args:
        hand: The right hand.
        extension: Its continuation.
        vertices_cam_m: [V, 3].
        joints_cam_m: hand21, [21, 3].
        side: right or left.
    """
    mirror = MIRROR if side == "left" else np.ones(3)
    wrist = joints_cam_m[HAND21.root] * mirror
    vertices = vertices_cam_m * mirror - wrist
    rest = (hand.arrays["v_template"] - hand.arrays["J"][MANO16.root])[extension.rigid]
    rotation = _rotation(rest, vertices[extension.rigid]) @ extension.axes.T
    local = vertices @ rotation
    rim = local[extension.rim]
    centre = (rim[:, :2].min(0) + rim[:, :2].max(0)) / 2
    offset = np.array([*centre, 0.0])
    local = local - offset
    rim = rim - offset
    radius = float(np.ptp(rim[:, :2], axis=0).mean() / 2)
    size = radius / extension.radius_m
    return StraightArm(
        rotation=rotation,
        origin_cam_m=wrist + rotation @ offset,
        mirror=mirror,
        hand_m=local,
        extension_m=_continued(extension, rim, radius, extension.scale * size),
        radius_m=radius,
    )


def _rotation(rest: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """The rotation that takes points nearest to others (Kabsch 1976), [3, 3]."""
    products = (posed - posed.mean(0)).T @ (rest - rest.mean(0))
    left, _, right = np.linalg.svd(products)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return left * signs @ right


def _continued(
    extension: ArmExtension, rim_m: np.ndarray, radius_m: float, scale: float
) -> np.ndarray:
    """Rings above the cut: its own outline, level by level rounder, [R * N, 3]."""
    own, level = extension.own[:, None, None], extension.level[:, None]
    circle = np.stack([np.cos(extension.angles_rad), np.sin(extension.angles_rad)], 1)
    radii = radius_m * extension.radii[:, None, None]
    widened = rim_m[:, :2] * extension.radii[:, None, None]
    outline = own * widened + (1 - own) * radii * circle
    heights = rim_m[:, 2].max() + scale * extension.heights_m[:, None]
    along = (1 - level) * rim_m[:, 2] + level * heights
    return np.concatenate([outline, along[..., None]], -1).reshape(-1, 3)
