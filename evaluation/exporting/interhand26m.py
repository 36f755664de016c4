"""Hands in InterHand2.6M's layout, each alone in its image; see `evaluation.datasets.interhand26m`.

Every image has a camera of its own in one capture, since each render has its own K. Where a sample
has no extrinsics, its camera frame is the world. Visibility has no place in the layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.interhand26m import MIN_VALID_JOINTS, MM_PER_M
from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file, write_json
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import HAND_SIDES

CAPTURE = 0

PLACEHOLDER = 1.0
"""What the files hold where a joint is not valid."""

# One hand's joints in the files: thumb to little, each from its tip to its base, then the wrist.
_ORDER = [
    *(joint for finger in FINGERS for joint in reversed(HAND21.chain(finger))),
    HAND21.root,
]


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and the data, camera and joint_3d files, one image a hand."""
    sample_ids: list[str] = []
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    frames: dict[str, Any] = {}
    camera: dict[str, dict[str, Any]] = {
        what: {} for what in ("campos", "camrot", "focal", "princpt")
    }
    for hand in hands:
        valid = _valid(hand)
        if valid is None or hand.joints_cam_m is None or hand.camera_k is None:
            continue
        number = len(sample_ids)
        name = f"Capture{CAPTURE}/{split}/cam{number}/image{number}.jpg"
        write_file(root / "images" / split / name, image_as(hand.image, "JPEG"))
        rotation, position_m = _placed(hand.cam_from_world)
        world_m = hand.joints_cam_m @ rotation + position_m
        width, height = hand.size_px
        images.append(
            {"id": number, "file_name": name, "width": width, "height": height, "capture": CAPTURE,
             "subject": hand.row["subject"] or "0", "seq_name": split, "camera": str(number),
             "frame_idx": number}
        )  # fmt: skip
        both_valid = _both(hand.row["side"], valid[:, None], 0).astype(int)
        common = {"hand_type": hand.row["side"], "hand_type_valid": 1}
        annotations.append(
            {"id": number, "image_id": number, "bbox": _box(hand, valid),
             "joint_valid": both_valid.tolist(), **common}
        )  # fmt: skip
        world_mm = np.where(valid[:, None], world_m * MM_PER_M, PLACEHOLDER)
        frames[str(number)] = {
            "world_coord": _both(hand.row["side"], world_mm, PLACEHOLDER).tolist(),
            "joint_valid": both_valid.astype(bool).tolist(), **common,
        }  # fmt: skip
        k = hand.camera_k
        camera["campos"][str(number)] = (position_m * MM_PER_M).tolist()
        camera["camrot"][str(number)] = rotation.tolist()
        camera["focal"][str(number)] = [k[0, 0], k[1, 1]]
        camera["princpt"][str(number)] = [k[0, 2], k[1, 2]]
        sample_ids.append(hand.sample_id)
    stem = root / "annotations" / split / f"InterHand2.6M_{split}"
    for what, content in (
        ("data", {"images": images, "annotations": annotations}),
        ("camera", {str(CAPTURE): camera}),
        ("joint_3d", {str(CAPTURE): frames}),
    ):
        write_json(stem.with_name(f"{stem.name}_{what}.json"), content)
    return sample_ids


def _valid(hand: Hand) -> np.ndarray | None:
    """Which joints are valid; None for a hand that the layout or its evaluation cannot take."""
    if hand.joints_cam_m is None or hand.camera_k is None or hand.row["side"] not in HAND_SIDES:
        return None
    valid = ~np.isnan(hand.joints_cam_m).any(-1)
    has_skew = hand.camera_k[0, 1] != 0
    if has_skew or not valid[HAND21.root] or valid.sum() < MIN_VALID_JOINTS:
        return None
    return valid


def _placed(cam_from_world: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Camera's rotation [3, 3] and position in the world, metres, [3]."""
    if cam_from_world is None:
        return np.eye(3), np.zeros(3)
    rotation = cam_from_world[:, :3]
    return rotation, -(rotation.T @ cam_from_world[:, 3])


def _both(side: str, values: np.ndarray, placeholder: float) -> np.ndarray:
    """One hand's values, [21, D] in hand21's order, as the files have both hands', [42, D]."""
    halves = [
        values[_ORDER] if name == side else np.full(values.shape, placeholder)
        for name in HAND_SIDES
    ]
    return np.concatenate(halves)


def _box(hand: Hand, valid: np.ndarray) -> list[float]:
    """The data set's own rule: 1.2 times the valid joints' box, x, y, width, height, px."""
    if hand.joints_px is None:
        return [0.0, 0.0, *map(float, hand.size_px)]
    low, high = hand.joints_px[valid].min(0), hand.joints_px[valid].max(0)
    margin = 0.1 * (high - low)
    return [*(low - margin).tolist(), *(high - low + 2 * margin).tolist()]


INTERHAND26M = Exporter(
    name="interhand26m",
    split="test",
    holds=f"hands with K without skew, the wrist and at least {MIN_VALID_JOINTS} joints in space",
    write=write,
)
