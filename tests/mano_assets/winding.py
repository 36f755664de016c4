"""Which points are inside a surface."""

import numpy as np


def winding_numbers(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """How often a surface winds around points: about 1 inside, 0 outside (Jacobson et al. 2013)."""
    a, b, c = (vertices[triangles[:, corner]] - points[:, None] for corner in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    volume = (a * np.cross(b, c)).sum(-1)
    cosines = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.arctan2(volume, cosines).sum(-1) / (2 * np.pi)
