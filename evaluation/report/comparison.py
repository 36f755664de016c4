"""One table of what models cost and how well they do, over all data that they were scored on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from evaluation.metrics import METRICS
from evaluation.report.entries import Entry, spread
from evaluation.report.inputs import Training
from evaluation.report.tables import as_text, best_value

SHOWN_METRICS = ("epe_px", "nme", "mpjpe_mm", "depth_mm", "pa_mpjpe_rigid_mm")
"""Errors in two dimensions, in px and relative to the hand, and in three."""


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        title: Its heading.
        unit: Shown below it.
        definition: What exactly the number is.
        target: Data set and split that it was measured on; empty for a cost.
    """

    title: str
    unit: str
    definition: str
    target: str = ""


@dataclass(frozen=True)
class Value:
    """A number as text; `deviation` is that of repeats with other seeds."""

    text: str
    deviation: str = ""
    is_best: bool = False


@dataclass(frozen=True)
class Line:
    """A model; None where a column does not apply."""

    label: str
    is_baseline: bool
    num_seeds: int
    values: list[Value | None]


@dataclass(frozen=True)
class ComparisonTable:
    """All models, a line each."""

    columns: list[Column]
    lines: list[Line]

    @property
    def targets(self) -> list[tuple[str, int]]:
        """The headings over neighbouring columns, with how many there are below each."""
        counted: dict[str, int] = {}
        for column in self.columns:
            counted[column.target] = counted.get(column.target, 0) + 1
        return list(counted.items())

    def to_csv(self) -> str:
        """The table as text: a value, or `mean ± standard deviation`, in each field."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        heads = (
            " ".join(
                filter(None, [column.target, column.title, column.unit and f"({column.unit})"])
            )
            for column in self.columns
        )
        writer.writerow(["model", *heads])
        for line in self.lines:
            fields = (
                f"{value.text} ± {value.deviation}"
                if value and value.deviation
                else (value.text if value else "")
                for value in line.values
            )
            writer.writerow([line.label, *fields])
        return stream.getvalue()


@dataclass(frozen=True)
class _Cost:
    column: Column
    digits: int
    of: Callable[[Training], Any]


def _figure(name: str, unit: float = 1.0) -> Callable[[Training], Any]:
    def read(training: Training) -> Any:
        value = training.figures.get(name)
        return None if value is None else value / unit

    return read


def _minutes(training: Training) -> Any:
    seconds = training.record.get("seconds")
    return seconds / 60 if seconds else None


_COSTS = (
    _Cost(
        Column("parameters", "million", "Trained numbers of the network."),
        2,
        _figure("num_parameters", 1e6),
    ),
    _Cost(
        Column(
            "GMAC", "", "Multiply-accumulates of the forward pass of one image at the network's "
            "input size, 10^9; of convolutions, linear layers and matrix products."
        ),
        3,
        _figure("gmacs"),
    ),
    _Cost(
        Column(
            "CPU", "images/s", "Images that the network alone takes in a second on this machine's "
            "CPU, in batches of 8."
        ),
        0,
        _figure("cpu_images_per_s"),
    ),
    _Cost(
        Column("GPU", "images/s", "The same on its GPU, in batches of 64."),
        0,
        _figure("gpu_images_per_s"),
    ),
    _Cost(Column("training", "min", "Time spent in training steps and validation."), 1, _minutes),
)  # fmt: skip


def comparison_table(groups: Sequence[Sequence[Entry]]) -> ComparisonTable | None:
    """The table over all targets; None when nothing is known of the models' costs.

    Args:
        groups: The entries of each target.
    """
    rows: dict[str, list[Entry | None]] = {}
    for place, group in enumerate(groups):
        for entry in group:
            rows.setdefault(entry.name, [None] * len(groups))[place] = entry
    found = {name: [entry for entry in each if entry] for name, each in rows.items()}
    costs = {
        name: [_cost(cost, each[0].trainings) for cost in _COSTS] for name, each in found.items()
    }
    shown = [n for n in range(len(_COSTS)) if any(values[n] for values in costs.values())]
    if not shown:
        return None
    columns = [_COSTS[number].column for number in shown]
    lines = {name: [values[number] for number in shown] for name, values in costs.items()}
    for place, group in enumerate(groups):
        target = group[0].results[0].target
        for metric in map(METRICS.__getitem__, SHOWN_METRICS):
            best = best_value(group, metric)
            values = {}
            for name, each in rows.items():
                entry = each[place]
                value = entry.value(metric.id) if entry else None
                if entry is None or value is None:
                    continue
                deviation = spread(entry.values(metric.id))
                values[name] = Value(
                    as_text(value, metric),
                    "" if deviation is None else as_text(deviation, metric),
                    value == best,
                )
            if values:
                columns.append(Column(metric.title, metric.unit, metric.definition, target))
                for name, line in lines.items():
                    line.append(values.get(name))
    ordered = sorted(found.items(), key=lambda row: row[1][0].is_baseline)
    return ComparisonTable(
        columns,
        [
            Line(name, some.is_baseline, len(some.results), lines[name])
            for name, (some, *_) in ordered
        ],
    )


def _cost(cost: _Cost, trainings: Sequence[Training]) -> Value | None:
    known = [value for training in trainings if (value := cost.of(training)) is not None]
    return Value(f"{mean(known):.{cost.digits}f}") if known else None
