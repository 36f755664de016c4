"""The benchmark without Prefect: what is registered, what is measured, what is skipped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_ins import Rooms, Told, write_tiny_dataset

from evaluation.report.pictures import Picture, PictureFolder
from flows.benchmark.history import read_history, read_refreshes, samples_folder
from flows.benchmark.refresh import Refreshed, refresh
from flows.benchmark.registry import registered_models, registered_runs
from flows.folder import RunFolder, sole_user
from flows.recipes import RealData, Recipe
from flows.results import MetricTable, Result, metric_tables, print_tables
from flows.run import run
from flows.stages import rendered_targets
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from render.manifest.reading import column_array


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at them here."""
    empty = Picture("pictures/none.png", "pictures/none.png", "", 1, 1)
    monkeypatch.setattr(PictureFolder, "plot", lambda *given, **named: empty)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made") / "first"


@pytest.fixture
def runs(tmp_path: Path, made_once: Path, tiny: Recipe, rooms: Rooms) -> Path:
    if not made_once.exists():
        run(tiny, made_once)
    rooms.taken()
    shutil.copytree(made_once, tmp_path / "runs" / "first")
    return tmp_path / "runs"


def on_day(runs: Path, day: int, **values: Any) -> Refreshed:
    return refresh(runs, time=datetime(2030, 1, day, tzinfo=UTC), **values)


def results_of(folder: RunFolder, recipe: Recipe) -> list[Result]:
    return [
        Result(label, target, folder.evaluation(label, target.stem))
        for label in ("meanpose", "simplebaseline")
        for target in rendered_targets(recipe, folder)
    ]


def modified(runs: Path) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for folder in ("predictions", "evaluation")
        for path in runs.rglob(f"{folder}/*")
    }


def test_first_refresh_takes_what_the_run_has_made(runs: Path, rooms: Rooms, tiny: Recipe) -> None:
    before = modified(runs)
    done = on_day(runs, 7)
    assert rooms.taken() == []
    assert modified(runs) == before
    (registered,), _ = registered_runs(runs)
    results = results_of(registered.folder, tiny)
    metrics = results[0].read().metrics
    assert len(done.standing) == len(done.new) == len(results) * len(metrics)
    found = {(row.model, row.split, row.metric): row for row in read_history(done_history(runs))}
    row = found["meanpose", "easy", "epe_px"]
    assert (row.value, row.low, row.n) == (metrics["epe_px"].value, metrics["epe_px"].low, 4)
    assert (row.run, row.data, row.verdict) == ("first", "tiny-0", "first")


def done_history(runs: Path) -> Path:
    return runs / "benchmark" / "history.parquet"


def test_second_refresh_computes_and_appends_nothing(runs: Path, rooms: Rooms) -> None:
    first = on_day(runs, 7)
    before, rows = modified(runs), read_history(done_history(runs))
    second = on_day(runs, 14)
    assert rooms.taken() == []
    assert modified(runs) == before
    assert read_history(done_history(runs)) == rows
    assert second.new == []
    assert {row.series for row in second.standing} == {row.series for row in first.standing}
    assert all(row.time.day == 7 for row in second.standing)
    done = [(row.time.day, row.num_changed) for row in read_refreshes(done_history(runs))]
    assert done == [(7, len(first.new)), (14, 0)]


def test_every_model_meets_all_data_once(
    tmp_path: Path, tiny: Recipe, rooms: Rooms, runs: Path
) -> None:
    rooms.seed = 1
    run(tiny, runs / "second")
    # The third has the first's images: they are the same data, wherever they lie.
    rooms.seed = 0
    run(tiny, runs / "third")
    rooms.taken()
    done = on_day(runs, 7)
    names = {(row.model_name, row.data, row.split) for row in done.standing}
    assert names == {
        (f"{of}/{label}", data, split)
        for of in ("first", "second", "third")
        for label in ("meanpose", "simplebaseline")
        for data in ("tiny-0", "tiny-1")
        for split in ("easy", "hard")
    }
    # The run left the predictions on its own data; each of six models meets two other splits.
    assert len(rooms.taken()) == 6 * 2
    elsewhere = runs / "benchmark" / "runs" / "first" / "predictions"
    assert {path.name for path in elsewhere.glob("*.parquet")} == {
        f"{label}--tiny-1-{split}.parquet"
        for label in ("meanpose", "simplebaseline")
        for split in ("easy", "hard")
    }
    assert on_day(runs, 14).new == []
    assert rooms.taken() == []


