"""The matrices of a report as texts, with published numbers beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evaluation.matrix.anchors import Anchor
from evaluation.matrix.matrix import FEW, Cell, Column, Matrix, Row, value_text
from evaluation.matrix.published import AnchorView, anchor_views, published_beside
from evaluation.matrix.sources import learned_from, source_of
from evaluation.matrix.table import MATRIX_METRICS, Trial, build_matrix
from render.manifest import DatasetInfo

if TYPE_CHECKING:
    # At run time the report's package imports this one.
    from evaluation.report.inputs import Scored, Training

Diagonal = Literal["yes", "no", "unknown"]
DIAGONAL: dict[bool | None, Diagonal] = {True: "yes", False: "no", None: "unknown"}
"""Whether a cell is on it, in words."""


SIZES_DIFFER = (
    "The hand's size, by which errors are divided, is defined by each column's protocol: columns "
    "compare models, not test sets."
)


@dataclass(frozen=True)
class ColumnView:
    """The head of a column."""

    title: str
    split: str
    protocol: str
    n: str
    size: str
    is_stand_in: bool


@dataclass(frozen=True)
class CellView:
    """A score as text.

    Attributes:
        value: The number.
        interval: Its interval, or the spread over repeats.
        n: Samples that took part, where they are not the column's.
        is_best: Best of the column.
        reaches_best: Not the best, but its interval overlaps that of the best.
        diagonal: Whether the model learned from the source that it is tested on.
    """

    value: str
    interval: str
    n: str
    is_best: bool
    reaches_best: bool
    diagonal: Diagonal


@dataclass(frozen=True)
class RowView:
    """A model.

    Attributes:
        trained_on: What it learned from; empty where that is not known.
        starts_group: The row above learned from something else.
    """

    model: str
    trained_on: str
    system: str
    num_seeds: int
    is_baseline: bool
    starts_group: bool
    cells: list[CellView | None]
    mean_rank: str
    rank_note: str


@dataclass(frozen=True)
class MatrixView:
    """A matrix as texts.

    Attributes:
        matrix: The numbers.
        published: The anchors behind `anchors`, in the same order.
    """

    matrix: Matrix
    published: list[Anchor]
    columns: list[ColumnView]
    rows: list[RowView]
    anchors: list[AnchorView]

    @property
    def is_normalised(self) -> bool:
        """Whether the hand's size, which protocols define differently, is in the numbers."""
        return len({column.size for column in self.columns}) > 1 and self.matrix.unit == ""

    @property
    def notes(self) -> list[str]:
        """What to know before columns are compared or believed, a sentence each."""
        found = [SIZES_DIFFER] if self.is_normalised else []
        for column, shown in zip(self.matrix.columns, self.columns, strict=True):
            found += [f"{shown.title} {shown.split}: {caution}" for caution in column.cautions]
        return found

    @property
    def least_ranked(self) -> int:
        """Hands of which a column has to have as many to rank models."""
        return FEW

    @property
    def repeated(self) -> bool:
        """Whether a model was trained with several seeds."""
        return any(row.num_seeds > 1 for row in self.rows)

    @property
    def unknown_diagonal(self) -> bool:
        """Whether it is not known of some cell."""
        return any(cell and cell.diagonal == "unknown" for row in self.rows for cell in row.cells)


def matrix_views(scored: Sequence[Scored], trainings: Sequence[Training]) -> list[MatrixView]:
    """The matrices of a report, one a metric of `MATRIX_METRICS`.

    Args:
        scored: All results of the report.
        trainings: Of the models; those that differ in nothing but seed and label share a row.

    Returns:
        Renders stand before public data, stand-ins last. Without those that have fewer than two
        test sets: they would say no more than a score table.
    """
    infos = [found.manifest.info for found in scored]
    ordered = sorted(scored, key=lambda found: _place(found.manifest.info))
    names = _row_names(trainings)
    trials = [
        Trial(
            names.get((found.run, found.checkpoint_sha256), found.label),
            learned_from(found.evaluation.provenance.prediction_info, infos),
            source_of(found.manifest.info, found.evaluation.split, infos),
            found.evaluation,
        )
        for found in ordered
    ]
    return [view for view in views_of(trials) if len(view.columns) > 1]


