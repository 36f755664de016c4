"""One table of what models cost and how well they do, over all data that they were scored on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from evaluation.metrics import METRICS
from evaluation.report.entries import Entry
from evaluation.report.inputs import Training
from evaluation.report.tables import as_text, best_value, interval_text

COMPARED_METRICS = ("epe_px", "nme", "mpjpe_mm", "depth_mm", "pa_mpjpe_rigid_mm")
"""Errors in two dimensions, in px and relative to the hand, and in three."""

SHOWN_METRICS = ("epe_px", "mpjpe_mm")
"""Those of them that the page shows; the others are in the CSV and in the score tables."""

MOST_ABREAST = 10
"""Columns that a page of 1,200 px takes."""


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        title: Its heading.
        unit: Shown below it.
        definition: What exactly the number is.
        target: Data set and split that it was measured on; empty for a cost.
        protocol: Name of the protocol it was measured by; empty for a cost.
        n: Hands that it was measured on; 0 for a cost.
        is_shown: Whether the page shows it.
    """

    title: str
    unit: str
    definition: str
    target: str = ""
    protocol: str = ""
    n: int = 0
    is_shown: bool = True


@dataclass(frozen=True)
class Value:
    """A number as text; `interval` is ± the deviation where repeats have other seeds."""

    text: str
    interval: str = ""
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
    def bands(self) -> list[list[tuple[Column, list[int]]]]:
        """What the page shows: rows of columns, each as wide as the page.

        A row is a list of neighbouring columns with one heading: the first of them, for its
        heading, and the places of all.
        """
        headed: dict[tuple[str, str], list[int]] = {}
        for place, column in enumerate(self.columns):
            if column.is_shown:
                headed.setdefault((column.target, column.protocol), []).append(place)
        bands: list[list[tuple[Column, list[int]]]] = [[]]
        width = 0
        for places in headed.values():
            if bands[-1] and width + len(places) > MOST_ABREAST:
                bands.append([])
                width = 0
            bands[-1].append((self.columns[places[0]], places))
            width += len(places)
        return bands

    def to_csv(self) -> str:
        """All columns as text, the interval of an error in a field of its own after it."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        heads = ["model"]
        for column in self.columns:
            unit = column.unit and f"({column.unit})"
            name = " ".join(filter(None, [column.target, column.title, unit]))
            heads += [name, f"{name} interval"] if column.target else [name]
        writer.writerow(heads)
        for line in self.lines:
            fields = [line.label]
            for column, value in zip(self.columns, line.values, strict=True):
                found = value or Value("")
                fields += [found.text, found.interval] if column.target else [found.text]
            writer.writerow(fields)
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
        some = group[0].results[0].evaluation
        for metric in map(METRICS.__getitem__, COMPARED_METRICS):
            best = best_value(group, metric)
            values = {}
            for name, each in rows.items():
                entry = each[place]
                value = entry.value(metric.id) if entry else None
                if entry is None or value is None:
                    continue
                values[name] = Value(
                    as_text(value, metric), interval_text(entry, metric), value == best
                )
            if values:
                columns.append(
                    Column(
                        metric.title, metric.unit, metric.definition, target,
                        some.protocol.name, some.n, metric.id in SHOWN_METRICS,
                    )
                )  # fmt: skip
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
