"""The benchmark's history and its list of models, without Prefect."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from stand_ins import Rooms

from flows.benchmark import absent, append_history, history_rows, registered_runs
from flows.folder import RunFolder
from flows.recipes import RealData, Recipe
from flows.results import Result, metric_tables
from flows.run import run
from flows.stages import rendered_targets
from mano_assets.errors import InputError


@pytest.fixture
def runs(tmp_path: Path, tiny: Recipe, rooms: Rooms) -> Path:
    run(tiny, tmp_path / "runs" / "first")
    return tmp_path / "runs"


def results_of(folder: RunFolder, recipe: Recipe) -> list[Result]:
    return [
        Result(label, target, folder.evaluation(label, target.stem))
        for label in ("meanpose", "simplebaseline")
        for target in rendered_targets(recipe, folder)
    ]


def test_history_grows_by_every_refresh(runs: Path, tiny: Recipe) -> None:
    (registered,), problems = registered_runs(runs)
    assert problems == []
    results = results_of(registered.folder, tiny)
    history = runs / "benchmark.parquet"
    times = [datetime(2030, 1, day, tzinfo=UTC) for day in (7, 14)]
    for time in times:
        append_history(history, history_rows(registered, results, time))
    rows = pq.read_table(history).to_pylist()
    assert [row["time"] for row in rows[:: len(rows) // 2]] == times
    metrics = results[0].read().metrics
    assert len(rows) == 2 * len(results) * len(metrics)
    found = {(row["model"], row["split"], row["metric"]): row["value"] for row in rows}
    assert found["meanpose", "easy", "epe_px"] == metrics["epe_px"].value


def test_foreign_history_is_refused_and_kept(tmp_path: Path, runs: Path, tiny: Recipe) -> None:
    (registered,), _ = registered_runs(runs)
    rows = history_rows(registered, results_of(registered.folder, tiny), datetime.now(UTC))
    path = tmp_path / "notes.parquet"
    path.write_text("notes")
    with pytest.raises(InputError, match=r"notes\.parquet: not a benchmark history"):
        append_history(path, rows)
    assert path.read_text() == "notes"


def test_what_is_not_there_is_listed(runs: Path, tmp_path: Path) -> None:
    (registered,), _ = registered_runs(runs)
    away = RealData(name="coco-wholebody", root=tmp_path / "coco", split="val")
    (registered.folder.model("meanpose") / "model.ckpt").unlink()
    (registered.folder.dataset / "dataset.json").unlink()
    assert absent(registered, [away]) == [
        "first: meanpose is not trained.",
        "first: its data set is not rendered.",
        f"first: coco-wholebody val is not at {tmp_path / 'coco'}.",
    ]


def test_unreadable_recipe_does_not_hide_the_others(runs: Path) -> None:
    broken = runs / "second"
    broken.mkdir()
    (broken / "run.json").write_text("{}")
    (broken / "recipe.yaml").write_text("name: second")
    found, problems = registered_runs(runs)
    assert [each.folder.root.name for each in found] == ["first"]
    assert len(problems) == 1
    assert "second/recipe.yaml: dataset: missing" in problems[0]


def test_markdown_holds_every_model_and_metric(runs: Path, tiny: Recipe) -> None:
    (registered,), _ = registered_runs(runs)
    tables = metric_tables(results_of(registered.folder, tiny))
    assert [table.title for table in tables] == ["tiny-easy, 4 samples", "tiny-hard, 4 samples"]
    lines = tables[0].to_markdown().splitlines()
    assert lines[2] == "| metric | meanpose | simplebaseline |"
    assert any(line.startswith("| epe_px (px) | ") for line in lines)
