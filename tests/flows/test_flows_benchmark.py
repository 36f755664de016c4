"""The benchmark's history and its list of models, without Prefect; the verb `bench train`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from stand_ins import Rooms, Told

from flows.benchmark import absent, append_history, history_rows, registered_runs
from flows.folder import RunFolder
from flows.recipes import RealData, Recipe
from flows.results import MetricTable, Result, metric_tables, print_tables
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


@pytest.mark.parametrize("num_models", [2, 6])
def test_many_models_become_rows(num_models: int, capsys: pytest.CaptureFixture[str]) -> None:
    models = [f"model{number}" for number in range(num_models)]
    cells = [f"{number}.5 [{number}, {number + 1}]" for number in range(num_models)]
    table = MetricTable("split, 4 samples", ["metric", *models], [["epe_px (px)", *cells]])
    print_tables([table])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    if num_models == 2:
        assert ["metric", "model0", "model1"] in lines
        assert ["epe_px", "(px)", "0.5", "1.5"] in lines
    else:
        assert ["model", "epe", "px", "(px)"] in lines
        for model, cell in zip(models, cells, strict=True):
            assert [model, cell.split()[0]] in lines


def test_bench_train_prints_one_object_last(
    tmp_path: Path, call: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def bench_train(config: Any, data: str | None, steps: int, repeats: int) -> dict[str, Any]:
        asked.update(config=config, data=data, steps=steps, repeats=repeats)
        return {"vs_memory": 0.99}

    monkeypatch.setattr("training.measuring.benchmark.bench_train", bench_train)
    recipe = tmp_path / "model.yaml"
    recipe.write_text("system: simplebaseline\nbackbone: resnet18\ninput_size: 128\n")
    told = call(
        "bench", "train", "--config", recipe, "--precision", "bf16", "--compile", "--steps", "3",
        "--data", "some:train",
    )  # fmt: skip
    assert told.code == 0
    assert json.loads(told.out.splitlines()[-1]) == {"vs_memory": 0.99}
    config = asked["config"]
    assert (config.backbone, config.input_size) == ("resnet18", 128)
    assert (config.precision, config.compile) == ("bf16", True)
    assert (asked["data"], asked["steps"]) == ("some:train", 3)


def test_bench_train_of_nothing_known(call: Callable[..., Told]) -> None:
    told = call("bench", "train", "--system", "vgg")
    assert told.code == 2
    assert "system: unknown 'vgg'" in told.error
