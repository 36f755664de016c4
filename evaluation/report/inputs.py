"""What a report is made of, and reading it from the disk."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from evaluation.report.naming import anchor, shown_name
from evaluation.results import Evaluation, read_evaluation
from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from render.manifest import Manifest
from render.manifest.predictions import read_predictions

BASELINE_SYSTEM = "meanpose"
"""`PredictionInfo.system` of the baseline that every model stands beside."""

ROW_COLUMNS = (
    "sample_id", "image_shard", "image_offset", "image_size", "joints_2d", "joints_3d",
    "joint_state", "box", "hardness",
)  # fmt: skip
"""What the page needs of the samples that were scored."""


class ReportInput(BaseModel):
    """What a report is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(description="Heading of the page.")
    recipe_yaml: str = Field(description="The recipe as YAML, printed whole.")
    recipe_digest: str = Field(description="Its digest.")
    datasets: list[Path | str] = Field(
        description="Data sets, folders or URLs; the rendered ones are pictured."
    )
    evaluations: list[Path] = Field(
        description="Result files of evaluate, each in a folder of its run: RUN/evaluation/*.json."
    )
    runs: list[Path] = Field(
        description="Training folders, RUN/models/LABEL, each with config.yaml, loss.csv (step, "
        "epoch, train_loss, validation_loss) and train.json; a model that is not trained has no "
        "loss.csv, one whose cost was measured has figures.json."
    )
    predictions: list[Path] = Field(description="The predictions files that were scored.")


@dataclass(frozen=True)
class Scored:
    """A result with what it was computed from.

    Attributes:
        evaluation: The result.
        path: Its file.
        predictions: The predictions that were scored.
        manifest: The data set that they were scored on.
        run: Name of its run; empty when the report is about one run.
        data_name: Name of the data set, its own among those of the report.
    """

    evaluation: Evaluation
    path: Path
    predictions: Path
    manifest: Manifest
    run: str
    data_name: str

    @property
    def label(self) -> str:
        """Name of the model, with its run where there are several."""
        return _label(self.run, self.evaluation.provenance.prediction_info.label)

    @property
    def checkpoint_sha256(self) -> str:
        """Digest of the model that predicted."""
        return self.evaluation.provenance.prediction_info.checkpoint_sha256

    @property
    def is_baseline(self) -> bool:
        """Whether it is the mean-pose baseline."""
        return self.evaluation.provenance.prediction_info.system == BASELINE_SYSTEM

    @property
    def anchor(self) -> str:
        """Where the page says what the result came from."""
        return anchor("score", self.run, self.path.stem)

    @property
    def target(self) -> str:
        """Data set and split, the heading that it is shown under."""
        split = self.evaluation.split or "all"
        return f"{self.data_name} · {split}"

    @cached_property
    def rows(self) -> pa.Table:
        """The manifest's rows that were scored, `ROW_COLUMNS` of them."""
        return self.manifest.table(self.evaluation.split, ROW_COLUMNS)

    @cached_property
    def predicted(self) -> dict[int, np.ndarray | None]:
        """Joints by dimension, in the order of `rows`: [N, 21, 2] px, [N, 21, 3] metres."""
        found = read_predictions(self.predictions)
        position = {sample: row for row, sample in enumerate(found.sample_ids)}
        order = [position[sample] for sample in self.rows["sample_id"].to_pylist()]
        arrays = {2: found.joints_2d, 3: found.joints_3d}
        return {d: None if each is None else each[order] for d, each in arrays.items()}

    def sample_errors(self, metric: str) -> np.ndarray | None:
        """A metric of each sample, [N], in the order of `rows`; None when it was not computed."""
        file = pq.ParquetFile(self.path.with_name(self.evaluation.samples_file))
        if metric not in file.schema_arrow.names:
            return None
        return file.read([metric])[metric].to_numpy()


