"""Rows of hands that are labelled in two dimensions, and what the readers of such sets share."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.datasets.adapter import BOX_SCALE, box_around, joint_states
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21

IMAGE_SUFFIXES = (".jpg", ".png")


def hand_row(
    sample_id: str,
    split: str,
    size_px: tuple[int, int],
    side: str | None,
    joints_px: np.ndarray,
    labelled: np.ndarray,
    box_px: Iterable[float] | None = None,
) -> dict[str, Any] | None:
    """A row of the manifest for a hand without depth.

    Args:
        sample_id: Key of the row.
        split: Name of its split.
        size_px: Width and height of its image.
        side: Whose hand; None where the set does not say.
        joints_px: Continuous px, hand21's order, [21, 2]; anything where not labelled.
        labelled: Which joints have a label, [21].
        box_px: x, y, width, height, continuous px; None for the joints' tight box, scaled.

    Returns:
        The row, or None when its labels span no area, so that no box can be put around the hand.

    Raises:
        ValueError: A labelled joint is not finite, or the given box has no area.
    """
    if not np.isfinite(joints_px[labelled]).all():
        raise ValueError("a labelled joint is not finite")
    width, height = size_px
    joints_px = np.where(labelled[:, None], joints_px, np.nan)
    if box_px is None:
        if not spans_area(joints_px):
            return None
        box_px = box_around(joints_px, BOX_SCALE)
    box = list(map(float, box_px))
    if len(box) != 4 or not np.isfinite(box).all() or min(box[2:]) <= 0:
        raise ValueError(f"the box is {box}, expected x, y and a width and height above 0")
    return {
        "sample_id": sample_id,
        "split": split,
        "width": int(width),
        "height": int(height),
        "side": side,
        "joints_2d": joints_px.ravel().tolist(),
        "joint_state": joint_states(joints_px, labelled, width, height),
        "box": box,
    }


def spans_area(joints_px: np.ndarray) -> bool:
    """Whether the joints that are not NaN, [21, 2], have a box around them."""
    known = joints_px[~np.isnan(joints_px).any(-1)]
    return len(known) > 0 and bool((np.ptp(known, axis=0) > 0).all())


def joint_array(values: Any, columns: int, count: int = HAND21.num_joints) -> np.ndarray:
    """Joints as a float array, [count, columns]; ValueError unless there are exactly so many."""
    array = np.array(values, dtype=np.float64)
    if array.size != count * columns:
        raise ValueError(f"{array.size} numbers, expected {count} joints x {columns}")
    return array.reshape(count, columns)


def sample_key(*parts: str) -> str:
    """A sample id of a file's name: neither '.' nor '/' may stand in a key of the tar."""
    return "-".join(part.replace(".", "_").replace("/", "_") for part in parts)


def image_of(stem: Path) -> Path:
    """The image file beside an annotation file of the same stem.

    Args:
        stem: Its path without the suffix.

    Raises:
        InputError: There is none.
    """
    for suffix in IMAGE_SUFFIXES:
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            return path
    raise InputError(f"{stem}.jpg: no such file, expected the image of {stem.name}.json.")


def annotation_names(folder: Path, dataset: str) -> list[Path]:
    """The JSON files of a folder that has one an image, sorted by name.

    Raises:
        InputError: There is no such folder or no such file in it.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(f"{folder}: holds no JSON file, expected the annotations of {dataset}.")
    return files


def tell_skipped(dataset: str, split: str, skipped: Counter[str]) -> None:
    """Says on the terminal how many hands were left out and why."""
    for reason, count in skipped.items():
        tqdm.write(f"{dataset} {split}: {count} hands left out, {reason}.", file=sys.stderr)
