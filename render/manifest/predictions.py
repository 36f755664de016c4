"""Predictions: a Parquet file keyed by sample id.

It is the only thing that passes from training to evaluation.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.reading import check_columns, column_array
from render.manifest.schema import vector_column

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        vector_column("joints_2d", 2 * HAND21.num_joints, "Continuous px of the whole image"),
        vector_column("joints_3d", 3 * HAND21.num_joints, "Camera frame, metres"),
    ]
)
"""A system without 2D or 3D leaves that column null."""

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


def write_predictions(
    path: Path,
    info: PredictionInfo,
    sample_ids: list[str],
    joints_2d: np.ndarray | None,
    joints_3d: np.ndarray | None,
) -> None:
    """Writes predictions.

    Args:
        path: File to write, replaced as a whole.
        info: Provenance.
        sample_ids: Keys, [N].
        joints_2d: Continuous px, [N, 21, 2], or None for a system without.
        joints_3d: Camera frame, metres, [N, 21, 3], or None for a system without.
    """

    def column(values: np.ndarray | None) -> list[list[float] | None]:
        if values is None:
            return [None] * len(sample_ids)
        return np.asarray(values, dtype=np.float64).reshape(len(sample_ids), -1).tolist()

    table = pa.table(
        {"sample_id": sample_ids, "joints_2d": column(joints_2d), "joints_3d": column(joints_3d)},
        schema=PREDICTION_SCHEMA.with_metadata({_METADATA_KEY: info.model_dump_json()}),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def read_predictions(
    path: Path,
) -> tuple[PredictionInfo, list[str], np.ndarray | None, np.ndarray | None]:
    """Reads predictions.

    Returns:
        Provenance, sample ids [N], joints_2d [N, 21, 2] or None, joints_3d [N, 21, 3] or None.

    Raises:
        InputError: The file is missing, damaged or not predictions.
    """
    try:
        table = pq.ParquetFile(path).read()
        info = PredictionInfo.model_validate(json.loads(table.schema.metadata[_METADATA_KEY]))
        check_columns(table, PREDICTION_SCHEMA)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected predictions (Parquet).") from error
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise InputError(f"{path}: not a predictions file ({what}).") from error
    except (pa.ArrowInvalid, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a predictions file ({error}).") from error
    arrays = []
    for name, dimensions in (("joints_2d", 2), ("joints_3d", 3)):
        known = table[name].null_count < table.num_rows
        arrays.append(column_array(table, name, HAND21.num_joints, dimensions) if known else None)
    return info, table["sample_id"].to_pylist(), arrays[0], arrays[1]
