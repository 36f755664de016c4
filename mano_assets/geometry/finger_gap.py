"""How near two fingers come to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.geometry.surface_patches import FOREARM, compact_patches, triangle_bones
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16

_PATCH_SIZE = 16


@dataclass(frozen=True)
class FingerSurfaces:
    """The skin of the fingers' outer two phalanges, in patches.

    Attributes:
        triangles: [F, 3], those of a patch together.
        patch_starts: First triangle of each patch, and F, [P + 1].
        patch_pairs: All pairs of patches of different fingers, [N, 2].
    """

    triangles: np.ndarray
    patch_starts: np.ndarray
    patch_pairs: np.ndarray


def finger_surfaces(hand: Hand) -> FingerSurfaces:
    """The skin from the proximal interphalangeal joints outwards; the thumb's from its MCP."""
    finger_of_bone = np.full(FOREARM + 1, -1)
    for number, finger in enumerate(FINGERS):
        finger_of_bone[MANO16.chain(finger)[1:]] = number
    fingers = finger_of_bone[triangle_bones(hand)]
    triangles, fingers = hand.triangles[fingers >= 0], fingers[fingers >= 0]
    centres = hand.arrays["v_template"][triangles].mean(1)
    order, starts = compact_patches(centres, fingers, _PATCH_SIZE)
    finger_of_patch = fingers[order[starts[:-1]]]
    different = finger_of_patch[:, None] < finger_of_patch
    pairs = np.ascontiguousarray(np.argwhere(different))
    return FingerSurfaces(np.ascontiguousarray(triangles[order]), starts, pairs)


def finger_gap_m(surfaces: FingerSurfaces, vertices: np.ndarray) -> float:
    """Smallest distance between the skins of two fingers' outer two phalanges.

    Args:
        surfaces: From `finger_surfaces`.
        vertices: Posed mesh, metres, any frame, [V, 3].

    Returns:
        Metres; 0 where they run into each other.
    """
    from mano_assets.geometry.triangle_distance import smallest_distance
    from mano_assets.geometry.triangles import triangle_boxes

    points = np.ascontiguousarray(vertices, dtype=np.float64)
    triangles, starts = surfaces.triangles, surfaces.patch_starts
    boxes, patches = triangle_boxes(points, triangles, starts)
    return smallest_distance(points, triangles, boxes, patches, starts, surfaces.patch_pairs)
