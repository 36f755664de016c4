"""Mistakes that a whole file of predictions can have, each found by undoing it.

A mistake is only named when undoing it explains the predictions: the median hand's error falls
below `EXPLAINED` of what it was, and where another order or frame is named, below `GOOD_ENOUGH`. A
bad model's errors do not fall so. Each function gets hands whose joints are finite where they
count, and says in words what it found, or None.

Shapes: N hands, J joints, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evaluation.alignment import bone_lengths, procrustes_residuals
from evaluation.joint_orders import JOINT_ORDERS, centred_errors
from evaluation.metrics import Comparison, joint_errors
from mano_assets.skeleton import HAND21

EXPLAINED = 0.5

BAD_ENOUGH = 0.1
"""Share of the hand's size below which an error is no sign of a mistake."""

GOOD_ENOUGH = 1.5 * BAD_ENOUGH
"""Share of the hand's size to which an error must fall for the mistake to have explained it."""

UNITS = {
    1000.0: "millimetres", 100.0: "centimetres", 10.0: "decimetres",
    0.01: "hectometres", 0.001: "kilometres",
}  # fmt: skip
"""By what a number in metres must be multiplied to have been meant in the unit."""

MAX_CHANCE_FACTOR = 10.0
"""Models that learned little make bones up to so many times too long, but no hands."""


