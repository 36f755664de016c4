"""COCO-WholeBody's result file: a list of persons, each with both hands (data_format.md).

A person has `image_id`, `category_id`, `score`, `keypoints` of the body, `lefthand_kpts` and
`righthand_kpts` ([x, y, v] * 21 in hand21's order), feet, face, and often `lefthand_score` and
`righthand_score`. Coordinates count pixels from 0 and mean their centres, half a pixel less than
ours.

* Nothing says which annotation a person is about. When a file is read, the persons of an image are
  given to its annotations so that their boxes overlap most (intersection over union, in sum); the
  box is the person's `bbox`, or that of its body keypoints. The hands' labels play no part in it.
* When one is written, there is a person for each annotation with a predicted hand. Body, feet and
  face, and a hand that was not predicted, have v = 0 throughout: the official evaluation skips
  them. `bbox` is the annotation's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluation.datasets.coco_wholebody import annotation_files
from evaluation.prediction_checks import refuse_not_finite
from evaluation.prediction_formats.coco_persons import (
    PERSON,
    Annotations,
    read_annotations,
    read_results,
)
from evaluation.prediction_formats.target import Target, check_joints, imported_info, rows_of
from evaluation.referees.coco_wholebody import hand_keypoints, result_box, result_score
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES
from render.manifest.conventions import PIXEL_CENTRE
from render.manifest.predictions import Predictions, read_predictions
from render.manifest.writing import write_atomically

_OTHER_PARTS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68}
"""Joints of what a hand model says nothing of."""


def read(path: Path, target: Target, label: str | None) -> tuple[Predictions, list[str]]:
    """Reads a result file.

    Returns:
        Predictions in the target's order, with the hands' scores, and warnings.

    Raises:
        InputError: It is not such a file, a hand of the target has no prediction, or its numbers
            cannot be meant.
    """
    annotations = target_annotations(target)
    results = read_results(path, annotations)
    given = _assign(results, annotations.persons)
    joints = np.full((len(target.sample_ids), HAND21.num_joints, 2), np.nan)
    scores = np.full(len(target.sample_ids), np.nan)
    missing = []
    for row, sample in enumerate(target.sample_ids):
        number, side = split_sample_id(target.data, sample)
        keypoints = hand_keypoints(given[number], side) if number in given else None
        if keypoints is None or not (keypoints[:, 2] > 0).any():
            missing.append(sample)
            continue
        joints[row] = keypoints[:, :2] + PIXEL_CENTRE
        scores[row] = result_score(given[number], side)
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of the {len(joints)} hands of {target.data} have no "
            f"prediction, {missing[0]!r} among them; expected all."
        )
    warnings = check_joints(path, joints, target)
    if len(given) < len(results):
        warnings.append(f"{len(results) - len(given)} of {len(results)} persons are left out.")
    info = imported_info(path, target, label)
    return Predictions(info, target.sample_ids, joints_2d=joints, score=scores), warnings


def write(predictions_file: Path, target: Target, out: Path) -> list[str]:
    """Writes a result file; a hand without a score has 1.

    Returns:
        Warnings.

    Raises:
        InputError: The predictions are not about all the samples, hold no joints in the image, or
            numbers that cannot be meant.
    """
    predictions = read_predictions(predictions_file)
    if predictions.joints_2d is None:
        raise InputError(f"{predictions_file}: holds no joints_2d, which the results are made of.")
    rows = rows_of(predictions_file, predictions, target)
    warnings = check_joints(predictions_file, predictions.joints_2d[rows], target)
    results = results_of(predictions_file, predictions, target_annotations(target))
    write_atomically(out, json.dumps(results).encode())
    return warnings


def results_of(
    path: Path, predictions: Predictions, annotations: Annotations
) -> list[dict[str, Any]]:
    """Persons as in a result file, in the annotations' order.

    Args:
        path: File to name.
        predictions: With joints_2d, keyed by the adapter's ids.
        annotations: Of the same split.

    Raises:
        InputError: There are no joints in the image, some are not finite, an id is not in the
            annotations or there twice, or a score is not finite.
    """
    joints_px = predictions.joints_2d
    if joints_px is None:
        raise InputError(f"{path}: holds no joints_2d, which the results are made of.")
    every = np.ones(joints_px.shape[:2], bool)
    refuse_not_finite(path, 2, predictions.sample_ids, joints_px, every)
    scores = predictions.score
    if scores is None:
        scores = np.ones(len(predictions.sample_ids))
    elif not np.isfinite(scores).all():
        raise InputError(f"{path}: some scores are not finite, expected numbers or none.")
    hands: dict[int, dict[str, tuple[np.ndarray, float]]] = defaultdict(dict)
    for row, sample in enumerate(predictions.sample_ids):
        number, side = split_sample_id(path, sample)
        if number not in annotations.persons:
            raise InputError(f"{path}: sample_id {sample!r} is not in {annotations.path}.")
        if side in hands[number]:
            raise InputError(f"{path}: sample_id {sample!r} occurs twice, expected unique ids.")
        hands[number][side] = (joints_px[row] - PIXEL_CENTRE, float(scores[row]))
    results = []
    for number, person in annotations.persons.items():
        if number not in hands:
            continue
        result = {
            "image_id": person["image_id"], "category_id": PERSON, "bbox": person["bbox"],
            "score": max(score for _, score in hands[number].values()),
            **{part: [0.0] * (3 * count) for part, count in _OTHER_PARTS.items()},
        }  # fmt: skip
        for side in HAND_SIDES:
            keypoints, score = np.zeros((HAND21.num_joints, 3)), 0.0
            if side in hands[number]:
                joints, score = hands[number][side]
                keypoints = np.column_stack([joints, np.ones(HAND21.num_joints)])
            result[f"{side}hand_kpts"] = keypoints.ravel().tolist()
            result[f"{side}hand_score"] = score
        results.append(result)
    return results


def target_annotations(target: Target) -> Annotations:
    """The annotations that a target's samples are from.

    Raises:
        InputError: No folder was given, or a file is missing or damaged.
    """
    if target.root is None:
        raise InputError(
            "root: missing, expected the folder of COCO-WholeBody as distributed: its annotation "
            "file says which image a person is in."
        )
    splits = sorted({sample.split("-")[0] for sample in target.sample_ids})
    if len(splits) != 1:
        raise InputError(f"{target.data}: holds splits {', '.join(splits)}, expected one.")
    return read_annotations(annotation_files(target.root, splits[0])[0])


def split_sample_id(what: str | Path, sample: str) -> tuple[int, str]:
    """The annotation's id and the side, from SPLIT-ANNOTATION-SIDE.

    Raises:
        InputError: It is no such id.
    """
    parts = sample.split("-")
    if len(parts) != 3 or not parts[1].isdigit() or parts[2] not in HAND_SIDES:
        raise InputError(
            f"{what}: sample_id {sample!r} is none of COCO-WholeBody's, expected "
            "SPLIT-ANNOTATION-SIDE."
        )
    return int(parts[1]), parts[2]


def _assign(
    results: Sequence[Mapping[str, Any]], annotated: Mapping[int, Mapping[str, Any]]
) -> dict[int, Mapping[str, Any]]:
    """Each annotation's person, by id; see the module."""
    found, persons = defaultdict(list), defaultdict(list)
    for result in results:
        found[result["image_id"]].append(result)
    for number, person in annotated.items():
        persons[person["image_id"]].append(number)
    given = {}
    for image_id, candidates in found.items():
        numbers = persons[image_id]
        boxes = np.array([annotated[n]["bbox"] for n in numbers], dtype=np.float64)
        overlap = _overlap(np.array([result_box(r) for r in candidates]), boxes)
        for chosen, place in zip(*linear_sum_assignment(overlap, maximize=True), strict=True):
            if overlap[chosen, place] > 0:
                given[numbers[place]] = candidates[chosen]
    return given


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes x, y, width, height, [A, 4] x [B, 4] -> [A, B]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    shared = np.maximum(high - low, 0).prod(-1)
    union = first[:, None, 2:].prod(-1) + second[None, :, 2:].prod(-1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