def views_of(
    trials: Sequence[Trial], metrics: Sequence[str] = MATRIX_METRICS, *, remembered: bool = False
) -> list[MatrixView]:
    """A matrix of each metric that something is scored by.

    Args:
        trials: Models on test sets.
        metrics: Ids of the metrics.
        remembered: Whether published numbers that nobody looked up are shown too, called so.
    """
    matrices = (build_matrix(metric, trials) for metric in metrics)
    return [view_of(matrix, remembered=remembered) for matrix in matrices if matrix]


def view_of(matrix: Matrix, *, remembered: bool = False) -> MatrixView:
    """A matrix as texts, with the published numbers that may stand beside it."""
    published = published_beside(matrix, remembered=remembered)
    return MatrixView(
        matrix=matrix,
        published=published,
        columns=[_column_view(column) for column in matrix.columns],
        rows=[
            _row_view(row, matrix, None if place == 0 else matrix.rows[place - 1])
            for place, row in enumerate(matrix.rows)
        ],
        anchors=anchor_views(published, matrix.columns),
    )


def _row_names(trainings: Sequence[Training]) -> Mapping[tuple[str, str | None], str]:
    """Names of the rows by run and model: repeats of a training have one together."""
    repeats: dict[str, list[Training]] = {}
    for training in trainings:
        same = {name: value for name, value in training.config.items() if name not in _OWN}
        key = json.dumps([training.stem, same, training.record.get("data")], sort_keys=True)
        repeats.setdefault(key, []).append(training)
    return {
        (training.run, training.checkpoint_sha256): training.stem
        for found in repeats.values()
        if len(found) > 1
        for training in found
    }


def _place(info: DatasetInfo) -> int:
    """Where a data set's columns stand: renders, public data, stand-ins."""
    return 2 if info.stand_in_for else 1 if info.kind == "real" else 0


_OWN = ("seed", "label")
"""Fields in which repeats of a training differ."""


def _column_view(column: Column) -> ColumnView:
    return ColumnView(
        column.title,
        column.split or "all",
        column.protocol,
        f"{column.n:,}",
        column.size,
        column.is_stand_in,
    )


def _row_view(row: Row, matrix: Matrix, above: Row | None) -> RowView:
    models = [other for other in matrix.rows if not other.is_baseline]
    rankable = sum(
        column.can_rank and sum(model.cells[place] is not None for model in models) > 1
        for place, column in enumerate(matrix.columns)
    )
    notes = []
    if row.mean_rank is not None and row.num_ranked < rankable:
        notes.append(f"over {row.num_ranked} of {rankable}")
    if row.missing:
        notes.append(f"not scored: {', '.join(row.missing)}")
    return RowView(
        model=row.model,
        trained_on=row.trained_on,
        system=row.system,
        num_seeds=row.num_seeds,
        is_baseline=row.is_baseline,
        starts_group=above is not None and above.trained_on != row.trained_on,
        cells=[
            _cell_view(cell, column, matrix.unit)
            for cell, column in zip(row.cells, matrix.columns, strict=True)
        ],
        mean_rank="" if row.mean_rank is None else f"{row.mean_rank:.1f}",
        rank_note="; ".join(notes),
    )


def _cell_view(cell: Cell | None, column: Column, unit: str) -> CellView | None:
    if cell is None:
        return None
    if cell.low is not None and cell.high is not None:
        interval = f"[{value_text(cell.low, unit)}, {value_text(cell.high, unit)}]"
    else:
        interval = "" if cell.deviation is None else f"± {value_text(cell.deviation, unit)}"
    return CellView(
        value=value_text(cell.value, unit),
        interval=interval,
        n="" if cell.n == column.n else f"{cell.n:,}",
        is_best=cell.is_best,
        reaches_best=bool(cell.reaches_best) and not cell.is_best,
        diagonal=DIAGONAL[cell.on_diagonal],
    )
