"""Hands in COCO-WholeBody's layout, an image a hand; see `evaluation.datasets.coco_wholebody`.

Nothing of a person but the hand is known, so body, face and feet are empty, and the person's box
and `area`, which OKS divides by, are the hand's box and its area.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file, write_json
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES, JointState
from render.manifest.conventions import PIXEL_CENTRE

NUM_BODY, NUM_FACE, NUM_FEET = 17, 68, 6

VISIBLE, LABELLED, UNLABELLED = 2, 1, 0
"""COCO's v."""


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and the annotation file, one image a hand with a box and a labelled joint."""
    sample_ids: list[str] = []
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for hand in hands:
        person = _person(hand)
        if person is None:
            continue
        number = len(sample_ids) + 1
        file_name = f"{number:012d}.jpg"
        write_file(root / f"{split}2017" / file_name, image_as(hand.image, "JPEG"))
        width, height = hand.size_px
        images.append({"id": number, "file_name": file_name, "width": width, "height": height})
        annotations.append({"id": number, "image_id": number, **person})
        sample_ids.append(hand.sample_id)
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
    }
    write_json(root / "annotations" / f"coco_wholebody_{split}_v1.0.json", content)
    return sample_ids


def _person(hand: Hand) -> dict[str, Any] | None:
    if hand.joints_px is None or hand.box is None or hand.row["side"] not in HAND_SIDES:
        return None
    labelled = ~np.isnan(hand.joints_px).any(-1) & (hand.joint_state != JointState.MISSING)
    x, y, width, height = hand.box.tolist()
    if not labelled.any() or width <= 0 or height <= 0:
        return None
    v = np.where(hand.joint_state == JointState.VISIBLE, VISIBLE, LABELLED)
    keypoints = np.column_stack([hand.joints_px - PIXEL_CENTRE, v])
    keypoints[~labelled] = UNLABELLED
    box = [x - PIXEL_CENTRE, y - PIXEL_CENTRE, width, height]
    side = hand.row["side"]
    return {
        "category_id": 1, "iscrowd": 0, "bbox": box, "area": width * height,
        "keypoints": [0] * (3 * NUM_BODY), "num_keypoints": 0,
        **_part("face", NUM_FACE), **_part("foot", NUM_FEET, has_box=False),
        **{key: value for name in HAND_SIDES for key, value in
           _part(f"{name}hand", HAND21.num_joints).items()},
        f"{side}hand_kpts": keypoints.ravel().tolist(), f"{side}hand_box": box,
        f"{side}hand_valid": True,
    }  # fmt: skip


def _part(name: str, num_joints: int, has_box: bool = True) -> dict[str, Any]:
    """A part of the body that is not labelled."""
    box = {f"{name}_box": [0.0] * 4} if has_box else {}
    return {f"{name}_kpts": [0.0] * (3 * num_joints), f"{name}_valid": False, **box}


COCO_WHOLEBODY = Exporter(
    name="coco-wholebody",
    split="val",
    holds="hands with a box and a labelled joint in the image's coordinates",
    write=write,
)
