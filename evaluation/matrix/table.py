"""The matrix: every model on every test set by one metric.

Laid out after table 1 of C. Zimmermann et al., FreiHAND, ICCV 2019 (arXiv 1909.04349), as
remembered: a row for what was trained on, a column for what is tested on, the diagonal marked, and
the mean rank. The ranks remembered of it follow from its values by the rule of `build_matrix`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from evaluation.matrix.matrix import Cell, Column, Matrix, Row
from evaluation.matrix.sources import STAND_IN_SUFFIX, Source, any_same, title_of, titles
from evaluation.metrics import METRICS
from evaluation.results import Evaluation, Score

BASELINE_SYSTEM = "meanpose"
"""Beside the models, not among them: it takes no rank."""

MATRIX_METRICS = ("nme", "pck_0.2", "pa_mpjpe_rigid_mm", "mpjpe_mm")
"""Shown by default: most data sets have them, and none depends on the size of the images."""


@dataclass(frozen=True)
class Trial:
    """A model scored on a test set.

    Attributes:
        model: Name of its row; repeats with other seeds share it.
        learned: What it learned from.
        tested: What it is tested on.
        evaluation: Its scores.
        title: Heading of its column; empty for the data set's name.
    """

    model: str
    learned: tuple[Source, ...]
    tested: Source
    evaluation: Evaluation
    title: str = ""


def build_matrix(metric: str, trials: Sequence[Trial]) -> Matrix | None:
    """The matrix of a metric.

    A row's rank in a column is among the models that are scored there, the diagonal included, the
    baseline not; ties share the mean of their ranks. A column with a single model ranks none, and
    neither does a stand-in nor one of fewer than `FEW` hands.

    Args:
        metric: Its id.
        trials: Models on test sets, in the order in which rows and columns shall stand.

    Returns:
        None where nothing is scored by the metric.
    """
    scored = [trial for trial in trials if metric in trial.evaluation.metrics]
    if not scored:
        return None
    columns = list(dict.fromkeys(map(_column_key, scored)))
    rows = _in_groups(dict.fromkeys(map(_row_key, scored)))
    found: dict[tuple[_RowKey, _ColumnKey], dict[str, Trial]] = {}
    for trial in scored:
        repeats = found.setdefault((_row_key(trial), _column_key(trial)), {})
        repeats.setdefault(trial.evaluation.provenance.predictions_sha256, trial)
    cells = [
        [_scores(metric, found.get((row, column), {}).values()) for column in columns]
        for row in rows
    ]
    higher = METRICS[metric].higher_is_better
    heads = [_head(column, columns, scored) for column in columns]
    ranks = _ranks(cells, heads, [row.is_baseline for row in rows], higher)
    best = [_best(column, higher) for column in zip(*cells, strict=True)]
    return Matrix(
        metric=metric,
        title=METRICS[metric].title,
        unit=METRICS[metric].unit,
        definition=METRICS[metric].definition,
        higher_is_better=higher,
        interval=scored[0].evaluation.interval,
        columns=heads,
        rows=[
            Row(
                model=row.model,
                trained_on=titles(row.learned),
                system=row.system,
                is_baseline=row.is_baseline,
                num_seeds=max(len(each.scores) for each in line if each),
                cells=[_cell(each, top) for each, top in zip(line, best, strict=True)],
                mean_rank=mean(known) if (known := [n for n in rank if n is not None]) else None,
                num_ranked=len(known),
                missing=[
                    _place(head) for head, each in zip(heads, line, strict=True) if each is None
                ],
            )
            for row, line, rank in zip(rows, cells, ranks, strict=True)
        ],
    )


def shared_ranks(values: Sequence[float], higher_is_better: bool) -> list[float]:
    """Ranks from 1 for the best; equal values share the mean of the ranks they take."""
    signed = [-value if higher_is_better else value for value in values]
    return [
        sum(other < value for other in signed) + (1 + sum(other == value for other in signed)) / 2
        for value in signed
    ]


@dataclass(frozen=True)
class _RowKey:
    model: str
    learned: tuple[Source, ...]
    system: str = field(compare=False)

    @property
    def is_baseline(self) -> bool:
        return self.system == BASELINE_SYSTEM


@dataclass(frozen=True)
class _ColumnKey:
    data: str
    split: str | None
    protocol: str
    digest: str | None


@dataclass(frozen=True)
class _Scores:
    """A model's scores on a test set, one a seed."""

    scores: list[Score]
    on_diagonal: bool | None

    @property
    def value(self) -> float:
        return mean(score.value for score in self.scores)

    @property
    def interval(self) -> tuple[float, float] | None:
        return (self.scores[0].low, self.scores[0].high) if len(self.scores) == 1 else None


