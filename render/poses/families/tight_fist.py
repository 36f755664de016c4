"""All fingers curled to the end, the thumb over or beside them."""

import numpy as np

from render.poses.articulation import LONG_FINGERS, curl, flat_hand, thumb


def draw(rng: np.random.Generator) -> np.ndarray:
    """A tight fist, [16, 3]."""
    angles = flat_hand()
    for finger in LONG_FINGERS:
        curl(angles, finger, rng.uniform([0.92, 0.88, 0.70], [1.0, 1.0, 0.95]))
    thumb(
        angles,
        flexion=rng.uniform(0.2, 1.0),
        opening=rng.uniform(0.3, 1.0),
        mcp=rng.uniform(0.1, 0.9),
        ip=rng.uniform(0.1, 0.8),
    )
    return angles
