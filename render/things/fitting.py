"""Brings a thing into touch with the hand: by growing, by sliding; never through the skin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from render.things.obstacle import Obstacle, Trial
from render.things.shapes import Form, Shape
from render.things.surfaces import Mesh

_GROWTH_STEPS, _SLIDE_STEPS = 5, 7
"""Halvings: of a slide of 3 cm 0.2 mm are left."""

_STRETCHED: dict[Form, np.ndarray] = {
    "compact": np.array([1.0, 1.0, 1.0]),
    "long": np.array([1.0, 1.0, 0.0]),
    "flat": np.array([1.0, 0.0, 0.0]),
}
"""Axes along which a thing of a form may be scaled: long ones stay as long, flat ones as broad."""


@dataclass(frozen=True)
class Pose:
    """Where a thing is: its own frame's points times `scale`, turned, moved; camera frame, metres.

    Attributes:
        rotation_vector: [3].
        translation_m: [3].
        scale: [3].
    """

    rotation_vector: np.ndarray
    translation_m: np.ndarray
    scale: np.ndarray

    def placed(self, vertices: np.ndarray) -> np.ndarray:
        """Vertices [V, 3] of the thing's frame in the camera's."""
        rotation = Rotation.from_rotvec(self.rotation_vector).as_matrix()
        return (vertices * self.scale) @ rotation.T + self.translation_m


class Fitting:
    """A thing of one orientation beside the hand.

    Args:
        shape: The thing.
        obstacle: The posed hand.
        rotation: Its axes in the camera's frame, as columns, [3, 3].
    """

    def __init__(self, shape: Shape, obstacle: Obstacle, rotation: np.ndarray) -> None:
        self._stretched = _STRETCHED[shape.form]
        self._rotation_vector = Rotation.from_matrix(rotation).as_rotvec()
        self._rotation = rotation
        self._whole = shape.whole
        self._trial = Trial(obstacle, shape.whole, shape.pieces, shape.closed)

    def pose(self, at_cam_m: np.ndarray, scale: float) -> Pose:
        """The thing's pose at a place, scaled along the axes of its form."""
        return Pose(self._rotation_vector, at_cam_m, self._stretch(scale))

    def placed(self, at_cam_m: np.ndarray, scale: float) -> Mesh:
        """The thing there, camera frame."""
        stretched = self._whole.vertices * self._stretch(scale)
        return Mesh(stretched @ self._rotation.T + at_cam_m, self._whole.triangles)

    def _stretch(self, scale: float) -> np.ndarray:
        return 1.0 + (scale - 1.0) * self._stretched

    def is_free(self, at_cam_m: np.ndarray, scale: float) -> bool:
        """Whether it is clear of the hand there."""
        return self._trial.is_free(self._rotation, at_cam_m, self._stretch(scale))

    def grown(self, at_cam_m: np.ndarray, least: float, most: float) -> float | None:
        """The largest scale at a place, or None if even the least is too large."""
        if not self.is_free(at_cam_m, least):
            return None
        return last_true(lambda scale: self.is_free(at_cam_m, scale), least, most, _GROWTH_STEPS)

    def slid(self, from_cam_m: np.ndarray, way_m: np.ndarray, scale: float) -> float:
        """The share of a way that it can go from a free place; 1 if nothing is met."""
        return last_true(
            lambda share: self.is_free(from_cam_m + share * way_m, scale), 0.0, 1.0, _SLIDE_STEPS
        )


def last_true(
    test: Callable[[float], bool], true_at: float, perhaps_at: float, steps: int
) -> float:
    """Halves towards where a test turns false; the answer is one for which it held."""
    if test(perhaps_at):
        return perhaps_at
    for _ in range(steps):
        middle = (true_at + perhaps_at) / 2
        if test(middle):
            true_at = middle
        else:
            perhaps_at = middle
    return true_at
