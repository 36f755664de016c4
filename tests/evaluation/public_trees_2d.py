"""Small trees in the layouts of the public sets with 2-D labels, every number written by hand."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation
from sketched_hands import pose_hand

from mano_assets.skeleton import FINGERS

# An open hand on a photograph, whole pixels counted from 0: wrist, then thumb, index, middle, ring
# and little, each base to tip.
OPEN_HAND = [
    (50, 90),
    (36, 80), (28, 70), (22, 62), (17, 55),
    (40, 55), (38, 42), (37, 34), (36, 27),
    (49, 53), (49, 38), (49, 29), (49, 21),
    (58, 55), (60, 42), (61, 33), (62, 26),
    (66, 60), (70, 50), (73, 44), (76, 38),
]  # fmt: skip

# Where the joints of that order stand in RHD's files: wrist, then each finger tip to base.
RHD_ORDER = [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]


def picture(width: int, height: int, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 60)).save(stream, kind)
    return stream.getvalue()


def moved(dx: float, dy: float, scale: float = 1.0) -> list[list[float]]:
    return [[x * scale + dx, y * scale + dy] for x, y in OPEN_HAND]


def put(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def make_panoptic(root: Path) -> Path:
    """HandDB: a photograph with both hands, stored twice; a clip; renders; the studio."""
    manual = root / "hand_labels/manual_test"
    right, left = moved(0, 0), moved(60.5, 10.25)
    put(
        manual / "000648952_02_r.json",
        {"hand_pts": [[x, y, 1.0] for x, y in right], "is_left": 0.0},
    )
    put(
        manual / "000648952_02_l.json", {"hand_pts": [[x, y, 1.0] for x, y in left], "is_left": 1.0}
    )
    both = picture(160, 120)
    put(manual / "000648952_02_r.jpg", both)
    put(manual / "000648952_02_l.jpg", both)
    # Thumb tip and little tip are not valid; their numbers mean nothing.
    partly = [[x, y, 1.0] for x, y in moved(5, 5)]
    partly[4] = [0.0, 0.0, 0.0]
    partly[20] = [900.0, -40.0, 0.0]
    put(manual / "ex2_2.flv_000040_r.json", {"hand_pts": partly, "is_left": 0})
    put(manual / "ex2_2.flv_000040_r.jpg", picture(100, 110))

    synth = root / "hand_labels_synth/synth1"
    for number in range(4):
        points = [[x, y, 1] for x, y in moved(number, 0)]
        # The third lacks points, as some files of synth1 do.
        put(
            synth / f"{number:04d}.json",
            {"hand_pts": points[:7] if number == 2 else points, "is_left": number % 2},
        )
        put(synth / f"{number:04d}.jpg", picture(100, 100))

    studio = root / "hand143_panopticdb"
    put(studio / "imgs/00000000.jpg", picture(192, 108))
    put(
        studio / "hands_v143_14817.json",
        {
            "root": [
                {
                    "dataset": "hand143",
                    "img_paths": "imgs/00000000.jpg",
                    "img_width": 192,
                    "img_height": 108,
                    "objpos": [80.0, 60.0],
                    "scale_provided": 0.4,
                    "joint_self": [[x, y, 1.0] for x, y in moved(30, 5)],
                }
            ]
        },
    )
    return root


ONEHAND10K_LINES = (
    # All joints of the open hand.
    "0.jpg,100,110,1,50,90,36,80,28,70,22,62,17,55,40,55,38,42,37,34,36,27,49,53,49,38,49,29,49,21,"
    "58,55,60,42,61,33,62,26,66,60,70,50,73,44,76,38",
    # Only wrist, index base and middle tip can be seen.
    "33.jpg,90,95,1,50,90,-1,-1,-1,-1,-1,-1,-1,-1,40,55,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,49,21,"
    "-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1",
    # A single joint: no box can be put around it.
    "7.jpg,90,95,1,50,90" + 20 * ",-1,-1",
)


def make_onehand10k(root: Path) -> Path:
    """OneHand10K's test split: a whole hand, one mostly hidden, and a lone wrist."""
    put(root / "Test/label_joint.txt", "\n".join(ONEHAND10K_LINES) + "\n")
    for name, size in (("0", (100, 110)), ("33", (90, 95)), ("7", (90, 95))):
        put(root / f"Test/source/{name}.jpg", picture(*size))
        put(root / f"Test/mask/{name}.png", picture(*size, kind="PNG"))
    return root


