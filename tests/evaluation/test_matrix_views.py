"""The matrices of a report, from its files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sketched_hands import Drawn

from evaluation.matrix import MatrixView, matrix_views
from evaluation.report.inputs import ReportInput, read_scored, read_trainings
from evaluation.scoring import evaluate
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from render.manifest.reading import column_array

SHIFTS_PX = {"small-s0": 3.0, "small-s4": 5.0, "large": 2.0, "meanpose": 10.0}
SPLITS = ("val", "test_hard")


@pytest.fixture
def views_of_run(drawn: Drawn, tmp_path: Path) -> Callable[..., list[MatrixView]]:
    """The matrices of models that are off by `SHIFTS_PX` on some splits."""

    def views(splits: tuple[str, ...], epochs: tuple[int, int] = (2, 2)) -> list[MatrixView]:
        predictions, evaluations, runs = [], [], []
        manifest = Manifest.open(str(drawn.root))
        for split in splits:
            table = manifest.table(split)
            joints_px = column_array(table, "joints_2d", 21, 2)
            for label, shift in SHIFTS_PX.items():
                info = PredictionInfo(
                    system="meanpose" if label == "meanpose" else "simplebaseline", label=label,
                    checkpoint=label, checkpoint_sha256=label, data="d", data_name="drawn",
                    data_recipe_digest=drawn.info.recipe_digest, split=split,
                    train_data=["away/drawn:val"], train_recipe_digests=["0123456789abcdef" * 4],
                )  # fmt: skip
                file = tmp_path / f"predictions/{label}-{split}.parquet"
                moved = joints_px + np.array([0.0, shift])
                write_predictions(file, Predictions(info, table["sample_id"].to_pylist(), moved))
                result = tmp_path / f"evaluation/{label}-{split}.json"
                evaluate(file, f"{drawn.root}:{split}", None, result)
                predictions.append(file)
                evaluations.append(result)
        for label in SHIFTS_PX:
            runs.append(tmp_path / "models" / label)
            runs[-1].mkdir(parents=True)
            (runs[-1] / "config.yaml").write_text("")
            seed = int(label.partition("-s")[2] or 0)
            config = {"seed": seed, "label": label, "epochs": epochs[seed == 4]}
            record = {"data": ["some"], "checkpoint_sha256": label, "config": config}
            (runs[-1] / "train.json").write_text(json.dumps(record))
        inputs = ReportInput(
            title="", recipe_yaml="", recipe_digest="", datasets=[drawn.root],
            evaluations=evaluations, runs=runs, predictions=predictions,
        )  # fmt: skip
        return matrix_views(read_scored(inputs), read_trainings(inputs))

    return views


def test_report_has_a_matrix_a_metric(
    views_of_run: Callable[..., list[MatrixView]],
) -> None:
    views = views_of_run(SPLITS)
    assert [view.matrix.metric for view in views] == ["nme", "pck_0.2"]
    nme = views[0]
    assert [(c.title, c.split, c.n) for c in nme.columns] == [
        ("drawn", "val", "4"), ("drawn", "test_hard", "7"),
    ]  # fmt: skip
    assert [(row.model, row.num_seeds, row.mean_rank) for row in nme.rows] == [
        ("small", 2, ""), ("large", 1, ""), ("meanpose", 1, ""),
    ]  # fmt: skip
    # So few hands rank nothing.
    assert [note.partition(":")[0] for note in nme.notes] == ["drawn val", "drawn test_hard"]
    assert "val: Only 4 hands: this shows that the path works; it does not" in nme.notes[0]
    # Scored on what it learned from; of the other split nobody says what it is drawn from.
    diagonals = [[cell and cell.diagonal for cell in row.cells] for row in nme.rows]
    assert diagonals == [["yes", "unknown"]] * 3
    assert {row.trained_on for row in nme.rows} == {"drawn: val"}


def test_models_of_other_recipes_share_no_row(
    views_of_run: Callable[..., list[MatrixView]],
) -> None:
    rows = views_of_run(SPLITS, epochs=(2, 3))[0].rows
    assert [row.model for row in rows] == ["small-s0", "small-s4", "large", "meanpose"]


def test_single_test_set_needs_no_matrix(
    views_of_run: Callable[..., list[MatrixView]],
) -> None:
    assert views_of_run(("val",)) == []


@pytest.mark.parametrize("module", ["evaluation.matrix", "evaluation.report", "flows.matrix"])
def test_each_can_be_imported_first(module: str) -> None:
    """The report's page shows the matrix, and the matrix reads the report's inputs."""
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
