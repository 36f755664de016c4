"""How a hand's mesh is continued past its cut at the elbow: faces, and the numbers of the rings.

All of it depends on the hand at rest alone; it is worked out once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.building.forearm_loft import arm_frame
from mano_assets.hand import Hand
from mano_assets.skeleton import MANO16
from mano_assets.skinning import smoothstep

HAND_LENGTH_M = 0.187
"""The hand that the lengths below belong to: ANSUR II (Gordon et al. 2014, NATICK/TR-15/007), hand
length, mean of the means of women and men, 181.1 and 193.3 mm."""
_BONE_LENGTH_M = 0.255
"""Wrist to elbow: ANSUR II, radiale-stylion length, 241.3 and 267.9 mm."""
_UPPER_LENGTH_M = 0.32
"""Elbow to shoulder: ANSUR II, acromion-radiale length, about 311 and 336 mm."""
_UPPER_GROWTH = 1.12
"""Radius half way up the upper arm, in radii at the cut. ANSUR II has 1.15 from the forearm's to
the biceps' circumference, both flexed."""
_FINE_M, _COARSE_M = 0.011, 0.03
"""Between rings where the elbow bends, and above."""
_FINE_REACH_M = 0.07
"""The bend ends at most so far above the elbow."""
_LEVEL_M = 0.008
"""The first level ring lies so far above the highest vertex of the cut."""
_FADE_M = 0.09
"""Over this the outline of the cut becomes round."""
_DOME = np.array([[0.92, 0.25], [0.6, 0.5], [0.25, 0.58]])
"""The closed end: radius and height of its rings, in radii of the arm."""
_WIDEST_EAR_RAD = 0.7
"""No face that fills a notch spans more of the outline, unless the outline turns back."""
_LEAST_STEP_RAD = 0.05


@dataclass(frozen=True)
class ArmExtension:
    """The faces and rings beyond a hand's cut.

    Attributes:
        axes: Rows across, through (to the back of the hand) and up the forearm, at rest, [3, 3].
        scale: Size of the hand against the mean adult's.
        bend_end_m: From here up the whole section turns with the forearm, metres from the wrist.
        elbow_m: Place of the elbow along the forearm, metres from the wrist.
        rigid: Vertices above `bend_end_m`, [M].
        rim: Vertices of the cut in order, its notches filled, [N].
        ears: Triangles that fill the notches, [E, 3].
        angles_rad: Where the columns of new vertices lie round the arm, [N].
        own: Share of the cut's outline in each ring, [R].
        level: How much of the way from the cut to its own height each ring has gone, [R].
        heights_m: Height of each ring over the highest vertex of the cut, adult of mean size, [R].
        radii: Radius of each ring in radii at the cut, [R].
        radius_m: Of the cut at rest.
    """

    axes: np.ndarray
    scale: float
    bend_end_m: float
    elbow_m: float
    rigid: np.ndarray
    rim: np.ndarray
    ears: np.ndarray
    angles_rad: np.ndarray
    own: np.ndarray
    level: np.ndarray
    heights_m: np.ndarray
    radii: np.ndarray
    radius_m: float


def extend_arm(hand: Hand) -> ArmExtension:
    """The continuation of a hand's mesh."""
    template, joints = hand.arrays["v_template"], hand.arrays["J"]
    frame = arm_frame(joints)
    scale = float(((frame.wrist - template) @ frame.up).max()) / HAND_LENGTH_M
    rigid = np.flatnonzero(hand.arrays["forearm_weights"] == 1)
    axes = _forearm_axes(template - joints[MANO16.root], hand.triangles, rigid, frame.axes)
    local = (template - joints[MANO16.root]) @ axes.T
    loop = boundary_loop(hand.triangles)
    centre = (local[loop, :2].min(0) + local[loop, :2].max(0)) / 2
    angles, heights = _polar(local[loop] - [*centre, 0])
    kept, ears = _fill_notches(angles, heights)
    rim, angles = loop[kept], np.unwrap(angles[kept])
    turn = np.sign(angles[-1] - angles[0]) * 2 * np.pi
    even = turn * np.arange(len(rim)) / len(rim)
    elbow = _BONE_LENGTH_M * scale
    rings = _rings(local[rim, 2], elbow, scale)
    return ArmExtension(
        axes=axes,
        scale=scale,
        bend_end_m=float(local[rigid, 2].min()),
        elbow_m=elbow,
        rigid=rigid,
        rim=rim,
        ears=loop[ears],
        angles_rad=even + (angles - even).mean(),
        own=rings[:, 0],
        level=rings[:, 1],
        heights_m=rings[:, 2],
        radii=rings[:, 3],
        radius_m=float(np.ptp(local[rim, :2], axis=0).mean() / 2),
    )


