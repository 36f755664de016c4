"""Renders of every kind, written in a public layout and read back."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation
from sketched_hands import draw_hand, pose_hand

from evaluation.datasets import import_dataset
from evaluation.exporting import export_dataset
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import DatasetInfo, JointState, Manifest, verify, write_dataset
from render.manifest.reading import column_array


@dataclass(frozen=True)
class Labels:
    """A manifest's labels as arrays; `kept` are rows of the data set that was exported."""

    ids: list[str]
    sides: list[str | None]
    joints_px: np.ndarray
    joints_cam_m: np.ndarray
    states: np.ndarray
    boxes: np.ndarray
    heads: list[float | None]

    @classmethod
    def read(cls, root: Path) -> Labels:
        table = Manifest.open(str(root)).table()
        shapes = {"joints_2d": (21, 2), "joints_3d": (21, 3), "joint_state": (21,), "box": (4,)}
        joints_px, joints_cam_m, states, boxes = (
            column_array(table, name, *shape) for name, shape in shapes.items()
        )
        ids, sides, heads = (
            table[name].to_pylist() for name in ("sample_id", "side", "head_size_px")
        )
        return cls(ids, sides, joints_px, joints_cam_m, states, boxes, heads)

    def kept(self, ids: list[str]) -> Labels:
        rows = [self.ids.index(sample) for sample in ids]
        return Labels(
            ids, [self.sides[row] for row in rows], self.joints_px[rows], self.joints_cam_m[rows],
            self.states[rows], self.boxes[rows], [self.heads[row] for row in rows],
        )  # fmt: skip


def make_renders(root: Path) -> Path:
    """A synthetic set with every state of a joint: hidden, outside, without a label; one sideless.

    Hand 3 has no label at all, hand 4 is a left one in PNG with the size of a head.
    """
    random = np.random.default_rng(3)
    camera_k = np.array([[260.0, 0, 64], [0, 260.0, 64], [0, 0, 1]])
    samples = []
    for number in range(12):
        side = ("right", "left")[number % 3 == 1]
        turn = Rotation.from_euler("xyz", random.normal(0, 0.3, 3))
        bent = {finger: np.array([0.4, 0.3, 0.2]) for finger in FINGERS}
        joints_cam_m = pose_hand(bent, turn, side)
        joints_cam_m[:, 0] += 0.1 if number == 5 else 0.0
        joints_px = (joints_cam_m @ camera_k.T)[:, :2] / joints_cam_m[:, 2:]
        image = draw_hand(joints_px, joints_cam_m[:, 2], 0.5, number)
        states = np.full(21, JointState.VISIBLE)
        states[HAND21.indices(["ring_pip", "ring_dip"])] = JointState.SELF_OCCLUDED
        states[HAND21.index("thumb_tip")] = JointState.OCCLUDED
        if number == 2:
            states[HAND21.index("little_tip")] = JointState.MISSING
        if number == 3:
            states[:] = JointState.MISSING
        outside = ((joints_px < 0) | (joints_px > 128)).any(-1)
        states[outside & (states != JointState.MISSING)] = JointState.OUTSIDE
        joints_px[states == JointState.MISSING] = np.nan
        joints_cam_m[states == JointState.MISSING] = np.nan
        if number == 4:
            stream = io.BytesIO()
            Image.open(io.BytesIO(image)).save(stream, "PNG")
            image = stream.getvalue()
        known = np.isfinite(joints_px).all(-1).any()
        low, high = (
            (joints_px[0], joints_px[0])
            if not known
            else (np.nanmin(joints_px, 0) - 6, np.nanmax(joints_px, 0) + 6)
        )
        samples.append(
            (
                {
                    "sample_id": f"val-{number:06d}",
                    "split": "val",
                    "width": 128,
                    "height": 128,
                    "side": None if number == 6 else side,
                    "camera_k": camera_k.ravel().tolist(),
                    "joints_2d": joints_px.ravel().tolist(),
                    "joints_3d": joints_cam_m.ravel().tolist(),
                    "joint_state": states.tolist(),
                    "box": [*low.tolist(), *(high - low).tolist()] if known else None,
                    "head_size_px": 71.5 if number == 4 else None,
                },
                image,
            )
        )
    info = DatasetInfo(name="made-up", kind="synthetic", state="rendering", recipe_digest="ab" * 32)
    write_dataset(root, info, samples)
    return root


def there_and_back(name: str, data: Path, folder: Path, split: str) -> tuple[Labels, Labels]:
    """Labels of what an export holds: as they were, and as the import reads them."""
    export_dataset(name, str(data), folder / "layout", split)
    info = import_dataset(name, folder / "layout", split, folder / "back")
    assert (info.kind, info.stand_in_for) == ("synthetic", name)
    assert verify(str(folder / "back")) == []
    record = json.loads((folder / "layout/handforge_export.json").read_text())
    return Labels.read(data).kept(record["sample_ids"]), Labels.read(folder / "back")
