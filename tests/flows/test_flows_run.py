"""The whole DAG with quick stand-ins: what runs, what is skipped, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stand_ins import Rooms, write_tiny_dataset

from evaluation.results import read_evaluation
from flows.folder import RunFolder, claim, default_root, sole_user
from flows.recipes import RealData, Recipe, adjusted, load_recipe, recipe_digest
from flows.run import run
from flows.stages import import_real
from mano_assets.errors import InputError
from render.manifest import Manifest
from training.config import TrainConfig
from training.fitting import trainer

EVERYTHING = [
    "render",
    "train meanpose",
    "predict meanpose--tiny-easy",
    "predict meanpose--tiny-hard",
    "train simplebaseline",
    "predict simplebaseline--tiny-easy",
    "predict simplebaseline--tiny-hard",
    "report",
]


@pytest.fixture
def finished(tmp_path: Path, tiny: Recipe, rooms: Rooms) -> RunFolder:
    run(tiny, tmp_path / "run")
    assert rooms.taken() == EVERYTHING
    return RunFolder(tmp_path / "run")


def test_layout_and_provenance(finished: RunFolder, tiny: Recipe) -> None:
    assert finished.report.joinpath("index.html").read_text() == "tiny"
    assert finished.evaluation("simplebaseline", "tiny-hard").is_file()
    record = json.loads((finished.root / "run.json").read_text())
    assert (record["recipe"], record["recipe_digest"]) == ("tiny", recipe_digest(tiny))
    assert record["code_version"]
    assert recipe_digest(load_recipe(finished.root / "recipe.yaml")) == recipe_digest(tiny)


def test_table_is_printed(
    finished: RunFolder, tiny: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tiny, finished.root)
    printed = capsys.readouterr().out
    assert "tiny-easy, 4 samples" in printed
    assert "epe_px (px)" in printed
    assert str(finished.report / "index.html") in printed.replace("\n", "")


def test_second_run_does_nothing(finished: RunFolder, tiny: Recipe, rooms: Rooms) -> None:
    run(tiny, finished.root)
    assert rooms.taken() == []


def test_damaged_prediction_is_made_again_and_the_same_page_stands(
    finished: RunFolder, tiny: Recipe, rooms: Rooms
) -> None:
    finished.predictions("simplebaseline", "tiny-easy").write_bytes(b"PAR1")
    run(tiny, finished.root)
    assert rooms.taken() == ["predict simplebaseline--tiny-easy"]


@pytest.mark.parametrize("suffix", ["json", "samples.parquet"])
def test_lost_result_is_scored_again(
    finished: RunFolder, tiny: Recipe, rooms: Rooms, suffix: str
) -> None:
    path = finished.root / "evaluation" / f"meanpose--tiny-hard.{suffix}"
    path.unlink()
    run(tiny, finished.root)
    assert path.is_file()
    assert rooms.taken() == []


def test_lost_model_is_trained_again_and_its_equal_predictions_stand(
    finished: RunFolder, tiny: Recipe, rooms: Rooms
) -> None:
    (finished.model("simplebaseline") / "model.ckpt").unlink()
    run(tiny, finished.root)
    assert rooms.taken() == ["train simplebaseline"]


def test_lost_figures_are_measured_again(finished: RunFolder, tiny: Recipe, rooms: Rooms) -> None:
    figures = finished.model("simplebaseline") / "figures.json"
    figures.unlink()
    run(tiny, finished.root)
    assert figures.is_file()
    # The trainer is asked, and finds its model finished.
    assert rooms.taken() == ["train simplebaseline"]


def test_each_seed_learns_from_the_splits_of_its_model(
    tmp_path: Path, tiny: Recipe, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: dict[str, tuple[int, list[str]]] = {}
    made = trainer.train

    def train(config: TrainConfig, data: list[str], out: Path, validation: list[str]) -> Path:
        assert type(config) is TrainConfig
        learned[out.name] = config.seed, data
        return made(config, data, out, validation)

    monkeypatch.setattr(trainer, "train", train)
    values = tiny.model_dump()
    values["training"][0] |= {"seeds": [1, 2], "train_on": ["easy", "hard@labels=2d"]}
    run(Recipe.model_validate(values), tmp_path / "run")
    root = tmp_path / "run" / "dataset"
    own = [f"{root}:easy", f"{root}:hard@labels=2d"]
    assert learned == {
        "meanpose": (0, [f"{root}:train"]),
        "simplebaseline-s1": (1, own),
        "simplebaseline-s2": (2, own),
    }


def test_changed_data_are_learnt_and_scored_anew(
    finished: RunFolder, tiny: Recipe, rooms: Rooms
) -> None:
    left = finished.model("simplebaseline") / "left by the old run"
    left.write_text("")
    write_tiny_dataset(finished.dataset, {"train": 8, "easy": 4, "hard": 4}, seed=1)
    run(tiny, finished.root)
    assert rooms.taken() == EVERYTHING[1:]
    assert not left.exists()


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_damaged_data_cost_no_model(finished: RunFolder, tiny: Recipe, rooms: Rooms) -> None:
    part = finished.dataset / "manifest" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    before = files_of(finished.root)
    with pytest.raises(InputError, match=r"part-00000\.parquet: damaged"):
        run(tiny, finished.root)
    assert rooms.taken() == []
    assert files_of(finished.root) == before


def test_training_that_fails_on_changed_data_costs_no_model(
    finished: RunFolder, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(config: object, data: object, out: Path, validation: object) -> Path:
        out.mkdir(parents=True)
        (out / "run.json").write_text("")
        raise InputError("part-00000.tar: truncated.")

    write_tiny_dataset(finished.dataset, {"train": 8, "easy": 4, "hard": 4}, seed=1)
    before = files_of(finished.root)
    monkeypatch.setattr("training.fitting.trainer.train", train)
    with pytest.raises(InputError, match="truncated"):
        run(tiny, finished.root)
    assert files_of(finished.root) == before


@pytest.mark.parametrize("left", [None, "readme.txt"])
def test_emptied_real_root_costs_no_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str | None
) -> None:
    real = RealData(name="coco-wholebody", root=tmp_path / "coco", split="val")
    labels = real.root / "annotations" / "coco_wholebody_val_v1.0.json"
    labels.parent.mkdir(parents=True)
    labels.write_text("{}")
    folder = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(
            "evaluation.datasets.import_dataset",
            lambda name, root, split, out: write_tiny_dataset(out, {split: 3}),
        )
        assert import_real(real, folder) is not None
    before = files_of(folder.root)
    assert before
    labels.unlink()
    labels.parent.rmdir()
    if left is None:
        assert import_real(real, folder) is None
    else:
        (real.root / left).write_text("")
        with pytest.raises(InputError, match=labels.name):
            import_real(real, folder)
    assert files_of(folder.root) == before


def test_folder_of_another_recipe_is_refused_and_left_alone(
    finished: RunFolder, tiny: Recipe, rooms: Rooms
) -> None:
    other = adjusted(tiny, seed=9)
    with pytest.raises(InputError) as caught:
        run(other, finished.root)
    assert recipe_digest(tiny)[:8] in str(caught.value)
    assert recipe_digest(other)[:8] in str(caught.value)
    run(tiny, finished.root)
    assert rooms.taken() == []


def test_folder_with_something_else_is_refused(tmp_path: Path, tiny: Recipe) -> None:
    (tmp_path / "holiday.jpg").write_text("")
    with pytest.raises(InputError, match="not a run, expected a new or empty folder"):
        claim(tiny, tmp_path)


def test_damaged_run_json_is_named(finished: RunFolder, tiny: Recipe) -> None:
    (finished.root / "run.json").write_text("{}")
    with pytest.raises(InputError, match=r"run\.json: damaged, expected JSON with recipe_digest"):
        claim(tiny, finished.root)


def test_one_run_at_a_time(finished: RunFolder, tiny: Recipe) -> None:
    with sole_user(finished), pytest.raises(InputError, match="another run is at work in it"):
        run(tiny, finished.root)


def test_default_folder_is_named_by_the_digest(tiny: Recipe) -> None:
    assert default_root(tiny) == Path("runs") / f"tiny-{recipe_digest(tiny)[:8]}"


STAND_IN = {"name": "coco-wholebody", "split": "val", "of": "hard"}


def test_stand_in_is_scored_as_what_it_stands_in_for(
    tmp_path: Path, tiny: Recipe, rooms: Rooms
) -> None:
    recipe = Recipe.model_validate(tiny.model_dump() | {"stand_ins": [STAND_IN]})
    run(recipe, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    stem = "coco-wholebody-stand-in-val"
    assert [call for call in rooms.taken() if stem in call] == [
        f"predict meanpose--{stem}", f"predict simplebaseline--{stem}",
    ]  # fmt: skip
    assert (folder.root / "exported" / stem / "handforge_export.json").is_file()
    info = Manifest.open(str(folder.root / "real" / stem)).info
    assert (info.name, info.kind) == ("coco-wholebody-stand-in", "synthetic")
    found = read_evaluation(folder.evaluation("meanpose", stem))
    assert (found.protocol.id, found.split, found.n) == ("coco-wholebody", "val", 4)
    # Again, nothing is written or scored anew.
    before = files_of(folder.root)
    run(recipe, folder.root)
    assert rooms.taken() == []
    assert files_of(folder.root) == before


def test_stand_in_of_changed_renders_is_written_anew(
    tmp_path: Path, tiny: Recipe, rooms: Rooms
) -> None:
    recipe = Recipe.model_validate(tiny.model_dump() | {"stand_ins": [STAND_IN]})
    run(recipe, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    place = folder.real("coco-wholebody-stand-in", "val")
    first = Manifest.open(str(place)).info.recipe_digest
    write_tiny_dataset(folder.dataset, {"train": 8, "easy": 4, "hard": 4}, seed=1)
    run(recipe, folder.root)
    assert Manifest.open(str(place)).info.recipe_digest != first


def test_absent_real_data_are_told_of(
    tmp_path: Path, tiny: Recipe, rooms: Rooms, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tiny.model_dump()
    values["real"] = [{"name": "coco-wholebody", "root": tmp_path / "none", "split": "val"}]
    run(Recipe.model_validate(values), tmp_path / "run")
    assert "coco-wholebody val: skipped" in capsys.readouterr().out
    assert rooms.taken() == EVERYTHING
