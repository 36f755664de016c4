"""The page's score tables: every model beside the baseline, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.matrix.matrix import FEW
from evaluation.metrics import METRICS, Metric
from evaluation.protocols import Protocol
from evaluation.report.entries import Entry, spread
from evaluation.report.inputs import Scored

MOST_ABREAST = 9
"""Metrics that a page of 1,200 px takes."""


@dataclass(frozen=True)
class Cell:
    """A score as text; `ratio` is the value over the baseline's.

    Of repeats with other seeds `value` is the mean and `interval` the standard deviation.
    """

    value: str
    interval: str
    ratio: str
    is_best: bool


@dataclass(frozen=True)
class Row:
    """A model's scores, means over `num_seeds`; None where a metric does not apply.

    `anchor` is where the page says what the first of its results came from.
    """

    label: str
    anchor: str
    is_baseline: bool
    num_seeds: int
    cells: list[Cell | None]


@dataclass(frozen=True)
class ScoreTable:
    """All models on one data set and split; `repeated` if one of them has several seeds.

    `warnings` are sentences on what looks wrong, each with the models that it is said of.
    """

    target: str
    n: int
    protocol: Protocol
    metrics: list[Metric]
    rows: list[Row]
    interval: str
    repeated: bool
    licence: str | None
    few: bool
    warnings: list[str]

    @property
    def bands(self) -> list[range]:
        """Places of the metrics that stand abreast."""
        count = len(self.metrics)
        num_bands = max(1, -(-count // MOST_ABREAST))
        width = -(-count // num_bands)
        return [range(start, min(start + width, count)) for start in range(0, count, width)]


@dataclass(frozen=True)
class Headline:
    """The number of one split that a hurried reader wants."""

    ratio: str
    label: str
    target: str
    value: str
    interval: str
    baseline: str
    n: int
    protocol: str


def group(scored: Sequence[Scored]) -> list[list[Scored]]:
    """Results of the same data set, split and protocol together.

    Those on rendered data come first, then those on real data, then those on stand-ins.
    """
    groups: dict[tuple[str | None, ...], list[Scored]] = {}

    def rank(found: Scored) -> tuple[bool, bool]:
        info = found.manifest.info
        return info.stand_in_for is not None, info.kind == "real"

    for found in sorted(scored, key=rank):
        digest = found.evaluation.provenance.data_recipe_digest
        key = (found.target, digest, found.evaluation.protocol.id)
        groups.setdefault(key, []).append(found)
    return list(groups.values())


def score_table(rows: Sequence[Entry]) -> ScoreTable:
    """The table of a group."""
    some = rows[0].results[0]
    first = some.evaluation
    names = [
        name for name in first.protocol.metrics if any(row.value(name) is not None for row in rows)
    ]
    return ScoreTable(
        target=some.target,
        n=first.n,
        protocol=first.protocol,
        metrics=[METRICS[name] for name in names],
        rows=[
            Row(
                row.name,
                row.results[0].anchor,
                row.is_baseline,
                len(row.results),
                [_cell(row, rows, METRICS[name]) for name in names],
            )
            for row in rows
        ],
        interval=first.interval,
        repeated=any(len(row.results) > 1 for row in rows),
        licence=some.manifest.info.licence,
        few=first.n < FEW,
        warnings=_warnings(rows),
    )


def headline(rows: Sequence[Entry]) -> Headline | None:
    """The best model against its run's baseline by mean joint error.

    None without a baseline, on a stand-in, or with too few hands to say anything.
    """
    name = "epe_px"
    pairs = [
        (value, reference, row)
        for row in rows
        if (value := row.value(name)) is not None
        and (reference := _baseline_value(row, rows, name)) is not None
    ]
    some = rows[0].results[0]
    if some.evaluation.n < FEW or not pairs or some.manifest.info.stand_in_for:
        return None
    value, reference, best = min(pairs, key=lambda pair: pair[0])
    return Headline(
        ratio=f"{value / reference:.2f}",
        label=best.name,
        target=some.target,
        value=f"{value:.1f} px",
        interval=interval_text(best, METRICS[name]),
        baseline=f"{reference:.1f} px",
        n=some.evaluation.n,
        protocol=some.evaluation.protocol.name,
    )


def best_value(rows: Sequence[Entry], metric: Metric) -> float | None:
    """The best mean of a metric; None where there is nothing to choose from."""
    known = [value for row in rows if (value := row.value(metric.id)) is not None]
    if len(known) < 2:
        return None
    return max(known) if metric.higher_is_better else min(known)


def as_text(value: float, metric: Metric) -> str:
    """A metric's value with as many digits as it deserves."""
    digits = 2 if metric.unit == "px" else 1 if metric.unit == "mm" else 3
    return f"{value:.{digits}f}"


def interval_text(row: Entry, metric: Metric) -> str:
    """The interval of a metric that the row has; of repeats their standard deviation."""
    deviation = spread(row.values(metric.id))
    if deviation is not None:
        return f"± {as_text(deviation, metric)}"
    scores = (found.evaluation.metrics.get(metric.id) for found in row.results)
    score = next(score for score in scores if score is not None)
    return f"{as_text(score.low, metric)} – {as_text(score.high, metric)}"


def _warnings(rows: Sequence[Entry]) -> list[str]:
    """Each once, after the models that it is said of."""
    results = [found for row in rows for found in row.results]
    labels: dict[str, list[str]] = {}
    for found in results:
        for warning in found.evaluation.warnings:
            labels.setdefault(warning, []).append(found.label)
    return [
        f"{'all models' if len(said_of) == len(results) > 1 else ', '.join(said_of)}: {warning}"
        for warning, said_of in labels.items()
    ]


def _baseline_value(row: Entry, rows: Sequence[Entry], metric: str) -> float | None:
    """What the baseline learned in the same run scores; None for a baseline or without one."""
    if row.is_baseline:
        return None
    scores = (other.value(metric) for other in rows if other.is_baseline and other.run == row.run)
    return next((score for score in scores if score is not None), None)


def _cell(row: Entry, rows: Sequence[Entry], metric: Metric) -> Cell | None:
    value = row.value(metric.id)
    if value is None:
        return None
    reference = _baseline_value(row, rows, metric.id)
    return Cell(
        value=as_text(value, metric),
        interval=interval_text(row, metric),
        ratio=f"× {value / reference:.2f}" if reference else "",
        is_best=value == best_value(rows, metric),
    )