def test_stand_in_is_data_of_its_own(tmp_path: Path, tiny: Recipe, rooms: Rooms) -> None:
    stand_in = {"name": "coco-wholebody", "split": "val", "of": "hard"}
    recipe = Recipe.model_validate(tiny.model_dump() | {"stand_ins": [stand_in]})
    run(recipe, tmp_path / "runs" / "first")
    rooms.taken()
    done = on_day(tmp_path / "runs", 7)
    assert rooms.taken() == []
    (row, *_) = (row for row in done.standing if row.split == "val")
    assert row.data.startswith("coco-wholebody-stand-in-")
    assert row.protocol == "coco-wholebody"
    assert done.failed == []


def test_model_from_elsewhere_is_measured(runs: Path, tmp_path: Path, rooms: Rooms) -> None:
    (tmp_path / "mine.ckpt").write_text(json.dumps(["mine", 0]))
    (runs / "registered.yaml").write_text(
        "models:\n- {label: mine, checkpoint: ../mine.ckpt}\n- {label: gone, checkpoint: x.ckpt}\n"
    )
    done = on_day(runs, 7)
    assert rooms.taken() == [f"predict mine--tiny-0-{split}" for split in ("easy", "hard")]
    assert "mine" in {row.model_name for row in done.standing}
    assert done.missing == [f"registered.yaml: gone is not at {runs / 'x.ckpt'}."]
    assert done.failed == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models: [{label: a, checkpoint: x}, {label: a, checkpoint: y}]", "'a' occurs twice"),
        ("models: [{label: a/b, checkpoint: x}]", "models.0.label"),
        ("models: [{label: a, checkpoint: x, path: y}]", "models.0.path: unknown field"),
        ("[", "not YAML"),
    ],
)
def test_wrong_registry_is_told_and_the_runs_go_on(runs: Path, text: str, expected: str) -> None:
    (runs / "registered.yaml").write_text(text)
    with pytest.raises(InputError, match=r"registered\.yaml: .*" + expected.replace(".", r"\.")):
        registered_models(runs)
    done = on_day(runs, 7)
    assert len(done.failed) == 1
    assert expected in done.failed[0]
    assert done.standing


def test_what_is_not_there_is_missing_and_nothing_fails(runs: Path, tmp_path: Path) -> None:
    away = RealData(name="coco-wholebody", root=tmp_path / "coco", split="val")
    (runs / "first" / "models" / "meanpose" / "model.ckpt").unlink()
    (runs / "first" / "dataset" / "dataset.json").unlink()
    done = on_day(runs, 7, also=[away])
    assert done.missing == [
        "first: meanpose is not trained.",
        "first: its data set is not rendered.",
        f"coco-wholebody val is not at {tmp_path / 'coco'}.",
    ]
    assert (done.failed, done.standing) == ([], [])
    assert done.page.is_file()


def test_folder_without_runs_holds_no_model(tmp_path: Path) -> None:
    assert on_day(tmp_path, 7).missing == [f"{tmp_path}: holds no trained model."]
    with pytest.raises(InputError, match="nowhere: no such folder, expected a folder of runs"):
        on_day(tmp_path / "nowhere", 7)
    assert not (tmp_path / "nowhere").exists()


def test_broken_run_hides_no_other(runs: Path) -> None:
    broken = runs / "second"
    broken.mkdir()
    (broken / "run.json").write_text("{}")
    (broken / "recipe.yaml").write_text("name: second")
    done = on_day(runs, 7)
    assert {row.run for row in done.standing} == {"first"}
    assert len(done.failed) == 1
    assert "second/recipe.yaml: dataset: missing" in done.failed[0]


