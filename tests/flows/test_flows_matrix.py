"""`handforge matrix`: what is trained and scored, what is skipped, told of or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from stand_ins import Rooms, Told, write_tiny_dataset

from evaluation.matrix import MATRIX_METRICS, Matrix
from flows.matrix import run_matrix
from flows.matrix_config import MatrixConfig, load_matrix
from flows.pages import write_page
from flows.recipes import Recipe
from flows.run import run
from mano_assets.errors import InputError
from training.fitting import trainer

TRAIN = {"system": "meanpose"}
FILES = ["matrix.csv", "matrix.json", "matrix.md", "matrix.tex", "matrix.yaml"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set of two splits."""
    write_tiny_dataset(tmp_path / "data", {"easy": 5, "hard": 4})
    return tmp_path / "data"


@pytest.fixture
def values(tmp_path: Path, data: Path) -> dict[str, Any]:
    """Two models, one of them trained elsewhere, on two test sets."""
    trained = tmp_path / "elsewhere" / "old" / "model.ckpt"
    trained.parent.mkdir(parents=True)
    trained.write_text(json.dumps(["old", 0]))
    return {
        "rows": [
            {"train": {**TRAIN, "label": "new"}, "data": f"{data}:easy", "seeds": [1, 2]},
            {"checkpoint": str(trained)},
        ],
        "columns": [{"data": f"{data}:easy"}, {"data": f"{data}:hard", "label": "difficult"}],
    }


def write(values: dict[str, Any], folder: Path) -> Path:
    path = folder / "matrix-config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def matrices(out: Path) -> list[Matrix]:
    document = json.loads((out / "matrix.json").read_text())
    return [Matrix.model_validate(each["matrix"]) for each in document["matrices"]]


def test_all_on_all_then_nothing(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms, call: Callable[..., Told]
) -> None:
    config, out = write(values, tmp_path), tmp_path / "out"
    told = call("matrix", config, "--out", out)
    assert told.code == 0
    assert rooms.taken() == [
        "train new-s1", "predict new-s1--tiny-easy", "predict new-s1--tiny-hard",
        "train new-s2", "predict new-s2--tiny-easy", "predict new-s2--tiny-hard",
        "predict old--tiny-easy", "predict old--tiny-hard",
    ]  # fmt: skip
    assert sorted(path.name for path in out.iterdir() if path.is_file())[-5:] == FILES
    first = matrices(out)
    assert [matrix.metric for matrix in first] == list(MATRIX_METRICS)
    heads = [(column.title, column.split, column.n) for column in first[0].columns]
    assert heads == [("tiny", "easy", 5), ("difficult", "hard", 4)]
    assert [(row.model, row.num_seeds) for row in first[0].rows] == [("new", 2), ("old", 1)]
    for word in ("new", "old", "difficult", "mean rank", str(out / "matrix.tex")):
        assert word in told.out
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert call("matrix", config, "--out", out).code == 0
    assert rooms.taken() == []
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_another_column_costs_only_its_cells(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms
) -> None:
    hard = values["columns"].pop()
    out = tmp_path / "out"
    run_matrix(MatrixConfig.model_validate(values), out)
    rooms.taken()
    values["columns"] += [hard, {**values["columns"][0], "protocol": "coco-wholebody"}]
    views, missing = run_matrix(MatrixConfig.model_validate(values), out)
    assert rooms.taken() == [
        f"predict {label}--tiny-{column}"
        for label in ("new-s1", "new-s2", "old")
        for column in ("hard", "easy-by-coco-wholebody")
    ]
    assert missing == []
    protocols = [column.protocol for column in views[0].columns]
    assert protocols == ["handforge-2d3d v1"] * 2 + ["coco-wholebody v1"]


def test_changed_training_data_are_learnt_anew(
    tmp_path: Path, values: dict[str, Any], data: Path, rooms: Rooms
) -> None:
    values["columns"].pop()
    out = tmp_path / "out"
    run_matrix(MatrixConfig.model_validate(values), out)
    rooms.taken()
    write_tiny_dataset(data, {"easy": 5, "hard": 4}, seed=1)
    run_matrix(MatrixConfig.model_validate(values), out)
    assert [each for each in rooms.taken() if each.startswith("train")] == [
        "train new-s1", "train new-s2",
    ]  # fmt: skip


