"""InterHand2.6M's official evaluation (Moon et al., ECCV 2020), over its annotation files.

What facebookresearch/InterHand2.6M's data/InterHand2.6M/dataset.py computes in `evaluate`:

* A hand whose wrist is not valid has no valid joint: its root-relative pose does not exist. Which
  joints are valid is the data file's word alone.
* MPJPE: both wrists are moved to the origin for each hand; distances of valid joints are averaged
  over the images for each of the 42 joints, then over the joints (macro). For all images, for those
  of a single hand, and for those of interacting hands.
* MRRPE: over interacting images with both wrists valid, the distance between the predicted and the
  true position of the left wrist relative to the right one.
* Handedness: the share of images, of those whose hand type is valid, of which both hands' presence
  is told right at 0.5.

What is different here: numbers are float64 rather than float32. Predictions are one hand each, in
absolute camera coordinates, so the roots need no RootNet, and depth is the system's own. An image's
handedness is right when each of its hands is called by its side: the crops tell which hands there
are, so it is easier than telling it from the image. Hands that the adapter leaves out for too few
joints have no prediction; they are left out here as well and counted. A joint without any valid
sample is left out of the mean, where the official code stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.adapter import read_json
from evaluation.datasets.interhand26m import JOINTS, MIN_VALID_JOINTS, MM_PER_M, annotation_files
from evaluation.metrics import Comparison
from evaluation.prediction_checks import (
    HandFacts,
    check_predictions,
    match_ids,
    refuse_not_finite,
)
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES
from render.manifest.predictions import Predictions, read_predictions

_TO_HAND21 = HAND21.order_from(JOINTS)

_KINDS = ("single", "interacting")


@dataclass(frozen=True)
class TrueHands:
    """An image's two hands, right before left.

    Attributes:
        image_id: Of the data file.
        kind: right, left or interacting.
        kind_valid: Whether the kind may be judged.
        joints_cam_m: hand21's joints in the camera frame, [2, 21, 3].
        valid: Joints that count, [2, 21].
        imported: Hands that the adapter makes a sample of, [2].
    """

    image_id: int
    kind: str
    kind_valid: bool
    joints_cam_m: np.ndarray
    valid: np.ndarray
    imported: np.ndarray


def read_true_hands(root: Path, split: str) -> list[TrueHands]:
    """Reads the annotation files of a split.

    Raises:
        InputError: A file is missing or not InterHand2.6M's.
    """
    data, cameras, joints_3d = (read_json(path) for path in annotation_files(root, split))
    data_file = annotation_files(root, split)[0]
    try:
        images = {image["id"]: image for image in data["images"]}
        annotations = data["annotations"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{data_file}: expected lists 'images' and 'annotations'.") from error
    hands = []
    for annotation in annotations:
        try:
            image = images[annotation["image_id"]]
            capture = str(image["capture"])
            frame = joints_3d[capture][str(image["frame_idx"])]
            hands.append(_true_hands(annotation, image, cameras[capture], frame))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"{data_file}: annotation {annotation.get('id')} and its entries in the camera and "
                f"joint_3d files are not as InterHand2.6M has them ({error!r})."
            ) from error
    return hands


def referee_interhand26m(
    root: Path, split: str, predictions: Path
) -> tuple[dict[str, float], list[str]]:
    """Scores predictions on a split.

    Args:
        root: Folder of the data set as distributed; its images are not needed.
        split: train, val or test.
        predictions: Our Parquet file, keyed by the adapter's ids.

    Returns:
        As `score_interhand`, and warnings.

    Raises:
        InputError: A file is missing or damaged; a sample is missing, unknown or there twice; or
            the numbers cannot be meant.
    """
    hands = read_true_hands(root, split)
    found = read_predictions(predictions)
    if found.joints_3d is None:
        raise InputError(f"{predictions}: holds no joints_3d, which the evaluation is about.")
    imported = [
        (sample_id(split, image.image_id, side), image, half)
        for image in hands
        for half, side in enumerate(HAND_SIDES)
        if image.imported[half]
    ]
    where, ids = str(annotation_files(root, split)[0]), [sample for sample, _, _ in imported]
    rows = match_ids(predictions, where, found.sample_ids, ids)
    joints_cam_m, right = found.joints_3d[rows], found.right_probability
    every = np.ones(joints_cam_m.shape[:2], bool)
    refuse_not_finite(predictions, 3, ids, joints_cam_m, every)
    unknown = np.full((len(ids), 4), np.nan)
    pair = Comparison(
        joints_cam_m,
        truth=np.array([image.joints_cam_m[half] for _, image, half in imported]),
        valid=np.array([image.valid[half] for _, image, half in imported]),
        size_px=unknown[:, 0],
    )
    facts = HandFacts(
        image_px=unknown[:, :2],
        box_px=unknown,
        sides=np.array([HAND_SIDES[half] for _, _, half in imported], dtype=object),
        right_probability=None if right is None else right[rows],
    )
    warnings = check_predictions(predictions, {3: pair}, facts)
    return score_interhand(split, hands, found), warnings


def score_interhand(
    split: str, hands: list[TrueHands], predictions: Predictions
) -> dict[str, float]:
    """Scores predictions of a split; see the module for the rules.

    Args:
        split: The split's name, with which the sample ids begin.
        hands: Of every image.
        predictions: joints_3d absolute in the camera frame, metres; right_probability for the
            handedness.

    Returns:
        mpjpe_all_mm, mpjpe_single_mm, mpjpe_interacting_mm, mrrpe_mm, handedness_accuracy, and
        num_images, num_mrrpe, num_handedness, num_hands_left_out: how many took part. NaN where
        nothing did.
    """
    joints_cam_m, right = predictions.joints_3d, predictions.right_probability
    assert joints_cam_m is not None
    rows = {sample: row for row, sample in enumerate(predictions.sample_ids)}
    shape = (len(_KINDS), len(HAND_SIDES), HAND21.num_joints)
    totals, counts = np.zeros(shape), np.zeros(shape)
    root_errors_mm, called_right, num_left_out = [], [], 0
    for image in hands:
        kind = int(image.kind == _KINDS[1])
        hand_rows = [rows.get(sample_id(split, image.image_id, side)) for side in HAND_SIDES]
        for half, row in enumerate(hand_rows):
            if row is None:
                num_left_out += bool(image.valid[half].any())
                continue
            error_mm = _relative_errors_mm(joints_cam_m[row], image.joints_cam_m[half])
            totals[kind, half] += np.where(image.valid[half], error_mm, 0.0)
            counts[kind, half] += image.valid[half]
        found = [row for row in hand_rows if row is not None]
        if kind and len(found) == len(HAND_SIDES) and image.valid[:, HAND21.root].all():
            offsets = [
                np.subtract(*roots[::-1])
                for roots in (joints_cam_m[found, HAND21.root], image.joints_cam_m[:, HAND21.root])
            ]
            root_errors_mm.append(np.linalg.norm(np.subtract(*offsets)) * MM_PER_M)
        if right is not None and image.kind_valid:
            called_right += _called_right(image, hand_rows, right)
    return {
        "mpjpe_all_mm": _macro(totals.sum(0), counts.sum(0)),
        **{f"mpjpe_{kind}_mm": _macro(totals[k], counts[k]) for k, kind in enumerate(_KINDS)},
        "mrrpe_mm": _mean(root_errors_mm),
        "handedness_accuracy": _mean(called_right),
        "num_images": len(hands),
        "num_mrrpe": len(root_errors_mm),
        "num_handedness": len(called_right),
        "num_hands_left_out": num_left_out,
    }


def sample_id(split: str, image_id: int, side: str) -> str:
    """The adapter's id of a hand."""
    return f"{split}-{image_id:07d}-{side}"