def test_damaged_data_and_busy_run_hide_no_other(runs: Path, tiny: Recipe, rooms: Rooms) -> None:
    rooms.seed = 1
    run(tiny, runs / "second")
    run(tiny.model_copy(update={"name": "other"}), runs / "third")
    (part,) = (runs / "second").glob("dataset/manifest/part-*.parquet")
    part.write_bytes(part.read_bytes()[:100])
    with sole_user(RunFolder(runs / "third")):
        done = on_day(runs, 7)
    assert {(row.run, row.data) for row in done.standing} == {
        ("first", "tiny-0"),
        ("second", "tiny-0"),
        ("third", "tiny-0"),
    }
    assert any("part-00000.parquet" in line for line in done.failed)
    assert any("third: another run is at work in it" in line for line in done.failed)


def test_model_that_cannot_predict_hides_no_other(
    runs: Path, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.prediction import predict as predicting

    whole = predicting.predict

    def predict(checkpoint: Path, data: str, out: Path) -> Path:
        if "simplebaseline" in out.stem:
            raise RuntimeError("out of memory")
        return whole(checkpoint, data, out)

    monkeypatch.setattr(predicting, "predict", predict)
    for path in (runs / "first" / "predictions").glob("*.parquet"):
        path.unlink()
    done = on_day(runs, 7)
    assert {row.model for row in done.standing} == {"meanpose"}
    assert done.failed == [
        f"first/simplebaseline on tiny-0 {split}: RuntimeError: out of memory"
        for split in ("easy", "hard")
    ]


def test_second_refresh_at_the_same_time_is_refused(runs: Path) -> None:
    on_day(runs, 7)
    with (
        sole_user(RunFolder(runs / "benchmark")),
        pytest.raises(InputError, match="benchmark: another run is at work in it"),
    ):
        on_day(runs, 14)
    assert len(read_refreshes(done_history(runs))) == 1


def test_run_in_the_benchmarks_place_is_refused(runs: Path) -> None:
    (runs / "first").rename(runs / "benchmark")
    with pytest.raises(InputError, match="benchmark: is a run, expected the benchmark's own"):
        on_day(runs, 7)


def test_foreign_history_is_refused_before_the_work(runs: Path, rooms: Rooms) -> None:
    path = runs / "notes.parquet"
    path.write_text("notes")
    for file in (runs / "first" / "predictions").glob("*.parquet"):
        file.unlink()
    with pytest.raises(InputError, match=r"notes\.parquet: not a benchmark's history"):
        on_day(runs, 7, history=path)
    assert path.read_text() == "notes"
    assert rooms.taken() == []


@pytest.fixture
def noisy(monkeypatch: pytest.MonkeyPatch, rooms: Rooms) -> None:
    """Models whose error in px is the number in their checkpoint; the noise is always the same."""

    def predict(checkpoint: Path, data: str, out: Path) -> Path:
        label, error_px = json.loads(checkpoint.read_text())
        root, split = data.rsplit(":", 1)
        table = Manifest.open(root).table(split, ["sample_id", "joints_2d"])
        truth_px = column_array(table, "joints_2d", HAND21.num_joints, 2)
        noise = np.random.default_rng(5).normal(0, 1, truth_px.shape)
        info = PredictionInfo(
            system=label, label=label, checkpoint=str(checkpoint), checkpoint_sha256="",
            data=root, data_name="tiny", split=split,
        )  # fmt: skip
        ids = table["sample_id"].to_pylist()
        write_predictions(out, Predictions(info, ids, truth_px + error_px * noise))
        return out

    monkeypatch.setattr("training.prediction.predict.predict", predict)


@pytest.mark.usefixtures("noisy")
def test_retrained_model_that_got_worse_is_a_regression(tmp_path: Path, tiny: Recipe) -> None:
    runs = tmp_path / "runs"
    write_tiny_dataset(runs / "first" / "dataset", {"train": 8, "easy": 40, "hard": 40})
    run(tiny, tmp_path / "template")
    for name in ("run.json", "recipe.yaml"):
        (runs / "first" / name).write_bytes((tmp_path / "template" / name).read_bytes())
    checkpoint = runs / "first" / "models" / "simplebaseline" / "model.ckpt"
    checkpoint.parent.mkdir(parents=True)
    verdicts = []
    for day, error_px in enumerate((2.0, 2.001, 4.0, 1.0), start=1):
        checkpoint.write_text(json.dumps(["simplebaseline", error_px]))
        done = on_day(runs, day)
        verdicts.append({row.verdict for row in done.new if row.metric == "epe_px"})
        assert {row.split for row in done.regressions} == ({"easy", "hard"} if day == 3 else set())
    # A thousandth of a pixel is certain, since the noise is the same, and means nothing.
    assert verdicts == [{"first"}, {"worse"}, {"regression"}, {"better"}]
    kept = list(samples_folder(done_history(runs)).iterdir())
    assert len(kept) == len({row.samples_sha256 for row in on_day(runs, 5).standing})
    assert "regression" in (runs / "benchmark" / "index.html").read_text()


def test_verb_says_what_the_flow_says(runs: Path, call: Callable[..., Told]) -> None:
    told = call("benchmark", runs, "--real", f"coco-wholebody:val={runs / 'coco'}")
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0].endswith("of them new or changed, 0 regressions.")
    assert f"missing: coco-wholebody val is not at {runs / 'coco'}." in lines
    assert lines[-1] == f"page: {runs / 'benchmark' / 'index.html'}"


