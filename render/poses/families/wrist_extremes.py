"""The hand bent against the forearm as far as it goes, any way, the fingers in any curl."""

import numpy as np

from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16
from render.poses.articulation import LONG_FINGERS, curl, fan, flat_hand, thumb

_LOWER, _UPPER = limits_rad("active")[MANO16.root, :2].T


def draw(rng: np.random.Generator) -> np.ndarray:
    """A wrist near the rim of its range, [16, 3]."""
    angles = flat_hand()
    around = rng.uniform(0, 2 * np.pi)
    # Flexion and deviation share their range: its rim is taken as an ellipse.
    direction = np.array([np.cos(around), np.sin(around)])
    reach = np.where(direction > 0, _UPPER, -_LOWER)
    angles[MANO16.root, :2] = rng.uniform(0.75, 1.0) * direction * reach
    closed = rng.beta(0.8, 1.2)
    for finger in LONG_FINGERS:
        curl(angles, finger, np.clip(closed + rng.normal(0, 0.08, 3), 0, 0.95))
    fan(angles, rng.uniform(-0.1, 0.6) * (1 - closed))
    thumb(angles, rng.uniform(-0.8, 0.6), rng.uniform(0.0, 1.0), *rng.uniform(0, 0.6, 2))
    return angles
