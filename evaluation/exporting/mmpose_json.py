"""Hands in mmpose's COCO-style JSON of four sets; see `evaluation.datasets.mmpose_json`.

What a set's annotations can hold stands in `evaluation.datasets.mmpose_sets`: FreiHAND's right
hands only (left ones are left out, so that every pixel stays as it was), RHD's also in space,
OneHand10K's joints only as far as they are seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.mmpose_json import MM_PER_M
from evaluation.datasets.mmpose_sets import MMPOSE_SETS, MmposeSet
from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file, write_json
from evaluation.exporting.onehand10k import is_seen
from render.manifest import HAND_SIDES

CATEGORY = {
    "supercategory": "hand", "id": 1, "name": "hand",
    "keypoints": ["wrist", *(f"{finger}{number}" for finger in
                  ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
                  for number in range(1, 5))],
}  # fmt: skip
"""The names that all four files have, RHD's too, whose joints run the other way."""

FORMATS = {"jpg": "JPEG", "png": "PNG"}


def write(facts: MmposeSet, hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and the annotation file, one annotation a hand that the set can hold."""
    sample_ids: list[str] = []
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for hand in hands:
        labels = _labels(facts, hand)
        if labels is None:
            continue
        number = len(sample_ids)
        suffix = facts.image_extension
        name = facts.image_name.format(number) + _ending(facts, hand)
        file_name = f"{facts.images[split]}/{name}.{suffix}"
        write_file(root / file_name, image_as(hand.image, FORMATS[suffix]))
        width, height = hand.size_px
        image = {"id": number, "file_name": file_name, "width": width, "height": height}
        if facts.with_depth:
            image["cam_param"] = _camera(hand)
        images.append(image)
        annotations.append(
            {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0, **labels}
        )
        sample_ids.append(hand.sample_id)
    content = {"images": images, "annotations": annotations, "categories": [CATEGORY]}
    write_json(root / "annotations" / f"{facts.stem}_{split}.json", content)
    return sample_ids


def _labels(facts: MmposeSet, hand: Hand) -> dict[str, Any] | None:
    """The annotation's labels, None for a hand that the set cannot hold."""
    side = hand.row["side"]
    needed = {"right": HAND_SIDES[:1], "hand_type": HAND_SIDES}.get(facts.sides)
    if hand.joints_px is None or hand.box is None or (needed is not None and side not in needed):
        return None
    labelled = ~np.isnan(hand.joints_px).any(-1)
    if not facts.with_hidden:
        labelled &= is_seen(hand)
    x, y, width, height = hand.box.tolist()
    if not labelled.any() or not (width > 0 and height > 0):
        return None
    keypoints = np.column_stack([hand.joints_px - facts.pixel_offset, labelled])
    keypoints = np.where(labelled[:, None], keypoints, 0.0)[facts.from_hand21]
    labels: dict[str, Any] = {
        "bbox": [x, y, width, height], "area": width * height,
        "center": [x + width / 2, y + height / 2],
        "keypoints": (keypoints if facts.with_depth else keypoints.ravel()).tolist(),
    }  # fmt: skip
    if hand.row["head_size_px"] is not None:
        labels["head_size"] = hand.row["head_size_px"]
    if facts.sides == "hand_type":
        labels["hand_type"] = side
    if facts.with_depth:
        if hand.joints_cam_m is None or hand.camera_k is None or hand.camera_k[0, 1] != 0:
            return None
        joints_mm = np.where(labelled[:, None], hand.joints_cam_m, 0.0) * MM_PER_M
        if np.isnan(joints_mm).any():
            return None
        labels["joint_cam"] = joints_mm[facts.from_hand21].tolist()
    return labels


def _ending(facts: MmposeSet, hand: Hand) -> str:
    """Of an image's name, where that tells the side."""
    side = hand.row["side"]
    return f"_{side[0]}" if facts.sides == "name" and side in HAND_SIDES else ""


def _camera(hand: Hand) -> dict[str, list[float]]:
    k = hand.camera_k
    assert k is not None
    return {"focal": [k[0, 0], k[1, 1]], "princpt": [k[0, 2], k[1, 2]]}


def _exporter(facts: MmposeSet) -> Exporter:
    side = {"right": "right hands", "hand_type": "hands of a known side"}.get(facts.sides, "hands")
    space = ", a camera without skew and joints in space" if facts.with_depth else ""
    return Exporter(
        name=facts.name,
        split="test",
        holds=f"{side} with a box and joints in the image's coordinates{space}",
        write=partial(write, facts),
    )


MMPOSE_EXPORTERS = tuple(_exporter(facts) for facts in MMPOSE_SETS)
