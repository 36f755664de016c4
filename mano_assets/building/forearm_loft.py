"""The surface of a forearm, lofted from a hand's open boundary.

Its vertices are fixed linear combinations of the hand's: what is added to the hand, a shape
direction for instance, carries on up the arm by the same coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ellipe

from mano_assets.skeleton import MANO16
from mano_assets.skinning import smoothstep

_HAND_LENGTH_M = 0.187
"""The hand that the lengths below belong to: hand length, mean of the means of 1986 women and 4082
men. ANSUR II (Gordon et al. 2014, 2012 Anthropometric Survey of U.S. Army Personnel,
NATICK/TR-15/007), from its public data: 181.1 and 193.3 mm."""
_BONE_LENGTH_M = 0.255
"""Wrist to elbow: ANSUR II, radiale-stylion length, 241.3 and 267.9 mm."""
_WRIST_CIRCUMFERENCE_M = 0.165
"""ANSUR II, 154.8 and 175.9 mm."""
_GREATEST_CIRCUMFERENCE_M = 0.270
"""ANSUR II has 264.1 and 310.1 mm, mean 287, with the elbow flexed and the fist clenched; taken
6 % less, as the arm hangs loose."""
_GREATEST_AT = 0.75
"""Of the way from wrist to elbow."""
_WRIST_ASPECT, _ELBOW_ASPECT = 1.4, 1.1
"""Breadth to depth: flat above the wrist, nearly round below the elbow. The free hand has 1.3 to
1.5 one to three centimetres above the wrist and 1.0 below the elbow."""
_LENGTH_M = 0.22
"""What is joined to the hand: nearly to the elbow, as the free hand's arm."""
_BLEND_M = 0.05
"""Over this the mesh's own cross-section and slope fade into the forearm's."""
_SLOPE_FADE_M = 0.015
"""Over this the slope at which the mesh ends wears off: a thumb's ball falls off steeply."""
_GROWTH = 1.12
"""Of the distance between rings, from one to the next."""


@dataclass(frozen=True)
class ArmFrame:
    """Where the arm lies at rest: MANO's axes, metres.

    Attributes:
        wrist: [3].
        palm_m: Wrist to middle MCP.
        up: Unit vector up the arm, from the middle MCP to the wrist, [3].
        across: Unit vector from the index to the little finger, across the arm, [3].
    """

    wrist: np.ndarray
    palm_m: float
    up: np.ndarray
    across: np.ndarray

    @property
    def axes(self) -> np.ndarray:
        """Rows across, through and up the arm, [3, 3]."""
        return np.stack([self.across, np.cross(self.up, self.across), self.up])


def arm_frame(joints: np.ndarray) -> ArmFrame:
    """The arm's frame from MANO's joints at rest, [16, 3], metres."""
    wrist, middle, index, little = joints[
        MANO16.indices(["wrist", "middle_mcp", "index_mcp", "little_mcp"])
    ]
    palm_m = float(np.linalg.norm(wrist - middle))
    up = (wrist - middle) / palm_m
    across = little - index - ((little - index) @ up) * up
    return ArmFrame(wrist, palm_m, up, across / np.linalg.norm(across))


def loft(
    template: np.ndarray,
    triangles: np.ndarray,
    loop: np.ndarray,
    regressor: np.ndarray,
    arm: ArmFrame,
) -> tuple[np.ndarray, np.ndarray]:
    """The forearm's vertices as linear combinations of the hand's.

    Near the boundary a vertex lies on the curve that leaves the surface without a bend; further up
    it lies on the forearm's ellipse and has a fixed place in an affine frame that moves with the
    hand. One fades into the other.

    Args:
        template: The hand's vertices at rest, MANO's axes, metres, [V, 3].
        triangles: [F, 3].
        loop: Vertices of the boundary in order, [N].
        regressor: MANO's joints from the vertices, [16, V].
        arm: The frame of those joints.

    Returns:
        Coefficients [R * N, V] of R rings, the one nearest to the hand first, each in the order of
        the loop, and each ring's share of the hand's own surface, [R].
    """
    rows = np.eye(len(template))[loop]
    palm = regressor[MANO16.root] - regressor[MANO16.index("middle_mcp")]
    centre, cosine, sine = _harmonics(template[loop]) @ rows
    frame = np.stack([cosine, sine, palm])
    in_frame = np.linalg.inv(frame @ template)
    places = (template[loop] - centre @ template) @ arm.axes.T
    slant = _slant(places)
    teeth = places[:, 2] - slant
    angles, even = _angles(places)
    lean = _slopes(template, triangles, loop, arm) - palm / arm.palm_m

    scale = ((arm.wrist - template) @ arm.up).max() / _HAND_LENGTH_M
    heights_m = _ring_heights(_row_depth(template, triangles, loop), _LENGTH_M * scale)
    shares = 1 - smoothstep(0.0, _BLEND_M * scale, heights_m)
    slanted = 1 - smoothstep(0.0, 2 * _BLEND_M * scale, heights_m)
    semi_axes_m = scale * _semi_axes((heights_m + (centre @ template - arm.wrist) @ arm.up) / scale)
    fade_m = _SLOPE_FADE_M * scale
    coefficients = []
    for ring, own in enumerate(shares):
        # A slanted boundary straightens slowly, its teeth end with the first ring.
        level = heights_m[ring] + teeth.max() + slanted[ring] * slant
        climb = (level - places[:, 2])[:, None]
        worn = np.minimum(climb / fade_m, 1)
        curve = rows + climb * palm / arm.palm_m + fade_m * (worn - worn**2 / 2) * lean
        turned = own * angles + (1 - own) * even
        across, through = semi_axes_m[:, ring, None] * [np.cos(turned), np.sin(turned)]
        ellipse = np.stack([across, through, level], 1) @ arm.axes
        coefficients.append(own * curve + (1 - own) * (centre + ellipse @ in_frame @ frame))
    return np.concatenate(coefficients), shares


