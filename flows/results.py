"""What the evaluations say, as tables: for the terminal, for Prefect's pages and for history."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows import stamps

if TYPE_CHECKING:
    from evaluation.scoring import Evaluation, Score

MODELS_ABREAST = 4
"""Columns of models that fit a terminal; more go into tables of their own."""


@dataclass(frozen=True)
class Target:
    """A split that models are scored on.

    Attributes:
        dataset: Name in file names.
        split: None for all of the data set.
        root: Its folder.
        protocol: Id of the rules of scoring; None for the data set's own.
    """

    dataset: str
    split: str | None
    root: Path
    protocol: str | None = None

    @property
    def stem(self) -> str:
        """DATASET-SPLIT, as in file names, with the protocol where it is not the data set's own."""
        place = f"{self.dataset}-{self.split or 'all'}"
        return f"{place}-by-{self.protocol}" if self.protocol else place

    @property
    def data(self) -> str:
        """ROOT[:SPLIT], as training and evaluation take it."""
        return f"{self.root}:{self.split}" if self.split else f"{self.root}"

    @property
    def identity(self) -> dict[str, str | None]:
        """What its content is, for stamps."""
        return {"data": stamps.dataset_identity(self.root), "split": self.split}


@dataclass(frozen=True)
class Result:
    """One model scored on one target."""

    label: str
    target: Target
    file: Path

    def read(self) -> Evaluation:
        """The result file's content."""
        from evaluation.scoring import read_evaluation

        return read_evaluation(self.file)


@dataclass(frozen=True)
class MetricTable:
    """A target's metrics (rows) of several models (columns), as text."""

    title: str
    header: list[str]
    rows: list[list[str]]

    def abreast(self, num_models: int) -> list[MetricTable]:
        """Tables of at most so many models each."""
        return [
            MetricTable(
                self.title,
                [self.header[0], *self.header[start : start + num_models]],
                [[row[0], *row[start : start + num_models]] for row in self.rows],
            )
            for start in range(1, len(self.header), num_models)
        ]

    def to_markdown(self) -> str:
        """The table with its title as a heading."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"### {self.title}\n\n{body}\n"


def metric_tables(results: Sequence[Result]) -> list[MetricTable]:
    """A table a target, models and targets in the order in which they first occur."""
    tables = []
    for stem in dict.fromkeys(result.target.stem for result in results):
        found = {result.label: result.read() for result in results if result.target.stem == stem}
        names = dict.fromkeys(name for each in found.values() for name in each.metrics)
        rows = []
        for name in names:
            scores = [each.metrics.get(name) for each in found.values()]
            unit = next(score.unit for score in scores if score)
            rows.append([f"{name} ({unit})" if unit else name, *map(_cell, scores)])
        some = next(iter(found.values()))
        title = f"{stem}, {some.n} samples, protocol {some.protocol.name}"
        tables.append(MetricTable(title, ["metric", *found], rows))
    return tables


def _cell(score: Score | None) -> str:
    return f"{score.value:.3g} [{score.low:.3g}, {score.high:.3g}]" if score else "-"


def print_tables(tables: Iterable[MetricTable]) -> None:
    """Prints to the terminal."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # A file or pipe has no width to keep to.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    for table in (part for whole in tables for part in whole.abreast(MODELS_ABREAST)):
        shown = Table(
            box=SIMPLE,
            title=table.title,
            title_justify="left",
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        first, *others = table.header
        shown.add_column(escape(first), no_wrap=True)
        for name in others:
            shown.add_column(escape(name), justify="right", overflow="fold")
        for first, *others in table.rows:
            # The interval stands below its value: three models fit a terminal's 80 columns.
            shown.add_row(escape(first), *(escape(cell.replace(" [", "\n[")) for cell in others))
        console.print(shown)
