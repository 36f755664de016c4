"""Knuckles straight, the outer joints curled to the end: a hand that carries a bag."""

import numpy as np

from render.poses.articulation import LONG_FINGERS, curl, fan, flat_hand, thumb


def draw(rng: np.random.Generator) -> np.ndarray:
    """A hook, [16, 3]."""
    angles = flat_hand()
    together = rng.uniform(-0.1, 0.2)
    for finger in LONG_FINGERS:
        curl(angles, finger, rng.uniform([-0.2, 0.85, 0.7], [0.15, 1.0, 1.0]))
    fan(angles, together)
    thumb(angles, rng.uniform(-0.8, 0.3), rng.uniform(-0.6, 0.6), rng.uniform(0, 0.5), 0.2)
    return angles