@dataclass(frozen=True)
class Training:
    """A training run.

    Attributes:
        label: Name of the folder, with its run where there are several.
        run: Name of its run; empty when the report is about one run.
        config_yaml: Its configuration.
        record: What train.json says.
        figures: What figures.json says of the model's cost; empty when it was not measured.
        losses: Curve name to (steps, values); empty when nothing was trained.
    """

    label: str
    run: str
    config_yaml: str
    record: dict[str, Any]
    figures: dict[str, Any]
    losses: dict[str, tuple[np.ndarray, np.ndarray]]

    @property
    def facts(self) -> dict[str, Any]:
        """The texts and numbers of the record's top level and of the figures."""
        known = self.record | self.figures
        return {key: value for key, value in known.items() if isinstance(value, str | int | float)}

    @property
    def config(self) -> dict[str, Any]:
        """The recipe as the record has it."""
        return self.record.get("config") or {}

    @property
    def checkpoint_sha256(self) -> str | None:
        """Digest of the trained model; None when the record does not say."""
        return self.record.get("checkpoint_sha256")

    @property
    def anchor(self) -> str:
        """Where the page has its configuration."""
        return anchor("training", self.label)

    @property
    def stem(self) -> str:
        """The label without the seed by which repeats are told apart."""
        return self.label.removesuffix(f"-s{self.config.get('seed')}")


def read_scored(inputs: ReportInput) -> list[Scored]:
    """Reads the results and finds the files they name, also when folders were moved.

    Raises:
        InputError: A file is missing, damaged, or not the one that was scored.
    """
    names = _run_names(inputs)
    by_digest = {_digest(path): path for path in inputs.predictions}
    manifests = [Manifest.open(str(root)) for root in inputs.datasets]
    data_names = _data_names(manifests)
    found = []
    for path in dict.fromkeys(inputs.evaluations):
        evaluation = read_evaluation(path)
        origin = evaluation.provenance
        predictions = by_digest.get(origin.predictions_sha256)
        if predictions is None:
            raise InputError(
                f"{path}: scored {origin.predictions}, expected that file, unchanged, among the "
                "predictions given."
            )
        identity = (origin.data_name, origin.data_recipe_digest)
        same = [m for m in manifests if (m.info.name, m.info.recipe_digest) == identity]
        if not same:
            raise InputError(
                f"{path}: scored on {origin.data}, expected data set {origin.data_name!r} with the "
                "same recipe digest among the data sets given."
            )
        run, data_name = names[_run_folder(path)], data_names[identity]
        found.append(Scored(evaluation, path, predictions, same[0], run, data_name))
    return found


def read_trainings(inputs: ReportInput) -> list[Training]:
    """Reads the training runs.

    Raises:
        InputError: A folder or one of its files is missing or damaged.
    """
    names = _run_names(inputs)
    return [
        _read_training(folder, names[_run_folder(folder)]) for folder in dict.fromkeys(inputs.runs)
    ]


def _read_training(folder: Path, run: str) -> Training:
    try:
        config_yaml = (folder / "config.yaml").read_text()
        record = dict(json.loads((folder / "train.json").read_text()))
        figures = folder / "figures.json"
        measured = dict(json.loads(figures.read_text())) if figures.exists() else {}
        losses = _read_losses(folder / "loss.csv") if (folder / "loss.csv").exists() else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: not a training run, expected config.yaml, train.json and loss.csv with "
            f"step, train_loss and validation_loss ({error!r})."
        ) from error
    return Training(_label(run, folder.name), run, config_yaml, record, measured, losses)


def _label(run: str, name: str) -> str:
    return f"{run} · {name}" if run else name


def _run_folder(path: Path) -> Path:
    """The run that holds RUN/evaluation/x.json or RUN/models/x."""
    return path.resolve().parent.parent


def _run_names(inputs: ReportInput) -> dict[Path, str]:
    """A name of its own for each run folder; empty when there is one."""
    folders = {_run_folder(path) for path in (*inputs.evaluations, *inputs.runs)}
    if len(folders) < 2:
        return dict.fromkeys(folders, "")
    common = Path(os.path.commonpath(folders))
    return {
        folder: folder.name if folder == common else str(folder.relative_to(common))
        for folder in folders
    }


def _data_names(manifests: Iterable[Manifest]) -> dict[tuple[str, str | None], str]:
    """Names of the data sets by name and recipe digest; the digest stands in those that clash."""
    shown = {(m.info.name, m.info.recipe_digest): shown_name(m.info) for m in manifests}
    count = Counter(name for name, _ in shown)
    return {
        (name, digest): title if count[name] == 1 else f"{title} {(digest or 'undigested')[:12]}"
        for (name, digest), title in shown.items()
    }


def _digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read, expected predictions (Parquet).") from error


def _read_losses(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    curves = {}
    for name, column in (("training", "train_loss"), ("validation", "validation_loss")):
        points = [(float(row["step"]), float(row[column])) for row in rows if row[column]]
        if points:
            curves[name] = tuple(np.array(points).T)
    return curves
