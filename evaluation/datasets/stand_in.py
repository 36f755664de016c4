"""The file that an export leaves: our own renders in a public layout are known by it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mano_assets.errors import InputError

EXPORT_FILE = "handforge_export.json"


class ExportRecord(BaseModel):
    """What was exported, and what became of it."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Public data set whose layout this is.")
    split: str = Field(description="Its split that was written.")
    data_name: str = Field(description="Name of the data set that was exported.")
    data_split: str | None = Field(description="Its split; None for all.")
    data_recipe_digest: str | None = Field(description="Digest of its recipe.")
    data_kind: Literal["synthetic", "real"] = Field(description="Rendered or recorded.")
    data_licence: str | None = Field(description="Its terms of use.")
    num_left_out: int = Field(description="Samples that the layout cannot hold.")
    sample_ids: list[str] = Field(description="Its samples in the order of the import.")


def read_export(root: Path) -> ExportRecord | None:
    """The record of an export, None where the folder is no export.

    Raises:
        InputError: It is damaged.
    """
    path = root / EXPORT_FILE
    if not path.exists():
        return None
    try:
        return ExportRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: damaged, expected what `handforge export` wrote.") from error