def test_trainer_gets_the_rows_fields(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    made = trainer.train

    def train(config: Any, data: Any, out: Path, validation: Any) -> Path:
        given.append((config.label, config.seed, config.system, data, validation))
        return made(config, data, out, validation)

    monkeypatch.setattr(trainer, "train", train)
    (row, _), easy = values["rows"], values["columns"][0]["data"]
    values["rows"] = [row | {"data": [f"{easy}@labels=2d"], "validation": easy}]
    run_matrix(MatrixConfig.model_validate(values), tmp_path / "out")
    assert given == [
        ("new-s1", 1, "meanpose", [f"{easy}@labels=2d"], [easy]),
        ("new-s2", 2, "meanpose", [f"{easy}@labels=2d"], [easy]),
    ]


def test_absent_public_data_are_missing_not_failed(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms, call: Callable[..., Told]
) -> None:
    real = {"name": "coco-wholebody", "root": str(tmp_path / "none"), "split": "val"}
    values["columns"].append({"real": real})
    told = call("matrix", write(values, tmp_path), "--out", tmp_path / "out")
    sentence = f"coco-wholebody val: missing, {tmp_path / 'none'} is no folder or is empty."
    assert told.code == 0
    assert sentence in told.out
    assert f"- {sentence}" in (tmp_path / "out" / "matrix.md").read_text()
    assert json.loads((tmp_path / "out" / "matrix.json").read_text())["missing"] == [sentence]


def test_data_sets_of_one_name_are_told_apart(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms
) -> None:
    write_tiny_dataset(tmp_path / "other", {"easy": 3}, seed=5)
    values["columns"].append({"data": f"{tmp_path / 'other'}:easy"})
    views, _ = run_matrix(MatrixConfig.model_validate(values), tmp_path / "out")
    assert [column.title for column in views[0].columns] == ["tiny 0", "difficult", "tiny 5"]
    assert len(list((tmp_path / "out" / "predictions").glob("old--*.parquet"))) == 3


def test_matrix_of_runs_scores_nothing(
    tmp_path: Path, tiny: Recipe, rooms: Rooms, call: Callable[..., Told]
) -> None:
    run(tiny, tmp_path / "run")
    rooms.taken()
    told = call("matrix", "--runs", tmp_path / "run", "--out", tmp_path / "out")
    assert told.code == 0
    assert rooms.taken() == []
    found = matrices(tmp_path / "out")[0]
    assert [column.split for column in found.columns] == ["easy", "hard"]
    # The baseline stands last, although it is trained first.
    assert [row.model for row in found.rows] == ["simplebaseline", "meanpose"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [{}]}, r"rows\.0: expected either checkpoint or train"),
        ({"rows": [{"checkpoint": "x", "train": TRAIN}]}, r"rows\.0: expected either checkp"),
        ({"rows": [{"train": TRAIN}]}, r"rows\.0: data is missing, expected ROOT\[:SPLIT\]"),
        ({"rows": [{"checkpoint": "x", "seeds": [1]}]}, r"rows\.0: seeds is given, expected it "),
        ({"rows": []}, r"rows: is empty, expected at least one\.$"),
        (
            {"rows": [{"train": {**TRAIN, "epoch": 1}, "data": "d"}]},
            r"rows\.0\.train\.epoch: unknown field, expected one of ",
        ),
        (
            {"rows": [{"train": TRAIN, "data": "d@labels=3d"}]},
            r"rows\.0\.data: 'd@labels=3d' has @labels=3d, expected 2d",
        ),
        (
            {"rows": [{"train": TRAIN, "data": "d"}] * 2},
            r"rows\.1: label 'meanpose' occurs twice, expected unique labels",
        ),
        (
            {"rows": [{"checkpoint": "x", "label": "a/b"}]},
            r"rows\.0: label 'a/b' is not a file name\.$",
        ),
        (
            {"columns": [{"real": {"name": "freihand", "split": "evaluation"}}]},
            r"columns\.0\.real\.root: missing, expected a value\.$",
        ),
        ({"columns": [{}]}, r"columns\.0: expected either data or real"),
        (
            {"columns": [{"real": {"name": "coco", "root": "x"}}]},
            r"columns\.0\.real: name is 'coco', expected one of freihand, ",
        ),
        ({"metrics": ["pck"]}, r"metrics names 'pck', expected some of epe_px, "),
        ({"sede": 1}, r"sede: unknown field, expected one of rows, columns, metrics, "),
    ],
)
def test_wrong_field_is_named(
    tmp_path: Path, values: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    path = write({**values, **change}, tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        load_matrix(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rows": [{"checkpoint": "none.ckpt"}]},
            r"rows\.0\.checkpoint: none\.ckpt: no such file, expected a model written by train",
        ),
        (
            {"rows": [{"train": TRAIN, "data": "none"}]},
            r"rows\.0\.data: none: not a data set, expected a folder with dataset\.json",
        ),
        (
            {"rows": [{"checkpoint": "/nope.ckpt"}]},
            r"rows\.0\.checkpoint: /nope\.ckpt: no such file, expected a model written by train",
        ),
        ({"columns": [{"data": "DATA:x"}]}, r"columns\.0: .*data: no split 'x', expected one of e"),
        (
            {"columns": [{"data": "DATA:easy", "protocol": "x"}]},
            r"columns\.0: protocol 'x' is unknown, expected one of ",
        ),
        (
            {"columns": [{"data": "DATA:easy"}] * 2},
            r"columns\.1: .*data:easy: stands there twice, expected it once",
        ),
        (
            {"columns": [{"real": {"name": "freihand", "root": "none", "split": "evaluation"}}]},
            r"columns: nothing to score on\. freihand evaluation: missing, none is no folder",
        ),
        ({"metrics": ["pckh_0.7"]}, r"metrics: nothing is scored by any of pckh_0\.7, expected "),
    ],
)
def test_what_is_not_there_is_named_before_anything_is_trained(
    tmp_path: Path, values: dict[str, Any], data: Path, rooms: Rooms, change: dict[str, Any],
    message: str,
) -> None:  # fmt: skip
    text = yaml.safe_dump({**values, **change}).replace("DATA", str(data))
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        run_matrix(load_matrix(path), tmp_path / "out")
    assert rooms.taken() == []