def _harmonics(points: np.ndarray) -> np.ndarray:
    """Centre and first Fourier coefficients of a closed outline from its points, [3, N]."""
    sides = np.linalg.norm(np.roll(points, -1, 0) - points, axis=1)
    shares = (sides + np.roll(sides, 1)) / (2 * sides.sum())
    phase = 2 * np.pi * (np.cumsum(sides) - sides) / sides.sum()
    return shares * np.stack([np.ones_like(phase), 2 * np.cos(phase), 2 * np.sin(phase)])


def _slant(places: np.ndarray) -> np.ndarray:
    """The third coordinates of the plane through the boundary, [N]."""
    plane = np.stack([np.ones(len(places)), places[:, 0], places[:, 1]], 1)
    return plane @ np.linalg.lstsq(plane, places[:, 2], rcond=None)[0]


def _angles(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The boundary's points as angles on an ellipse, and as many evenly spread, both [N]."""
    across, through = (places[:, :2] / places[:, :2].std(0)).T
    angles = np.unwrap(np.arctan2(through, across))
    turn = np.sign(angles[-1] - angles[0]) * 2 * np.pi
    even = turn * np.arange(len(places)) / len(places)
    return angles, even + (angles - even).mean()


def _semi_axes(from_wrist_m: np.ndarray) -> np.ndarray:
    """The forearm's semi-axes across and through the arm, adult of mean size, metres, [2, R]."""
    along = smoothstep(0.0, _GREATEST_AT * _BONE_LENGTH_M, from_wrist_m)
    aspect = _WRIST_ASPECT + along * (_ELBOW_ASPECT - _WRIST_ASPECT)
    circumference = _WRIST_CIRCUMFERENCE_M + along * (
        _GREATEST_CIRCUMFERENCE_M - _WRIST_CIRCUMFERENCE_M
    )
    # The perimeter of an ellipse is 4 a E(1 - (b / a)^2) (Abramowitz and Stegun, 17.3).
    across = circumference / (4 * ellipe(1 - aspect**-2))
    return np.stack([across, across / aspect])


def _row_depth(template: np.ndarray, triangles: np.ndarray, loop: np.ndarray) -> float:
    """Mean height of the triangles that stand on the boundary, metres."""
    a, b, c = template[triangles[np.isin(triangles, loop).sum(1) == 2]].transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    side = np.linalg.norm(template[loop] - template[np.roll(loop, 1)], axis=1).sum()
    return float(2 * area / side)


def _ring_heights(first_m: float, length_m: float) -> np.ndarray:
    """Distances of the rings from the boundary: the steps grow, the last ring is at the length."""
    steps = np.log1p(length_m * (_GROWTH - 1) / first_m) / np.log(_GROWTH)
    heights = np.cumsum(_GROWTH ** np.arange(max(1, round(steps))))
    return heights / heights[-1] * length_m


def _slopes(
    template: np.ndarray, triangles: np.ndarray, loop: np.ndarray, arm: ArmFrame
) -> np.ndarray:
    """How the surface leaves each boundary vertex, in metres a metre up the arm.

    The derivative of a quadratic fitted to the hand's vertices within two edges, over the place
    along the arm and along the boundary.

    Returns:
        As linear combinations of the hand's vertices, [N, V]: of the template they are one metre
        up the arm, and across it what the surface leans.
    """
    num = len(template)
    near = np.eye(num, dtype=bool)
    near[triangles, np.roll(triangles, 1, axis=1)] = True
    near[triangles, np.roll(triangles, -1, axis=1)] = True
    near = near[loop] @ near
    slopes = np.zeros((len(loop), num))
    for row, vertex in enumerate(loop):
        patch = np.flatnonzero(near[row] & (np.arange(num) != vertex))
        along = template[loop[(row + 1) % len(loop)]] - template[loop[row - 1]]
        along -= (along @ arm.up) * arm.up
        to_patch = template[patch] - template[vertex]
        s, t = to_patch @ arm.up, to_patch @ along / np.linalg.norm(along)
        fit = np.linalg.pinv(np.stack([s, t, s * s, s * t, t * t], 1))[0]
        slopes[row, patch] = fit
        slopes[row, vertex] = -fit.sum()
    return slopes
