"""The persons of COCO-WholeBody's annotation and result files, read and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.adapter import read_json
from evaluation.referees.coco_wholebody import hand_keypoints, result_box, result_score
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES

PERSON = 1
"""COCO's category."""


@dataclass(frozen=True)
class Annotations:
    """An annotation file.

    Attributes:
        path: The file.
        persons: By id, in the file's order.
        image_ids: Of all its images, those without persons too.
    """

    path: Path
    persons: Mapping[int, Mapping[str, Any]]
    image_ids: frozenset[int]


def read_results(path: Path, annotations: Annotations) -> list[dict[str, Any]]:
    """Reads a result file and looks at every entry.

    Args:
        path: File.
        annotations: What they are about.

    Raises:
        InputError: It is not such a file, or a person is of another image, there twice, or has
            hands that are not 21 joints of finite numbers.
    """
    results = read_json(path)
    if not isinstance(results, list) or not results:
        raise InputError(f"{path}: expected a list of persons, at least one.")
    for number, result in enumerate(results):
        wrong = _problem(result, annotations.image_ids)
        if wrong:
            raise InputError(f"{path}: person {number} {wrong}.")
    counts = Counter(
        (result["image_id"], *(tuple(result[f"{side}hand_kpts"]) for side in HAND_SIDES))
        for result in results
        if (_both_hands(result)[..., 2] > 0).any()
    )
    twice = next((key for key, count in counts.items() if count > 1), None)
    if twice is not None:
        raise InputError(
            f"{path}: image {twice[0]} has the same hands twice, expected each person once."
        )
    return results


def read_annotations(path: Path) -> Annotations:
    """Reads an annotation file.

    Raises:
        InputError: It is missing or not COCO-WholeBody's.
    """
    content = read_json(path)
    try:
        persons = {person["id"]: person for person in content["annotations"]}
        image_ids = frozenset(image["id"] for image in content["images"])
        for person in persons.values():
            _both_hands(person)
            numbers = [person["area"], person["iscrowd"], *person["bbox"]]
            if person["image_id"] not in image_ids or len(np.array(numbers, np.float64)) != 6:
                raise ValueError(f"annotation {person['id']}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not as COCO-WholeBody has them ({error!r}).") from error
    if len(persons) != len(content["annotations"]):
        raise InputError(f"{path}: annotation ids are there twice, expected unique ones.")
    return Annotations(path, persons, image_ids)


def _both_hands(person: Mapping[str, Any]) -> np.ndarray:
    """x, y, v, [2, 21, 3]."""
    hands = [hand_keypoints(person, side) for side in HAND_SIDES]
    return np.array(hands).reshape(len(HAND_SIDES), HAND21.num_joints, 3)


def _problem(result: Any, image_ids: frozenset[int]) -> str | None:
    """What is wrong with an entry of a result file."""
    if not isinstance(result, dict):
        return "is no object, expected one"
    if result.get("image_id") not in image_ids:
        return f"has image_id {result.get('image_id')!r}, expected one of the annotation file"
    if result.get("category_id") != PERSON:
        return f"has category_id {result.get('category_id')!r}, expected {PERSON}, a person"
    try:
        hands, box = _both_hands(result), result_box(result)
        scores = [result_score(result, side) for side in HAND_SIDES]
    except (KeyError, TypeError, ValueError) as error:
        return f"is not as expected, both hands' keypoints, a score and a box or body ({error!r})"
    if not (np.isfinite(hands).all() and np.isfinite(scores).all() and np.isfinite(box).all()):
        return "has numbers that are not finite, expected finite ones"
    return None
