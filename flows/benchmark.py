"""The benchmark's parts without Prefect: which models there are, and the history of their scores.

A registered model is one that a run under the runs folder trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.folder import RunFolder
from flows.recipes import RealData, Recipe, load_recipe
from flows.results import Result, Target
from flows.stages import rendered_targets
from mano_assets.errors import InputError

HISTORY_SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("s", tz="UTC")),
        *(
            pa.field(name, pa.string())
            for name in (
                "run", "model", "data", "split", "protocol", "metric", "unit",
                "checkpoint_sha256", "data_recipe_digest", "code_version",
            )
        ),
        *(pa.field(name, pa.float64()) for name in ("value", "low", "high")),
        pa.field("n", pa.int64()),
    ]
)  # fmt: skip
"""One row a metric, model, data set and refresh."""


@dataclass(frozen=True)
class RegisteredRun:
    """A run whose models are measured again."""

    folder: RunFolder
    recipe: Recipe

    @property
    def checkpoints(self) -> dict[str, Path]:
        """The trained models by label."""
        found = {
            config.label: self.folder.model(config.label) / "model.ckpt"
            for config in self.recipe.models
        }
        return {label: path for label, path in found.items() if path.is_file()}

    @property
    def rendered_targets(self) -> list[Target]:
        """The rendered splits that are there."""
        targets = rendered_targets(self.recipe, self.folder)
        return [target for target in targets if (target.root / "dataset.json").exists()]


def absent(run: RegisteredRun, wanted: Sequence[RealData]) -> list[str]:
    """Models and data that a run's recipe names and that are not there, a sentence each."""
    name = run.folder.root.name
    there = run.checkpoints
    untrained = [
        f"{name}: {config.label} is not trained."
        for config in run.recipe.models
        if config.label not in there
    ]
    unrendered = [] if run.rendered_targets else [f"{name}: its data set is not rendered."]
    away = [
        f"{name}: {real.name} {real.split} is not at {real.root}."
        for real in wanted
        if not real.present
    ]
    return [*untrained, *unrendered, *away]


def registered_runs(runs: Path) -> tuple[list[RegisteredRun], list[str]]:
    """The runs in a folder that hold at least one trained model, by name.

    Returns:
        The runs, and a sentence for each whose recipe cannot be read.
    """
    found, problems = [], []
    for described in sorted(runs.glob("*/run.json")):
        folder = RunFolder(described.parent)
        try:
            found.append(RegisteredRun(folder, load_recipe(folder.recipe)))
        except InputError as error:
            problems.append(str(error))
    return [run for run in found if run.checkpoints], problems


def history_rows(run: RegisteredRun, results: Sequence[Result], time: datetime) -> pa.Table:
    """What a refresh found, in the history's columns."""
    rows = []
    for result in results:
        evaluation = result.read()
        origin = evaluation.provenance
        for metric, score in evaluation.metrics.items():
            rows.append(
                {
                    "time": time,
                    "run": run.folder.root.name,
                    "model": result.label,
                    "data": result.target.dataset,
                    "split": result.target.split,
                    "protocol": evaluation.protocol.id,
                    "metric": metric,
                    "unit": score.unit,
                    "checkpoint_sha256": origin.prediction_info.checkpoint_sha256,
                    "data_recipe_digest": origin.data_recipe_digest,
                    "code_version": version("handforge"),
                    "value": score.value,
                    "low": score.low,
                    "high": score.high,
                    "n": score.n,
                }
            )
    return pa.Table.from_pylist(rows, HISTORY_SCHEMA)


def append_history(path: Path, rows: pa.Table) -> None:
    """Appends to the history; a reader sees the old file or the new one.

    Raises:
        InputError: The file holds something else.
    """
    tables = [rows]
    if path.exists():
        try:
            tables.insert(0, pq.ParquetFile(path).read().cast(HISTORY_SCHEMA))
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise InputError(f"{path}: not a benchmark history ({error}).") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")
    temporary.replace(path)
