"""The skin's uneven colour: mottling, freckles and hairs."""

from __future__ import annotations

import numpy as np

from mano_assets.skin_baking.random_field import random_field
from mano_assets.skin_baking.surface_points import SkinPoints
from mano_assets.skinning import smoothstep


def mottling(points: SkinPoints, rng: np.random.Generator) -> np.ndarray:
    """Uneven blood under the skin, finer in the palm, 0 to 1 about 0.5, [N]."""
    octaves = [(0.5, 0.03), (0.45, 0.012), (0.35, 0.006), (0.25, 0.003)]
    mixed = sum(share * random_field(rng, points.places_m, blob) for share, blob in octaves)
    speckle = random_field(rng, points.places_m, 0.0025)
    return np.clip(0.5 + 0.2 * np.asarray(mixed) + 0.11 * points.palm * speckle, 0, 1)


def freckles(points: SkinPoints, rng: np.random.Generator) -> np.ndarray:
    """Freckles and age spots on the back, 0 to 1, [N]."""
    where = smoothstep(-0.6, 1.0, random_field(rng, points.places_m, 0.04))
    small = smoothstep(1.7, 2.4, random_field(rng, points.places_m, 0.0035))
    large = 0.8 * smoothstep(2.2, 2.7, random_field(rng, points.places_m, 0.008))
    return np.maximum(small, large) * where * (1 - points.palm)


def hairs(points: SkinPoints, rng: np.random.Generator) -> np.ndarray:
    """Hairs on the back of the forearm, the hand and the first phalanges, 0 to 1, [N]."""
    x, y, z = points.places_m.T
    wave = random_field(rng, points.places_m, 0.03)
    # Hairs lie towards the little finger's side, more or less.
    slanted = np.stack([x, y, z + 0.45 * x + 0.004 * wave], 1)
    sheaves = [
        smoothstep(0.3, 2.4, random_field(rng, slanted + shift, (0.014, 0.0011, 0.0011)))
        for shift in (0.0, 0.0137)
    ]
    from_wrist = smoothstep(-0.05, 0.10, x - points.joint("wrist")[0])
    knuckles = points.fingers.max(1) * 0.35
    density = np.maximum(0.25 + 0.75 * from_wrist, knuckles)
    back = smoothstep(0.5, -0.3, points.facing_palm) * (1 - points.palm)
    patchy = smoothstep(-1.5, 0.5, random_field(rng, points.places_m, 0.015))
    return 0.6 * np.max(sheaves, axis=0) * density * back * patchy
