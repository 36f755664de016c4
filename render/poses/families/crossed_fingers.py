"""A finger laid over its neighbour: index and middle as for luck, sometimes another pair."""

import numpy as np

from render.poses.articulation import LONG_FINGERS, curl, flat_hand, splay, thumb

_PAIRS = (("index", "middle"), ("middle", "ring"), ("ring", "little"))
_CHANCES = (0.7, 0.15, 0.15)

YIELDS = "nothing"
"""Moved apart they would not be crossed any more."""


def draw(rng: np.random.Generator) -> np.ndarray:
    """Two fingers crossed, the others curled or stretched, [16, 3]."""
    angles = flat_hand()
    near, far = _PAIRS[rng.choice(len(_PAIRS), p=_CHANCES)]
    curled = rng.random() < 0.6
    for finger in LONG_FINGERS:
        curl(angles, finger, rng.uniform(0.7, 0.95, 3) if curled else rng.uniform(0, 0.25, 3))
    # One passes on the palm's side of the other and leans over it, the other leans against it.
    below, above = (near, far) if rng.random() < 0.5 else (far, near)
    curl(angles, below, rng.uniform([0.15, 0.10, 0.0], [0.45, 0.45, 0.35]))
    curl(angles, above, rng.uniform([-0.5, 0.05, 0.0], [0.02, 0.25, 0.25]))
    splay(angles, near, rng.uniform(-1.0, -0.65))
    splay(angles, far, rng.uniform(0.65, 1.0))
    thumb(
        angles,
        rng.uniform(0.2, 1.0) if curled else rng.uniform(-0.8, 0.3),
        rng.uniform(0.2, 1.0),
        *rng.uniform([0.1, 0.1], [0.9, 0.7]),
    )
    return angles
