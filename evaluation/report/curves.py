"""What the page draws of a target's curves and of errors by hardness, joint state and joint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from evaluation.metrics import METRICS, Metric
from evaluation.report import curve_plots, plots
from evaluation.report.curve_plots import Line, Points
from evaluation.report.entries import Entry
from evaluation.report.inputs import Scored, Training
from evaluation.report.naming import anchor, group_words
from evaluation.report.pictures import Picture, PictureFolder
from evaluation.report.tables import as_text
from evaluation.report.themes import Theme
from evaluation.results import Breakdown, CurveName, Score

MOST_LINES = 8
"""More cannot be told apart; the best are drawn, and the baseline."""

GROUPINGS: dict[Breakdown, str] = {
    "hardness": "by hardness of the pose",
    "state": "by what the camera sees of the joint",
    "joint": "by joint",
}
"""Key of `Evaluation.breakdowns` to its heading."""

CURVES: tuple[CurveName, ...] = ("pck_2d", "pck_3d")


@dataclass(frozen=True)
class GroupTable:
    """Scores of groups, a group a row and a model a column.

    Attributes:
        title: Heading.
        metric: What is shown.
        scores: Of each model, by the groups' names.
        rows: As text: group, its samples, and a value with its interval a model; empty where
            unknown.
    """

    title: str
    metric: Metric
    scores: dict[Line, dict[str, Score]]
    rows: list[tuple[str, int, list[str]]]

    @property
    def models(self) -> list[str]:
        """Names of the columns."""
        return [line.name for line in self.scores]


@dataclass(frozen=True)
class TargetCurves:
    """All that is drawn of a target.

    Attributes:
        target: Data set and split.
        n: Samples.
        protocol: The protocol's name.
        pictures: Curves, then errors of groups.
        tables: The numbers of the latter.
        num_left_out: Models that are not drawn because there are too many.
        repeated: Whether one of several seeds stands for the others.
    """

    target: str
    n: int
    protocol: str
    pictures: list[Picture]
    tables: list[GroupTable]
    num_left_out: int
    repeated: bool


def target_curves(folder: PictureFolder, rows: Sequence[Entry]) -> TargetCurves | None:
    """Draws and saves a target's curves; None when its results have none.

    Args:
        folder: Where the pictures go.
        rows: The models on it.
    """
    drawn = _most_telling(rows)
    lines = {Line(row.name, row.is_baseline): row.results[0] for row in drawn}
    some = drawn[0].results[0]
    pictures = [
        picture for key in CURVES if (picture := _shares_within(folder, key, lines)) is not None
    ]
    tables = []
    for key, title in GROUPINGS.items():
        for dimensions in (2, 3):
            if (table := _group_table(key, title, dimensions, lines)) is not None:
                tables.append(table)
                pictures.append(_errors_of_groups(folder, key, table, some))
    if not pictures:
        return None
    return TargetCurves(
        target=some.target, n=some.evaluation.n, protocol=some.evaluation.protocol.name,
        pictures=pictures, tables=tables, num_left_out=len(rows) - len(drawn),
        repeated=any(len(row.results) > 1 for row in drawn),
    )  # fmt: skip


def losses(folder: PictureFolder, runs: Sequence[Training]) -> Picture | None:
    """Loss curves of the runs that have any."""
    curves = {run.label: run.losses for run in runs if run.losses}
    if not curves:
        return None
    return folder.plot(
        "losses",
        lambda theme: plots.loss_curves(theme, curves),
        "Training and validation loss over steps of " + ", ".join(curves),
        "Each model has its own loss; heights do not compare between models.",
    )


def _most_telling(rows: Sequence[Entry]) -> list[Entry]:
    if len(rows) <= MOST_LINES:
        return list(rows)
    first = METRICS[rows[0].results[0].evaluation.protocol.metrics[0]]
    sign = -1 if first.higher_is_better else 1

    def rank(row: Entry) -> float:
        value = row.value(first.id)
        return np.inf if value is None else sign * value

    baselines = [row for row in rows if row.is_baseline][:1]
    best = sorted((row for row in rows if not row.is_baseline), key=rank)
    kept = best[: MOST_LINES - len(baselines)]
    return [row for row in rows if row in kept or row in baselines]


def _shares_within(
    folder: PictureFolder, key: CurveName, lines: dict[Line, Scored]
) -> Picture | None:
    curves = {
        line: curve
        for line, found in lines.items()
        if (curve := found.evaluation.curves.get(key)) is not None
    }
    if not curves:
        return None
    curve = next(iter(curves.values()))
    title = curve.title
    target = next(iter(lines.values())).target
    label = f"threshold, {curve.unit}" if curve.unit else "threshold, share of the hand's size"
    points = {line: (each.thresholds, each.shares) for line, each in curves.items()}
    middle = len(curve.thresholds) // 2
    told = ", ".join(f"{line.name} {each.shares[middle]:.0%}" for line, each in curves.items())
    return folder.plot(
        anchor("curve", target, key),
        lambda theme: curve_plots.shares_within(theme, title, label, points),
        f"{title}; within {curve.thresholds[middle]:.3g} {curve.unit}".rstrip() + f" lie of {told}",
        curve.definition,
    )


def _group_table(
    key: Breakdown, title: str, dimensions: int, lines: dict[Line, Scored]
) -> GroupTable | None:
    groups = {line: found.evaluation.breakdowns.get(key, []) for line, found in lines.items()}
    known = [group for each in groups.values() for group in each]
    names = (name for group in known for name in group.metrics)
    metric = next((METRICS[name] for name in names if METRICS[name].dimensions == dimensions), None)
    if metric is None:
        return None
    sizes = {group.name: group.n for group in reversed(known) if metric.id in group.metrics}
    order = [name for name in dict.fromkeys(group.name for group in known) if name in sizes]
    scores = {
        line: {group.name: group.metrics[metric.id] for group in each if metric.id in group.metrics}
        for line, each in groups.items()
    }
    scores = {line: each for line, each in scores.items() if each}
    return GroupTable(
        f"{metric.title} {title}",
        metric,
        scores,
        [
            (
                group_words(name),
                sizes[name],
                [_interval(each.get(name), metric) for each in scores.values()],
            )
            for name in order
        ],
    )


def _interval(score: Score | None, metric: Metric) -> str:
    if score is None:
        return ""
    value, low, high = (as_text(each, metric) for each in (score.value, score.low, score.high))
    return f"{value} ({low} – {high})"


def _errors_of_groups(
    folder: PictureFolder, key: Breakdown, table: GroupTable, some: Scored
) -> Picture:
    metric = table.metric
    points = {}
    for line, scores in table.scores.items():
        ends = ([getattr(s, end) for s in scores.values()] for end in ("value", "low", "high"))
        points[line] = Points([group_words(name) for name in scores], *map(np.array, ends))
    direction = "higher is better" if metric.higher_is_better else "lower is better"
    label = f"{metric.title}{metric.unit and f', {metric.unit}'} ({direction})"
    order = [name for name, _, _ in table.rows]

    def draw(theme: Theme) -> Figure:
        return curve_plots.errors_of_groups(theme, table.title, label, order, points)

    return folder.plot(
        anchor("groups", some.target, key, metric.id),
        draw,
        f"{table.title} of {', '.join(table.models)}; the numbers stand below",
        f"Bars: {some.evaluation.interval}.",
    )
