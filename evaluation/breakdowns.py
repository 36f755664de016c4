"""Scores with intervals: of all joints, of one joint, of one state, of one range of hardness."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.averaging import (
    MAX_GROUPS,
    Resampling,
    average,
    bootstrap_interval,
    per_sample,
    resample,
)
from evaluation.metrics import Comparison, Metric
from evaluation.results import Breakdown, Group, Score
from render.manifest import JointState

LEVEL = 0.95
NUM_RESAMPLES = 1000
SEED = 0

HARDNESS_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Ends of the ranges of hardness: quartiles of the samples scored."""


def interval_text(num_samples: int) -> str:
    """What the intervals of so many samples are."""
    groups = f" in {MAX_GROUPS} random groups" if num_samples > MAX_GROUPS else ""
    return (
        f"{LEVEL:.0%} percentile bootstrap over samples{groups}, {NUM_RESAMPLES} resamples, seed "
        f"{SEED}"
    )


def draws(num_samples: int) -> Resampling:
    """The draws behind every interval of a result."""
    return resample(num_samples, num_resamples=NUM_RESAMPLES, seed=SEED)


@dataclass(frozen=True)
class Measured:
    """A metric's values on a comparison; computed once, averaged over any part.

    Attributes:
        metric: The metric.
        pair: What it looks at.
    """

    metric: Metric
    pair: Comparison

    @cached_property
    def values(self) -> np.ndarray:
        """Value of each joint, [N, J]; undefined where not valid."""
        return self.metric.values(self.pair)

    @cached_property
    def valid(self) -> np.ndarray:
        """Which joints take part, [N, J]."""
        return self.metric.valid(self.pair)

    def per_sample(self) -> np.ndarray:
        """Mean over each sample's joints, [N]; NaN where none counts."""
        return per_sample(self.values, self.valid)

    def score(self, resampling: Resampling, among: np.ndarray | None = None) -> Score | None:
        """The average and its interval.

        Args:
            resampling: Draws over the N samples.
            among: Only these joints, [N, J]; None for all that take part.

        Returns:
            None where no joint takes part.
        """
        valid = self.valid if among is None else self.valid & among
        # A joint without a value only costs time; the draws need every sample.
        columns = valid.any(0)
        if not columns.any():
            return None
        values, counted = self.values, valid
        if not columns.all():
            values, counted = values[:, columns], counted[:, columns]
        averaging = self.metric.averaging
        low, high = bootstrap_interval(
            values, counted, averaging, level=LEVEL, resampling=resampling
        )
        definition = self.metric.definition
        if among is not None:
            definition = f"{self.metric.id} of this group alone."
        return Score(
            value=average(values, counted, averaging), low=low, high=high, unit=self.metric.unit,
            n=int(valid.any(-1).sum()), definition=definition,
        )  # fmt: skip


def breakdowns(
    measured: Iterable[Measured],
    resampling: Resampling,
    joint_state: np.ndarray,
    hardness: np.ndarray,
) -> dict[Breakdown, list[Group]]:
    """Scores by joint, by state and by hardness.

    Args:
        measured: The metrics to break down, on the same samples and skeleton.
        resampling: Draws over the N samples.
        joint_state: `JointState` of each joint, [N, J]; NaN is UNKNOWN.
        hardness: [N], NaN where not measured.

    Returns:
        Groups that hold at least one joint. A breakdown without any, or by hardness where it is
        nowhere measured, is left out.
    """
    measured = list(measured)
    if not measured:
        return {}
    skeleton = measured[0].pair.skeleton
    states = np.nan_to_num(joint_state, nan=JointState.UNKNOWN)
    columns = np.eye(skeleton.num_joints, dtype=bool)[:, None]
    parts: dict[Breakdown, Mapping[str, np.ndarray]] = {
        "joint": dict(zip(skeleton.joints, columns, strict=True)),
        "state": {
            state.name.lower(): states == state
            for state in JointState
            if state is not JointState.MISSING
        },
        "hardness": {name: rows[:, None] for name, rows in hardness_ranges(hardness).items()},
    }
    found: dict[Breakdown, list[Group]] = {}
    for breakdown, masks in parts.items():
        groups = [_group(name, measured, resampling, among) for name, among in masks.items()]
        if known := [group for group in groups if group is not None]:
            found[breakdown] = known
    return found


def hardness_ranges(hardness: np.ndarray) -> dict[str, np.ndarray]:
    """Samples by quartile of hardness; quartiles of the same hardness are one.

    Args:
        hardness: [N], NaN where not measured.

    Returns:
        Range such as `0.12 to 0.31` to its samples, [N]; ranges hold their upper end. Ends have the
        three digits or more that tell them apart.
    """
    known = hardness[np.isfinite(hardness)]
    if not known.size:
        return {}
    ends = np.unique(np.quantile(known, HARDNESS_QUANTILES))
    if len(ends) == 1:
        return {f"{ends[0]:.3g}": np.isfinite(hardness)}
    place = np.clip(np.searchsorted(ends, hardness, side="left"), 1, len(ends) - 1)
    return {
        f"{low} to {high}": np.isfinite(hardness) & (place == number)
        for number, (low, high) in enumerate(itertools.pairwise(_told_apart(ends)), start=1)
    }


def _told_apart(ends: np.ndarray) -> list[str]:
    """Different numbers in as few digits as keep them different, but at least three."""
    # 17 digits tell any two numbers of double precision apart.
    texts = ([f"{end:.{digits}g}" for end in ends] for digits in range(3, 18))
    return next(each for each in texts if len(set(each)) == len(ends))


def _group(
    name: str, measured: list[Measured], resampling: Resampling, among: np.ndarray
) -> Group | None:
    scores = {each.metric.id: each.score(resampling, among) for each in measured}
    known = {metric: score for metric, score in scores.items() if score is not None}
    if not known:
        return None
    valid = np.logical_or.reduce([each.valid & among for each in measured])
    return Group(name=name, n=int(valid.any(-1).sum()), num_joints=int(valid.sum()), metrics=known)
