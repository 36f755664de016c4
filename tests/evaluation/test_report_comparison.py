"""Rows of the report's tables: which models share one, and what stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest
from sketched_hands import Drawn

from evaluation.report import ReportInput
from evaluation.report.comparison import ComparisonTable, comparison_table
from evaluation.report.entries import Entry, entries
from evaluation.report.inputs import read_scored, read_trainings
from evaluation.report.tables import group, headline, score_table
from evaluation.scoring import evaluate
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from render.manifest.reading import column_array

SHIFTS_PX = {"small-s0": 3.0, "small-s4": 5.0, "large": 2.0, "meanpose": 10.0}
SEEDS = {"small-s0": 0, "small-s4": 4}


class Runs:
    """Models that are off by `SHIFTS_PX`; what train.json says of each can be changed."""

    def __init__(self, drawn: Drawn, root: Path) -> None:
        self.drawn, self.root = drawn, root
        self.records: dict[str, dict[str, Any]] = {
            label: {
                "seconds": 60.0 * shift, "data": ["some"], "checkpoint_sha256": label,
                "config": {"seed": SEEDS.get(label, 0), "label": label, "epochs": 2},
            }
            for label, shift in SHIFTS_PX.items()
        }  # fmt: skip
        self.figures: dict[str, dict[str, Any]] = {
            label: {"num_parameters": 1e6, "gmacs": 0.5, "cpu_images_per_s": 100 * shift}
            for label, shift in SHIFTS_PX.items()
        }

    def groups(self, *splits: str) -> list[list[Entry]]:
        predictions, evaluations, runs = [], [], []
        manifest = Manifest.open(str(self.drawn.root))
        for split in splits:
            table = manifest.table(split)
            joints_px = column_array(table, "joints_2d", 21, 2)
            for label, shift in SHIFTS_PX.items():
                info = PredictionInfo(
                    system="meanpose" if label == "meanpose" else "simplebaseline", label=label,
                    checkpoint=label, checkpoint_sha256=label, data="dataset", data_name="drawn",
                    data_recipe_digest=self.drawn.info.recipe_digest, split=split,
                )  # fmt: skip
                file = self.root / f"predictions/{label}-{split}.parquet"
                moved = joints_px + np.array([0.0, shift])
                write_predictions(file, Predictions(info, table["sample_id"].to_pylist(), moved))
                result = self.root / f"evaluation/{label}-{split}.json"
                evaluate(file, f"{self.drawn.root}:{split}", None, result)
                predictions.append(file)
                evaluations.append(result)
        for label, record in self.records.items():
            run = self.root / "models" / label
            run.mkdir(parents=True)
            (run / "config.yaml").write_text("")
            (run / "train.json").write_text(json.dumps(record))
            if label in self.figures:
                (run / "figures.json").write_text(json.dumps(self.figures[label]))
            runs.append(run)
        inputs = ReportInput(
            title="", recipe_yaml="", recipe_digest="", datasets=[self.drawn.root],
            evaluations=evaluations, runs=runs, predictions=predictions,
        )  # fmt: skip
        trainings = read_trainings(inputs)
        return [entries(results, trainings) for results in group(read_scored(inputs))]


@pytest.fixture
def runs(drawn: Drawn, tmp_path: Path) -> Runs:
    return Runs(drawn, tmp_path)


def compared(groups: list[list[Entry]]) -> ComparisonTable:
    table = comparison_table(groups)
    assert table is not None
    return table


def test_seeds_share_a_row_with_mean_and_spread(runs: Runs) -> None:
    (rows,) = runs.groups("val")
    assert [(row.name, len(row.results)) for row in rows] == [
        ("small", 2), ("large", 1), ("meanpose", 1),
    ]  # fmt: skip
    table = score_table(rows)
    cells = {row.label: row.cells[0] for row in table.rows}
    assert table.repeated
    small, large = cells["small"], cells["large"]
    assert small is not None
    assert large is not None
    assert (small.value, small.interval) == (f"{mean([3, 5]):.2f}", f"± {stdev([3, 5]):.2f}")
    assert small.ratio == "× 0.40"
    assert large.interval == "2.00 – 2.00"
    assert (small.is_best, large.is_best) == (False, True)


@pytest.mark.parametrize(
    "change",
    [
        {"data": ["other"]},
        {"config": {"seed": 4, "label": "small-s4", "epochs": 3}},
        {"config": {"seed": 5, "label": "small-s4", "epochs": 2}},
        {"checkpoint_sha256": "of another file"},
    ],
)
def test_models_that_differ_in_more_than_their_seed_stand_apart(
    runs: Runs, change: dict[str, Any]
) -> None:
    runs.records["small-s4"] |= change
    (rows,) = runs.groups("val")
    assert [row.name for row in rows] == ["small-s0", "small-s4", "large", "meanpose"]
    assert not score_table(rows).repeated


def test_cost_and_errors_on_each_split(runs: Runs) -> None:
    table = compared(runs.groups("val", "test_hard"))
    (band,) = table.bands
    assert [head.target for head, _ in band] == ["", "drawn · val", "drawn · test_hard"]
    shown = [table.columns[place].title for _, places in band for place in places]
    assert shown == ["parameters", "GMAC", "CPU", "training", *2 * ["Mean joint error"]]
    titles = [(column.target, column.title) for column in table.columns]
    lines = {line.label: dict(zip(titles, line.values, strict=True)) for line in table.lines}
    assert list(lines) == ["small", "large", "meanpose"]
    small = {title: value.text for title, value in lines["small"].items() if value}
    assert small["", "parameters"] == "1.00"
    assert small["", "GMAC"] == "0.500"
    assert small["", "CPU"] == "400"
    assert small["", "training"] == "4.0"
    assert ("", "GPU") not in titles
    error = lines["small"]["drawn · test_hard", "Mean joint error"]
    assert error is not None
    assert (error.text, error.interval) == ("4.00", "± 1.41")
    assert all(title != "MPJPE" for _, title in titles), "nothing was predicted in 3D"
    head, first, *_ = table.to_csv().splitlines()
    assert head.startswith("model,parameters (million),GMAC,CPU (images/s),training (min),")
    assert "drawn · val Mean joint error (px),drawn · val Mean joint error (px) interval," in head
    assert first.startswith("small,1.00,0.500,400,4.0,4.00,± 1.41,")
    assert "Normalised error" in head, "the file has the errors that the page leaves out"


def test_many_targets_stand_below_each_other(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the table is as wide as the page; what belongs to a target stays together."""
    monkeypatch.setattr("evaluation.report.comparison.MOST_ABREAST", 5)
    monkeypatch.setattr("evaluation.report.comparison.SHOWN_METRICS", ("epe_px", "nme"))
    splits = ("val", "test_easy", "test_hard")
    bands = compared(runs.groups(*splits)).bands
    assert [[head.target for head, _ in band] for band in bands] == [
        [""], ["drawn · val", "drawn · test_easy"], ["drawn · test_hard"],
    ]  # fmt: skip
    assert [sum(len(places) for _, places in band) for band in bands] == [4, 4, 2]


def test_a_model_whose_cost_is_not_known_has_gaps(runs: Runs) -> None:
    del runs.figures["large"]
    table = compared(runs.groups("val"))
    lines = {line.label: line.values for line in table.lines}
    assert lines["large"][:3] == [None, None, None]
    assert lines["small"][0] is not None


def test_without_any_cost_there_is_no_comparison(runs: Runs) -> None:
    runs.figures.clear()
    for record in runs.records.values():
        record["seconds"] = 0.0
    assert comparison_table(runs.groups("val")) is None


def test_headline_takes_the_mean_over_seeds(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.report.tables.FEW", 1)
    (rows,) = runs.groups("val")
    found = headline([row for row in rows if row.name != "large"])
    assert found is not None
    assert (found.label, found.value, found.ratio) == ("small", "4.0 px", "0.40")
