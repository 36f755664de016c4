"""Hands in HIU-DMTL's layout, each alone in its image; see `evaluation.datasets.hiu_dmtl`.

The other half of the 42 joints holds junk, as the original's does. A hand of an unknown side stands
in the first half with flags that cannot be relied on. There is nothing in three dimensions, since
nobody knows what the original's numbers mean, and no mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.datasets.hands_2d import spans_area
from evaluation.datasets.hiu_dmtl import FOLDER, JUNK_X, WEIGHTS
from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file, write_json
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES
from render.manifest.conventions import PIXEL_CENTRE
from render.manifest.image_suffix import image_suffix

JUNK = (JUNK_X, -0.67)
"""What the original holds where a joint is absent."""


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and a JSON file for each hand whose labelled joints span an area.

    Raises:
        InputError: Another split than `all`: the others are cut from it by the files' names.
    """
    if split != "all":
        raise InputError(
            f"split {split!r} of hiu-dmtl cannot be written by itself, expected all, every tenth "
            "file of which is read as test and the others as train."
        )
    sample_ids: list[str] = []
    for hand in hands:
        if hand.joints_px is None or not spans_area(hand.joints_px):
            continue
        stem = f"{len(sample_ids):010d}"
        if image_suffix(hand.image) == "png":
            write_file(root / FOLDER / f"{stem}.png", hand.image)
        else:
            write_file(root / FOLDER / f"{stem}.jpg", image_as(hand.image, "JPEG"))
        write_json(root / FOLDER / f"{stem}.json", _content(hand.joints_px, hand.row["side"]))
        sample_ids.append(hand.sample_id)
    return sample_ids


def _content(joints_px: np.ndarray, side: str | None) -> dict[str, object]:
    labelled = ~np.isnan(joints_px).any(-1)
    points = np.where(labelled[:, None], joints_px - PIXEL_CENTRE, JUNK)
    # A label that happens to look like junk is moved by the least that a number can be.
    points[labelled & (points[:, 0] == JUNK_X), 0] = np.nextafter(JUNK_X, np.inf)
    is_known = side in HAND_SIDES
    half = HAND_SIDES.index(side) if is_known and side else 0
    both = np.tile(np.array(JUNK), (len(HAND_SIDES), HAND21.num_joints, 1))
    weights = np.zeros((len(HAND_SIDES), HAND21.num_joints, 1))
    both[half], weights[half, :, 0] = points, labelled
    nothing = np.zeros((both.shape[0] * both.shape[1], 3))
    return {
        "hand_type": [int(is_known and half == number) for number in range(len(HAND_SIDES))],
        "hand_type_valid": [int(is_known)] * len(HAND_SIDES),
        "pts2d_2hand": both.reshape(-1, 2).tolist(), WEIGHTS[0]: weights.reshape(-1, 1).tolist(),
        "pts3d_2hand": nothing.tolist(), "pts3d_w_2hand": nothing[:, :1].tolist(),
    }  # fmt: skip


HIU_DMTL = Exporter(
    name="hiu-dmtl",
    split="all",
    holds="hands with joints in the image's coordinates",
    write=write,
)