JUNK = [2.0, -0.67]


def make_hiu(root: Path) -> Path:
    """HIU-DMTL: a right hand, a left one as PNG, both, unreliable flags, hidden joints, none."""
    folder = root / "to_cv_community"
    hand, other, none = moved(0, 0), moved(70, 4), [JUNK] * 21

    def write(name: str, halves: list, suffix: str = "jpg", **fields: object) -> None:
        content = {
            "hand_type_valid": [1, 1], "pts2d_2hand": halves[0] + halves[1],
            "pts2d_w_2hand": [float(p != JUNK) for half in halves for p in half],
            # As the files have it: neither centred nor in a known unit.
            "pts3d_2hand": [[7.0, 8.0, 9.0]] * 42, "pts3d_w_2hand": [1.0] * 42, **fields,
        }  # fmt: skip
        put(folder / f"{name}.json", content)
        kind = "PNG" if suffix == "png" else "JPEG"
        put(folder / f"{name}.{suffix}", picture(160, 120, kind))
        put(folder / f"{name}_mask.{suffix}", picture(160, 120, kind))

    write("aaaaaaaaaa", [hand, none], hand_type=[1, 0])
    write("bbbbbbbbbb", [none, other], "png", hand_type=[0, 1])
    write("cccccccccc", [hand, other], hand_type=[1, 1])
    # The flags cannot be relied on: the joints tell which half is a hand, nothing tells the side.
    write("dddddddddd", [none, other], hand_type=[0, 0], hand_type_valid=[0, 0])
    # Weights under another name; the middle tip has weight 0, the ring tip holds junk.
    hidden = [*hand]
    hidden[16] = JUNK
    weights = [[1.0]] * 42
    weights[12] = [0.0]
    write("eeeeeeeeee", [hidden, none], hand_type=[1, 0], pts_w_2hand=weights)
    content = json.loads((folder / "eeeeeeeeee.json").read_text())
    del content["pts2d_w_2hand"]
    put(folder / "eeeeeeeeee.json", content)
    write("ffffffffff", [none, none], hand_type=[0, 0])
    for number in range(6):
        write(f"gggggggg{number:02d}", [moved(number, 0), none], hand_type=[1, 0])
    return root


def coco_json(images: list[dict], annotations: list[dict]) -> dict:
    fingers = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
    names = ["wrist", *(f"{finger}{number}" for finger in fingers for number in (1, 2, 3, 4))]
    category = {"supercategory": "hand", "id": 1, "name": "hand", "keypoints": names}
    return {"info": {}, "licenses": "", "images": images, "annotations": annotations,
            "categories": [category]}  # fmt: skip


def make_mmpose_onehand10k(root: Path) -> Path:
    """Two annotations; a missing joint is 0, 0, 0."""
    flat = [number for x, y in OPEN_HAND for number in (x, y, 1)]
    partly = [*flat]
    partly[0:3] = [0, 0, 0]
    images = [
        {"file_name": f"Test/source/{n}.jpg", "height": 110, "width": 100, "id": n} for n in (9, 33)
    ]
    annotations = [
        {"bbox": [15, 20, 64, 73], "keypoints": keypoints, "category_id": 1, "id": number,
         "image_id": number, "segmentation": [[15, 20]], "iscrowd": 0, "area": 4672}
        for number, keypoints in ((9, flat), (33, partly))
    ]  # fmt: skip
    put(root / "annotations/onehand10k_test.json", coco_json(images, annotations))
    for number in (9, 33):
        put(root / f"Test/source/{number}.jpg", picture(100, 110))
    return root