def _signs(*signs: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda joints: joints * np.array(signs)


AXES: dict[int, dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    2: {
        "(row, column)": lambda joints_px: joints_px[..., ::-1],
        "y up": _signs(1, -1),
    },
    3: {
        "y up and z to the viewer (OpenGL's)": _signs(1, -1, -1),
        "x to the left and y up (PyTorch3D's)": _signs(-1, -1, 1),
        "x to the left and z to the viewer": _signs(-1, 1, -1),
    },
}
"""What other axes are called in messages, to how they become ours, by dimensions.

In 3-D those that do not mirror; a single axis the other way round makes the mirrored hand.
"""

EXPECTED_AXES = {
    2: "(x, y) with y down",
    3: "x to the right, y down and z away from the camera",
}
"""The manifest's axes in words, by dimensions."""


def wrong_unit(pair: Comparison) -> str | None:
    """Are 3-D predictions ten or more times too long, or a hundred or more too short?"""
    ratios = bone_ratios(pair)
    if not np.isfinite(ratios).any():
        return None
    ratio = float(np.nanmedian(ratios))
    for factor, unit in UNITS.items():
        if not 0.5 < ratio / factor < 2:
            continue
        # Hands that a model collapsed to a point are tiny too, but shapeless.
        left = centred_errors(pair.predicted / factor, pair.truth, pair.valid)
        of_a_point = centred_errors(np.zeros_like(pair.truth), pair.truth, pair.valid)
        if factor > MAX_CHANCE_FACTOR or np.median(left) < EXPLAINED * np.median(of_a_point):
            return (
                f"joints_3d look like {unit} (bones {ratio:.3g} times as long as the truth's), "
                "expected metres"
            )
    return None


def bone_ratios(pair: Comparison) -> np.ndarray:
    """Length of the predicted bones over the true ones', [N]; NaN where none can be measured."""
    true = bone_lengths(pair.truth, pair.valid, pair.skeleton)
    found = bone_lengths(pair.predicted, pair.valid, pair.skeleton)
    return np.divide(found, true, out=np.full(len(true), np.nan), where=true > 0)


def normalised(pair: Comparison) -> str | None:
    """Do 2-D predictions run from 0 to 1 or from -1 to 1 instead of over the image?"""
    values = pair.predicted[pair.valid]
    inside = np.mean(np.abs(values) <= 1.5)
    # All in one point is a bad model, and a hand of few pixels may lie in the image's corner.
    spread = np.median(hand_sizes(pair.predicted, pair.valid))
    if inside < 0.99 or spread < 0.02 or np.median(hand_sizes(pair.truth, pair.valid)) < 5:
        return None
    return (
        f"joints_2d look normalised (they lie between {values.min():.2g} and {values.max():.2g}), "
        "expected pixels of the whole image"
    )


def crop_coordinates(pair: Comparison) -> str | None:
    """Do 2-D predictions fit well, but only with a shift and a scale for each hand?"""
    sizes_px = hand_sizes(pair.truth, pair.valid)
    before = np.median(mean_errors(pair.predicted, pair.truth, pair.valid) / sizes_px)
    placed = _placed(pair.predicted, pair.truth, pair.valid)
    after = np.median(mean_errors(placed, pair.truth, pair.valid) / sizes_px)
    if before < 5 * BAD_ENOUGH or after > BAD_ENOUGH:
        return None
    return (
        "joints_2d look like pixels of a crop (shifting and scaling each hand, the median error "
        f"falls from {before:.2g} to {after:.2g} of the hand's size), expected pixels of the whole "
        "image"
    )


def misread(pair: Comparison, dimensions: int) -> str | None:
    """Are the joints in the order of other software, or along other axes?

    What explains most is named, unless the mirror image explains as much: `mirrored_in_space` and
    `mirrored_in_image` tell of that. Each hand is moved to the mean of its counted joints first, so
    that it does not matter where the origin is.
    """
    sizes = hand_sizes(pair.truth, pair.valid)

    def error(predicted: np.ndarray) -> float:
        return float(np.median(centred_errors(predicted, pair.truth, pair.valid) / sizes))

    axes = {name: error(undo(pair.predicted)) for name, undo in AXES[dimensions].items()}
    orders = {}
    if pair.skeleton.name == HAND21.name:
        orders = {
            name: error(pair.predicted[:, HAND21.order_from(order)])
            for name, order in JOINT_ORDERS.items()
        }
    before, found = error(pair.predicted), axes | orders
    name = min(found, key=lambda name: found[name])
    after = found[name]
    if before < BAD_ENOUGH or after > min(EXPLAINED * before, GOOD_ENOUGH):
        return None
    if error(_negated_x(pair.predicted)) <= after:
        return None
    kind, expected = "joint order", "hand21's order"
    if name in axes:
        kind, expected = "frame", EXPECTED_AXES[dimensions]
    return (
        f"joints_{dimensions}d look like another {kind}, {name}: read so, the median error "
        f"falls from {before:.2g} to {after:.2g} of the hand's size, expected {expected}"
    )


def is_one_pose(pair: Comparison) -> bool:
    """Are all hands the same one, moved and stretched along the axes, as a mean pose is?"""
    shapes = pair.predicted - pair.predicted.mean(1, keepdims=True)
    shapes = shapes / np.maximum(shapes.std(1, keepdims=True), 1e-9)
    return bool(np.median(np.abs(shapes - np.median(shapes, 0))) < 0.01)


def mirrored_in_space(pair: Comparison) -> np.ndarray:
    """Hands that fit at least twice as well mirrored, [N].

    After the best rotation and scale, or as they lie: a flat hand's mirror image is that hand
    turned, which only shows as it lies.
    """
    as_it_is, mirrored = procrustes_residuals(pair.predicted, pair.truth, pair.valid)
    at_least = BAD_ENOUGH * hand_sizes(pair.truth, pair.valid) / 2
    turned = (as_it_is > at_least) & (mirrored < EXPLAINED * as_it_is)
    return turned | _mirrored_as_it_lies(pair)


def mirrored_in_image(pair: Comparison, image_px: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """Hands at least twice as near to the truth once mirrored, [N].

    In their image or box, or anywhere if the mirrored hand then has the truth's shape.

    Args:
        pair: In two dimensions.
        image_px: Width and height of the images, [N, 2].
        box_px: The manifest's boxes, [N, 4]; NaN where there is none.
    """
    errors = pair.each(lambda part: mean_errors(part.predicted, part.truth, part.valid))
    sizes = pair.each(lambda part: hand_sizes(part.truth, part.valid))
    # Most hands are good enough to look no further.
    bad = np.flatnonzero(errors > BAD_ENOUGH * sizes)
    found = np.zeros(len(errors), bool)
    for left_and_right in (image_px[bad, 0], 2 * box_px[bad, 0] + box_px[bad, 2]):
        mirrored = pair.predicted[bad]
        mirrored[..., 0] = left_and_right[:, None] - mirrored[..., 0]
        # NaN, where there is no box, is not less.
        left = mean_errors(mirrored, pair.truth[bad], pair.valid[bad])
        found[bad] |= left < EXPLAINED * errors[bad]
    return found | pair.each(_mirrored_as_it_lies)


def _mirrored_as_it_lies(pair: Comparison) -> np.ndarray:
    """Hands explained by x the other way round about their middle, unturned, [N]."""
    sizes = hand_sizes(pair.truth, pair.valid)
    before = centred_errors(pair.predicted, pair.truth, pair.valid)
    after = centred_errors(_negated_x(pair.predicted), pair.truth, pair.valid)
    explained = (after < EXPLAINED * before) & (after < GOOD_ENOUGH * sizes)
    return (before > BAD_ENOUGH * sizes) & explained


def _negated_x(joints: np.ndarray) -> np.ndarray:
    return joints * np.where(np.arange(joints.shape[-1]) == 0, -1.0, 1.0)


def hand_sizes(joints: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Longest side of the box of the joints that count, [N]; never zero."""
    high = np.where(valid[..., None], joints, -np.inf).max(1)
    low = np.where(valid[..., None], joints, np.inf).min(1)
    return np.maximum((high - low).max(-1), 1e-9)


def mean_errors(predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean distance over the joints that count, [N]."""
    distance = np.where(valid, joint_errors(predicted, truth), 0.0)
    return distance.sum(-1) / np.maximum(valid.sum(-1), 1)


def _placed(predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Predictions with the best shift and scale of each hand, unturned, [N, J, D]."""
    counted = valid[..., None]
    count = np.maximum(valid.sum(-1), 1)[:, None, None]

    def mean(joints: np.ndarray) -> np.ndarray:
        return np.where(counted, joints, 0.0).sum(1, keepdims=True) / count

    mean_predicted, mean_truth = mean(predicted), mean(truth)
    centred = np.where(counted, predicted - mean_predicted, 0.0)
    target = np.where(counted, truth - mean_truth, 0.0)
    size = np.einsum("njd,njd->n", centred, centred)
    along = np.einsum("njd,njd->n", centred, target)
    # A negative scale would turn the hand.
    scale = np.divide(along, size, out=np.zeros_like(size), where=(size > 0) & (along > 0))
    return scale[:, None, None] * (predicted - mean_predicted) + mean_truth
