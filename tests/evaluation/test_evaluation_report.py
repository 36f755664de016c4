"""The report: what stands on the page, and that it needs nothing from outside."""

import csv
import json
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sketched_hands import Drawn

from evaluation.report import ReportInput, plots, write_report
from evaluation.scoring import evaluate
from mano_assets.errors import InputError
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from render.manifest.reading import column_array
from render.manifest.writing import write_info

SHIFTS_PX = {"simplebaseline": 3.0, "meanpose": 10.0}
CHECKPOINTS = {"simplebaseline": "ab" * 32, "meanpose": "ba" * 32}


class Page(HTMLParser):
    """Collects what a page refers to, its images and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        names = ("src", "srcset", "href", "data", "action")
        self.references += [value for name in names if (value := found.get(name))]
        if tag == "img":
            self.images.append(found)

    def handle_data(self, data: str) -> None:
        self.text += data


def make_input(
    drawn: Drawn, root: Path, splits: tuple[str, ...], factor: float = 1.0
) -> ReportInput:
    """Two models on each split: 3 px off in two dimensions, and the baseline `factor` * 10 px."""
    predictions, evaluations, runs = [], [], []
    manifest = Manifest.open(str(drawn.root))
    for split in splits:
        table = manifest.table(split)
        ids = table["sample_id"].to_pylist()
        joints_px = column_array(table, "joints_2d", 21, 2)
        joints_cam_m = column_array(table, "joints_3d", 21, 3)
        for system, shift_px in SHIFTS_PX.items():
            shift = shift_px * (factor if system == "meanpose" else 1)
            info = PredictionInfo(
                system=system, label=f"the {system}", checkpoint=f"models/{system}/best.ckpt",
                checkpoint_sha256=CHECKPOINTS[system], train_recipe_digests=["cd" * 32],
                data="dataset", data_name="drawn", data_recipe_digest=drawn.info.recipe_digest,
                split=split,
            )  # fmt: skip
            file = root / f"predictions/{system}-{split}.parquet"
            moved_px = joints_px + shift * np.array([0.6, 0.8])
            write_predictions(file, Predictions(info, ids, moved_px, joints_cam_m))
            result = root / f"evaluation/{system}-{split}.json"
            evaluate(file, f"{drawn.root}:{split}", None, result)
            predictions.append(file)
            evaluations.append(result)
    for system in SHIFTS_PX:
        run = root / "models" / system
        run.mkdir(parents=True)
        runs.append(run)
        (run / "config.yaml").write_text(f"system: {system}\n")
        record = {"seconds": 151.5, "data": [1], "checkpoint_sha256": CHECKPOINTS[system]}
        (run / "train.json").write_text(json.dumps(record))
    figures = {"num_parameters": 34_000_725, "gmacs": 7.239, "cpu_images_per_s": 12.4}
    (root / "models/simplebaseline/figures.json").write_text(json.dumps(figures))
    with (root / "models/simplebaseline/loss.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["step", "epoch", "train_loss", "validation_loss"])
        writer.writerows([[1, 0, 0.5, ""], [2, 0, 0.4, 0.6], [3, 1, 0.3, ""], [4, 1, 0.2, 0.5]])
    return ReportInput(
        title="Hands & <script>alert(1)</script>", recipe_yaml="name: tiny\nseed: 7\n",
        recipe_digest="ef" * 32, datasets=[drawn.root], evaluations=evaluations, runs=runs,
        predictions=predictions,
    )  # fmt: skip


@pytest.fixture(scope="module")
def inputs(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> ReportInput:
    return make_input(drawn, tmp_path_factory.mktemp("run"), ("test_easy", "test_hard"))


@pytest.fixture(scope="module")
def written(inputs: ReportInput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(inputs, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text())


def test_everything_referred_to_lies_beside_the_page(written: Path, page: Page) -> None:
    assert page.references
    for reference in page.references:
        if reference.startswith("#"):
            assert f'id="{reference[1:]}"' in written.read_text()
        else:
            assert ":" not in reference
            assert (written.parent / reference).is_file(), reference
    style = written.read_text()
    assert "@import" not in style
    assert "url(" not in style


def test_every_picture_is_described_and_has_its_size(written: Path, page: Page) -> None:
    assert len(page.images) >= 4 + 6 + 2 + 3 + 1
    for image in page.images:
        assert len(image["alt"] or "") > 10
        with Image.open(written.parent / str(image["src"])) as opened:
            factor = 2 if str(image["src"]).endswith(".png") else 1
            assert opened.width == pytest.approx(factor * int(image["width"] or 0), abs=1)
            assert opened.height == pytest.approx(factor * int(image["height"] or 0), abs=1)


def test_plots_come_for_dark_pages_too(written: Path) -> None:
    light = sorted(path.name for path in written.parent.glob("pictures/*-light.png"))
    dark = sorted(path.name for path in written.parent.glob("pictures/*-dark.png"))
    assert [name.replace("light", "dark") for name in light] == dark
    assert {name.split("-")[0] for name in light} == {
        "angles", "poses", "appearance", "losses", "hands3d",
    }  # fmt: skip


def test_the_table_shows_the_ratio_to_the_baseline(page: Page) -> None:
    words = " ".join(page.text.split())
    # 3 px and 10 px off, exactly, on every sample.
    assert "the simplebaseline 3.00 3.00 – 3.00 × 0.30" in words
    assert "the meanpose (baseline) 10.00 10.00 – 10.00" in words
    assert "drawn · test_easy · 9 hands · protocol handforge-2d3d" in words
    assert "Only 9 hands: this shows that the path works" in words


def test_cost_and_error_stand_in_one_table(page: Page, written: Path) -> None:
    results = " ".join(page.text.split()).split("protocol handforge-2d3d")[0]
    assert "Comparison · cost and error of each model · CSV" in results
    assert "cost drawn · test_easy drawn · test_hard" in results
    assert "the simplebaseline 34.00 7.239 12 2.5 3.00 " in results
    with (written.parent / "comparison.csv").open(newline="") as stream:
        rows = {row["model"]: row for row in csv.DictReader(stream)}
    assert rows["the simplebaseline"]["parameters (million)"] == "34.00"
    assert rows["the meanpose"]["drawn · test_hard Mean joint error (px)"] == "10.00"
    assert rows["the meanpose"]["parameters (million)"] == ""


def test_the_page_says_where_the_crops_come_from(page: Page) -> None:
    results = " ".join(page.text.split()).split("What the numbers are")[0]
    assert "crop comes from the ground-truth hand box (an oracle box: 1.2 times" in results


def joined(*inputs: ReportInput) -> ReportInput:
    lists = ("datasets", "evaluations", "runs", "predictions")
    return inputs[0].model_copy(
        update={name: [path for it in inputs for path in getattr(it, name)] for name in lists}
    )


def test_runs_on_the_same_data_stay_apart(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_losses = []
    draw = plots.loss_curves

    def note(theme, curves):
        drawn_losses.append(curves)
        return draw(theme, curves)

    monkeypatch.setattr(plots, "loss_curves", note)
    both = joined(
        make_input(drawn, tmp_path / "a", ("val",)),
        make_input(drawn, tmp_path / "b", ("val",), factor=0.5),
    )
    text = " ".join(Page(write_report(both, tmp_path / "report").read_text()).text.split())
    assert "a · the simplebaseline 3.00 3.00 – 3.00 × 0.30" in text
    assert "b · the simplebaseline 3.00 3.00 – 3.00 × 0.60" in text
    assert "b · the meanpose (baseline) 5.00 5.00 – 5.00" in text
    assert text.count("drawn · val · 4 hands") == 1
    assert set(drawn_losses[0]) == {"a · simplebaseline", "b · simplebaseline"}


def test_data_sets_of_one_name_stay_apart(drawn: Drawn, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drawn.root, copy)
    info = drawn.info.model_copy(update={"recipe_digest": "fedcba9876543210" * 4})
    write_info(copy, info)
    both = joined(
        make_input(drawn, tmp_path / "x/run", ("val",)),
        make_input(Drawn(copy, info), tmp_path / "y/run", ("val",), factor=0.5),
    )
    text = " ".join(Page(write_report(both, tmp_path / "report").read_text()).text.split())
    assert "drawn 0123456789ab · val · 4 hands" in text
    assert "drawn fedcba987654 · val · 4 hands" in text
    assert "x/run · the simplebaseline 3.00 3.00 – 3.00 × 0.30" in text
    assert "y/run · the simplebaseline 3.00 3.00 – 3.00 × 0.60" in text


def test_a_run_given_twice_stands_there_once(
    inputs: ReportInput, page: Page, tmp_path: Path
) -> None:
    twice = Page(write_report(joined(inputs, inputs), tmp_path / "report").read_text())
    assert twice.text == page.text


def test_the_chain_and_the_recipe_are_on_the_page(written: Path, inputs: ReportInput) -> None:
    text = written.read_text()
    origin = json.loads(inputs.evaluations[0].read_text())["provenance"]
    chain = [origin["predictions_sha256"], origin["data_recipe_digest"]]
    for digest in (*chain, "ab" * 32, "cd" * 32, "ef" * 32):
        assert f'title="{digest}"' in text
    assert "name: tiny\nseed: 7\n" in text
    assert "pencil 1.0" in text


def test_text_is_escaped(written: Path) -> None:
    assert "<script>" not in written.read_text()
    assert "Hands &amp; &lt;script&gt;" in written.read_text()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: {"predictions": run.predictions[1:]}, "expected that file, unchanged, among"),
        (lambda run: {"datasets": []}, "expected data set 'drawn' with the same recipe digest"),
        (lambda run: {"evaluations": [Path("no.json")]}, r"no\.json: no such file, expected a"),
        (lambda run: {"predictions": [Path("no.parquet")]}, r"no\.parquet: cannot be read"),
        (lambda run: {"runs": [Path("no-run")]}, "no-run: not a training run, expected config"),
        (lambda run: {"datasets": [Path("no-data")]}, "no-data: not a data set"),
    ],
)
def test_what_is_missing_is_named(
    inputs: ReportInput, tmp_path: Path, spoil: Callable[[ReportInput], dict], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_report(inputs.model_copy(update=spoil(inputs)), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_damaged_loss_file_is_named(inputs: ReportInput, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("")
    (run / "train.json").write_text("{}")
    (run / "loss.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(InputError, match=r"run: not a training run.*KeyError\('train_loss'\)"):
        write_report(inputs.model_copy(update={"runs": [run]}), tmp_path / "report")
