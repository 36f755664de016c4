"""Hands in the layout of CMU's HandDB; see `evaluation.datasets.panoptic`.

Joints without a label are written as not valid; which of the others are seen has no place in the
layout, nor has the person's head. `panopticdb` does not hold the side, the other splits need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.datasets.hands_2d import spans_area
from evaluation.datasets.panoptic import FOLDERS, STUDIO, STUDIO_FILE, STUDIO_FOLDER
from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file, write_json
from render.manifest import HAND_SIDES
from render.manifest.conventions import PIXEL_CENTRE


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and their labels, one JSON file a hand or panopticdb's one for all."""
    sample_ids: list[str] = []
    studio = []
    for hand in hands:
        points = _points(hand)
        if points is None or (split != STUDIO and hand.row["side"] not in HAND_SIDES):
            continue
        number = len(sample_ids)
        image = image_as(hand.image, "JPEG")
        if split == STUDIO:
            name = f"imgs/{number:08d}.jpg"
            write_file(root / STUDIO_FOLDER / name, image)
            studio.append(_studio_entry(hand, name, points))
        else:
            side = hand.row["side"]
            stem = f"{number:09d}_{side[0]}"
            folder = root / FOLDERS[split] / split
            write_file(folder / f"{stem}.jpg", image)
            content = {"hand_pts": points.tolist(), "is_left": int(side == "left")}
            write_json(folder / f"{stem}.json", content)
        sample_ids.append(hand.sample_id)
    if split == STUDIO:
        write_json(root / STUDIO_FOLDER / STUDIO_FILE, {"root": studio})
    return sample_ids


def _points(hand: Hand) -> np.ndarray | None:
    """x, y, valid of the joints, [21, 3]; None for a hand that no box can be put around."""
    if hand.joints_px is None or not spans_area(hand.joints_px):
        return None
    valid = ~np.isnan(hand.joints_px).any(-1)
    points = np.column_stack([hand.joints_px - PIXEL_CENTRE, valid])
    return np.where(valid[:, None], points, 0.0)


def _studio_entry(hand: Hand, name: str, points: np.ndarray) -> dict[str, object]:
    width, height = hand.size_px
    valid = points[points[:, 2] == 1, :2]
    centre = (valid.min(0) + valid.max(0)) / 2
    return {
        "img_paths": name, "img_width": width, "img_height": height,
        "objpos": centre.tolist(), "joint_self": points.tolist(),
    }  # fmt: skip


PANOPTIC = Exporter(
    name="panoptic",
    split="manual_test",
    holds="hands of a known side with joints in the image's coordinates",
    write=write,
)
