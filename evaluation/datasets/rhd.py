"""RHD, the Rendered Hand Pose data set (Zimmermann and Brox, ICCV 2017), one row a hand.

Layout under the root, as distributed (RHD_published_v2):

    SPLIT/anno_SPLIT.pickle    SPLIT/color/%05d.png

* The pickle holds, by image number, `xyz` (42 x 3, camera frame, metres), `uv_vis` (42 x 3: x, y,
  visible) and `K`. It is read by `mano_assets.inert_pickle`, which can build nothing but arrays.
* 42 joints, the person's left hand first; each hand the wrist, then thumb to little, tip to base.
* joints_2d is the projection of xyz by K, which `uv_vis` must agree with. Where a pixel's centre
  lies is not said; K and xyz are kept as they are.
* A joint that is visible is VISIBLE. Of one that is not, nobody says whether it is behind its own
  hand or another thing, which the manifest tells apart: it is UNKNOWN, or OUTSIDE.
* Both hands have numbers in every image. One is kept when a joint of it is visible and at least
  `MIN_INSIDE_JOINTS` lie in the image: handforge's own rule (the authors' code takes the hand with
  more pixels in the mask).
* There is no box: it is the joints' own times `BOX_SCALE`.
* Images are PNG and keep their bytes. Masks and depth stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    read_sized_image,
)
from evaluation.datasets.geometry import check_geometry, check_reprojection
from mano_assets.errors import InputError
from mano_assets.inert_pickle import pickled_array, read_pickle
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import JointState, project

SIDES = ("left", "right")
"""Halves of the 42 joints."""

MIN_INSIDE_JOINTS = 12
"""As many as InterHand2.6M's hands must have."""

JOINTS = (
    HAND21.joints[HAND21.root],
    *(joint for finger in FINGERS for joint in reversed(dict(HAND21.chains)[finger])),
)
"""Order of one hand's joints in the file, by hand21's names."""

_TO_HAND21 = HAND21.order_from(JOINTS)


def annotation_files(root: Path, split: str) -> list[Path]:
    """The annotation pickle of a split."""
    return [root / split / f"anno_{split}.pickle"]


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    (path,) = annotation_files(root, split)
    annotations = read_pickle(path)
    if not isinstance(annotations, dict):
        raise InputError(
            f"{path}: holds a {type(annotations).__name__}, expected a dict by image number."
        )
    numbers = list(annotations)

    def read(number: Any) -> tuple[_Labels, bytes, list[dict[str, Any]]]:
        labels = _labels(path, number, annotations[number])
        data, size = read_sized_image(root / split / "color" / f"{number:05d}.png")
        return labels, data, _rows(split, number, labels, *size)

    probed = [(labels, rows) for labels, _, rows in map(read, probe(numbers))]
    check_geometry(path, [row for _, rows in probed for row in rows])
    _check_reprojection(path, [labels for labels, _ in probed])
    for number in tqdm(numbers, desc=f"import rhd {split}", unit="image"):
        _, data, rows = read(number)
        yield from ((row, data) for row in rows)


def is_kept(joints_px: np.ndarray, visible: np.ndarray, width: int, height: int) -> bool:
    """Whether a hand is one of its image's.

    Args:
        joints_px: Continuous px, [21, 2].
        visible: [21].
        width: Image width, px.
        height: Image height, px.
    """
    inside = ((joints_px >= 0) & (joints_px <= (width, height))).all(-1)
    return bool(visible.any()) and int(inside.sum()) >= MIN_INSIDE_JOINTS


@dataclass(frozen=True)
class _Labels:
    """Both hands of an image, in hand21's order: left, right."""

    camera_k: np.ndarray
    joints_cam_m: np.ndarray
    filed_px: np.ndarray
    visible: np.ndarray


def _labels(path: Path, number: Any, annotation: Any) -> _Labels:
    shape = (len(SIDES), HAND21.num_joints, 3)
    try:
        if not isinstance(number, int):
            raise TypeError(f"its number is a {type(number).__name__}")
        camera_k = pickled_array(annotation["K"], 3, 3)
        xyz_m = pickled_array(annotation["xyz"], shape[0] * shape[1], 3).reshape(shape)
        uv_vis = pickled_array(annotation["uv_vis"], shape[0] * shape[1], 3).reshape(shape)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: annotation {number!r} is not as RHD has them ({error!r})."
        ) from error
    uv_vis = uv_vis[:, _TO_HAND21]
    return _Labels(camera_k, xyz_m[:, _TO_HAND21], uv_vis[..., :2], uv_vis[..., 2] == 1)


def _rows(
    split: str, number: int, labels: _Labels, width: int, height: int
) -> list[dict[str, Any]]:
    rows = []
    hands = zip(SIDES, labels.joints_cam_m, labels.filed_px, labels.visible, strict=True)
    for side, joints_cam_m, filed_px, visible in hands:
        if not is_kept(filed_px, visible, width, height):
            continue
        joints_px = project(joints_cam_m, labels.camera_k)
        states = joint_states(joints_px, np.ones(HAND21.num_joints, bool), width, height)
        rows.append(
            {
                "sample_id": f"{split}-{number:05d}-{side}",
                "split": split,
                "width": width,
                "height": height,
                "camera_k": labels.camera_k.ravel().tolist(),
                "side": side,
                "joints_2d": joints_px.ravel().tolist(),
                "joints_3d": joints_cam_m.ravel().tolist(),
                "joint_state": np.where(visible, JointState.VISIBLE, states).tolist(),
                "box": box_around(joints_px, BOX_SCALE),
            }
        )
    return rows


def _check_reprojection(path: Path, probed: list[_Labels]) -> None:
    # A hand that is not there has no place, and only what is seen need be where it is said to be.
    seen = np.stack([labels.visible for labels in probed])[..., None]
    filed_px = np.where(seen, np.stack([labels.filed_px for labels in probed]), np.nan)
    joints_cam_m = np.where(seen, np.stack([labels.joints_cam_m for labels in probed]), np.nan)
    camera_k = np.stack([labels.camera_k for labels in probed])[:, None]
    check_reprojection(path, filed_px, joints_cam_m, camera_k)


RHD = Adapter(
    name="rhd",
    splits=("training", "evaluation"),
    licence="research only, no commercial use",
    source="lmb.informatik.uni-freiburg.de/resources/datasets/RenderedHandposeDataset.en.html",
    annotation_files=annotation_files,
    samples=samples,
)