def boundary_loop(triangles: np.ndarray) -> np.ndarray:
    """The vertices of a surface's one open boundary in the order of its triangles, [N]."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    num = int(triangles.max()) + 1
    free = edges[~np.isin(edges @ [num, 1], edges @ [1, num])]
    follower = dict(free.tolist())
    loop = [int(free[0, 0])]
    while follower[loop[-1]] != loop[0]:
        loop.append(follower[loop[-1]])
    return np.array(loop)


def tube_triangles(rings: np.ndarray) -> np.ndarray:
    """Triangles between neighbouring closed rings of vertex numbers, [R, N] -> [2 (R-1) N, 3].

    They face outwards when the rings run anticlockwise as seen from the last of them.
    """
    near, far = rings[:-1], rings[1:]
    near_next, far_next = np.roll(near, -1, 1), np.roll(far, -1, 1)
    lower = np.stack([near, near_next, far_next], -1)
    upper = np.stack([near, far_next, far], -1)
    return np.stack([lower, upper], -2).reshape(-1, 3)


def extension_triangles(extension: ArmExtension, num_hand: int) -> np.ndarray:
    """Faces of the new part; new vertices are numbered ring by ring after the hand's, [F, 3]."""
    num = len(extension.rim)
    rings = num_hand + np.arange(len(extension.own) * num).reshape(-1, num)
    # The boundary's triangles name its edges one way, so those beyond name them the other way.
    tube = tube_triangles(np.concatenate([extension.rim[None], rings])[:, ::-1])
    tip = rings[-1]
    fan = np.stack([np.full(num - 2, tip[0]), tip[2:], tip[1:-1]], 1)
    return np.concatenate([extension.ears, tube, fan])


def extension_faces(extension: ArmExtension, num_hand: int) -> list[list[int]]:
    """The same surface in as few faces as can be: quads, and one face that closes the end."""
    num = len(extension.rim)
    rings = num_hand + np.arange(len(extension.own) * num).reshape(-1, num)
    rings = np.concatenate([extension.rim[None], rings])[:, ::-1]
    near, far = rings[:-1], rings[1:]
    quads = np.stack([near, np.roll(near, -1, 1), np.roll(far, -1, 1), far], -1).reshape(-1, 4)
    return [*extension.ears.tolist(), *quads.tolist(), rings[-1].tolist()]


def _forearm_axes(
    from_wrist: np.ndarray, triangles: np.ndarray, rigid: np.ndarray, axes: np.ndarray
) -> np.ndarray:
    """The forearm's own axes: its centre line does not run through the palm's."""
    local = from_wrist @ axes.T
    low, high = np.quantile(local[rigid, 2], [0.1, 0.8])
    heights = np.linspace(low, high, 8)
    centres = np.array([_centre_of_section(local[triangles], height) for height in heights])
    slopes = np.polyfit(heights, centres, 1)[0]
    up = np.array([*slopes, 1.0]) @ axes
    up /= np.linalg.norm(up)
    across = axes[0] - (axes[0] @ up) * up
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(up, across), up])


