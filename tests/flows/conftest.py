"""What the tests of flows share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from prefect_server import PrefectServer, running_server
from stand_ins import TINY, Rooms, Told, write_tiny_dataset

from flows.cli import main
from flows.recipes import Recipe, load_recipe
from mano_assets.skeleton import HAND21
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions


@pytest.fixture
def tiny() -> Recipe:
    return load_recipe(TINY)


@pytest.fixture
def tiny_values() -> dict[str, Any]:
    return yaml.safe_load(TINY.read_text())


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Told]:
    """The command line in this process, where torch and kernels are loaded once."""

    def in_process(*arguments: str | Path) -> Told:
        monkeypatch.setattr(sys, "argv", ["handforge", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        assert isinstance(caught.value.code, int)
        return Told(caught.value.code, *capsys.readouterr())

    return in_process


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Rooms:
    """Hand, renderer, trainer, predictor and page replaced by quick ones; scoring is real."""
    state = Rooms([])

    def build_hand(config: Any, cache: Path | None = None) -> Path:
        return Path("hand")

    def render_dataset(recipe: Any, hand: Path, root: Path, workers: int | None = None) -> None:
        if not (root / "manifest" / "part-00000.parquet").exists():
            state.calls.append("render")
            write_tiny_dataset(
                root, {split.name: split.count for split in recipe.splits}, state.seed
            )

    def train(config: Any, data: Sequence[str], out: Path, validation: Sequence[str] = ()) -> Path:
        state.calls.append(f"train {config.label}")
        out.mkdir(parents=True, exist_ok=True)
        (out / "begun").write_text("")
        (out / "model.ckpt").write_text(json.dumps([config.label, config.seed]))
        return out / "model.ckpt"

    def write_figures(checkpoint: Path) -> Path:
        figures = checkpoint.with_name("figures.json")
        figures.write_text("{}")
        return figures

    def predict(checkpoint: Path, data: str, out: Path) -> Path:
        state.calls.append(f"predict {out.stem}")
        label = json.loads(checkpoint.read_text())[0]
        root, split = data.rsplit(":", 1)
        ids = Manifest.open(root).table(split, ["sample_id"])["sample_id"].to_pylist()
        info = PredictionInfo(
            system=label, label=label, checkpoint=str(checkpoint), checkpoint_sha256="",
            data=root, data_name="tiny", split=split,
        )  # fmt: skip
        zeros = np.zeros((len(ids), HAND21.num_joints, 3))
        write_predictions(out, Predictions(info, ids, zeros[..., :2], zeros))
        return out

    def write_report(inputs: Any, out: Path) -> None:
        state.calls.append("report")
        out.mkdir(parents=True, exist_ok=True)
        (out / "index.html").write_text(inputs.title)

    monkeypatch.setattr("mano_assets.hand.build_hand", build_hand)
    monkeypatch.setattr("render.dataset.render_dataset", render_dataset)
    monkeypatch.setattr("training.fitting.trainer.train", train)
    monkeypatch.setattr("training.measuring.model_figures.write_figures", write_figures)
    monkeypatch.setattr("training.prediction.predict.predict", predict)
    monkeypatch.setattr("evaluation.report.write_report", write_report)
    return state


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    with running_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server
