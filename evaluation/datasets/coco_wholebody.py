"""The hands of COCO-WholeBody (Jin et al., ECCV 2020), one row a hand, in two dimensions.

Layout under the root, as distributed:

    annotations/coco_wholebody_SPLIT_v1.0.json
    SPLIT2017/<file_name of the annotation file>

* Joints are in hand21's order. Left and right mean the person's own hand.
* COCO counts pixels from 0 and means their centres, so half a pixel is added to get the manifest's
  continuous coordinates (Detectron2 does the same when it reads COCO keypoints).
* v is 0 for joints without a label and may be a fraction; v > 0 means reliable. What can be seen
  is not said, so labelled joints are UNKNOWN.
* A hand is kept when its `*_valid` is set, a joint is labelled, its box has an area and the person
  is no crowd. The box is the data set's own, shifted with the joints.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from evaluation.datasets.geometry import check_geometry
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES
from render.manifest.conventions import PIXEL_CENTRE


def annotation_files(root: Path, split: str) -> list[Path]:
    """The annotation file of a split."""
    return [root / "annotations" / f"coco_wholebody_{split}_v1.0.json"]


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    (data_file,) = annotation_files(root, split)
    data = read_json(data_file)
    try:
        images = {image["id"]: image for image in data["images"]}
        annotations = data["annotations"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{data_file}: expected lists 'images' and 'annotations'.") from error

    def rows(annotation: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            return _rows(split, annotation, images[annotation["image_id"]])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{data_file}: annotation {annotation.get('id')} is not as COCO-WholeBody has them "
                f"({error!r})."
            ) from error

    check_geometry(data_file, [row for found in probe(annotations) for row in rows(found)])
    for annotation in tqdm(annotations, desc=f"import coco-wholebody {split}", unit="person"):
        found = rows(annotation)
        if found:
            image = images[annotation["image_id"]]
            path = root / f"{split}2017" / image["file_name"]
            content = read_image(path, image["width"], image["height"])
            yield from ((row, content) for row in found)


def _rows(split: str, annotation: dict[str, Any], image: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for side in HAND_SIDES:
        keypoints = np.array(annotation[f"{side}hand_kpts"], dtype=np.float64)
        keypoints = keypoints.reshape(HAND21.num_joints, 3)
        x, y, width, height = annotation[f"{side}hand_box"]
        labelled = keypoints[:, 2] > 0
        valid = annotation[f"{side}hand_valid"] and not annotation["iscrowd"]
        if not (valid and labelled.any() and width > 0 and height > 0):
            continue
        if not np.isfinite(keypoints[labelled]).all():
            raise ValueError("a labelled joint is not finite")
        joints_px = np.where(labelled[:, None], keypoints[:, :2] + PIXEL_CENTRE, np.nan)
        rows.append(
            {
                "sample_id": f"{split}-{annotation['id']}-{side}",
                "split": split,
                "width": int(image["width"]),
                "height": int(image["height"]),
                "side": side,
                "joints_2d": joints_px.ravel().tolist(),
                "joint_state": joint_states(joints_px, labelled, image["width"], image["height"]),
                "box": [x + PIXEL_CENTRE, y + PIXEL_CENTRE, width, height],
            }
        )
    return rows


COCO_WHOLEBODY = Adapter(
    name="coco-wholebody",
    splits=("train", "val"),
    licence="non-commercial research (annotations); images under their Flickr terms",
    source="github.com/jin-s13/COCO-WholeBody",
    annotation_files=annotation_files,
    samples=samples,
)
