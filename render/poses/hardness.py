"""How hard a pose is, as seen from a view: one number and the parts it is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from mano_assets.joint_limits import clamp, violation
from mano_assets.skeleton import MANO16
from render.poses.articulation import BEND, SPLAY, jittered
from render.poses.handshapes import HANDSHAPES, handshape_angles
from render.poses.ranges import NUM_RANGE_UNIFORMS, range_angles
from render.randomness import stream

EXCEEDANCE_SCALE_RAD = np.deg2rad(6.0)
GAP_SCALE_M = 0.004
RARITY_SCALE_RAD = np.deg2rad(12.0)
"""Where each part has grown to 1 - 1/e of its most, or fallen to 1/e."""

_COMMON_PER_HANDSHAPE, _COMMON_IN_RANGE = 40, 1000
_FINGER_JOINTS = slice(1, MANO16.num_joints)


@dataclass(frozen=True)
class Hardness:
    """What makes a sample hard.

    Attributes:
        range_exceedance: Mean over the 16 joints of how far bend and splay are outside the
            functional range, radians.
        self_occluded_fraction: Share of the 21 joints that the hand itself hides.
        finger_gap_m: Smallest gap between the surfaces of two fingers, metres.
        rarity: Distance to the nearest of a fixed set of common poses: root mean square over the
            bends and splays of the finger joints, radians.
    """

    range_exceedance: float
    self_occluded_fraction: float
    finger_gap_m: float
    rarity: float

    @property
    def total(self) -> float:
        """From 0 to 1; grows with every part, the gap's nearness among them."""
        parts = (
            1 - np.exp(-self.range_exceedance / EXCEEDANCE_SCALE_RAD),
            self.self_occluded_fraction,
            np.exp(-self.finger_gap_m / GAP_SCALE_M),
            1 - np.exp(-self.rarity / RARITY_SCALE_RAD),
        )
        return float(np.mean(parts))

    def parts(self) -> dict[str, float]:
        """By the manifest's names."""
        return asdict(self)


def range_exceedance(angles_rad: np.ndarray) -> np.ndarray:
    """Mean bend and splay outside the functional range.

    Args:
        angles_rad: Bend, splay and twist, [..., 16, 3].

    Returns:
        Sum of both over the joints, divided by the number of joints, radians, [...].
    """
    beyond = violation(np.asarray(angles_rad), "functional")[..., (BEND, SPLAY)]
    return beyond.sum((-2, -1)) / MANO16.num_joints


def rarity(angles_rad: np.ndarray) -> float:
    """Distance to the nearest common pose: a handshape with noise or one of the functional range.

    Args:
        angles_rad: Bend, splay and twist, [16, 3].

    Returns:
        Root mean square over the bends and splays of the finger joints, radians.
    """
    features = angles_rad[_FINGER_JOINTS, :2].ravel()
    common, squares = _common_poses()
    nearest = (squares - 2 * common @ features).min() + features @ features
    return float(np.sqrt(max(nearest, 0.0) / len(features)))


@cache
def _common_poses() -> tuple[np.ndarray, np.ndarray]:
    """Features [N, 30] of poses anyone shows a camera, and their squared lengths."""
    rng = stream(0, "common poses", 0)
    noise = np.deg2rad(6.0)
    poses = [
        jittered(handshape_angles(shape), rng, noise, noise / 2)
        for shape in HANDSHAPES.values()
        for _ in range(_COMMON_PER_HANDSHAPE)
    ]
    poses += [
        range_angles("functional", rng.random(NUM_RANGE_UNIFORMS)) for _ in range(_COMMON_IN_RANGE)
    ]
    features = clamp(np.array(poses), "active")[:, _FINGER_JOINTS, :2].reshape(len(poses), -1)
    return features, (features**2).sum(1)
