"""The formats of prediction files by name, and reading and writing by that name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluation.prediction_formats import coco_wholebody, freihand
from evaluation.prediction_formats.target import Target, open_target
from mano_assets.errors import InputError
from render.manifest.predictions import Predictions, write_predictions


@dataclass(frozen=True)
class PredictionFormat:
    """A format of prediction files.

    Attributes:
        name: Its name on the command line.
        data_name: Public data set whose samples it is about.
        summary: What it is, in a few words.
        read: (file, target, label or None) to predictions and warnings.
        write: (predictions file, target, file to write) to warnings.
    """

    name: str
    data_name: str
    summary: str
    read: Callable[[Path, Target, str | None], tuple[Predictions, list[str]]]
    write: Callable[[Path, Target, Path], list[str]]


FORMATS: dict[str, PredictionFormat] = {
    found.name: found
    for found in (
        PredictionFormat(
            "freihand",
            "freihand",
            "FreiHAND's pred.json, also zipped",
            freihand.read,
            freihand.write,
        ),
        PredictionFormat(
            "coco-wholebody",
            "coco-wholebody",
            "COCO-WholeBody's results (JSON)",
            coco_wholebody.read,
            coco_wholebody.write,
        ),
    )
}


def read_format(
    name: str,
    file: Path,
    data: str,
    out: Path,
    root: Path | None = None,
    label: str | None = None,
) -> list[str]:
    """Reads a prediction file of a public data set into ours.

    Args:
        name: One of `FORMATS`.
        file: To read.
        data: ROOT[:SPLIT] of the manifest that it is about.
        out: Parquet file to write.
        root: Folder of the data set as distributed, where the format needs it.
        label: Name shown in reports; None for the file's.

    Returns:
        Warnings, a sentence each.

    Raises:
        InputError: Unknown format, another data set, or the file cannot be used.
    """
    known = _find(name)
    target = open_target(data, name, known.data_name, root)
    predictions, warnings = known.read(file, target, label)
    write_predictions(out, predictions)
    return warnings


def write_format(
    name: str, predictions: Path, data: str, out: Path, root: Path | None = None
) -> list[str]:
    """Writes predictions in the format of a public data set.

    Args:
        name: One of `FORMATS`.
        predictions: Parquet file.
        data: ROOT[:SPLIT] of the manifest that they are about.
        out: File to write.
        root: Folder of the data set as distributed, where the format needs it.

    Returns:
        Warnings, a sentence each.

    Raises:
        InputError: Unknown format, another data set, or the predictions cannot be used.
    """
    known = _find(name)
    return known.write(predictions, open_target(data, name, known.data_name, root), out)


def _find(name: str) -> PredictionFormat:
    if name not in FORMATS:
        raise InputError(f"format {name!r} is unknown, expected one of {', '.join(FORMATS)}.")
    return FORMATS[name]
