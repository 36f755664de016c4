"""Is a new score worse than the one before it, beyond what chance explains?

Two rows of a series are compared only if they hold the same thing: the same data by digest, the
same rules and definition, the same number of samples; and if there are enough of them. Then:

    regression  the difference's interval lies wholly on the worse side, and the new value lies
                beyond the old value's interval on that side
    worse       the first, but the new value still lies within the old interval
    better      the difference's interval lies wholly on the better side
    unclear     its interval holds zero, as for equal values

The difference is measured over the same samples: the mean of what each sample's error has changed
by, with a percentile bootstrap over samples like that of the scores. Most of a score's own interval
is that some samples are harder than others, which cancels in pairs. Where the errors of single
samples are not there, the difference of two intervals takes its place, which holds zero unless they
do not overlap.

The second condition of a regression keeps out differences that are certain and mean nothing, such
as another rounding of the same arithmetic. What is compared are two checkpoints on these samples: a
recipe trained again from another seed gives another checkpoint, which may be a regression as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from evaluation.averaging import bootstrap_interval
from evaluation.metrics import METRICS
from flows.benchmark.history import Entry, Verdict

MIN_SAMPLES = 30
"""With fewer a bootstrap interval is too narrow; the report, too, says that they prove nothing."""

Samples = Mapping[str, np.ndarray]
"""A metric's change of each sample that has it before and after, by metric id."""


def judged(new: Entry, old: Entry | None, changes: Samples) -> Entry:
    """A new row with its verdict.

    Args:
        new: As it was found.
        old: The row before it; None when it is the first.
        changes: What each sample's metrics have changed by; empty when not known.
    """
    if old is None:
        return new
    metric = METRICS.get(new.metric)
    same = (new.data_digest, new.rules_digest, new.n) == (old.data_digest, old.rules_digest, old.n)
    if metric is None or not same:
        return replace(new, verdict="not comparable")
    difference, low, high = _difference(new, old, changes.get(new.metric))
    # The sign by which more is worse.
    ends = (-high, -low) if metric.higher_is_better else (low, high)
    beyond = new.value < old.low if metric.higher_is_better else new.value > old.high
    return replace(
        new,
        verdict=_verdict(new.n, ends, beyond),
        difference=difference,
        difference_low=low,
        difference_high=high,
    )


def _verdict(n: int, worse_by: tuple[float, float], beyond: bool) -> Verdict:
    low, high = worse_by
    if n < MIN_SAMPLES:
        return "too few"
    if low > 0:
        return "regression" if beyond else "worse"
    return "better" if high < 0 else "unclear"


def _difference(new: Entry, old: Entry, change: np.ndarray | None) -> tuple[float, float, float]:
    if change is None or len(change) != new.n:
        return new.value - old.value, new.low - old.high, new.high - old.low
    values = change[:, None]
    low, high = bootstrap_interval(values, np.ones_like(values, dtype=bool), "micro")
    return float(change.mean()), low, high


def sample_changes(old: pa.Table, new: pa.Table) -> dict[str, np.ndarray]:
    """What each sample's metrics have changed by, over the samples that have them in both.

    Args:
        old: Columns sample_id and one of floats a metric.
        new: Likewise; the samples may stand in another order.

    Returns:
        Changes by metric id, [n] each; metrics that are only in one are left out.
    """
    position = {sample: row for row, sample in enumerate(old["sample_id"].to_pylist())}
    pairs = [
        (position[sample], row)
        for row, sample in enumerate(new["sample_id"].to_pylist())
        if sample in position
    ]
    before, after = np.array(pairs, dtype=int).reshape(-1, 2).T
    shared = [name for name in new.column_names if name in old.column_names and name in METRICS]
    found = {}
    for name in shared:
        change = new[name].to_numpy()[after] - old[name].to_numpy()[before]
        found[name] = change[np.isfinite(change)]
    return found
