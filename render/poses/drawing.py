"""Hands drawn as shaded triangles into a Matplotlib axes: quick, and without Blender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mano_assets.anatomy import PALMAR
from mano_assets.geometry.surface import vertex_normals
from mano_assets.hand import Hand

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SKIN = (0.93, 0.75, 0.66)
GREY = (0.68, 0.72, 0.77)

_LIGHT = np.array([-0.35, -0.8, 0.5])
"""Towards the light, MANO's axes: beside the viewer of the palm, on the thumb's side."""


def draw_hand(
    axes: Axes, hand: Hand, vertices_m: np.ndarray, colour: tuple[float, float, float] = SKIN
) -> None:
    """Draws a right hand seen on the palm, fingers up, without the axes around it.

    Args:
        axes: Where to draw; its limits are set, the same for all hands.
        hand: Whose triangles they are.
        vertices_m: Posed without global orientation and translation, metres, MANO's axes, [V, 3].
        colour: RGB of full light, 0 to 1.
    """
    from matplotlib.collections import PolyCollection

    normals = vertex_normals(vertices_m, hand.triangles)
    depth = vertices_m @ PALMAR
    # Far ones first: the near ones are drawn over them.
    corners = hand.triangles[np.argsort(depth[hand.triangles].mean(1))]
    light = np.clip(normals @ _LIGHT, 0, 1)[corners].mean(1)
    colours = np.outer(0.3 + 0.7 * light, colour)
    # Fingers point along -x and the thumb to +z: turn the fingers up.
    flat = np.stack([vertices_m[:, 2], -vertices_m[:, 0]], 1)
    axes.add_collection(
        # Edges of the faces' colours: antialiasing would leave seams.
        PolyCollection(list(flat[corners]), facecolors=colours, edgecolors=colours, linewidths=0.3)
    )
    axes.set(xlim=(-0.12, 0.13), ylim=(-0.05, 0.22), aspect="equal")
    axes.axis("off")
