"""A refresh: score what is new, compare it with the last time, append it, write the page.

The flow `benchmark-refresh` and the verb `benchmark` are shells around this; they differ in how
they do the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows import stages
from flows.benchmark.history import Entry, read_history, read_refreshes
from flows.benchmark.page import write_page
from flows.benchmark.plan import ImportReal, Job, MakeStandIn, find_sources, plan, told
from flows.benchmark.recording import Measured, measured, record
from flows.benchmark.registry import registered_models, registered_runs
from flows.folder import RunFolder, sole_user
from flows.recipes import RealData
from mano_assets.errors import InputError

Outcome = Path | Exception
"""The result file of a job, or why there is none."""


@dataclass(frozen=True)
class Stages:
    """How the stages are done.

    Attributes:
        import_real: Reads a public data set in.
        stand_in: Makes a stand-in of one.
        score: Outcomes of jobs, in their order.
    """

    import_real: ImportReal
    stand_in: MakeStandIn
    score: Callable[[Sequence[Job]], list[Outcome]]


@dataclass(frozen=True)
class Refreshed:
    """What a refresh found.

    Attributes:
        time: When it began, UTC.
        standing: The row that holds now of each series that was measured.
        new: Those of them that it appended.
        missing: Models and data that are not there, a sentence each.
        failed: What could not be done, a sentence each.
        page: The page.
    """

    time: datetime
    standing: list[Entry]
    new: list[Entry]
    missing: list[str]
    failed: list[str]
    page: Path

    @property
    def regressions(self) -> list[Entry]:
        """The rows of this refresh that are worse than those before."""
        return [entry for entry in self.new if entry.verdict == "regression"]


def score_here(jobs: Sequence[Job]) -> list[Outcome]:
    """Predicts and evaluates in this process."""
    outcomes: list[Outcome] = []
    for job in jobs:
        try:
            predictions = stages.predict(
                job.model.checkpoint, job.model.label, job.target, job.folder
            )
            outcomes.append(stages.evaluate(predictions, job.model.label, job.target, job.folder))
        except Exception as error:
            # One model that cannot be scored hides no other.
            outcomes.append(error)
    return outcomes


HERE = Stages(stages.import_real, stages.stand_in, score_here)
"""In this process, without a server."""


def refresh(
    runs: Path,
    also: Sequence[RealData] = (),
    history: Path | None = None,
    how: Stages = HERE,
    time: datetime | None = None,
) -> Refreshed:
    """Scores every registered model on all data that are present.

    Args:
        runs: Folder of runs; models trained in them, or named by its registry file, are registered.
        also: Public data sets besides those that the runs' recipes name.
        history: Parquet file to append to; RUNS/benchmark/history.parquet by default.
        how: How the stages are done.
        time: When it begins; now by default.

    Raises:
        InputError: There is no such folder, another refresh is at work in it, or the history is
            damaged or something else.
    """
    if not runs.is_dir():
        raise InputError(f"{runs}: no such folder, expected a folder of runs.")
    time = time or datetime.now(UTC)
    own = RunFolder(runs / "benchmark")
    if (own.root / "run.json").exists():
        raise InputError(f"{own.root}: is a run, expected the benchmark's own folder.")
    own.root.mkdir(exist_ok=True)
    history = history or own.root / "history.parquet"
    with sole_user(own):
        # Before the work, not after hours of it.
        read_history(history)
        read_refreshes(history)
        found, failed = registered_runs(runs)
        models = [model for run in found for model in run.models]
        missing = []
        try:
            elsewhere, missing = registered_models(runs)
            models += elsewhere
        except InputError as error:
            failed.append(str(error))
        findings = find_sources(found, also, own, how.import_real, how.stand_in)
        missing += findings.missing
        failed += findings.failed
        if not models:
            missing.insert(0, f"{runs}: holds no trained model.")
        scored = _score(plan(models, findings.sources, own), how, time, failed)
        standing, new = record(history, scored, time, len(missing), len(failed))
        page = write_page(own.root, history, standing, new, missing, failed, time)
    return Refreshed(time, standing, new, missing, failed, page)


def _score(jobs: Sequence[Job], how: Stages, time: datetime, failed: list[str]) -> list[Measured]:
    """Folder by folder, so that a run that is busy keeps back only itself."""
    scored = []
    for folder in dict.fromkeys(job.folder for job in jobs):
        here = [job for job in jobs if job.folder == folder]
        folder.root.mkdir(parents=True, exist_ok=True)
        try:
            with sole_user(folder):
                outcomes = how.score(here)
        except InputError as error:
            failed.append(str(error))
            continue
        for job, outcome in zip(here, outcomes, strict=True):
            try:
                if isinstance(outcome, Exception):
                    raise outcome
                scored.append(measured(job, outcome, time))
            except Exception as error:
                failed.append(f"{job.name}: {told(error)}")
    return scored
