"""Whether a posed hand runs into itself, beyond what flesh allows.

Flesh gives way where it touches. So the skin is eroded first: every vertex moves inward along its
area-weighted normal by `CONTACT_M`, and two fingers may press `2 * CONTACT_M` into each other. A
pose is valid if no two triangles of the eroded skin cross, decided exactly
(`mano_assets.geometry.triangles`). Skin is meant to fold, though, and where it does it lies on
itself; how far a joint can fold is for the joint limits to say. So these pairs of triangles are
not looked at:

- of the same bone, which cannot be bent;
- of bones that meet in a joint, up to `CREASE_M` apart along the skin at rest: the creases of
  knuckles, wrist and thumb. Where a finger passes through its own palm, pairs further apart cross
  as well;
- of any bones, up to `WEB_M` apart along the skin: the webs between fingers.

The forearm counts as a bone, and as one that meets the palm. The metacarpal of the thumb lies in
the flesh of the palm, so what meets one of the two counts as meeting the other: the thumb's first
phalanx and the palm fold the skin of the first web.

A left hand is tested as the right hand that it mirrors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.geometry.surface_patches import (
    FOREARM,
    compact_patches,
    skin_distance,
    triangle_bones,
)
from mano_assets.hand import Hand
from mano_assets.skeleton import MANO16

CONTACT_M = 0.001
"""By how much each of two surfaces gives way. A judgement: at 1 mm fingers that lie side by side
or touch the palm pass, and what passes overlaps too little to see. Of poses drawn evenly from the
free hand's active range about 44, 54, 63 and 70 % are valid at 0, 1, 2 and 3 mm."""

WEB_M = 0.022
"""Along the skin at rest, from one finger's flank through the web to the next. Where parallel
fingers are bent by 75 to 85 degrees at the knuckles, the web folds over up to 19 mm in three hands
of four, and over up to 22 mm in all in which the fingers themselves keep clear of each other."""

CREASE_M = 0.045
"""Along the skin at rest, across a crease. In valid poses drawn evenly from the free hand's active
range the folds reach 27 mm on a finger, 29 mm at its base, and 42 mm in the first web, with the
thumb folded over the palm."""

_PATCH_SIZE = 32


@dataclass(frozen=True)
class SelfIntersection:
    """The test for one hand; of any shape, for it goes by the numbers of the vertices.

    Attributes:
        triangles: [F, 3], those of a patch together.
        numbers: Number in the hand of each of these triangles, [F].
        patch_starts: First triangle of each patch, and F, [P + 1].
        patch_pairs: Pairs of patches with triangles to test, [N, 2].
        tested_bits: Which pairs of triangles are tested; symmetric, rows packed into bytes, lowest
            bit first: an eighth of the memory is an eighth of the cache misses. [F, ceil(F / 8)].
        contact_m: The skin's erosion.
    """

    triangles: np.ndarray
    numbers: np.ndarray
    patch_starts: np.ndarray
    patch_pairs: np.ndarray
    tested_bits: np.ndarray
    contact_m: float

    def intersects(self, vertices: np.ndarray) -> bool:
        """Whether the posed hand runs into itself.

        Args:
            vertices: Of the right hand, metres, any frame, [V, 3].
        """
        return len(self._crossing(vertices, 1)) > 0

    def intersections(self, vertices: np.ndarray, most: int = -1) -> np.ndarray:
        """Where the posed hand runs into itself.

        Args:
            vertices: Of the right hand, metres, any frame, [V, 3].
            most: Pairs to be found at most; all when negative.

        Returns:
            Pairs of the hand's triangles that cross after the erosion, the lower number first, in
            ascending order, [N, 2].
        """
        pairs = np.sort(self.numbers[self._crossing(vertices, most)], axis=1)
        return pairs[np.lexsort(pairs.T[::-1])]

    def _crossing(self, vertices: np.ndarray, most: int) -> np.ndarray:
        # Compiled code is loaded when it is first needed.
        from mano_assets.geometry.triangles import crossing_pairs, moved_inward

        points = np.ascontiguousarray(vertices, dtype=np.float64)
        return crossing_pairs(
            moved_inward(points, self.triangles, self.contact_m),
            self.triangles,
            self.patch_starts,
            self.patch_pairs,
            self.tested_bits,
            most,
        )


def self_intersection_test(hand: Hand, contact_m: float = CONTACT_M) -> SelfIntersection:
    """Prepares the test for a hand; this takes a second.

    Args:
        hand: Its rest mesh and skin weights say which pairs are tested.
        contact_m: By how much each of two surfaces gives way.
    """
    bones = triangle_bones(hand)
    centres = hand.arrays["v_template"][hand.triangles].mean(1)
    order, starts = compact_patches(centres, bones, _PATCH_SIZE)
    triangles = np.ascontiguousarray(hand.triangles[order])
    tested = pairs_to_test(hand)[np.ix_(order, order)]
    num_patches = len(starts) - 1
    patch = np.repeat(np.arange(num_patches), np.diff(starts))
    with_pairs = np.zeros((num_patches, num_patches), dtype=bool)
    first, second = np.nonzero(tested)
    with_pairs[patch[first], patch[second]] = True
    pairs = np.ascontiguousarray(np.argwhere(np.triu(with_pairs)))
    bits = np.packbits(tested, axis=1, bitorder="little")
    return SelfIntersection(triangles, order, starts, pairs, bits, contact_m)


def pairs_to_test(hand: Hand) -> np.ndarray:
    """Which pairs of triangles may not cross, [F, F] bool."""
    bones = triangle_bones(hand)
    apart_m = skin_distance(hand.arrays["v_template"], hand.triangles, CREASE_M)
    folds = joined_bones()[bones[:, None], bones]
    return (bones[:, None] != bones) & (apart_m > np.where(folds, CREASE_M, WEB_M))


def joined_bones() -> np.ndarray:
    """Whether the skin of two bones folds, [17, 17] bool; MANO's bones, then the forearm."""
    joined = np.zeros((FOREARM + 1, FOREARM + 1), dtype=bool)
    joined[:FOREARM, :FOREARM] = MANO16.adjacency > 0
    palm, thumb = MANO16.root, MANO16.index("thumb_cmc")
    joined[palm, FOREARM] = joined[FOREARM, palm] = True
    meeting = joined[palm] | joined[thumb]
    for bone in (palm, thumb):
        joined[bone] |= meeting
        joined[:, bone] |= meeting
    return joined
