"""Small trees in the layouts of the public data sets, filled with made-up numbers."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from mano_assets.skeleton import HAND21


def jpeg(width: int, height: int, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (width, height), 128).save(stream, "JPEG")
    return stream.getvalue()


# InterHand2.6M's order of one hand, spelled out from its skeleton.txt: position in the file of each
# of wrist, thumb base..tip, index, middle, ring, little.
INTERHAND_ORDER = [20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16]


@dataclass(frozen=True)
class InterHandTree:
    """A made-up InterHand2.6M test split.

    `joints_cam_mm` is the truth in the camera frame, [image][right, left][21, 3], in hand21's order
    before it was turned into the files' world coordinates and order.
    """

    root: Path
    joints_cam_mm: np.ndarray
    focal: tuple[float, float]
    centre: tuple[float, float]


def make_interhand(root: Path) -> InterHandTree:
    """Three images in nested folders: both hands, a left one alone, and hands to be dropped."""
    focal, centre = (1270.0, 1265.0), (160.0, 250.0)
    rotation = Rotation.from_euler("xyz", [0.3, -0.7, 0.2]).as_matrix()
    position_mm = np.array([300.0, -120.0, 90.0])
    # Palms in two places, fingers up; a spread grid of 21 points that is no symmetric figure.
    finger, along = np.meshgrid(np.arange(5), np.arange(4), indexing="ij")
    hand = np.zeros((21, 3))
    hand[1:, 0] = (finger * 18.0 - 36).ravel()
    hand[1:, 1] = (-65 - along * 24.0 - finger * 1.5).ravel()
    hand[1:, 2] = (along * 5.0).ravel()
    hands = np.stack([hand, hand * (-1, 1, 1)]) + np.array([[[-55, 40, 900]], [[60, 50, 940]]])
    joints_cam_mm = hands + np.array([[0, 0, 0], [3, -4, 5], [-2, 1, 0]])[:, None, None]

    valid = np.ones((3, 2, 21), bool)
    valid[0, 0, [HAND21.index("index_tip"), HAND21.index("ring_pip")]] = False
    valid[1, 0] = False
    valid[2, 0, HAND21.root] = False
    valid[2, 1, HAND21.index("thumb_cmc") :] = False

    images, annotations, frames = [], [], {}
    for number in range(3):
        world_mm = joints_cam_mm[number] @ rotation + position_mm  # R^T x, row vectors
        world_mm[~valid[number]] = 1.0
        filed_world, filed_valid = np.zeros((42, 3)), np.zeros((42, 1), int)
        for half in range(2):
            for ours, theirs in enumerate(INTERHAND_ORDER):
                filed_world[21 * half + theirs] = world_mm[half, ours]
                filed_valid[21 * half + theirs] = valid[number, half, ours]
        kind = ["interacting", "left", "interacting"][number]
        name = f"Capture2/0390_dh/cam400026/image{100 + number}.jpg"
        images.append(
            {"id": 7 + number, "file_name": name, "width": 334, "height": 512, "capture": 2,
             "subject": 5, "seq_name": "0390_dh", "camera": "400026", "frame_idx": 100 + number}
        )  # fmt: skip
        annotations.append(
            {"id": 7 + number, "image_id": 7 + number, "bbox": [0, 0, 1, 1],
             "joint_valid": filed_valid.tolist(), "hand_type": kind, "hand_type_valid": 1}
        )  # fmt: skip
        frames[str(100 + number)] = {
            "world_coord": filed_world.tolist(), "joint_valid": filed_valid.astype(bool).tolist(),
            "hand_type": kind, "hand_type_valid": True,
        }  # fmt: skip
        path = root / "images/test" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(334, 512, "L" if number == 1 else "RGB"))
    camera = {
        "campos": {"400026": position_mm.tolist()}, "camrot": {"400026": rotation.tolist()},
        "focal": {"400026": focal}, "princpt": {"400026": centre},
    }  # fmt: skip
    folder = root / "annotations/test"
    folder.mkdir(parents=True)
    for what, content in (
        ("data", {"images": images, "annotations": annotations}),
        ("camera", {"2": camera}),
        ("joint_3d", {"2": frames}),
    ):
        (folder / f"InterHand2.6M_test_{what}.json").write_text(json.dumps(content))
    return InterHandTree(root, joints_cam_mm, focal, centre)


def make_coco(root: Path) -> Path:
    """COCO-WholeBody with four persons: both hands, a fractional left one, a crowd, no box."""

    def keypoints(x: float, y: float, v: float) -> list[float]:
        return [c for j in range(21) for c in (x + j % 5 * 4, y + j // 5 * 4, v)]

    def person(number: int, **fields: object) -> dict[str, object]:
        empty = {f"{side}hand_{what}": value for side in ("left", "right") for what, value in
                 (("kpts", [0.0] * 63), ("box", [0.0] * 4), ("valid", False))}  # fmt: skip
        return {"id": number, "image_id": 3, "iscrowd": 0, "category_id": 1, **empty, **fields}

    fractional = keypoints(60, 40, 0.25)
    fractional[3:6] = [0.0, 0.0, 0.0]
    both = {
        "lefthand_kpts": keypoints(20, 30, 2), "lefthand_box": [19.0, 29.0, 18.0, 19.0],
        "righthand_kpts": keypoints(10, 70, 1), "righthand_box": [9.0, 69.0, 18.0, 19.0],
        "lefthand_valid": True, "righthand_valid": True,
    }  # fmt: skip
    persons = [
        person(31, **both),
        person(32, lefthand_kpts=fractional, lefthand_box=[59.0, 39.0, 18.0, 19.0],
               lefthand_valid=True),
        person(33, **{**both, "iscrowd": 1}),
        person(34, righthand_kpts=keypoints(10, 70, 1), righthand_valid=True),
    ]  # fmt: skip
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    (root / "val2017/000000000003.jpg").write_bytes(jpeg(120, 110))
    content = {
        "images": [{"id": 3, "file_name": "000000000003.jpg", "width": 120, "height": 110}],
        "annotations": persons,
    }
    (root / "annotations/coco_wholebody_val_v1.0.json").write_text(json.dumps(content))
    return root