def _row_key(trial: Trial) -> _RowKey:
    return _RowKey(trial.model, trial.learned, trial.evaluation.provenance.prediction_info.system)


def _column_key(trial: Trial) -> _ColumnKey:
    found = trial.evaluation
    origin = found.provenance
    return _ColumnKey(origin.data_name, found.split, found.protocol.name, origin.data_recipe_digest)


def _in_groups(rows: Iterable[_RowKey]) -> list[_RowKey]:
    """Rows that learned from the same data together, in the order in which data first occur."""
    groups: dict[tuple[bool, frozenset[Source]], list[_RowKey]] = {}
    for row in rows:
        groups.setdefault((row.is_baseline, frozenset(row.learned)), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: group[0][0])
    return [row for _, group in ordered for row in group]


def _scores(metric: str, trials: Iterable[Trial]) -> _Scores | None:
    found = list(trials)
    if not found:
        return None
    return _Scores(
        [trial.evaluation.metrics[metric] for trial in found],
        any_same(found[0].learned, found[0].tested),
    )


def _ranks(
    cells: Sequence[Sequence[_Scores | None]],
    heads: Sequence[Column],
    is_baseline: Sequence[bool],
    higher: bool,
) -> list[list[float | None]]:
    """Rank of each row in each column; None where it has none."""
    ranks: list[list[float | None]] = [[None] * len(line) for line in cells]
    for column, head in enumerate(heads):
        known = [
            (row, found.value)
            for row, line in enumerate(cells)
            if not is_baseline[row] and (found := line[column]) is not None
        ]
        if len(known) < 2 or not head.can_rank:
            continue
        found_ranks = shared_ranks([value for _, value in known], higher)
        for (row, _), rank in zip(known, found_ranks, strict=True):
            ranks[row][column] = rank
    return ranks


def _best(column: Sequence[_Scores | None], higher: bool) -> _Scores | None:
    """The best of a column; None where there is nothing to choose from."""
    known = [found for found in column if found is not None]
    if len(known) < 2:
        return None
    return (max if higher else min)(known, key=lambda found: found.value)


def _cell(found: _Scores | None, best: _Scores | None) -> Cell | None:
    if found is None:
        return None
    low, high = found.interval or (None, None)
    values = [score.value for score in found.scores]
    return Cell(
        value=found.value,
        low=low,
        high=high,
        deviation=stdev(values) if len(values) > 1 else None,
        n=found.scores[0].n,
        on_diagonal=found.on_diagonal,
        is_best=best is not None and found.value == best.value,
        reaches_best=_overlap(found.interval, best.interval) if best else None,
    )


def _overlap(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool | None:
    if one is None or other is None:
        return None
    return one[0] <= other[1] and other[0] <= one[1]


def _head(column: _ColumnKey, columns: Sequence[_ColumnKey], trials: Sequence[Trial]) -> Column:
    trial = next(trial for trial in trials if _column_key(trial) == column)
    title = trial.title or title_of(column.data)
    if column.data.endswith(STAND_IN_SUFFIX) and "stand-in" not in title:
        title = f"{title} stand-in"
    if (
        not trial.title
        and len({other.digest for other in columns if other.data == column.data}) > 1
    ):
        title = f"{title} {(column.digest or 'undigested')[:8]}"
    return Column(
        title=title,
        data=column.data,
        split=column.split,
        kind=trial.tested.kind,
        protocol=column.protocol,
        size=trial.evaluation.protocol.size,
        data_recipe_digest=column.digest,
        n=trial.evaluation.n,
    )


def _place(column: Column) -> str:
    return f"{column.title} {column.split or 'all'} ({column.protocol})"
