"""Half-closed hands seen from where they hide the most of themselves."""

import numpy as np

from mano_assets.skeleton import FINGERS
from render.poses.articulation import curl, fan, flat_hand, splay

VIEWS = 12
"""Views tried; the one that hides the most joints is taken."""


def draw(rng: np.random.Generator) -> np.ndarray:
    """A half-closed hand, [16, 3]."""
    angles = flat_hand()
    closed = rng.uniform(0.2, 0.8)
    for finger in FINGERS:
        curl(angles, finger, np.clip(closed + rng.normal(0, 0.15, 3), 0, 0.95))
    fan(angles, rng.uniform(-0.1, 0.3))
    splay(angles, "thumb", rng.uniform(-0.3, 1.0))
    return angles