def test_verb_refuses_what_it_does_not_know(runs: Path, call: Callable[..., Told]) -> None:
    for arguments, expected in (
        (("--real", "coco-wholebody"), "expected NAME:SPLIT=DIR"),
        (("--real", "cocoa:val=x"), "name is 'cocoa', expected one of"),
        (("--register", runs / "first" / "recipe.yaml"), "expected a checkpoint"),
        (("--label", "mine"), "expected --label only with --register"),
    ):
        told = call("benchmark", runs, *arguments)
        assert told.code == 2
        assert expected in " ".join(told.error.replace("│", " ").split())
    assert not (runs / "registered.yaml").exists()


def test_verb_registers_a_model_and_replaces_it(
    runs: Path, call: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.checkpoints.load_checkpoint", lambda path: None)
    for version in ("one", "two"):
        checkpoint = runs.parent / version / "model.ckpt"
        checkpoint.parent.mkdir()
        checkpoint.write_text("")
        assert call("benchmark", runs, "--register", checkpoint, "--label", "mine").code == 0
    assert call("benchmark", runs, "--register", checkpoint).code == 0
    models, _ = registered_models(runs)
    assert [(model.label, model.checkpoint) for model in models] == [
        ("mine", checkpoint),
        ("two", checkpoint),
    ]


def test_markdown_holds_every_model_and_metric(runs: Path, tiny: Recipe) -> None:
    (registered,), _ = registered_runs(runs)
    tables = metric_tables(results_of(registered.folder, tiny))
    assert [table.title for table in tables] == [
        f"tiny-{split}, 4 samples, protocol handforge-2d3d v1" for split in ("easy", "hard")
    ]
    lines = tables[0].to_markdown().splitlines()
    assert lines[2] == "| metric | meanpose | simplebaseline |"
    assert any(line.startswith("| epe_px (px) | ") for line in lines)


@pytest.mark.parametrize("num_models", [2, 6])
def test_many_models_go_into_several_tables(
    num_models: int, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [f"model{number}" for number in range(num_models)]
    cells = [f"{number}.5 [{number}, {number + 1}]" for number in range(num_models)]
    table = MetricTable("split, 4 samples", ["metric", *models], [["epe_px (px)", *cells]])
    print_tables([table])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for start in range(0, num_models, 4):
        beside = range(start, min(start + 4, num_models))
        assert ["metric", *(models[number] for number in beside)] in lines
        assert ["epe_px", "(px)", *(f"{number}.5" for number in beside)] in lines
        intervals = [(f"[{number},", f"{number + 1}]") for number in beside]
        assert [end for ends in intervals for end in ends] in lines


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
