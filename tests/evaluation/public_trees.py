"""Small trees in the layouts of the public data sets, filled with made-up numbers."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
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


# A right hand's joints, mm: seen from its back, fingers up and bent away from the camera (x right,
# y down, z away). Wrist, then thumb, index, middle, ring and little finger, each base to tip.
RIGHT_HAND_MM = np.array([
    [0, 0, 0],
    [-25, -25, 8], [-42, -52, 18], [-50, -80, 28], [-52, -104, 40],
    [-24, -88, 0], [-27, -126, 10], [-28, -146, 28], [-28, -156, 48],
    [0, -92, 0], [0, -134, 12], [0, -158, 32], [0, -166, 52],
    [20, -86, 2], [22, -124, 14], [23, -146, 34], [23, -154, 54],
    [38, -76, 5], [43, -106, 14], [45, -120, 26], [46, -128, 42],
], dtype=float)  # fmt: skip


@dataclass(frozen=True)
class FreiHandTree:
    """A made-up FreiHAND: `joints_cam_m` and `cameras` by split are what was written."""

    root: Path
    joints_cam_m: dict[str, np.ndarray]
    cameras: dict[str, np.ndarray]


def make_freihand(root: Path) -> FreiHandTree:
    """Three training scenes, green screen and `sample` (k = 2) unpacked, and two to evaluate."""
    joints, cameras = {}, {}
    for split, count in (("training", 3), ("evaluation", 2)):
        turns = Rotation.from_euler("z", 0.4 * np.arange(count)[:, None]).as_matrix()
        place_m = np.array([[0.01 * n, 0.05, 0.6 + 0.02 * n] for n in range(count)])
        joints[split] = (RIGHT_HAND_MM / 1000) @ turns.transpose(0, 2, 1) + place_m[:, None]
        cameras[split] = np.array(
            [[[480.0 + n, 0, 112.36], [0, 481.0 + n, 112.36], [0, 0, 1]] for n in range(count)]
        )
        (root / split / "rgb").mkdir(parents=True)
        for version in (0, 2) if split == "training" else (0,):
            for number in range(count):
                name = f"{number + version * count:08d}.jpg"
                (root / split / "rgb" / name).write_bytes(jpeg(224, 224))
        scale = np.linalg.norm(joints[split][:, 9] - joints[split][:, 10], axis=-1)
        for what, values in (("K", cameras[split]), ("xyz", joints[split]), ("scale", scale)):
            (root / f"{split}_{what}.json").write_text(json.dumps(values.tolist()))
    return FreiHandTree(root, joints, cameras)


# RHD's order of one hand, spelled out from its README: position in the file of each of wrist, thumb
# base..tip, index, middle, ring, little. The left hand's 21 joints come first.
RHD_ORDER = [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]


@dataclass(frozen=True)
class RhdTree:
    """A made-up RHD evaluation split, truth in hand21's order before it was turned into RHD's.

    `joints_cam_m` is [image][left, right][21, 3], `visible` [image][left, right][21].
    """

    root: Path
    joints_cam_m: np.ndarray
    visible: np.ndarray
    camera_k: np.ndarray


def python2_pickle(content: object) -> bytes:
    """A pickle whose bytes stand as Python 2 wrote its strings."""
    data = bytearray(pickle.dumps(content, protocol=3))
    strings = {b"B": b"T", b"C": b"U"}
    for opcode, _, position in list(pickletools.genops(bytes(data))):
        if position is not None and opcode.code.encode() in strings:
            data[position : position + 1] = strings[opcode.code.encode()]
    return bytes(data)


def make_rhd(root: Path) -> RhdTree:
    """Two images: both hands; a left one and a right one outside and not visible."""
    camera_k = np.array([[280.0, 0, 160], [0, 280.0, 160], [0, 0, 1]])
    right = RIGHT_HAND_MM / 1000
    hands = np.stack([right * (-1, 1, 1), right])
    places = np.array([[-0.1, 0.08, 0.7], [0.1, 0.06, 0.8]])
    joints = np.stack([hands + places[:, None]] * 2)
    joints[1, 1] += [0.6, 0, 0]
    visible = np.ones((2, 2, 21), bool)
    visible[0, 0, HAND21.index("ring_tip")] = False
    visible[1, 1] = False
    (root / "evaluation/color").mkdir(parents=True)
    annotations = {}
    for number in range(2):
        xyz, uv_vis = np.zeros((42, 3)), np.zeros((42, 3))
        for half in range(2):
            for ours, theirs in enumerate(RHD_ORDER):
                x, y, z = joints[number, half, ours]
                xyz[21 * half + theirs] = x, y, z
                uv_vis[21 * half + theirs] = (
                    280 * x / z + 160, 280 * y / z + 160, visible[number, half, ours],
                )  # fmt: skip
        annotations[number] = {"xyz": xyz, "uv_vis": uv_vis, "K": camera_k.astype(np.float32)}
        Image.new("RGB", (320, 320), (90, number, 60)).save(
            root / f"evaluation/color/{number:05d}.png"
        )
    (root / "evaluation/anno_evaluation.pickle").write_bytes(python2_pickle(annotations))
    return RhdTree(root, joints, visible, camera_k)
