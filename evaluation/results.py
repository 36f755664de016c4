"""Result files: what evaluating writes and everything after it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.protocols import Protocol
from mano_assets.errors import InputError
from render.manifest.predictions import PredictionInfo

Breakdown = Literal["joint", "state", "hardness"]
CurveName = Literal["pck_2d", "pck_3d"]


class Score(BaseModel):
    """One metric's value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float = Field(description="The metric.")
    low: float = Field(description="Lower end of its confidence interval.")
    high: float = Field(description="Upper end of its confidence interval.")
    unit: str = Field(description="Unit; empty for a ratio.")
    n: int = Field(description="Samples that took part.")
    definition: str = Field(description="What exactly the number is.")


class Group(BaseModel):
    """The scores of some of the joints or samples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Joint, joint state or range of hardness.")
    n: int = Field(description="Samples of which at least one joint takes part.")
    num_joints: int = Field(description="Joints that take part, over all samples.")
    metrics: dict[str, Score] = Field(description="Score of each metric, by id.")


class Curve(BaseModel):
    """A share of joints over thresholds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(description="What is drawn, for a heading.")
    unit: str = Field(description="Unit of the thresholds; empty for shares of the hand's size.")
    thresholds: list[float] = Field(description="Ascending.")
    shares: list[float] = Field(description="Share of the counted joints within each.")
    definition: str = Field(description="What exactly is drawn.")


class Provenance(BaseModel):
    """Where a result came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    predictions: str = Field(description="The predictions file.")
    predictions_sha256: str = Field(description="Its digest.")
    prediction_info: PredictionInfo = Field(description="What it says about itself.")
    data: str = Field(description="Root of the data set scored on.")
    data_name: str = Field(description="Its name.")
    data_recipe_digest: str | None = Field(description="Its recipe digest.")


class Evaluation(BaseModel):
    """A result file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Protocol = Field(description="How it was scored.")
    split: str | None = Field(description="Split scored on; null for all.")
    n: int = Field(description="Samples scored.")
    metrics: dict[str, Score] = Field(description="Score of each metric, by id.")
    skipped: dict[str, str] = Field(description="Metrics without a score, and why.")
    breakdowns: dict[Breakdown, list[Group]] = Field(
        default_factory=dict,
        description="Scores by joint, by state and by hardness; keys joint, state, hardness. "
        "What cannot be told apart has no key.",
    )
    curves: dict[CurveName, Curve] = Field(
        default_factory=dict, description="PCK over thresholds; keys pck_2d, pck_3d."
    )
    warnings: list[str] = Field(
        default_factory=list, description="What looks wrong but could be scored, a sentence each."
    )
    interval: str = Field(description="What the intervals are.")
    samples_file: str = Field(description="Parquet of each sample's errors, beside this file.")
    provenance: Provenance = Field(description="Where it came from.")


def read_evaluation(path: Path) -> Evaluation:
    """Reads a result file.

    Raises:
        InputError: It is missing or not a result of `evaluate`.
    """
    try:
        return Evaluation.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected a result of evaluate.") from error
    except ValidationError as error:
        first = error.errors()[0]
        problem = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
        raise InputError(f"{path}: not a result of evaluate ({problem}).") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a result of evaluate ({error}).") from error
