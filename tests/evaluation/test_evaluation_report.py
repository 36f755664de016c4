"""The report: what stands on the page, and that it needs nothing from outside."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from report_runs import Page, Reported, make_input
from sketched_hands import Drawn

from evaluation.report import ReportInput, write_report
from evaluation.report.entries import entries
from evaluation.report.inputs import read_scored, read_trainings
from evaluation.report.tables import group, score_table
from evaluation.report.themes import THEMES
from mano_assets.errors import InputError
from render.manifest.writing import write_info


@pytest.fixture(scope="module")
def inputs(reported: Reported) -> ReportInput:
    return reported.inputs


@pytest.fixture(scope="module")
def written(reported: Reported) -> Path:
    return reported.page


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
    for outside in ("@import", "url(", "http://", "https://"):
        assert outside not in style


def test_the_page_is_well_formed_and_its_ids_are_unique(page: Page) -> None:
    assert page.problems == []
    assert len(page.ids) == len(set(page.ids))


def test_the_numbers_are_those_of_the_results(page: Page, inputs: ReportInput) -> None:
    """Half a unit of the last digit shown is all that a table may be off."""
    for path in inputs.evaluations:
        result = json.loads(path.read_text())
        label = result["provenance"]["prediction_info"]["label"]
        splits = list(dict.fromkeys(json.loads(p.read_text())["split"] for p in inputs.evaluations))
        # The score tables: one a split, in their order, and none other has the baseline's ratio.
        tables = [t for t in page.tables if any("×" in cell for row in t for cell in row)]
        table = tables[splits.index(result["split"])]
        (row,) = [cells for cells in table if cells[0].split(" (")[0].strip() == label]
        metrics = [m for m in result["protocol"]["metrics"] if m in result["metrics"]]
        assert len(row) == 1 + len(metrics)
        for cell, metric in zip(row[1:], metrics, strict=True):
            shown = cell.split()
            score = result["metrics"][metric]
            for text, name in zip(
                (shown[0], shown[1], shown[3]), ("value", "low", "high"), strict=True
            ):
                half = 0.5 * 10 ** -len(text.partition(".")[2])
                assert float(text) == pytest.approx(score[name], abs=half * 1.001), (label, metric)


def test_every_picture_is_described_and_has_its_size(written: Path, page: Page) -> None:
    assert len(page.images) >= 2 * 8 + 4 + 12 + 3 + 1 + 16
    for image in page.images:
        assert len(image["alt"] or "") > 10
        shown = int(image["width"] or 0), int(image["height"] or 0)
        file = written.parent / str(image["src"])
        if file.suffix == ".svg":
            drawn = ElementTree.parse(file).getroot()
            in_pt = [float(drawn.attrib[name].removesuffix("pt")) for name in ("width", "height")]
            assert [length / 72 * 96 for length in in_pt] == pytest.approx(shown, abs=1)
        else:
            factor = 2 if file.suffix == ".png" else 1
            with Image.open(file) as opened:
                assert opened.size == pytest.approx([factor * each for each in shown], abs=1)


def test_plots_come_for_dark_pages_too(written: Path) -> None:
    light = sorted(path.name for path in written.parent.glob("pictures/*-light.*"))
    dark = sorted(path.name for path in written.parent.glob("pictures/*-dark.*"))
    assert [name.replace("light", "dark") for name in light] == dark
    assert {name.split("-")[0] for name in light} == {
        "angles", "poses", "appearance", "losses", "hand3d", "curve", "groups",
    }  # fmt: skip


def test_a_dark_plot_has_no_light_colour(written: Path) -> None:
    light, dark = THEMES
    for path in written.parent.glob("pictures/*-dark.svg"):
        text = path.read_text()
        assert dark.ink in text
        for colour in (light.ink, light.faint, *light.series, *light.fingers):
            assert colour not in text
        beside = path.with_name(path.name.replace("dark", "light"))
        assert len(beside.read_text()) == len(text)


def test_the_table_shows_the_ratio_to_the_baseline(page: Page) -> None:
    words = page.words
    # 3 px and 10 px off, exactly, on every sample.
    assert "the simplebaseline 3.00 3.00 – 3.00 × 0.30" in words
    assert "the meanpose (baseline) 10.00 10.00 – 10.00" in words
    assert "drawn · test_easy · 9 hands · protocol handforge-2d3d" in words
    assert "Only 9 hands: this shows that the path works" in words


def test_cost_and_error_stand_in_one_table(page: Page, written: Path) -> None:
    results = page.words.split("drawn · test_easy · 9 hands")[0]
    assert "Cost and error of each model · CSV" in results
    assert "cost drawn · test_easy 9 hands · handforge-2d3d v1 drawn · test_hard 7" in results
    assert "the simplebaseline 34.00 7.239 12 2.5 3.00 3.00 – 3.00 " in results
    with (written.parent / "comparison.csv").open(newline="") as stream:
        rows = {row["model"]: row for row in csv.DictReader(stream)}
    assert rows["the simplebaseline"]["parameters (million)"] == "34.00"
    assert rows["the meanpose"]["drawn · test_hard Mean joint error (px)"] == "10.00"
    assert rows["the meanpose"]["parameters (million)"] == ""


def test_the_page_says_where_the_crops_come_from(page: Page) -> None:
    assert "crop comes from the ground-truth hand box (an oracle box; each" in page.words
    assert "ground-truth hand box (an oracle box), 1.2 times the joints' own" in page.words


def joined(*inputs: ReportInput) -> ReportInput:
    lists = ("datasets", "evaluations", "runs", "predictions")
    return inputs[0].model_copy(
        update={name: [path for it in inputs for path in getattr(it, name)] for name in lists}
    )


def score_tables(inputs: ReportInput) -> dict[str, list[tuple[str, str, str, str]]]:
    """Label, mean joint error, its interval and its ratio of each row, by target."""
    trainings = read_trainings(inputs)
    tables = [score_table(entries(found, trainings)) for found in group(read_scored(inputs))]
    return {
        table.target: [
            (row.label, cell.value, cell.interval, cell.ratio)
            for row in table.rows
            if (cell := row.cells[0])
        ]
        for table in tables
    }


def test_runs_on_the_same_data_stay_apart(drawn: Drawn, tmp_path: Path) -> None:
    both = joined(
        make_input(drawn, tmp_path / "a", ("val",)),
        make_input(drawn, tmp_path / "b", ("val",), factor=0.5),
    )
    assert score_tables(both) == {
        "drawn · val": [
            ("a · the simplebaseline", "3.00", "3.00 – 3.00", "× 0.30"),
            ("b · the simplebaseline", "3.00", "3.00 – 3.00", "× 0.60"),
            ("a · the meanpose", "10.00", "10.00 – 10.00", ""),
            ("b · the meanpose", "5.00", "5.00 – 5.00", ""),
        ]
    }
    learned = [training.label for training in read_trainings(both) if training.losses]
    assert learned == ["a · simplebaseline", "b · simplebaseline"]


def test_data_sets_of_one_name_stay_apart(drawn: Drawn, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drawn.root, copy)
    info = drawn.info.model_copy(update={"recipe_digest": "fedcba9876543210" * 4})
    write_info(copy, info)
    both = joined(
        make_input(drawn, tmp_path / "x/run", ("val",)),
        make_input(Drawn(copy, info), tmp_path / "y/run", ("val",), factor=0.5),
    )
    tables = score_tables(both)
    assert set(tables) == {"drawn 0123456789ab · val", "drawn fedcba987654 · val"}
    assert tables["drawn 0123456789ab · val"][0][0::3] == ("x/run · the simplebaseline", "× 0.30")
    assert tables["drawn fedcba987654 · val"][0][0::3] == ("y/run · the simplebaseline", "× 0.60")


def test_a_run_given_twice_stands_there_once(inputs: ReportInput) -> None:
    twice = joined(inputs, inputs)
    assert [found.path for found in read_scored(twice)] == inputs.evaluations
    assert [it.label for it in read_trainings(twice)] == [run.name for run in inputs.runs]


def test_stand_ins_are_no_rendered_images_and_are_called_so(drawn: Drawn, tmp_path: Path) -> None:
    """No tile, contact sheet or coverage; a sentence says what they are."""
    root = tmp_path / "stand-in"
    shutil.copytree(drawn.root, root)
    named = {"name": "freihand-stand-in", "stand_in_for": "freihand"}
    info = drawn.info.model_copy(update={**named, "recipe_digest": "76543210" * 8})
    write_info(root, info)
    inputs = make_input(Drawn(root, info), tmp_path / "run", ("val",))
    for path, warnings in zip(
        inputs.evaluations, (["it looks <mirrored>.", "it is odd."], ["it is odd."]), strict=True
    ):
        result = json.loads(path.read_text())
        path.write_text(json.dumps({**result, "warnings": warnings}))
    text = write_report(inputs, tmp_path / "report").read_text()
    page = Page(text)
    assert "freihand stand-in · val · 4 hands · protocol freihand v1" in page.words
    assert "freihand stand-in: renders of our own, written in the file layout of the" in page.words
    assert "images rendered for" not in page.words
    assert "were rendered, so every label" not in page.words
    assert 'id="images"' not in text
    assert 'id="coverage"' not in text
    assert not list((tmp_path / "report/pictures").glob("sheet-*"))
    assert "the mean pose's joint error on" not in page.words, "a tile on a stand-in"
    assert '<p class="warning">the simplebaseline: it looks &lt;mirrored&gt;.</p>' in text
    assert '<p class="warning">all models: it is odd.</p>' in text


def test_results_without_curves_have_no_such_section(drawn: Drawn, tmp_path: Path) -> None:
    """Results of older versions have neither curves nor breakdowns."""
    inputs = make_input(drawn, tmp_path / "run", ("val",))
    for path in inputs.evaluations:
        older = json.loads(path.read_text())
        for name in ("curves", "breakdowns", "warnings"):
            del older[name]
        path.write_text(json.dumps(older))
    text = write_report(inputs, tmp_path / "report").read_text()
    assert 'id="curves"' not in text
    assert 'href="#curves"' not in text
    assert Page(text).problems == []


def test_text_is_escaped(written: Path) -> None:
    assert "<script>alert" not in written.read_text()
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
