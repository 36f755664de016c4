"""Rows of a table: models that differ in nothing but their seed share one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from evaluation.report.inputs import Scored, Training


@dataclass(frozen=True)
class Entry:
    """A model on one target, trained once or several times.

    Attributes:
        name: Shown in tables.
        results: One a seed.
        trainings: How the models came about, as far as the report knows.
    """

    name: str
    results: tuple[Scored, ...]
    trainings: tuple[Training, ...]

    @property
    def is_baseline(self) -> bool:
        """Whether it is the mean-pose baseline."""
        return self.results[0].is_baseline

    @property
    def run(self) -> str:
        """Name of its run; empty when the report is about one run."""
        return self.results[0].run

    def values(self, metric: str) -> list[float]:
        """A metric of each repeat that has it."""
        found = (result.evaluation.metrics.get(metric) for result in self.results)
        return [score.value for score in found if score is not None]

    def value(self, metric: str) -> float | None:
        """A metric's mean over the repeats; None where it does not apply."""
        values = self.values(metric)
        return mean(values) if values else None


def entries(results: Sequence[Scored], trainings: Sequence[Training]) -> list[Entry]:
    """The rows for results on one target, in their order, the baselines last.

    Args:
        results: All on the same target.
        trainings: Of the models; those that were given the same recipe but for seed and label, and
            the same data, are repeats of each other.
    """
    by_model = {(training.run, training.checkpoint_sha256): training for training in trainings}
    known = {found.path: by_model.get((found.run, found.checkpoint_sha256)) for found in results}
    rows: dict[str, list[Scored]] = {}
    for found in results:
        training = known[found.path]
        rows.setdefault(_repeated(training) if training else found.label, []).append(found)
    return sorted(
        (_entry(found, [known[each.path] for each in found]) for found in rows.values()),
        key=lambda row: row.is_baseline,
    )


def _entry(results: Sequence[Scored], trainings: Sequence[Training | None]) -> Entry:
    known = tuple(training for training in trainings if training)
    name = results[0].label if len(results) == 1 else known[0].stem
    return Entry(name, tuple(results), known)


def _repeated(training: Training) -> str:
    """What repeats of a training have in common."""
    same = {key: value for key, value in training.config.items() if key not in ("seed", "label")}
    return json.dumps([training.stem, same, training.record.get("data")], sort_keys=True)


def spread(values: Sequence[float]) -> float | None:
    """Sample standard deviation; None for a single value."""
    return stdev(values) if len(values) > 1 else None
