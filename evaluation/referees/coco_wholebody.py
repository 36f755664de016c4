"""Average precision and recall of COCO-WholeBody's hands (Jin et al., ECCV 2020).

COCO's keypoint evaluation over one hand of each person (jin-s13/xtcocoapi, cocoeval.py, iouType
keypoints_lefthand or keypoints_righthand):

* Object keypoint similarity, OKS, is the mean of exp(-d^2 / (2 s^2 (2 sigma)^2)) over the joints
  with v > 0, d in px. s^2 is the *person's* segment area, not the hand's.
* A person whose hand has no such joint, or who is a crowd, is ignored: what is matched to it counts
  neither way. The similarity to a hand without joints comes from the distance to the person's box,
  doubled.
* Results whose hand has no joint with v > 0 are skipped. The others are sorted by the hand's own
  score, or the person's where there is none, and the best 20 of an image count.
* Precision is interpolated at 101 recalls and averaged over similarities 0.50, 0.55, ..., 0.95;
  recall is averaged over the same.
* Ranges of area are the person's too: medium from 32^2 to 96^2, large above. A result outside the
  range that matches nobody is ignored; its area is its box's, or its body keypoints'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

HAND_SIGMAS = np.array([
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024,
    0.022, 0.026, 0.017, 0.021, 0.021, 0.032, 0.020, 0.019, 0.022, 0.031,
])  # fmt: skip
"""Of either hand, in hand21's order (jin-s13/COCO-WholeBody, evaluation/myeval_lefthand.py)."""

SIMILARITIES = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MAX_RESULTS = 20
AREAS_PX = {"": (0.0, 1e10), "_medium": (32.0**2, 96.0**2), "_large": (96.0**2, 1e10)}

_NONE = -1


@dataclass(frozen=True)
class _Image:
    """One image's G persons and D results, the best first.

    Attributes:
        similarity: [D, G].
        scores: [D].
        result_areas: px^2, [D].
        person_areas: px^2, [G].
        ignored: Persons that do not count, [G].
        crowds: Persons that may be matched again and again, [G].
    """

    similarity: np.ndarray
    scores: np.ndarray
    result_areas: np.ndarray
    person_areas: np.ndarray
    ignored: np.ndarray
    crowds: np.ndarray


def score_hands(
    annotations: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], side: str
) -> dict[str, float]:
    """AP and AR of one hand; see the module for the rules.

    Args:
        annotations: Persons as in the annotation file.
        results: Persons as in a result file.
        side: right or left, the person's own.

    Returns:
        ap, ap50, ap75, ap_medium, ap_large, and the same of ar. -1, as the official code has it,
        where no person counts.
    """
    persons, found = defaultdict(list), defaultdict(list)
    for person in annotations:
        persons[person["image_id"]].append(person)
    for result in results:
        if (hand_keypoints(result, side)[:, 2] > 0).any():
            found[result["image_id"]].append(result)
    images = [
        _compare(persons[number], found[number], side) for number in sorted({*persons, *found})
    ]
    scores: dict[str, dict[str, float]] = {"ap": {}, "ar": {}}
    for name, limits in AREAS_PX.items():
        precision, recall = _precision_and_recall(images, limits)
        for metric, values in (("ap", precision), ("ar", recall)):
            scores[metric][name] = float(values.mean())
            if not name:
                for level in (50, 75):
                    chosen = np.isclose(SIMILARITIES, level / 100)
                    scores[metric][str(level)] = float(values[chosen].mean())
    order = ("", "50", "75", "_medium", "_large")
    return {f"{metric}{name}": scores[metric][name] for metric in scores for name in order}


def result_score(result: Mapping[str, Any], side: str) -> float:
    """What results are sorted by: the hand's score, or the person's."""
    return float(result.get(f"{side}hand_score", result.get("score")))  # type: ignore[arg-type]


def result_box(result: Mapping[str, Any]) -> np.ndarray:
    """x, y, width, height: the result's own, or that of its body keypoints, unseen ones too."""
    if result.get("bbox"):
        return np.array(result["bbox"], dtype=np.float64)
    body = np.reshape(np.array(result["keypoints"], dtype=np.float64), (-1, 3))[:, :2]
    low, high = body.min(0), body.max(0)
    return np.concatenate([low, high - low])


