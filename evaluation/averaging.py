"""From a value for each joint to one number, its confidence interval, or one for each sample.

Shapes: N samples, J joints, R resamples, G groups. `valid` [N, J] says which joints count; whatever
stands at the others is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Averaging = Literal["micro", "joint", "sample"]
"""micro: over all valid joints at once; joint (macro): over samples for each joint, then over
joints; sample: over the joints of each sample, then over samples. The three agree where every joint
of every sample is valid."""

MAX_GROUPS = 4096
"""Beyond this many samples groups of them are drawn: the cost of an interval stays the same."""


@dataclass(frozen=True)
class Resampling:
    """Draws with replacement, shared by all numbers of the same samples.

    Attributes:
        weights: How often each group was drawn, [R, G].
        order: Samples, those of a group in a row, [N].
        starts: Where each group starts in `order`, [G].
    """

    weights: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the drawn samples, [N, K] -> [R, K]."""
        grouped = np.add.reduceat(values[self.order], self.starts, axis=0)
        return self.weights @ grouped


def resample(num_samples: int, *, num_resamples: int = 1000, seed: int = 0) -> Resampling:
    """Draws samples, or of very many samples groups.

    The groups are random and of equal size but for one sample. The sum over a drawn group has the
    variance of the sum over as many drawn samples, so intervals of means keep their width; with
    `MAX_GROUPS` groups its estimate scatters by about 1 % (1 / sqrt(2 G)).

    Args:
        num_samples: N.
        num_resamples: R.
        seed: The same seed gives the same draws.
    """
    random = np.random.Generator(np.random.Philox(seed))
    num_groups = min(num_samples, MAX_GROUPS)
    order = np.arange(num_samples)
    if num_groups < num_samples:
        order = random.permutation(num_samples)
    starts = np.arange(num_groups) * num_samples // num_groups
    weights = np.empty((num_resamples, num_groups))
    for row in weights:
        row[:] = np.bincount(random.integers(num_groups, size=num_groups), minlength=num_groups)
    return Resampling(weights, order, starts)


def average(values: np.ndarray, valid: np.ndarray, averaging: Averaging) -> float:
    """One number from the joints' values.

    Args:
        values: [N, J].
        valid: Joints that count, [N, J]; at least one.
        averaging: See `Averaging`.
    """
    sums, counts = _summands(values, valid, averaging)
    return float(_averages(sums.sum(0, keepdims=True), counts.sum(0, keepdims=True))[0])


def bootstrap_interval(
    values: np.ndarray,
    valid: np.ndarray,
    averaging: Averaging,
    *,
    level: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    resampling: Resampling | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap over samples (Efron and Tibshirani 1993, chapter 13).

    Samples are drawn as if independent; frames of one recording are not, so for those the interval
    is too narrow.

    Args:
        values: [N, J].
        valid: Joints that count, [N, J].
        averaging: See `Averaging`.
        level: Probability that the interval should hold.
        num_resamples: Draws with replacement.
        seed: The same seed gives the same interval.
        resampling: Draws made before, instead of `num_resamples` and `seed`.

    Returns:
        Its ends; NaN where nothing counts.
    """
    if resampling is None:
        resampling = resample(len(values), num_resamples=num_resamples, seed=seed)
    sums, counts = _summands(values, valid, averaging)
    found = _averages(resampling.sums(sums), resampling.sums(counts))
    # A draw may hold none of the samples that count.
    found = found[np.isfinite(found)]
    if not found.size:
        return float("nan"), float("nan")
    tail = 50 * (1 - level)
    low, high = np.percentile(found, [tail, 100 - tail])
    return float(low), float(high)


def per_sample(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean over the counted joints of each sample, [N, J] -> [N]; NaN where none counts."""
    count = valid.sum(-1)
    total = np.where(valid, values, 0.0).sum(-1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _summands(
    values: np.ndarray, valid: np.ndarray, averaging: Averaging
) -> tuple[np.ndarray, np.ndarray]:
    """What is added up over samples, [N, K], and how much of it there is, [N, K] or [N, 1]."""
    if averaging == "sample":
        means = per_sample(values, valid)[:, None]
        known = np.isfinite(means)
        return np.where(known, means, 0.0), known.astype(float)
    if valid.all():
        # The usual case, in a fraction of the time.
        sums, counts = values, np.ones((len(values), 1))
        num_joints = values.shape[1]
    else:
        sums, counts = np.where(valid, values, 0.0), valid.astype(float)
        num_joints = 1
    if averaging == "micro":
        return sums.sum(-1, keepdims=True), counts.sum(-1, keepdims=True) * num_joints
    return sums, counts


def _averages(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over the K that counted of sum / count, [R, K] -> [R]; NaN where nothing counts."""
    counts = np.broadcast_to(counts, sums.shape)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    num_counted = (counts > 0).sum(-1)
    return np.divide(
        means.sum(-1), num_counted, out=np.full(len(sums), np.nan), where=num_counted > 0
    )
