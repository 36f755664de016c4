"""COCO-WholeBody's evaluation of hands over the original files; see `coco_wholebody` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.datasets.coco_wholebody import annotation_files
from evaluation.prediction_checks import match_ids
from evaluation.prediction_formats.coco_persons import read_annotations, read_results
from evaluation.prediction_formats.coco_wholebody import results_of
from evaluation.referees.coco_wholebody import score_hands
from render.manifest import HAND_SIDES
from render.manifest.predictions import read_predictions


def referee_coco_wholebody(
    root: Path, split: str, predictions: Path
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Scores predictions on the hands of a split.

    Args:
        root: Folder of the data set as distributed.
        split: train or val.
        predictions: A result file; or our Parquet file, keyed by the adapter's ids.

    Returns:
        The numbers of `score_hands` by side, and warnings.

    Raises:
        InputError: A file is missing or damaged, or the numbers cannot be meant.
    """
    annotations = read_annotations(annotation_files(root, split)[0])
    persons = list(annotations.persons.values())
    warnings = []
    if predictions.suffix == ".parquet":
        found = read_predictions(predictions)
        expected = [
            f"{split}-{person['id']}-{side}"
            for person in persons
            for side in HAND_SIDES
            if _is_imported(person, side)
        ]
        match_ids(predictions, str(annotations.path), found.sample_ids, expected)
        results = results_of(predictions, found, annotations)
        warnings.append(
            "predicted are the hands that the data set says are there, so no detector is judged."
        )
    else:
        results = read_results(predictions, annotations)
    return {side: score_hands(persons, results, side) for side in HAND_SIDES}, warnings


def _is_imported(person: Mapping[str, Any], side: str) -> bool:
    """The adapter's rule: valid, labelled, in a box with an area, and no crowd."""
    v = person[f"{side}hand_kpts"][2::3]
    _, _, width, height = person[f"{side}hand_box"]
    valid = person[f"{side}hand_valid"] and not person["iscrowd"]
    return bool(valid and any(value > 0 for value in v) and width > 0 and height > 0)
