"""The thumb folded into the palm, the fingers closed over it."""

import numpy as np

from render.poses.articulation import LONG_FINGERS, curl, flat_hand, thumb

YIELDS = "fingers"


def draw(rng: np.random.Generator) -> np.ndarray:
    """A thumb under the fingers, [16, 3]."""
    angles = flat_hand()
    closed = rng.uniform(0.4, 1.0)
    for finger in LONG_FINGERS:
        shares = np.array([0.55, 0.6, 0.35]) + closed * np.array([0.4, 0.3, 0.4])
        curl(angles, finger, shares + rng.normal(0, 0.05, 3))
    thumb(
        angles,
        flexion=rng.uniform(0.75, 1.0),
        opening=rng.uniform(-0.8, -0.2),
        mcp=rng.uniform(0.4, 1.0),
        ip=rng.uniform(0.0, 0.6),
    )
    return angles
