"""The posed hand as something that a thing may touch but not enter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.geometry.surface_patches import compact_patches
from mano_assets.hand import Hand
from render.things.surfaces import Mesh

_PATCH_SIZE, _OWN_PATCH_SIZE = 32, 12
"""Triangles whose boxes are looked at as one: of the hand, of the thing."""


@dataclass(frozen=True)
class Flesh:
    """The skin of a hand of any pose, prepared once.

    Attributes:
        triangles: [F, 3], those of a patch together.
        patch_starts: First triangle of each patch, and F, [P + 1].
        closed: The same skin with its open end closed, [G, 3].
        hand_vertices: Those that do not belong to the forearm, [N].
    """

    triangles: np.ndarray
    patch_starts: np.ndarray
    closed: np.ndarray
    hand_vertices: np.ndarray


def flesh_of(hand: Hand) -> Flesh:
    """Prepares a hand; this takes some hundredths of a second."""
    from mano_assets.geometry.mesh_crossing import capped

    triangles = hand.triangles
    centres = hand.arrays["v_template"][triangles].mean(1)
    order, starts = compact_patches(centres, np.zeros(len(triangles), int), _PATCH_SIZE)
    forearm = hand.arrays.get("forearm")
    vertices = np.arange(len(hand.arrays["v_template"]))
    return Flesh(
        np.ascontiguousarray(triangles[order]),
        starts,
        capped(triangles),
        vertices if forearm is None else vertices[~forearm.astype(bool)],
    )


class Obstacle:
    """A hand in a pose, either side.

    Args:
        flesh: The hand.
        vertices_cam_m: Its posed vertices, [V, 3].
    """

    def __init__(self, flesh: Flesh, vertices_cam_m: np.ndarray) -> None:
        self.flesh = flesh
        self.vertices_cam_m = np.ascontiguousarray(vertices_cam_m, dtype=np.float64)

    @property
    def hand_cam_m(self) -> np.ndarray:
        """The vertices without the forearm's, [N, 3]."""
        return self.vertices_cam_m[self.flesh.hand_vertices]


class Trial:
    """Tries whether the hand is clear of a thing, in the thing's own frame.

    There the boxes around the thing's triangles, long ones mostly, are small. The answer is exact
    for coordinates in that frame: in the camera's it is off by their rounding, 1e-16 m.

    Args:
        obstacle: What it may not enter.
        thing: In its own frame.
        pieces: A vertex of each piece of the thing that hangs together.
        closed: Whether the thing has an inside that the hand may not be in.
    """

    def __init__(
        self, obstacle: Obstacle, thing: Mesh, pieces: tuple[int, ...], closed: bool
    ) -> None:
        self._obstacle, self._closed = obstacle, closed
        flesh, self._count = obstacle.flesh, len(obstacle.vertices_cam_m)
        along = thing.vertices[thing.triangles].sum(1)[:, 2]
        self._own = thing.triangles[np.argsort(along, kind="stable")].astype(np.int64)
        self._triangles = np.concatenate([flesh.triangles, self._own + self._count])
        starts = np.append(np.arange(0, len(self._own), _OWN_PATCH_SIZE), len(self._own))
        self._starts = np.concatenate([flesh.patch_starts, len(flesh.triangles) + starts[1:]])
        num_patches = len(flesh.patch_starts) - 1
        first, second = np.indices((num_patches, len(starts) - 1)).reshape(2, -1)
        self._pairs = np.stack([first, second + num_patches], axis=1)
        # Every pair is tested: one byte that stands for all.
        size = len(self._triangles)
        self._bits = np.broadcast_to(np.uint8(255), (size, (size + 7) // 8))
        self._points = np.concatenate([obstacle.vertices_cam_m, thing.vertices])
        self._pieces = np.ascontiguousarray(thing.vertices[list(pieces)])

    def is_free(self, rotation: np.ndarray, at_cam_m: np.ndarray, scale: np.ndarray) -> bool:
        """Whether thing and hand are apart, or at most touch.

        Args:
            rotation: The thing's axes in the camera's frame, as columns, [3, 3].
            at_cam_m: Its origin, [3].
            scale: Factors along its axes, [3].
        """
        # Compiled code is loaded when it is first needed.
        from mano_assets.geometry.mesh_crossing import inside
        from mano_assets.geometry.triangles import crossing_pairs

        hand = self._points[: self._count]
        hand[:] = (self._obstacle.vertices_cam_m - at_cam_m) @ (rotation / scale)
        args = self._points, self._triangles, self._starts, self._pairs, self._bits, 1
        if len(crossing_pairs(*args)) > 0:
            return False
        if inside(hand, self._obstacle.flesh.closed, self._pieces).any():
            return False
        if not self._closed:
            return True
        return not inside(self._points[self._count :], self._own, hand[:1]).any()