def test_metrics_that_nothing_is_scored_by_are_told_of(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms
) -> None:
    values["metrics"] = ["nme", "pckh_0.7"]
    _, missing = run_matrix(MatrixConfig.model_validate(values), tmp_path / "out")
    assert missing == ["pckh_0.7: missing, not in handforge-2d3d v1."]
    assert "- pckh_0.7: missing" in (tmp_path / "out" / "matrix.md").read_text()


def test_metric_that_every_result_skips_is_told_of(
    tmp_path: Path, values: dict[str, Any], data: Path, rooms: Rooms
) -> None:
    # The data set knows no person's head.
    values["metrics"] = ["nme", "pckh_0.7"]
    values["columns"] = [{"data": f"{data}:easy", "protocol": "panoptic"}]
    _, missing = run_matrix(MatrixConfig.model_validate(values), tmp_path / "out")
    assert missing == ["pckh_0.7: missing, the size of the head is not known for any sample."]


def test_only_split_is_named(tmp_path: Path, values: dict[str, Any], rooms: Rooms) -> None:
    write_tiny_dataset(tmp_path / "one", {"val": 3})
    values["columns"] = [{"data": f"{tmp_path / 'one'}"}]
    views, _ = run_matrix(MatrixConfig.model_validate(values), tmp_path / "out")
    assert views[0].matrix.columns[0].split == "val"


def test_described_is_what_the_tables_are_of(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run_matrix(MatrixConfig.model_validate(values), out)
    before = {name: (out / name).read_bytes() for name in FILES}
    values["columns"].pop()
    values["rows"][0]["seeds"] = [3]

    def fail(*_: Any) -> Path:
        raise RuntimeError("no light")

    with monkeypatch.context() as broken:
        broken.setattr(trainer, "train", fail)
        with pytest.raises(RuntimeError, match="no light"):
            run_matrix(MatrixConfig.model_validate(values), out)
    assert {name: (out / name).read_bytes() for name in FILES} == before
    run_matrix(MatrixConfig.model_validate(values), out)
    assert yaml.safe_load((out / "matrix.yaml").read_text())["rows"][0]["seeds"] == [3]


def test_name_of_the_checkpoints_folder_is_called_so(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    trained = tmp_path / "my run" / "model.ckpt"
    trained.parent.mkdir()
    trained.write_text("")
    values["rows"][1]["checkpoint"] = str(trained)
    with pytest.raises(InputError, match=r"rows\.1: label 'my run' is not a file name; it is"):
        load_matrix(write(values, tmp_path))
    values["rows"][1]["label"] = "mine"
    assert load_matrix(write(values, tmp_path)).rows[1].name == "mine"


def test_page_does_not_go_into_a_runs_own_folder(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: tiny")
    with pytest.raises(InputError, match="is a run's own folder, expected another for the page"):
        write_page([tmp_path], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_folder_with_something_else_is_refused(
    tmp_path: Path, values: dict[str, Any], rooms: Rooms
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").write_text("")
    with pytest.raises(InputError, match="out: not a matrix, expected a new or empty folder"):
        run_matrix(MatrixConfig.model_validate(values), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("matrix", "none.yaml"), "none.yaml: cannot be read, expected a YAML file"),
        (("matrix", "--runs", "none"), "none: not a run, expected a folder with recipe.yaml"),
        (("matrix", "a", "b"), "expected one CONFIG, or --runs and folders of runs"),
    ],
)
def test_wrong_arguments_exit_with_2(
    tmp_path: Path, call: Callable[..., Told], arguments: tuple[str, ...], expected: str
) -> None:
    code, _, error = call(*arguments, "--out", tmp_path / "out")
    assert code == 2
    assert expected in " ".join(error.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
