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
    """The table of a group, the baseline last."""
    first = results[0].evaluation
    names = [
        name
        for name in first.protocol.metrics
        if any(name in found.evaluation.metrics for found in results)
    ]
    baseline = _baseline(results)
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
                [_cell(found, results, baseline, METRICS[name]) for name in names],
            )
            for found in ordered
        ],
        interval=first.interval,
        licence=results[0].manifest.info.licence,
        few=first.n < FEW,
    )


def headline(results: Sequence[Scored]) -> Headline | None:
    """The best model against the baseline by mean joint error.

    None without a baseline or with too few hands to say anything.
    """
    name = "epe_px"
    baseline = _baseline(results)
    models = [r for r in results if not r.is_baseline and name in r.evaluation.metrics]
    few = results[0].evaluation.n < FEW
    if few or not models or baseline is None or name not in baseline.evaluation.metrics:
        return None
    best = min(models, key=lambda found: found.evaluation.metrics[name].value)
    value, reference = (r.evaluation.metrics[name].value for r in (best, baseline))
    return Headline(
        ratio=f"{value / reference:.2f}",
        label=best.label,
        target=best.target,
        value=f"{value:.1f} px",
        baseline=f"{reference:.1f} px",
    )


def _baseline(results: Sequence[Scored]) -> Scored | None:
    return next((found for found in results if found.is_baseline), None)


def _cell(
    found: Scored, results: Sequence[Scored], baseline: Scored | None, metric: Metric
) -> Cell | None:
    score = found.evaluation.metrics.get(metric.id)
    if score is None:
        return None
    digits = 2 if metric.unit == "px" else 1 if metric.unit == "mm" else 3
    known = [
        r.evaluation.metrics[metric.id].value for r in results if metric.id in r.evaluation.metrics
    ]
    best = max(known) if metric.higher_is_better else min(known)
    reference = baseline.evaluation.metrics.get(metric.id) if baseline is not None else None
    ratio = ""
    if reference is not None and baseline is not found and reference.value > 0:
        ratio = f"× {score.value / reference.value:.2f}"
    return Cell(
        value=f"{score.value:.{digits}f}",
        interval=f"{score.low:.{digits}f} – {score.high:.{digits}f}",
        ratio=ratio,
        is_best=len(known) > 1 and score.value == best,
    )
