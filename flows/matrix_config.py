"""The configuration of a matrix: which models on which test sets, in a YAML file."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, model_validator

from flows.model_recipe import Splits
from flows.recipes import FILE_NAME, RealData
from flows.validation import parse, read_yaml
from training.config import TrainConfig


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MatrixRow(_Part):
    """A row: a model that was trained, or one to train."""

    checkpoint: Path | None = Field(default=None, description="File that training wrote.")
    train: TrainConfig | None = Field(default=None, description="How to train it instead.")
    data: Splits | None = Field(
        default=None,
        description="What to train it on: ROOT[:SPLIT][@weight=W][@labels=2d] each.",
    )
    validation: Splits | None = Field(
        default=None, description="ROOT[:SPLIT] each, whose loss is watched while it learns."
    )
    seeds: tuple[NonNegativeInt, ...] = Field(
        default=(),
        description="Train once with each; they share a row with the mean and the spread.",
    )
    label: str = Field(
        default="",
        description="Name of the row; the training's label or the checkpoint's folder if empty.",
    )

    @model_validator(mode="after")
    def _either(self) -> MatrixRow:
        if (self.checkpoint is None) == (self.train is None):
            raise ValueError("expected either checkpoint or train")
        if self.train is not None and not self.data:
            raise ValueError("data is missing, expected ROOT[:SPLIT] to train on")
        given = [name for name in ("data", "validation", "seeds") if getattr(self, name)]
        if self.checkpoint is not None and given:
            raise ValueError(f"{given[0]} is given, expected it only with train")
        return self

    @property
    def name(self) -> str:
        """Name of the row."""
        trained = self.train.label if self.train else ""
        folder = self.checkpoint.resolve().parent.name if self.checkpoint else ""
        return self.label or trained or folder

    @property
    def is_named_by_folder(self) -> bool:
        """Whether nobody wrote its name."""
        return self.checkpoint is not None and not self.label

    def trainings(self) -> dict[str, TrainConfig]:
        """What is to be trained, by label: one, or one a seed."""
        if self.train is None:
            return {}
        repeats = {f"{self.name}-s{seed}": seed for seed in self.seeds}
        wanted = repeats or {self.name: self.train.seed}
        return {
            label: self.train.model_copy(update={"label": label, "seed": seed})
            for label, seed in wanted.items()
        }


class MatrixColumn(_Part):
    """A column: a test set."""

    data: str | None = Field(default=None, description="ROOT[:SPLIT] of a manifest.")
    real: RealData | None = Field(
        default=None, description="Original files of a public data set; missing when absent."
    )
    protocol: str | None = Field(default=None, description="Rules of scoring; null: its own.")
    label: str = Field(default="", description="Heading, if not the data set's name.")

    @model_validator(mode="after")
    def _either(self) -> MatrixColumn:
        if (self.data is None) == (self.real is None):
            raise ValueError("expected either data or real")
        return self


class MatrixConfig(_Part):
    """Models and test sets: each of the one is scored on each of the other."""

    rows: tuple[MatrixRow, ...] = Field(min_length=1, description="Models.")
    columns: tuple[MatrixColumn, ...] = Field(min_length=1, description="Test sets.")
    metrics: tuple[str, ...] = Field(
        default=(), description="Ids of the metrics, a matrix each; some of each kind if empty."
    )
    remembered: bool = Field(
        default=False,
        description="Also show published numbers that nobody looked up, each called so.",
    )

    @model_validator(mode="after")
    def _labels_name_files(self) -> MatrixConfig:
        seen: set[str] = set()
        for number, row in enumerate(self.rows):
            if row.is_named_by_folder and not (row.checkpoint and row.checkpoint.is_file()):
                # There is no such model, which is what its reader says.
                continue
            hint = "; it is the checkpoint's folder, set label" if row.is_named_by_folder else ""
            for label in (*row.trainings(), *_shared(row)):
                if not re.fullmatch(FILE_NAME, label):
                    raise ValueError(f"rows.{number}: label {label!r} is not a file name{hint}")
                if label in seen:
                    raise ValueError(
                        f"rows.{number}: label {label!r} occurs twice, expected unique labels{hint}"
                    )
                seen.add(label)
        return self

    @model_validator(mode="after")
    def _metrics_known(self) -> MatrixConfig:
        from evaluation.metrics import METRICS

        for name in self.metrics:
            if name not in METRICS:
                raise ValueError(f"metrics names {name!r}, expected some of {', '.join(METRICS)}")
        return self


def load_matrix(path: Path) -> MatrixConfig:
    """Reads the configuration of a matrix.

    Raises:
        InputError: It is missing or not YAML, or a field is unknown or wrong.
    """
    return parse(MatrixConfig, read_yaml(path), str(path))


def _shared(row: MatrixRow) -> list[str]:
    """Its name where that is not one of a training's."""
    return [] if row.name in row.trainings() else [row.name]
