"""Fingers bent back at the knuckles, all or some, the thumb bent back too."""

import numpy as np

from mano_assets.skeleton import MANO16
from render.poses.articulation import BEND, LONG_FINGERS, curl, fan, flat_hand, thumb


def draw(rng: np.random.Generator) -> np.ndarray:
    """Fingers bent back, [16, 3]."""
    angles = flat_hand()
    for finger in LONG_FINGERS:
        if rng.random() < 0.8:
            curl(angles, finger, rng.uniform([-1.0, -1.0, -1.0], [-0.6, 0.1, 0.1]))
        else:
            curl(angles, finger, rng.uniform([0.1, 0.0, 0.0], [0.8, 0.5, 0.4]))
    fan(angles, rng.uniform(-0.1, 1.0))
    thumb(angles, rng.uniform(-1.0, -0.4), rng.uniform(-0.6, 1.0), -0.8, rng.uniform(-1.0, -0.3))
    # Pressing the fingers back goes with an extended wrist.
    angles[MANO16.root, BEND] = np.deg2rad(rng.uniform(-65, 10))
    return angles
