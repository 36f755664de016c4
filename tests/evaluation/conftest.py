"""Fixtures: data sets that the tests make up, and the real samples where there are any."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from public_trees import (
    FreiHandTree,
    InterHandTree,
    RhdTree,
    make_coco,
    make_freihand,
    make_interhand,
    make_rhd,
)
from report_runs import THREE_SHIFTS_PX, Reported, make_input
from sketched_hands import Drawn, write_drawn_dataset

from evaluation.report import write_report
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A drawn data set with the demo's splits; do not change it."""
    root = tmp_path_factory.mktemp("drawn") / "dataset"
    info = write_drawn_dataset(root, {"train": 24, "val": 4, "test_easy": 9, "test_hard": 7})
    return Drawn(root, info)


@pytest.fixture(scope="session")
def reported(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A page over three models on two splits, and what it is about; do not change it."""
    inputs = make_input(
        drawn, tmp_path_factory.mktemp("run"), ("test_easy", "test_hard"), shifts_px=THREE_SHIFTS_PX
    )
    return Reported(inputs, write_report(inputs, tmp_path_factory.mktemp("report")))


@pytest.fixture
def predict(tmp_path: Path) -> Callable[..., Path]:
    """Writes a predictions file from arrays."""

    def write(
        ids: list[str],
        joints_2d: np.ndarray | None,
        joints_3d: np.ndarray | None = None,
        *,
        path: Path | None = None,
        **info: str,
    ) -> Path:
        path = path or tmp_path / "predictions.parquet"
        described = {
            "system": "simplebaseline", "label": "made-up", "checkpoint": "models/best.ckpt",
            "checkpoint_sha256": "cd" * 32, "train_data": ["dataset:train"], "data": "dataset",
            "data_name": "drawn", **info,
        }  # fmt: skip
        described = PredictionInfo.model_validate(described)
        write_predictions(path, Predictions(described, ids, joints_2d, joints_3d))
        return path

    return write


@pytest.fixture
def interhand(tmp_path: Path) -> InterHandTree:
    """A made-up InterHand2.6M."""
    return make_interhand(tmp_path / "interhand")


@pytest.fixture
def freihand(tmp_path: Path) -> FreiHandTree:
    """A made-up FreiHAND."""
    return make_freihand(tmp_path / "freihand")


@pytest.fixture
def rhd(tmp_path: Path) -> RhdTree:
    """A made-up RHD."""
    return make_rhd(tmp_path / "rhd")


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A made-up COCO-WholeBody."""
    return make_coco(tmp_path / "coco")


@pytest.fixture
def samples() -> Path:
    """Folder with a few real samples of the public data sets; tests skip where there is none."""
    beside = Path(__file__).parents[3] / "shared" / "samples"
    folder = Path(os.environ.get("HANDFORGE_SAMPLES", beside))
    if not folder.is_dir():
        pytest.skip(f"no real samples at {folder}; HANDFORGE_SAMPLES names another folder")
    return folder
