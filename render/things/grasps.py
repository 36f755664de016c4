"""Where a posed hand could hold something: within its fingers, between two tips, on its palm.

The grasps are those of the taxonomies, roughly: power grasps around an axis along the knuckles,
precision grasps between thumb and finger, and the platform of the flat hand (Feix et al., The GRASP
Taxonomy of Human Grasp Types, IEEE Trans. Human-Machine Systems 46(1), 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mano_assets.skeleton import FINGERS, HAND21
from render.posed_hand import PosedHand
from render.things.fitting import Fitting, Pose
from render.things.hollows import hollows
from render.things.obstacle import Obstacle
from render.things.shapes import Shape

_WRIST = HAND21.root
_KNUCKLES = HAND21.indices([f"{finger}_mcp" for finger in FINGERS[1:]])
_INDEX_MCP, _LITTLE_MCP = HAND21.index("index_mcp"), HAND21.index("little_mcp")
_THUMB_TIP, _THUMB_IP = HAND21.index("thumb_tip"), HAND21.index("thumb_ip")
_OPPOSING = [(HAND21.index(f"{f}_tip"), HAND21.index(f"{f}_dip")) for f in ("index", "middle")]

_WIDEST_PINCH_M = 0.11
_LAYER_M, NUM_LAYERS = 0.012, 9
"""Of places over the palm, from the lowest up."""

GraspName = Literal["wrapped", "pinched", "lying"]

Drawn = np.ndarray
"""Numbers within [0, 1) that a grasp is drawn with, [NUM_UNIFORMS]."""

NUM_UNIFORMS = 6


@dataclass(frozen=True)
class Palm:
    """Axes of a palm in the camera's frame, unit length.

    Attributes:
        knuckles_m: Mean of the fingers' knuckles.
        middle_m: Of the palm, between wrist and knuckles, within the flesh.
        distal: Towards the fingers.
        across: Towards the index finger.
        palmar: Out of the palm.
    """

    knuckles_m: np.ndarray
    middle_m: np.ndarray
    distal: np.ndarray
    across: np.ndarray
    palmar: np.ndarray


def palm_of(joints_cam_m: np.ndarray, side: str) -> Palm:
    """The palm's axes from hand21 [21, 3]."""
    knuckles = joints_cam_m[_KNUCKLES].mean(0)
    distal = _unit(knuckles - joints_cam_m[_WRIST])
    across = _square_to(joints_cam_m[_INDEX_MCP] - joints_cam_m[_LITTLE_MCP], distal)
    palmar = np.cross(across, distal) * (1.0 if side == "right" else -1.0)
    middle = 0.35 * joints_cam_m[_WRIST] + 0.65 * knuckles
    return Palm(knuckles, middle, distal, across, palmar)


def wrapped(
    shape: Shape,
    stretch: tuple[float, float],
    palm: Palm,
    obstacle: Obstacle,
    drawn: Drawn,
) -> Pose | None:
    """Around the thing's axis: along the knuckles, in the hollow that the fingers make.

    Args:
        shape: The thing.
        stretch: Least and largest scale.
        palm: Of the hand.
        obstacle: The hand.
        drawn: Numbers to draw the axis with.

    Returns:
        None where the hollow is too small or no hollow.
    """
    tilt = np.deg2rad(-10.0 + 50.0 * drawn[0])
    axis = np.cos(tilt) * palm.across + np.sin(tilt) * palm.distal
    along = np.cross(palm.palmar, axis)
    along *= np.sign(along @ palm.distal)
    origin = palm.knuckles_m + (drawn[1] - 0.5) * 0.02 * axis
    frame = np.stack([along, palm.palmar], axis=1)
    offsets = obstacle.hand_cam_m - origin
    slab = offsets[np.abs(offsets @ axis) < min(shape.reach_m, 0.045) + 0.004] @ frame
    choices = hollows(slab, shape.radius_m * stretch[0], shape.radius_m)
    # The head of a hammer is mostly on the thumb's side.
    upward = axis if drawn[2] < 0.85 else -axis
    rotation = _frame(upward, _turned(palm.palmar, upward, 2 * np.pi * drawn[3]))
    if not choices:
        return None
    fitting = Fitting(shape, obstacle, rotation)
    for centre, nearest, clearance in choices:
        at = origin + frame @ centre
        scale = fitting.grown(at, *stretch)
        if scale is None:
            continue
        way = frame @ (_unit(nearest - centre) * (clearance + 0.004))
        share = fitting.slid(at, way, scale)
        if share < 1.0:
            return fitting.pose(at + share * way, scale)
    return None


