"""Knuckles bent back, outer joints half curled, fingers apart, the thumb too."""

import numpy as np

from render.poses.articulation import LONG_FINGERS, curl, fan, flat_hand, thumb


def draw(rng: np.random.Generator) -> np.ndarray:
    """A claw, [16, 3]."""
    angles = flat_hand()
    for finger in LONG_FINGERS:
        curl(angles, finger, rng.uniform([-1.0, 0.45, 0.35], [0.1, 0.9, 0.85]))
    fan(angles, rng.uniform(0.3, 1.0))
    thumb(
        angles, rng.uniform(-1.0, 0.4), rng.uniform(-0.3, 1.0), *rng.uniform([0.2, 0.3], [0.9, 1.0])
    )
    return angles
