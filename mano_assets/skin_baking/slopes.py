"""Slopes of a height over an atlas: what a normal map holds."""

from __future__ import annotations

import numpy as np


class SlopeFinder:
    """Slopes of heights over an atlas.

    Args:
        texels: As in `SurfaceTexels`, [N].
        size: Of the atlas.
        places_m: Of the texels, [N, 3].
    """

    def __init__(self, texels: np.ndarray, size: int, places_m: np.ndarray) -> None:
        self._texels, self._size = texels, size
        right, up = (
            np.stack(steps, 1) for steps in zip(*map(self._steps, places_m.T), strict=True)
        )
        self._along_m = np.maximum(np.linalg.norm(right, axis=1), 1e-6)
        tangent = right / self._along_m[:, None]
        self._shear_m = (up * tangent).sum(1)
        across = up - self._shear_m[:, None] * tangent
        self._across_m = np.maximum(np.linalg.norm(across, axis=1), 1e-6)

    def of_height(self, height_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope along u, and on the skin at right angles to it towards v; [N] each."""
        right, up = self._steps(height_m)
        along = right / self._along_m
        return along, (up - self._shear_m * along) / self._across_m

    def _steps(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How much a quantity [N] changes by a texel to the right and upwards."""
        image = np.full(self._size * self._size, np.nan, np.float32)
        image[self._texels] = values
        image = image.reshape(self._size, self._size)
        up, right = (self._central(image, axis).ravel()[self._texels] for axis in (0, 1))
        return right, up

    @staticmethod
    def _central(image: np.ndarray, axis: int) -> np.ndarray:
        difference = (np.roll(image, -1, axis) - np.roll(image, 1, axis)) / 2
        # On the rim of a margin, which nothing reads but the filter.
        return np.nan_to_num(difference)
