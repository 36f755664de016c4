"""Hands in OneHand10K's layout; see `evaluation.datasets.onehand10k`.

The layout labels what can be seen, in whole pixels: joints that are occluded or outside the image
become -1, the others the pixel that they lie in. Whose hand it is has no place in it. Masks are
not written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.datasets.hands_2d import spans_area
from evaluation.datasets.onehand10k import FOLDERS, NOT_LABELLED
from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file
from mano_assets.skeleton import HAND21
from render.manifest import JointState

SEEN = (JointState.VISIBLE, JointState.UNKNOWN)
"""States of joints that are labelled; of those without a known state all are taken to be seen."""


def is_seen(hand: Hand) -> np.ndarray:
    """Which joints lie in the image, by their coordinates, and may be seen there, [21]."""
    if hand.joints_px is None:
        return np.zeros(HAND21.num_joints, bool)
    inside = ((hand.joints_px >= 0) & (hand.joints_px <= hand.size_px)).all(-1)
    return inside & np.isin(hand.joint_state, SEEN)


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and the label file, one line a hand whose seen joints span an area."""
    sample_ids: list[str] = []
    lines: list[str] = []
    for hand in hands:
        if hand.joints_px is None:
            continue
        # The pixel's number is its centre counted from 0; an edge belongs to the last pixel.
        pixels = np.clip(np.floor(hand.joints_px), 0, np.array(hand.size_px) - 1)
        pixels[~is_seen(hand)] = np.nan
        if not spans_area(pixels):
            continue
        name = f"{len(sample_ids)}.jpg"
        write_file(root / FOLDERS[split] / "source" / name, image_as(hand.image, "JPEG"))
        coordinates = np.nan_to_num(pixels, nan=NOT_LABELLED).astype(int).ravel()
        lines.append(",".join(map(str, [name, *hand.size_px, 1, *coordinates])))
        sample_ids.append(hand.sample_id)
    write_file(root / FOLDERS[split] / "label_joint.txt", "".join(f"{x}\n" for x in lines).encode())
    return sample_ids


ONEHAND10K = Exporter(
    name="onehand10k",
    split="test",
    holds="hands of which at least two joints are seen",
    write=write,
)
