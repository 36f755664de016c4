"""What a metric is, and the pair of truth and prediction that it looks at.

Shapes: N samples, J joints, D dimensions (2: continuous px of the original image; 3: metres in the
camera frame). `valid` [N, J] says which joints count; whatever stands at the others is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from evaluation.alignment import procrustes_align, root_relative
from evaluation.averaging import Averaging, average
from mano_assets.skeleton import HAND21, Skeleton

MM_PER_M = 1000.0

CHUNK = 2048
"""Samples that are looked at together: their joints stay in the processor's cache."""

Normaliser = Literal["none", "size", "head"]
"""What a metric divides by: nothing, the hand's size by the protocol, or the person's head."""


@dataclass(frozen=True)
class Comparison:
    """Truth and prediction of the same samples. What several metrics need is computed once a chunk.

    Attributes:
        predicted: [N, J, D].
        truth: [N, J, D].
        valid: Which joints count, [N, J].
        size_px: Size of the hand in its image, [N]; what 2-D errors are normalised by.
        skeleton: The joints' skeleton.
        root: Index of the joint that 3-D errors are relative to.
        head_px: Size of the person's head, [N], NaN where not known; None if it never is.
    """

    predicted: np.ndarray
    truth: np.ndarray
    valid: np.ndarray
    size_px: np.ndarray
    skeleton: Skeleton = HAND21
    root: int = HAND21.root
    head_px: np.ndarray | None = None

    @cached_property
    def chunks(self) -> tuple[Comparison, ...]:
        """The same samples in parts, views on the same arrays."""
        if len(self.truth) <= CHUNK:
            return (self,)
        starts = range(0, len(self.truth), CHUNK)
        return tuple(self.rows(slice(start, start + CHUNK)) for start in starts)

    def rows(self, rows: slice | np.ndarray) -> Comparison:
        """Some of the samples."""
        return replace(
            self, predicted=self.predicted[rows], truth=self.truth[rows], valid=self.valid[rows],
            size_px=self.size_px[rows],
            head_px=None if self.head_px is None else self.head_px[rows],
        )  # fmt: skip

    def each(self, function: Callable[[Comparison], np.ndarray]) -> np.ndarray:
        """Applies a function of the samples chunk by chunk, [N, ...]; NaN may stand at the others.

        Args:
            function: A comparison of n samples to an array of n rows.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.concatenate([function(chunk) for chunk in self.chunks])

    @cached_property
    def errors(self) -> np.ndarray:
        """Distances as they are, [N, J], px or metres."""
        return joint_errors(self.predicted, self.truth)

    @cached_property
    def root_relative_errors_mm(self) -> np.ndarray:
        """Distances with both roots at the origin, [N, J]."""
        predicted = root_relative(self.predicted, self.root)
        return joint_errors(predicted, root_relative(self.truth, self.root)) * MM_PER_M

    @cached_property
    def rigid_errors_mm(self) -> np.ndarray:
        """Distances after the best similarity without reflections, [N, J]."""
        aligned = procrustes_align(self.predicted, self.truth, self.valid)
        return joint_errors(aligned, self.truth) * MM_PER_M

    @cached_property
    def official_errors_mm(self) -> np.ndarray:
        """Distances after the best similarity, reflections allowed, [N, J]."""
        aligned = procrustes_align(self.predicted, self.truth, self.valid, reflections=True)
        return joint_errors(aligned, self.truth) * MM_PER_M


@dataclass(frozen=True)
class Metric:
    """A metric: the same id always means the same number.

    Attributes:
        id: Identifier in results.
        title: Short name shown in tables.
        unit: Unit of the value; empty for a ratio.
        dimensions: 2 or 3.
        averaging: How the joints' values become one.
        higher_is_better: Direction.
        definition: One sentence that fixes the number.
        per_joint: A comparison to the value of each joint, [N, J]; undefined where not valid.
        normaliser: What it divides by; samples without one take no part.
    """

    id: str
    title: str
    unit: str
    dimensions: int
    averaging: Averaging
    higher_is_better: bool
    definition: str
    per_joint: Callable[[Comparison], np.ndarray]
    normaliser: Normaliser = "none"

    def valid(self, pair: Comparison) -> np.ndarray:
        """Which joints take part, [N, J]."""
        if self.normaliser == "none":
            return pair.valid
        size = pair.size_px if self.normaliser == "size" else pair.head_px
        if size is None:
            return np.zeros_like(pair.valid)
        # NaN is not greater than zero.
        return pair.valid & (size > 0)[:, None]

    def values(self, pair: Comparison) -> np.ndarray:
        """Value of each joint, [N, J]; undefined where not valid."""
        return pair.each(self.per_joint)

    def value(self, pair: Comparison) -> float:
        """The number; NaN where no joint takes part."""
        return average(self.values(pair), self.valid(pair), self.averaging)


def joint_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Euclidean distances, [N, J, D] x 2 -> [N, J]."""
    difference = predicted - truth
    # Several times as fast as a norm over so short an axis.
    return np.sqrt(np.einsum("njd,njd->nj", difference, difference))


def trapezoid_auc(errors: np.ndarray, low: float, high: float, num_thresholds: int) -> np.ndarray:
    """Area under each joint's step from 0 to 1 at its error, by the trapezoid rule.

    The share of joints within t, integrated over `num_thresholds` evenly spaced t with both ends
    and divided by the range, is the mean of these (lmb-freiburg/freihand, utils/eval_util.py,
    `get_measures`). A joint that is hit from threshold k on has area 1 from k to the end, and half
    a step before k unless k is the first.

    Args:
        errors: Any shape.
        low: First threshold.
        high: Last threshold.
        num_thresholds: How many.

    Returns:
        As `errors`, 0 to 1.
    """
    thresholds = np.linspace(low, high, num_thresholds)
    first = np.searchsorted(thresholds, errors, side="left")
    steps = num_thresholds - 1 - first + 0.5 * (first > 0)
    return np.where(first < num_thresholds, steps, 0.0) / (num_thresholds - 1)