def pinched(
    shape: Shape,
    stretch: tuple[float, float],
    geometry: PosedHand,
    palm: Palm,
    obstacle: Obstacle,
    drawn: Drawn,
) -> Pose | None:
    """Between the tips of the thumb and the nearer of index and middle finger.

    Args:
        shape: The thing.
        stretch: Least and largest scale.
        geometry: The hand.
        palm: Of the hand.
        obstacle: The hand.
        drawn: Numbers to draw the thing's turn with.

    Returns:
        None where the tips are too far from each other or too near.
    """
    joints = geometry.joints_cam_m
    thumb = 0.72 * joints[_THUMB_TIP] + 0.28 * joints[_THUMB_IP]
    tip, dip = min(
        _OPPOSING, key=lambda pair: float(np.linalg.norm(joints[pair[0]] - joints[_THUMB_TIP]))
    )
    finger = 0.72 * joints[tip] + 0.28 * joints[dip]
    gap = float(np.linalg.norm(finger - thumb))
    thickness = 2 * shape.radius_m
    if not thickness * stretch[0] < gap < min(thickness * stretch[1] + 0.04, _WIDEST_PINCH_M):
        return None
    across = (finger - thumb) / gap
    outward = (joints[tip] - joints[dip]) + (joints[_THUMB_TIP] - joints[_THUMB_IP])
    if shape.form == "long":
        # As one writes: the upper end lies over the web between thumb and index finger.
        outward = joints[_INDEX_MCP] - 0.02 * palm.palmar - (thumb + finger) / 2
    spread = {"compact": 2 * np.pi, "long": 0.8, "flat": 1.2}[shape.form]
    if np.linalg.norm(np.cross(outward, across)) < 1e-6:
        return None
    upward = _turned(_square_to(outward, across), across, spread * (drawn[3] - 0.5))
    rotation = _frame(upward, across)
    lift = shape.reach_m * upward if shape.form == "flat" else 0.0
    at = (thumb + finger) / 2 + lift
    fitting = Fitting(shape, obstacle, rotation)
    if not fitting.is_free(at, stretch[0]):
        return None
    reach = across * gap / 2
    ahead, back = fitting.slid(at, reach, stretch[0]), fitting.slid(at, -reach, stretch[0])
    if ahead == 1.0 or back == 1.0:
        return None
    at = at + (ahead - back) / 2 * reach
    scale = fitting.grown(at, *stretch)
    if scale is None:
        return None
    way = reach * (1.0 if drawn[4] < 0.5 else -1.0)
    return fitting.pose(at + fitting.slid(at, way, scale) * way, scale)


def lying(
    shape: Shape,
    least: float,
    palm: Palm,
    obstacle: Obstacle,
    drawn: Drawn,
    most_layers: int = NUM_LAYERS,
) -> Pose | None:
    """On the palm, or on the fingers where they are before it: touching, held by nothing.

    Args:
        shape: The thing.
        least: Its least scale.
        palm: Of the hand.
        obstacle: The hand.
        drawn: Numbers to draw the thing's turn and place with.
        most_layers: Of places over the palm; in the first few there are no fingers between.

    Returns:
        None where the hand is in the way in all of them.
    """
    turn = (drawn[0] - 0.5) * np.pi / 2
    if shape.form != "flat" and drawn[2] < 0.7:
        turn += np.pi / 2
    upward = _turned(palm.distal, palm.palmar, turn)
    rotation = _frame(upward, palm.palmar)
    middle = palm.middle_m + (0.05 * drawn[1]) * palm.distal + 0.02 * (drawn[3] - 0.5) * palm.across
    scale = 1.0 if drawn[4] < 0.5 else (1.0 + least) / 2
    lift = max(shape.radius_m, 0.008)
    fitting = Fitting(shape, obstacle, rotation)
    for number in range(most_layers):
        at = middle + (lift + number * _LAYER_M) * palm.palmar
        if fitting.is_free(at, scale):
            way = -(_LAYER_M if number else lift) * palm.palmar
            return fitting.pose(at + fitting.slid(at, way, scale) * way, scale)
    return None


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _square_to(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part of a vector across a unit axis, unit length."""
    return _unit(vector - (vector @ axis) * axis)


def _turned(vector: np.ndarray, axis: np.ndarray, angle_rad: float) -> np.ndarray:
    """A vector across a unit axis, turned about it."""
    return np.cos(angle_rad) * vector + np.sin(angle_rad) * np.cross(axis, vector)


def _frame(z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Axes of a thing as columns, from its length and its thin side, at right angles."""
    return np.stack([x, np.cross(z, x), z], axis=1)
