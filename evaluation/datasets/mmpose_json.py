"""Hand sets in the COCO-style JSON that mmpose distributes, one row an annotation.

Layout under the root, as mmpose's documentation has it (docs/en/dataset_zoo/2d_hand_keypoint.md):

    annotations/<stem>_<split>.json
    <file_name of the annotation file>        the set's own images

* `keypoints` are 21 x (x, y, v), flat or nested. v = 0 means not labelled: the joint becomes
  MISSING. What can be seen is not said, so the others are UNKNOWN.
* The order of the joints is `MmposeSet.joints`, whatever `categories` says: RHD's names claim base
  to tip, its data run tip to base.
* `head_size` (Panoptic) becomes `head_size_px`; 0 or none is null.
* `joint_cam`, millimetres, and `cam_param` (RHD) give `joints_3d` and K. `joints_2d` is then their
  projection: the keypoints are the same numbers rounded to four digits, and are compared with it.
* Crowds and annotations without a labelled joint are left out, as mmpose's loaders do.
* Where mmpose's boxes are pixels inclusive (width = last - first + 1: OneHand10K, Panoptic), they
  are right in continuous coordinates as they stand; RHD's are 1.2 times the joints' tight box.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.datasets.adapter import (
    Adapter,
    Sample,
    joint_states,
    probe,
    read_image,
    read_json,
)
from evaluation.datasets.geometry import check_geometry, check_reprojection
from evaluation.datasets.hands_2d import hand_row, joint_array, sample_key
from evaluation.datasets.mmpose_sets import MMPOSE_SETS, MmposeSet
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES, project

MM_PER_M = 1000.0


def annotation_files(facts: MmposeSet, root: Path, split: str) -> list[Path]:
    """The annotation file of a split."""
    return [root / "annotations" / f"{facts.stem}_{split}.json"]


def samples(facts: MmposeSet, root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    (data_file,) = annotation_files(facts, root, split)
    data = read_json(data_file)
    try:
        images = {image["id"]: image for image in data["images"]}
        annotations = data["annotations"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{data_file}: expected lists 'images' and 'annotations'.") from error

    def read(annotation: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return _row(facts, split, annotation, images[annotation["image_id"]])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            name = annotation.get("id") if isinstance(annotation, dict) else annotation
            raise InputError(
                f"{data_file}: annotation {name} is not as mmpose has {facts.name.split('-')[1]}'s "
                f"({error!r})."
            ) from error

    probed = [(annotation, read(annotation)) for annotation in probe(annotations)]
    check_geometry(data_file, [row for _, row in probed if row is not None])
    if facts.with_depth:
        _check_reprojection(facts, data_file, probed)
    for annotation in tqdm(annotations, desc=f"import {facts.name} {split}", unit="hand"):
        row = read(annotation)
        if row is not None:
            image = root / images[annotation["image_id"]]["file_name"]
            yield row, read_image(image, row["width"], row["height"])


def _row(
    facts: MmposeSet, split: str, annotation: dict[str, Any], image: dict[str, Any]
) -> dict[str, Any] | None:
    keypoints = joint_array(annotation["keypoints"], 3)[facts.to_hand21]
    labelled = keypoints[:, 2] > 0
    if annotation.get("iscrowd") or not labelled.any():
        return None
    size_px = width, height = int(image["width"]), int(image["height"])
    box = [0.0, 0.0, width, height] if facts.box == "image" else annotation["bbox"]
    side = facts.side(annotation, image["file_name"])
    if side is not None and side not in HAND_SIDES:
        raise ValueError(f"hand_type is {side!r}, expected one of {', '.join(HAND_SIDES)}")
    joints_px = keypoints[:, :2] + facts.pixel_offset
    key = sample_key(split, str(annotation["id"]))
    row = hand_row(key, split, size_px, side, joints_px, labelled, box)
    if row is not None and annotation.get("head_size"):
        row["head_size_px"] = float(annotation["head_size"])
    if row is not None and facts.with_depth:
        row |= _in_three_dimensions(facts, annotation, image, labelled)
    return row


def _in_three_dimensions(
    facts: MmposeSet, annotation: dict[str, Any], image: dict[str, Any], labelled: np.ndarray
) -> dict[str, Any]:
    joints_cam_m = joint_array(annotation["joint_cam"], 3)[facts.to_hand21] / MM_PER_M
    joints_cam_m = np.where(labelled[:, None], joints_cam_m, np.nan)
    if not (joints_cam_m[labelled, 2] > 0).all():
        raise ValueError("joint_cam holds a depth of 0 or less, expected joints before the camera")
    (fx, fy), (cx, cy) = image["cam_param"]["focal"], image["cam_param"]["princpt"]
    camera_k = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=np.float64)
    joints_px = project(joints_cam_m, camera_k)
    return {
        "camera_k": camera_k.ravel().tolist(),
        "joints_2d": joints_px.ravel().tolist(),
        "joints_3d": joints_cam_m.ravel().tolist(),
        "joint_state": joint_states(joints_px, labelled, image["width"], image["height"]),
    }


def _check_reprojection(
    facts: MmposeSet, path: Path, probed: list[tuple[dict[str, Any], dict[str, Any] | None]]
) -> None:
    """The keypoints as the file has them against the projection that replaces them."""
    hands = [(annotation, row) for annotation, row in probed if row is not None]
    keypoints = np.array([joint_array(each["keypoints"], 3)[facts.to_hand21] for each, _ in hands])
    joints_px = np.where(keypoints[..., 2:] > 0, keypoints[..., :2] + facts.pixel_offset, np.nan)
    joints_cam_m = np.array([row["joints_3d"] for _, row in hands])
    camera_k = np.array([row["camera_k"] for _, row in hands])
    shape = len(hands), HAND21.num_joints, 3
    check_reprojection(path, joints_px, joints_cam_m.reshape(shape), camera_k.reshape(-1, 3, 3))


def _adapter(facts: MmposeSet) -> Adapter:
    return Adapter(
        name=facts.name,
        splits=facts.splits,
        licence=facts.licence,
        source=f"images: {facts.source}; annotations: mmpose, 2d_hand_keypoint.md",
        annotation_files=partial(annotation_files, facts),
        samples=partial(samples, facts),
    )


MMPOSE_ADAPTERS = tuple(_adapter(facts) for facts in MMPOSE_SETS)
