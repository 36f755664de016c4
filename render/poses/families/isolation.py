"""Any of the thirty true subsets of the fingers stretched while the others are curled."""

import numpy as np

from mano_assets.skeleton import FINGERS
from render.poses.articulation import curl, fan, flat_hand, splay, thumb


def draw(rng: np.random.Generator) -> np.ndarray:
    """Some fingers stretched, the others curled, [16, 3]."""
    angles = flat_hand()
    subset = int(rng.integers(1, 2 ** len(FINGERS) - 1))
    for number, finger in enumerate(FINGERS):
        stretched = bool(subset >> number & 1)
        if finger == "thumb":
            if stretched:
                thumb(angles, rng.uniform(-1, -0.3), rng.uniform(-0.5, 0.5), 0.0, 0.0)
            else:
                thumb(
                    angles,
                    rng.uniform(0.3, 1.0),
                    rng.uniform(0.2, 1.0),
                    rng.uniform(0.2, 0.9),
                    rng.uniform(0.2, 0.7),
                )
        elif stretched:
            curl(angles, finger, rng.uniform([-0.3, 0.0, 0.0], [0.2, 0.12, 0.1]))
        else:
            curl(angles, finger, rng.uniform([0.75, 0.8, 0.6], [1.0, 1.0, 0.9]))
    if rng.random() < 0.5:
        fan(angles, rng.uniform(0, 0.6))
    else:
        for finger in FINGERS[1:]:
            splay(angles, finger, rng.uniform(-0.3, 0.3))
    return angles
