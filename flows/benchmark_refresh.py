"""The flow `benchmark-refresh`: every registered model on every data set that is present."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows import tasks
from flows.benchmark import RegisteredRun, absent, append_history, history_rows, registered_runs
from flows.folder import sole_user
from flows.recipes import RealData
from flows.results import metric_tables
from flows.scoring import import_all, score
from mano_assets.errors import InputError


@flow(name="benchmark-refresh", log_prints=True, task_runner=tasks.ONE_AT_A_TIME)
def benchmark_refresh(
    runs: Path = Path("runs"),
    real: list[RealData] | None = None,
    history: Path | None = None,
) -> list[str]:
    """Scores the registered models again and appends the scores to the history.

    Predictions and scores are made anew only where the model, the data or the code changed.

    Args:
        runs: Folder of runs; the models trained in them are the registered ones.
        real: Public data sets to score on besides those that the runs' recipes name.
        history: Parquet file to append to; RUNS/benchmark.parquet by default.

    Returns:
        What could not be scored, a sentence each.
    """
    time = datetime.now(UTC)
    tables, pages, missing = [], [], []
    found, failed = registered_runs(runs)
    if not found:
        missing.append(f"{runs}: holds no run with a trained model.")
    for run in found:
        also = [each for each in real or [] if each not in run.recipe.real]
        wanted = [*run.recipe.real, *also]
        missing += absent(run, wanted)
        try:
            with sole_user(run.folder):
                rows, page = _refresh(run, wanted, time)
        except (InputError, tasks.IncompleteError) as error:
            failed.append(f"{run.folder.root.name}: {error}")
        else:
            tables.append(rows)
            pages.append(page)
    if tables:
        table = pa.concat_tables(tables)
        append_history(history or runs / "benchmark.parquet", table)
        create_table_artifact(
            key="benchmark",
            table=[row | {"time": str(row["time"])} for row in table.to_pylist()],
            description="Every score of this refresh.",
        )
    create_markdown_artifact(
        key="benchmark-report",
        markdown="\n".join(
            [*pages, "### Missing", "", *(f"- {line}" for line in missing + failed)]
        ),
        description="Scores by run and data set, and what is missing.",
    )
    if failed:
        raise tasks.IncompleteError(" ".join(failed))
    return missing


def _refresh(run: RegisteredRun, wanted: list[RealData], time: datetime) -> tuple[pa.Table, str]:
    targets = [*run.rendered_targets, *import_all(wanted, run.folder)]
    results = score(run.checkpoints, targets, run.folder)
    tables = "\n".join(table.to_markdown() for table in metric_tables(results))
    return history_rows(run, results, time), f"# {run.folder.root.name}\n\n{tables}"
