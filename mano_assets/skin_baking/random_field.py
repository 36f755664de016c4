"""Smooth random numbers in space."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

_CELLS = 48
_CELLS_PER_BLOB = 4
_BLUR_CELLS = 1.3


def random_field(
    rng: np.random.Generator, places_m: np.ndarray, blob_m: float | tuple[float, float, float]
) -> np.ndarray:
    """A smooth random function with mean 0 and variance 1, the same along all axes but for scale.

    It repeats after 12 blobs.

    Args:
        rng: Draws the function.
        places_m: Where, [N, 3].
        blob_m: Breadth of its bumps, along all axes or each.

    Returns:
        [N], float32.
    """
    block = gaussian_filter(
        rng.standard_normal((_CELLS,) * 3, np.float32), _BLUR_CELLS, mode="wrap"
    )
    block = (block - block.mean()) / block.std()
    # The lattice must not lie along the hand's axes: there it would show.
    turn = np.eye(3) if isinstance(blob_m, tuple) else _turn(rng)
    cells = (places_m / np.asarray(blob_m, dtype=np.float32)) @ (_CELLS_PER_BLOB * turn).T.astype(
        np.float32
    )
    return map_coordinates(block, cells.T, order=1, mode="grid-wrap", prefilter=False)


def ridges(values: np.ndarray, breadth: float) -> np.ndarray:
    """1 where a random field changes its sign, falling to 0 about it: a net of lines, [N]."""
    return np.exp(-((values / breadth) ** 2))


def _turn(rng: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix, [3, 3]."""
    return np.linalg.qr(rng.standard_normal((3, 3)))[0]