def hand_keypoints(person: Mapping[str, Any], side: str) -> np.ndarray:
    """x, y, v of a hand of an annotation or a result, [21, 3]."""
    return np.reshape(np.array(person[f"{side}hand_kpts"], dtype=np.float64), (-1, 3))


def _compare(
    persons: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], side: str
) -> _Image:
    scores = np.array([result_score(result, side) for result in results])
    best = np.argsort(-scores, kind="stable")[:MAX_RESULTS]
    joints = np.array([hand_keypoints(results[n], side)[:, :2] for n in best])
    joints = joints.reshape(-1, len(HAND_SIGMAS), 2)
    similarity = np.zeros((len(best), len(persons)))
    ignored = np.zeros(len(persons), bool)
    for g, person in enumerate(persons):
        truth = hand_keypoints(person, side)
        labelled = truth[:, 2] > 0
        ignored[g] = bool(person["iscrowd"]) or not labelled.any()
        if labelled.any():
            offset = (joints - truth[:, :2])[:, labelled]
            sigmas = HAND_SIGMAS[labelled]
        else:
            corner, size = np.array(person["bbox"], dtype=np.float64).reshape(2, 2)
            low, high = corner - size, corner + 2 * size
            offset = np.maximum(0, low - joints) + np.maximum(0, joints - high)
            sigmas = HAND_SIGMAS
        variance = (2 * sigmas) ** 2
        exponent = (offset**2).sum(-1) / variance / (person["area"] + np.spacing(1)) / 2
        similarity[:, g] = np.exp(-exponent).mean(-1)
    return _Image(
        similarity=similarity,
        scores=scores[best],
        result_areas=np.array([result_box(results[n])[2:].prod() for n in best]),
        person_areas=np.array([person["area"] for person in persons], dtype=np.float64),
        ignored=ignored,
        crowds=np.array([bool(person["iscrowd"]) for person in persons], dtype=bool),
    )


def _precision_and_recall(
    images: Sequence[_Image], limits: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolated precision [10, 101] and recall [10] of persons in a range of area."""
    low, high = limits
    hits, misses, scores, num_persons = [], [], [], 0
    for image in images:
        ignored = image.ignored | (image.person_areas < low) | (image.person_areas > high)
        num_persons += int((~ignored).sum())
        matched = np.array(
            [_match(image, ignored, at_least) for at_least in SIMILARITIES], dtype=np.int64
        ).reshape(len(SIMILARITIES), len(image.scores))
        found = matched != _NONE
        outside = (image.result_areas < low) | (image.result_areas > high)
        skipped = found & np.append(ignored, False)[matched] | ~found & outside
        hits.append(found & ~skipped)
        misses.append(~found & ~skipped)
        scores.append(image.scores)
    if not num_persons:
        return np.full((len(SIMILARITIES), len(RECALLS)), -1.0), np.full(len(SIMILARITIES), -1.0)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    num_hits = np.concatenate(hits, axis=1)[:, order].cumsum(1).astype(np.float64)
    num_misses = np.concatenate(misses, axis=1)[:, order].cumsum(1)
    precision = np.zeros((len(SIMILARITIES), len(RECALLS)))
    recall = np.zeros(len(SIMILARITIES))
    if order.size:
        recall = num_hits[:, -1] / num_persons
        ratio = num_hits / (num_hits + num_misses + np.spacing(1))
        envelope = np.maximum.accumulate(ratio[:, ::-1], axis=1)[:, ::-1]
        for t, curve in enumerate(num_hits / num_persons):
            place = np.searchsorted(curve, RECALLS)
            precision[t] = np.append(envelope[t], 0.0)[place]
    return precision, recall


def _match(image: _Image, ignored: np.ndarray, at_least: float) -> list[int]:
    """The person each result is given to, the best result first; `_NONE` for nobody.

    A result takes the person most similar to it who is still free; of equals the later one. One
    that is ignored is taken only if no other will do.
    """
    free = np.ones(len(ignored), bool)
    matched = []
    for similarity in image.similarity:
        candidates = (free | image.crowds) & (similarity >= min(at_least, 1 - 1e-10))
        counted = candidates & ~ignored
        choice = np.flatnonzero(counted if counted.any() else candidates)
        if not choice.size:
            matched.append(_NONE)
            continue
        best = choice[::-1][np.argmax(similarity[choice[::-1]])]
        free[best] = False
        matched.append(int(best))
    return matched
