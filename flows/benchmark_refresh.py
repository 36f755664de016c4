"""The flow `benchmark-refresh`: every registered model on every data set that is present."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.futures import wait

from flows import tasks
from flows.benchmark.plan import Job
from flows.benchmark.refresh import Outcome, Refreshed, Stages, refresh
from flows.benchmark.telling import regression_sentences, sentences, table_rows, to_markdown
from flows.recipes import RealData


class RegressionError(RuntimeError):
    """A score is worse than the one before it; the message lists them."""


@flow(name="benchmark-refresh", log_prints=True, task_runner=tasks.ONE_AT_A_TIME)
def benchmark_refresh(
    runs: Path = Path("runs"),
    real: list[RealData] | None = None,
    history: Path | None = None,
    fail_on_regression: bool = False,
) -> dict[str, Any]:
    """Scores the registered models again and appends what has changed to the history.

    Predictions and scores are made anew only where the model, the data or the code changed. A
    regression is a finding: the flow completes, unless it is asked to fail.

    Args:
        runs: Folder of runs; the models trained in them, and those that its registered.yaml names,
            are the registered ones.
        real: Public data sets to score on besides those that the runs' recipes name.
        history: Parquet file to append to; RUNS/benchmark/history.parquet by default.
        fail_on_regression: End as failed when a score is a regression.

    Returns:
        `regressions`, `missing` and `failed`, a sentence each, and `page`, the path of the page.
    """
    done = refresh(runs, real or [], history, Stages(tasks.import_real, tasks.stand_in, _score))
    for line in sentences(done):
        print(line)
    _leave_artifacts(done)
    if done.failed:
        raise tasks.IncompleteError(" ".join(done.failed))
    regressions = regression_sentences(done)
    if fail_on_regression and regressions:
        raise RegressionError(" ".join(regressions))
    return {
        "regressions": regressions,
        "missing": done.missing,
        "failed": done.failed,
        "page": str(done.page),
    }


def _score(jobs: Sequence[Job]) -> list[Outcome]:
    """Outcomes of jobs, with tasks mapped over them."""
    labels = [job.model.label for job in jobs]
    targets = [job.target for job in jobs]
    folders = [job.folder for job in jobs]
    predictions = tasks.predict.map(
        [job.model.checkpoint for job in jobs], labels, targets, folders
    )
    evaluations = tasks.evaluate.map(predictions, labels, targets, folders)
    wait(list(evaluations))
    outcomes: list[Outcome] = []
    for predicted, evaluated in zip(predictions, evaluations, strict=True):
        try:
            # First: an evaluation that was never begun has nothing to tell.
            predicted.result()
            outcomes.append(evaluated.result())
        except Exception as error:
            outcomes.append(error)
    return outcomes


def _leave_artifacts(done: Refreshed) -> None:
    create_table_artifact(
        key="benchmark",
        table=table_rows(done),
        description="Every score that stands.",
    )
    create_markdown_artifact(
        key="benchmark-report",
        markdown=to_markdown(done),
        description="Regressions, scores by data set, and what is missing.",
    )
    create_link_artifact(
        key="benchmark-page",
        link=done.page.resolve().as_uri(),
        link_text="The benchmark's page",
        description="Scores, trends, changes and what is missing.",
    )
