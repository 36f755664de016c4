"""InterHand2.6M (Moon et al., ECCV 2020), one row a hand.

Layout under the root, as distributed:

    annotations/SPLIT/InterHand2.6M_SPLIT_{data,camera,joint_3d}.json
    images/SPLIT/<file_name of the data file>

* World coordinates are millimetres; the camera frame is R (x - campos), in OpenCV's axes.
* 42 joints, right hand first; each hand tip to base, thumb to little, the wrist last.
* A joint is valid when both the data file and joint_3d say so; the others hold placeholders and
  become MISSING.
* A hand is kept when its wrist is valid (the authors' own evaluation drops it otherwise, as
  root-relative coordinates do not exist) and at least `MIN_VALID_JOINTS` joints are.
* The box is the tight box of the valid joints times `BOX_SCALE`, as the data set's own `bbox`,
  which cannot be taken because it spans both hands.
* The authors do not say where a pixel's centre lies; K is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.datasets.adapter import (
    BOX_SCALE,
    Adapter,
    Sample,
    box_around,
    joint_states,
    probe,
    read_image,
    read_json,
)
from evaluation.datasets.geometry import check_geometry
from mano_assets.errors import InputError
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import HAND_SIDES, project

MIN_VALID_JOINTS = 12
"""More than 11 of 21, mmpose's rule for its 2-D variant (interhand2d_dataset.py, branch 0.x)."""

MM_PER_M = 1000.0

JOINTS = (
    *(joint for finger in FINGERS for joint in reversed(dict(HAND21.chains)[finger])),
    HAND21.joints[HAND21.root],
)
"""Order of one hand's joints in the files (annotations/skeleton.txt), by hand21's names."""

_TO_HAND21 = HAND21.order_from(JOINTS)


def annotation_files(root: Path, split: str) -> list[Path]:
    """The data, camera and joint_3d files of a split."""
    folder = root / "annotations" / split
    return [
        folder / f"InterHand2.6M_{split}_{what}.json" for what in ("data", "camera", "joint_3d")
    ]


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    data_file = annotation_files(root, split)[0]
    data, cameras, joints_3d = (read_json(path) for path in annotation_files(root, split))
    try:
        images = {image["id"]: image for image in data["images"]}
        annotations = data["annotations"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{data_file}: expected lists 'images' and 'annotations'.") from error

    def rows(annotation: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            image = images[annotation["image_id"]]
            capture = str(image["capture"])
            frame = joints_3d[capture][str(image["frame_idx"])]
            return _rows(split, annotation, image, cameras[capture], frame)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(
                f"{data_file}: annotation {annotation.get('id')} and its entries in the camera and "
                f"joint_3d files are not as InterHand2.6M has them ({error!r})."
            ) from error

    check_geometry(data_file, [row for found in probe(annotations) for row in rows(found)])
    for annotation in tqdm(annotations, desc=f"import interhand26m {split}", unit="image"):
        found = rows(annotation)
        if found:
            image = images[annotation["image_id"]]
            path = root / "images" / split / image["file_name"]
            content = read_image(path, image["width"], image["height"])
            yield from ((row, content) for row in found)


def _rows(
    split: str,
    annotation: dict[str, Any],
    image: dict[str, Any],
    camera: dict[str, Any],
    frame: dict[str, Any],
) -> list[dict[str, Any]]:
    name = str(image["camera"])
    rotation = np.array(camera["camrot"][name], dtype=np.float64).reshape(3, 3)
    position_m = np.array(camera["campos"][name], dtype=np.float64) / MM_PER_M
    (fx, fy), (cx, cy) = camera["focal"][name], camera["princpt"][name]
    camera_k = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    cam_from_world = np.hstack([rotation, -(rotation @ position_m)[:, None]])

    shape = (len(HAND_SIDES), HAND21.num_joints)
    world_m = np.array(frame["world_coord"], dtype=np.float64).reshape(*shape, 3) / MM_PER_M
    valid = np.array(annotation["joint_valid"], dtype=bool).reshape(shape)
    valid &= np.array(frame["joint_valid"], dtype=bool).reshape(shape)
    world_m, valid = world_m[:, _TO_HAND21], valid[:, _TO_HAND21]

    rows = []
    for side, hand_world_m, labelled in zip(HAND_SIDES, world_m, valid, strict=True):
        joints_cam_m = (hand_world_m - position_m) @ rotation.T
        if not labelled[HAND21.root] or labelled.sum() < MIN_VALID_JOINTS:
            continue
        joints_cam_m[~labelled] = np.nan
        joints_px = project(joints_cam_m, camera_k)
        rows.append(
            {
                "sample_id": f"{split}-{image['id']:07d}-{side}",
                "split": split,
                "subject": str(image["subject"]),
                "sequence": f"Capture{image['capture']}/{image['seq_name']}/cam{name}",
                "frame": int(image["frame_idx"]),
                "width": int(image["width"]),
                "height": int(image["height"]),
                "camera_k": camera_k.ravel().tolist(),
                "cam_from_world": cam_from_world.ravel().tolist(),
                "side": side,
                "joints_2d": joints_px.ravel().tolist(),
                "joints_3d": joints_cam_m.ravel().tolist(),
                "joint_state": joint_states(joints_px, labelled, image["width"], image["height"]),
                "box": box_around(joints_px, BOX_SCALE),
            }
        )
    return rows


INTERHAND26M = Adapter(
    name="interhand26m",
    splits=("train", "val", "test"),
    licence="CC-BY-NC 4.0",
    source="mks0601.github.io/InterHand2.6M",
    annotation_files=annotation_files,
    samples=samples,
)
