"""Fingers as far apart as they go: a fan, a split into two groups, one finger aside."""

import numpy as np

from render.poses.articulation import LONG_FINGERS, curl, fan, flat_hand, splay, thumb


def draw(rng: np.random.Generator) -> np.ndarray:
    """Spread fingers, [16, 3]."""
    angles = flat_hand()
    for finger in LONG_FINGERS:
        curl(angles, finger, rng.uniform([-0.6, -0.3, -0.3], [0.1, 0.1, 0.1]))
    kind = rng.choice(["fan", "split", "aside"], p=[0.5, 0.3, 0.2])
    if kind == "fan":
        fan(angles, rng.uniform(0.75, 1.0))
    elif kind == "split":
        gap = rng.integers(1, len(LONG_FINGERS))
        for number, finger in enumerate(LONG_FINGERS):
            splay(angles, finger, rng.uniform(0.6, 1.0) * (1 if number < gap else -1))
    else:
        fan(angles, rng.uniform(-0.2, 0.1))
        finger, side = (("index", 1), ("little", -1))[rng.integers(2)]
        splay(angles, finger, side * rng.uniform(0.8, 1.0))
    thumb(angles, rng.uniform(-1.0, -0.5), rng.uniform(-1.0, 1.0), 0.0, rng.uniform(-1.0, 0.2))
    return angles