def make_mmpose_panoptic(root: Path) -> Path:
    """A left and a right hand of one photograph, with the head's size; a crowd."""
    images = [
        {"file_name": f"hand_labels/manual_test/000648952_02_{side}.jpg", "height": 120,
         "width": 160, "id": number} for number, side in ((100586, "l"), (100587, "r"))
    ]  # fmt: skip
    annotations = [
        {"bbox": [77.5, 31.25, 60.0, 70.0], "head_size": 140.5, "center": [107.0, 65.75],
         "keypoints": [n for x, y in moved(60.5, 10.25) for n in (x, y, 1.0)], "category_id": 1,
         "id": 100586, "image_id": 100586, "iscrowd": 0, "area": 4200.0, "dataset": "mpii"},
        {"bbox": [17.0, 21.0, 60.0, 70.0], "head_size": 0, "center": [46.5, 55.5],
         "keypoints": [n for x, y in moved(0, 0) for n in (x, y, 1.0)], "category_id": 1,
         "id": 100587, "image_id": 100587, "iscrowd": 0, "area": 4200.0, "dataset": "mpii"},
    ]  # fmt: skip
    annotations.append({**annotations[0], "id": 100588, "iscrowd": 1})
    put(root / "annotations/panoptic_test.json", coco_json(images, annotations))
    for image in images:
        put(root / image["file_name"], picture(160, 120))
    return root


def make_mmpose_freihand(root: Path) -> Path:
    """One crop; keypoints are projections, so fractions; the bbox is not to be used."""
    keypoints = [number for x, y in moved(60.25, 40.5) for number in (x, y, 1)]
    images = [{"file_name": "training/rgb/00017620.jpg", "height": 224, "width": 224, "id": 17620}]
    annotation = {"bbox": [62, 82, 104, 63], "keypoints": keypoints, "category_id": 1,
                  "id": 17620, "image_id": 17620, "iscrowd": 0, "area": 6552}  # fmt: skip
    put(root / "annotations/freihand_val.json", coco_json(images, [annotation]))
    put(root / images[0]["file_name"], picture(224, 224))
    return root


@dataclass(frozen=True)
class RhdTree:
    """mmpose's RHD; `joints_cam_mm` is the truth before it was put into the files' order."""

    root: Path
    joints_cam_mm: np.ndarray
    focal: float


def make_mmpose_rhd(root: Path) -> RhdTree:
    """A right and a left hand, tip to base, nested keypoints rounded to four digits."""
    focal, images, annotations, truths = 300.0, [], [], []
    for number, side in enumerate(("right", "left")):
        bent = {finger: np.array([0.5, 0.4, 0.3]) for finger in FINGERS}
        turn = Rotation.from_euler("xyz", [0.3, -0.2, 0.4 + number])
        truth = pose_hand(bent, turn, side) * 1000
        truths.append(truth)
        pixels = truth[:, :2] / truth[:, 2:] * focal + 160.0
        keypoints, joint_cam = [[0.0] * 3] * 21, [[0.0] * 3] * 21
        for ours, theirs in enumerate(RHD_ORDER):
            keypoints[theirs] = [*(float(f"{value:.4g}") for value in pixels[ours]), 1]
            joint_cam[theirs] = truth[ours].tolist()
        low, high = pixels.min(0), pixels.max(0)
        name = f"evaluation/color/{111 + number:05d}.png"
        images.append(
            {
                "file_name": name,
                "height": 320,
                "width": 320,
                "id": 111 + number,
                "cam_param": {"focal": [focal, focal], "princpt": [160.0, 160.0]},
            }
        )
        size = (high - low) * 1.2
        annotations.append(
            {
                "id": 111 + number,
                "image_id": 111 + number,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [*((low + high - size) / 2).tolist(), *size.tolist()],
                "area": 1.0,
                "keypoints": keypoints,
                "joint_cam": joint_cam,
                "hand_type": side,
            }
        )
        put(root / name, picture(320, 320, "PNG"))
    put(root / "annotations/rhd_test.json", coco_json(images, annotations))
    return RhdTree(root, np.array(truths), focal)
