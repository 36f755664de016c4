"""From a value for each joint to one number, its confidence interval, or one for each sample.

Shapes: N samples, J joints, R resamples. `valid` [N, J] says which joints count; whatever stands at
the others is ignored.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Averaging = Literal["micro", "joint"]
"""micro: over all valid joints at once; joint: over samples for each joint, then over joints."""


def average(values: np.ndarray, valid: np.ndarray, averaging: Averaging) -> float:
    """One number from the joints' values.

    Args:
        values: [N, J].
        valid: Joints that count, [N, J]; at least one.
        averaging: See `Averaging`.
    """
    return float(_averages(np.ones((1, len(values))), values, valid, averaging)[0])


def bootstrap_interval(
    values: np.ndarray,
    valid: np.ndarray,
    averaging: Averaging,
    *,
    level: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
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

    Returns:
        Its ends.
    """
    num_samples = len(values)
    random = np.random.Generator(np.random.Philox(seed))
    chunk = max(1, 10_000_000 // num_samples)
    resampled = []
    for start in range(0, num_resamples, chunk):
        draws = min(chunk, num_resamples - start)
        counts = random.multinomial(num_samples, np.full(num_samples, 1 / num_samples), draws)
        resampled.append(_averages(counts.astype(float), values, valid, averaging))
    tail = 50 * (1 - level)
    low, high = np.nanpercentile(np.concatenate(resampled), [tail, 100 - tail])
    return float(low), float(high)


def per_sample(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean over the counted joints of each sample, [N, J] -> [N]; NaN where none counts."""
    count = valid.sum(-1)
    total = np.where(valid, values, 0.0).sum(-1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _averages(
    weights: np.ndarray, values: np.ndarray, valid: np.ndarray, averaging: Averaging
) -> np.ndarray:
    """Averages under several weightings of the samples, [R, N] -> [R]; NaN where nothing counts."""
    totals = weights @ np.where(valid, values, 0.0)
    counts = weights @ valid.astype(float)
    if averaging == "micro":
        totals, counts = totals.sum(-1, keepdims=True), counts.sum(-1, keepdims=True)
    means = np.divide(totals, counts, out=np.zeros_like(totals), where=counts > 0)
    num_counted = (counts > 0).sum(-1)
    return np.divide(
        means.sum(-1), num_counted, out=np.full(len(weights), np.nan), where=num_counted > 0
    )