def _true_hands(
    annotation: Mapping[str, Any],
    image: Mapping[str, Any],
    camera: Mapping[str, Any],
    frame: Mapping[str, Any],
) -> TrueHands:
    name = str(image["camera"])
    rotation = np.array(camera["camrot"][name], dtype=np.float64).reshape(3, 3)
    position_mm = np.array(camera["campos"][name], dtype=np.float64)
    shape = (len(HAND_SIDES), HAND21.num_joints)
    world_mm = np.array(frame["world_coord"], dtype=np.float64).reshape(*shape, 3)
    joints_cam_m = (world_mm - position_mm) @ rotation.T / MM_PER_M
    valid = np.array(annotation["joint_valid"], dtype=bool).reshape(shape)[:, _TO_HAND21]
    also_in_space = np.array(frame["joint_valid"], dtype=bool).reshape(shape)[:, _TO_HAND21]
    labelled = valid & also_in_space
    kind = annotation["hand_type"]
    if kind not in (*HAND_SIDES, _KINDS[1]):
        raise ValueError(f"hand_type {kind!r}")
    return TrueHands(
        image_id=int(image["id"]),
        kind=kind,
        kind_valid=bool(annotation["hand_type_valid"]),
        joints_cam_m=joints_cam_m[:, _TO_HAND21],
        valid=valid & valid[:, [HAND21.root]],
        imported=labelled[:, HAND21.root] & (labelled.sum(-1) >= MIN_VALID_JOINTS),
    )


def _relative_errors_mm(predicted_m: np.ndarray, true_m: np.ndarray) -> np.ndarray:
    difference = (predicted_m - predicted_m[HAND21.root]) - (true_m - true_m[HAND21.root])
    return np.linalg.norm(difference, axis=-1) * MM_PER_M


def _called_right(
    image: TrueHands, hand_rows: list[int | None], right_probability: np.ndarray
) -> Iterator[bool]:
    """Whether every hand of the image's type is called by its side; nothing if one is missing."""
    chosen = [
        (side, row)
        for side, row in zip(HAND_SIDES, hand_rows, strict=True)
        if image.kind in (side, _KINDS[1])
    ]
    probabilities = [np.nan if row is None else right_probability[row] for _, row in chosen]
    if np.isfinite(probabilities).all():
        yield all(
            p > 0.5 if side == HAND_SIDES[0] else p < 0.5
            for (side, _), p in zip(chosen, probabilities, strict=True)
        )


def _macro(totals: np.ndarray, counts: np.ndarray) -> float:
    """Mean for each joint, then over the joints that have any."""
    counted = counts > 0
    return float((totals[counted] / counts[counted]).mean()) if counted.any() else float("nan")


def _mean(values: list[Any]) -> float:
    return float(np.mean(values)) if values else float("nan")
