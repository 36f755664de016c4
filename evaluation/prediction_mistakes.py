"""Mistakes that a whole file of predictions can have, each found by undoing it.

A mistake is only named when undoing it explains the predictions: the median hand's error falls
below `EXPLAINED` of what it was. A bad model's errors do not fall so. Each function gets hands
whose joints are finite where they count, and says in words what it found, or None.

Shapes: N hands, J joints, D dimensions.
"""

from __future__ import annotations

import numpy as np

from evaluation.alignment import bone_lengths, procrustes_residuals
from evaluation.joint_orders import JOINT_ORDERS, centred_errors
from evaluation.metrics import Comparison, joint_errors
from mano_assets.skeleton import HAND21

EXPLAINED = 0.5

BAD_ENOUGH = 0.1
"""Share of the hand's size below which an error is no sign of a mistake."""

UNITS = {1000.0: "millimetres", 100.0: "centimetres", 0.01: "hectometres", 0.001: "kilometres"}
"""By what a number in metres must be multiplied to have been meant in the unit."""


def wrong_unit(pair: Comparison) -> str | None:
    """Are 3-D predictions a hundred or a thousand times too long or too short?"""
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
        if factor > 1 or np.median(left) < EXPLAINED * np.median(of_a_point):
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


def wrong_order(pair: Comparison, dimensions: int) -> str | None:
    """Are the joints in the order of other software?

    Each hand is moved to the mean of its counted joints first, so that it does not matter whether
    predictions are relative to a root.
    """
    if pair.skeleton.name != HAND21.name:
        return None
    sizes = hand_sizes(pair.truth, pair.valid)
    found = {
        name: float(
            np.median(
                centred_errors(pair.predicted[:, HAND21.order_from(order)], pair.truth, pair.valid)
                / sizes
            )
        )
        for name, order in {"": HAND21.joints, **JOINT_ORDERS}.items()
    }
    before = found.pop("")
    name = min(found, key=lambda name: found[name])
    if before < BAD_ENOUGH or found[name] > EXPLAINED * before:
        return None
    return (
        f"joints_{dimensions}d look like another joint order, {name}: read so, the median error "
        f"falls from {before:.2g} to {found[name]:.2g} of the hand's size, expected hand21's order"
    )


def mirrored_in_space(pair: Comparison) -> np.ndarray:
    """Hands that fit at least twice as well mirrored, after the best rotation and scale, [N]."""
    as_it_is, mirrored = procrustes_residuals(pair.predicted, pair.truth, pair.valid)
    at_least = BAD_ENOUGH * hand_sizes(pair.truth, pair.valid) / 2
    return (as_it_is > at_least) & (mirrored < EXPLAINED * as_it_is)


def mirrored_in_image(pair: Comparison, image_px: np.ndarray, box_px: np.ndarray) -> np.ndarray:
    """Hands at least twice as near to the truth once mirrored in their image or box, [N].

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
    return found


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