def _centre_of_section(corners: np.ndarray, height: float) -> np.ndarray:
    """Middle of the box of a section across the third axis, [2]."""
    points = []
    for start, end in ((0, 1), (1, 2), (2, 0)):
        a, b = corners[:, start], corners[:, end]
        cut = (a[:, 2] - height) * (b[:, 2] - height) < 0
        share = (height - a[cut, 2]) / (b[cut, 2] - a[cut, 2])
        points.append(a[cut, :2] + share[:, None] * (b - a)[cut, :2])
    outline = np.concatenate(points)
    return (outline.min(0) + outline.max(0)) / 2


def _polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arctan2(points[:, 1], points[:, 0]), points[:, 2]


def _fill_notches(angles: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts ears off a closed outline on a cylinder until it runs round without turning back.

    Args:
        angles: Round the cylinder, [N].
        heights: Along it, [N].

    Returns:
        Which vertices stay, in order, and the triangles of the filled notches, as numbers into
        the outline; they face as those on the other side of the outline do.
    """
    kept = list(range(len(angles)))
    turns = np.sign(_turned(np.diff(angles, append=angles[:1])).sum())
    ears = []
    while True:
        before, after = np.roll(kept, 1), np.roll(kept, -1)
        left, right = _turned(angles[kept] - angles[before]), _turned(angles[after] - angles[kept])
        # Twice the area of the ear on the unrolled cylinder: positive if it fills a notch.
        rise, fall = heights[kept] - heights[before], heights[after] - heights[kept]
        area = turns * (left * fall - right * rise)
        back = np.minimum(turns * left, turns * right) < _LEAST_STEP_RAD
        wide = np.abs(left + right) > _WIDEST_EAR_RAD
        worth = np.where((area > 0) & (back | ~wide), area + 10.0 * back, 0.0)
        # Shallow notches may stay where the outline runs on.
        worth[~back & (area < 0.002)] = 0.0
        best = int(worth.argmax())
        if worth[best] <= 0:
            break
        ears.append([before[best], after[best], kept[best]])
        kept.pop(best)
    return np.array(kept), np.array(ears, dtype=np.int64).reshape(-1, 3)


def _turned(angles: np.ndarray) -> np.ndarray:
    """The same angles in [-pi, pi)."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


def _rings(rim_heights: np.ndarray, elbow_m: float, scale: float) -> np.ndarray:
    """Share of the cut's outline, levelness, height and radius of each ring, [R, 4]."""
    top = rim_heights.max() / scale
    end = elbow_m / scale + _UPPER_LENGTH_M - top
    fine_end = max(elbow_m / scale + _FINE_REACH_M - top, _LEVEL_M + _FINE_M)
    levelling = max(1, round(np.ptp(rim_heights) / scale / _FINE_M))
    fine = np.linspace(_LEVEL_M, fine_end, round((fine_end - _LEVEL_M) / _FINE_M) + 1)
    coarse = np.linspace(fine_end, end, round((end - fine_end) / _COARSE_M) + 1)[1:]
    level = np.concatenate(
        [np.arange(1, levelling) / levelling, np.ones(len(fine) + len(coarse) + len(_DOME))]
    )
    heights = np.concatenate([np.full(levelling - 1, _LEVEL_M), fine, coarse])
    # Rings that are not level have their own heights; on the way they count as if level.
    reached = np.concatenate([level[: levelling - 1] * _LEVEL_M, fine, coarse])
    own = 1 - smoothstep(0.0, _FADE_M, reached)
    radii = 1 + (_UPPER_GROWTH - 1) * smoothstep(0.0, end / 2, reached)
    arm_radius_m = 0.04
    dome_heights = end + arm_radius_m * _DOME[:, 1]
    dome_radii = radii[-1] * _DOME[:, 0]
    return np.stack(
        [
            np.concatenate([own, np.zeros(len(_DOME))]),
            level,
            np.concatenate([heights, dome_heights]),
            np.concatenate([radii, dome_radii]),
        ],
        1,
    )
