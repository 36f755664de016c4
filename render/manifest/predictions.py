"""Predictions: a Parquet file keyed by sample id.

It is the only thing that passes from training to evaluation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.reading import check_columns, column_array
from render.manifest.schema import vector_column

NUM_VERTICES = 778
"""Of MANO's mesh."""

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        vector_column("joints_2d", 2 * HAND21.num_joints, "Continuous px of the whole image"),
        vector_column("joints_3d", 3 * HAND21.num_joints, "Camera frame, metres"),
        vector_column("vertices_3d", 3 * NUM_VERTICES, "MANO's, camera frame, metres"),
        pa.field("score", pa.float64(), metadata={"doc": "Confidence that this is a hand"}),
        pa.field(
            "right_probability", pa.float64(), metadata={"doc": "That the hand is a right one"}
        ),
    ]
)
"""What a system does not give is null."""

OPTIONAL_COLUMNS = ("vertices_3d", "score", "right_probability")
"""May be absent from a file."""

_METADATA_KEY = b"handforge"


class PredictionInfo(BaseModel):
    """Where predictions came from, stored in the file's metadata."""

    model_config = ConfigDict(extra="forbid")

    skeleton: str = Field(default=HAND21.name, description="Joint set and order.")
    system: str = Field(description="Model system, such as simplebaseline.")
    label: str = Field(description="Name of the trained model shown in reports.")
    checkpoint: str = Field(description="Path of the checkpoint.")
    checkpoint_sha256: str = Field(description="Digest of the checkpoint file.")
    train_data: list[str] = Field(default_factory=list, description="ROOT:SPLIT it learned from.")
    train_recipe_digests: list[str] = Field(
        default_factory=list, description="Recipe digests of that data."
    )
    data: str = Field(description="Root of the data set predicted on.")
    data_name: str = Field(description="Its name.")
    data_recipe_digest: str | None = Field(default=None, description="Its recipe digest.")
    split: str | None = Field(default=None, description="Split predicted on; null for all.")


@dataclass(frozen=True)
class Predictions:
    """What a system says of the samples of a data set; None for what it does not give.

    Attributes:
        info: Provenance.
        sample_ids: Keys, [N].
        joints_2d: Continuous px, [N, 21, 2].
        joints_3d: Camera frame, metres, [N, 21, 3].
        vertices_3d: MANO's vertices, camera frame, metres, [N, 778, 3].
        score: Confidence that this is a hand, [N].
        right_probability: Probability that the hand is a right one, [N].
    """

    info: PredictionInfo
    sample_ids: list[str]
    joints_2d: np.ndarray | None = None
    joints_3d: np.ndarray | None = None
    vertices_3d: np.ndarray | None = None
    score: np.ndarray | None = None
    right_probability: np.ndarray | None = None


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Writes predictions; the file is replaced as a whole."""
    num_samples = len(predictions.sample_ids)

    def column(field: pa.Field) -> pa.Array:
        values = getattr(predictions, field.name)
        if values is None:
            return pa.nulls(num_samples, field.type)
        flat = np.asarray(values, dtype=np.float64).reshape(num_samples, -1)
        if not pa.types.is_list(field.type):
            return pa.array(flat[:, 0])
        offsets = np.arange(num_samples + 1, dtype=np.int32) * flat.shape[1]
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.ravel()))

    table = pa.table(
        [pa.array(predictions.sample_ids, pa.string()), *map(column, list(PREDICTION_SCHEMA)[1:])],
        schema=PREDICTION_SCHEMA.with_metadata({_METADATA_KEY: predictions.info.model_dump_json()}),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def read_predictions(path: Path) -> Predictions:
    """Reads predictions.

    Raises:
        InputError: The file is missing, damaged or not predictions.
    """
    try:
        table = pq.ParquetFile(path).read()
        info = PredictionInfo.model_validate(json.loads(table.schema.metadata[_METADATA_KEY]))
        for name in set(OPTIONAL_COLUMNS) - set(table.column_names):
            field = PREDICTION_SCHEMA.field(name)
            table = table.append_column(field, pa.nulls(len(table), field.type))
        check_columns(table, PREDICTION_SCHEMA)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected predictions (Parquet).") from error
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise InputError(f"{path}: not a predictions file ({what}).") from error
    except (pa.ArrowInvalid, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a predictions file ({str(error).rstrip('.')}).") from error

    def array(name: str, *shape: int) -> np.ndarray | None:
        known = table[name].null_count < table.num_rows
        return column_array(table, name, *shape) if known else None

    def numbers(name: str) -> np.ndarray | None:
        known = table[name].null_count < table.num_rows
        return table[name].to_numpy().astype(np.float64) if known else None

    return Predictions(
        info=info,
        sample_ids=table["sample_id"].to_pylist(),
        joints_2d=array("joints_2d", HAND21.num_joints, 2),
        joints_3d=array("joints_3d", HAND21.num_joints, 3),
        vertices_3d=array("vertices_3d", NUM_VERTICES, 3),
        score=numbers("score"),
        right_probability=numbers("right_probability"),
    )
