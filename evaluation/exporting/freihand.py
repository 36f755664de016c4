"""Hands in FreiHAND's layout; see `evaluation.datasets.freihand`.

Right hands only: left ones are left out rather than mirrored, so that every pixel stays as it was.
The training split is written as its first version, `gs`. Not written, since a manifest does not
hold them: masks, MANO's 778 vertices, and MANO parameters against the licensed hand's mean pose.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file, write_json
from mano_assets.skeleton import HAND21


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images, K, xyz and scale, one entry a right hand with all its joints in space."""
    sample_ids, cameras, joints, scales = [], [], [], []
    for hand in hands:
        points_cam_m = hand.joints_cam_m
        if hand.row["side"] != "right" or hand.camera_k is None or points_cam_m is None:
            continue
        if np.isnan(points_cam_m).any():
            continue
        path = root / split / "rgb" / f"{len(sample_ids):08d}.jpg"
        write_file(path, image_as(hand.image, "JPEG"))
        first, second = HAND21.reference
        sample_ids.append(hand.sample_id)
        cameras.append(hand.camera_k.tolist())
        joints.append(points_cam_m.tolist())
        scales.append(float(np.linalg.norm(points_cam_m[first] - points_cam_m[second])))
    for what, values in (("K", cameras), ("xyz", joints), ("scale", scales)):
        write_json(root / f"{split}_{what}.json", values)
    return sample_ids


FREIHAND = Exporter(
    name="freihand",
    split="evaluation",
    holds="right hands with K and all joints in space",
    write=write,
)
