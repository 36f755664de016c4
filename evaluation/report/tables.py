"""The page's tables: every model beside the baseline, and the chain behind each number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.metrics import METRICS, Metric
from evaluation.protocols import Protocol
from evaluation.report.inputs import Scored

FEW = 30
"""Below this many hands a table says that it proves nothing."""


@dataclass(frozen=True)
class Cell:
    """A score as text; `ratio` is the value over the baseline's."""

    value: str
    interval: str
    ratio: str
    is_best: bool


@dataclass(frozen=True)
class Row:
    """A model's scores; None where a metric does not apply."""

    label: str
    is_baseline: bool
    cells: list[Cell | None]


@dataclass(frozen=True)
class ScoreTable:
    """All models on one data set and split."""

    target: str
    n: int
    protocol: Protocol
    metrics: list[Metric]
    rows: list[Row]
    interval: str
    licence: str | None
    few: bool


@dataclass(frozen=True)
class Headline:
    """The number of one split that a hurried reader wants."""

    ratio: str
    label: str
    target: str
    value: str
    baseline: str


def group(scored: Sequence[Scored]) -> list[list[Scored]]:
    """Results of the same data set, split and protocol together, those on rendered data first."""
    groups: dict[tuple[str | None, ...], list[Scored]] = {}
    for found in sorted(scored, key=lambda found: found.manifest.info.kind == "real"):
        digest = found.evaluation.provenance.data_recipe_digest
        key = (found.target, digest, found.evaluation.protocol.id)
        groups.setdefault(key, []).append(found)
    return list(groups.values())


def score_table(results: Sequence[Scored]) -> ScoreTable:
    """The table of a group, the baselines last."""
    first = results[0].evaluation
    names = [
        name
        for name in first.protocol.metrics
        if any(name in found.evaluation.metrics for found in results)
    ]
    ordered = sorted(results, key=lambda found: found.is_baseline)
    return ScoreTable(
        target=results[0].target,
        n=first.n,
        protocol=first.protocol,
        metrics=[METRICS[name] for name in names],
        rows=[
            Row(
                found.label,
                found.is_baseline,
                [_cell(found, results, METRICS[name]) for name in names],
            )
            for found in ordered
        ],
        interval=first.interval,
        licence=results[0].manifest.info.licence,
        few=first.n < FEW,
    )


def headline(results: Sequence[Scored]) -> Headline | None:
    """The best model against its run's baseline by mean joint error.

    None without a baseline or with too few hands to say anything.
    """
    name = "epe_px"
    pairs = [
        (found.evaluation.metrics[name].value, reference, found)
        for found in results
        if name in found.evaluation.metrics
        and (reference := _baseline_value(found, results, name)) is not None
    ]
    if results[0].evaluation.n < FEW or not pairs:
        return None
    value, reference, best = min(pairs, key=lambda pair: pair[0])
    return Headline(
        ratio=f"{value / reference:.2f}",
        label=best.label,
        target=best.target,
        value=f"{value:.1f} px",
        baseline=f"{reference:.1f} px",
    )


def _baseline_value(found: Scored, results: Sequence[Scored], metric: str) -> float | None:
    """What the baseline learned in the same run scores; None for a baseline or without one."""
    if found.is_baseline:
        return None
    scores = (
        other.evaluation.metrics.get(metric)
        for other in results
        if other.is_baseline and other.run == found.run
    )
    return next((score.value for score in scores if score is not None), None)


def _cell(found: Scored, results: Sequence[Scored], metric: Metric) -> Cell | None:
    score = found.evaluation.metrics.get(metric.id)
    if score is None:
        return None
    digits = 2 if metric.unit == "px" else 1 if metric.unit == "mm" else 3
    known = [
        r.evaluation.metrics[metric.id].value for r in results if metric.id in r.evaluation.metrics
    ]
    best = max(known) if metric.higher_is_better else min(known)
    reference = _baseline_value(found, results, metric.id)
    ratio = f"× {score.value / reference:.2f}" if reference else ""
    return Cell(
        value=f"{score.value:.{digits}f}",
        interval=f"{score.low:.{digits}f} – {score.high:.{digits}f}",
        ratio=ratio,
        is_best=len(known) > 1 and score.value == best,
    )
