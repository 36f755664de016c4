"""FreiHAND (Zimmermann et al., ICCV 2019), right hands, one row an image.

Layout under the root, as distributed (FreiHAND_pub_v2 and FreiHAND_pub_v2_eval):

    training_K.json, training_xyz.json        training/rgb/%08d.jpg
    evaluation_K.json, evaluation_xyz.json    evaluation/rgb/%08d.jpg

* The JSON files are lists, an entry a sample: K is 3x3, xyz the joints in the camera frame, metres,
  in hand21's order. The lists' length is the number of samples.
* Training scenes come in `VERSIONS`, the same hand before other backgrounds: image id = index +
  version * number of scenes. A scene's versions share a `sequence`, so that a random split by
  sequence does not leak. Versions are taken that are there, each whole or not at all; the recipe
  in `dataset.json` names them.
* Right hands only. All 21 joints are labelled; what can be seen is not said, so they are UNKNOWN.
* joints_2d is the projection of xyz by K, as the authors' own code has it (utils/fh_utils.py). They
  do not say where a pixel's centre lies; K is kept as it is, and its principal points near 112 in
  images of 224 px suggest the manifest's own rule.
* There is no box: it is the joints' own times `BOX_SCALE`.
* MANO's parameters stay null. `training_mano.json` gives the pose against the mean pose of the
  licensed hand (`flat_hand_mean=False`), the shape in that hand's directions, and a rotation that
  is not exactly the camera frame's; what the manifest means by these columns is none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    read_json,
    read_sized_image,
)
from evaluation.datasets.geometry import check_geometry
from evaluation.datasets.stand_in import read_export
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import project

MOST_OFF_CENTRE = 0.2
"""Median distance of the principal points from the images' centres, as a share of their width or
height. FreiHAND's lie near the centre; those of K for images of half the size are 0.25 away."""

VERSIONS = ("gs", "hom", "sample", "auto")
"""Green screen, then three ways of another background (utils/fh_utils.py, sample_version)."""


def annotation_files(root: Path, split: str) -> list[Path]:
    """The K and xyz files of a split."""
    return [root / f"{split}_{what}.json" for what in ("K", "xyz")]


def content(root: Path, split: str) -> dict[str, Any]:
    """Which versions of the training images are there.

    Raises:
        InputError: There is none, or a part of one.
    """
    if split != "training":
        return {}
    num_scenes = len(_annotations(root, split)[0])
    return {"versions": [VERSIONS[number] for number in _versions(root, num_scenes)]}


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    cameras, joints = _annotations(root, split)
    num_scenes = len(cameras)
    versions = _versions(root, num_scenes) if split == "training" else [0]
    numbers = [index + version * num_scenes for version in versions for index in range(num_scenes)]

    def read(number: int) -> Sample:
        index = number % num_scenes
        path = root / split / "rgb" / f"{number:08d}.jpg"
        data, size = read_sized_image(path)
        row = _row(cameras[index], joints[index], *size)
        name = f"{split}-{number:08d}"
        if split == "training":
            row |= {"sequence": f"{split}-{index:08d}"}
            name += f"-{VERSIONS[number // num_scenes]}"
        return {"sample_id": name, "split": split, **row}, data

    k_file, xyz_file = annotation_files(root, split)
    rows = [read(number)[0] for number in probe(numbers)]
    check_geometry(xyz_file, rows)
    # Renders that were written in this layout are crops: their principal points lie anywhere.
    if read_export(root) is None:
        _check_centres(k_file, rows)
    for number in tqdm(numbers, desc=f"import freihand {split}", unit="image"):
        yield read(number)


def _annotations(root: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsics [N, 3, 3] and joints [N, 21, 3], metres."""
    shapes = ((3, 3), (HAND21.num_joints, 3))
    arrays = []
    for path, shape in zip(annotation_files(root, split), shapes, strict=True):
        entries = read_json(path)
        try:
            array = np.array(entries, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: expected a list of {list(shape)} numbers.") from error
        if array.shape[1:] != shape or not np.isfinite(array).all():
            raise InputError(
                f"{path}: holds numbers of shape {list(array.shape)}, expected [N, "
                f"{', '.join(map(str, shape))}], all finite."
            )
        arrays.append(array)
    cameras, joints = arrays
    _check_cameras(annotation_files(root, split)[0], cameras)
    if len(cameras) != len(joints):
        raise InputError(
            f"{annotation_files(root, split)[1]}: has {len(joints)} entries, expected the "
            f"{len(cameras)} of {split}_K.json."
        )
    return cameras, joints


def _check_cameras(path: Path, cameras: np.ndarray) -> None:
    right = (cameras[:, 0, 0] > 0) & (cameras[:, 1, 1] > 0) & (cameras[:, 2] == (0, 0, 1)).all(-1)
    if not right.all():
        number = int(np.flatnonzero(~right)[0])
        raise InputError(
            f"{path}: entry {number} is {cameras[number].tolist()}, expected "
            "[[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx and fy above 0."
        )


def _check_centres(path: Path, rows: list[Mapping[str, Any]]) -> None:
    centres_px = np.array([np.reshape(row["camera_k"], (3, 3))[:2, 2] for row in rows])
    size_px = np.array([(row["width"], row["height"]) for row in rows])
    off = np.median(np.abs(centres_px / size_px - 0.5), axis=0)
    if off.max() > MOST_OFF_CENTRE:
        raise InputError(
            f"{path}: the principal points lie {off.max():.0%} of the image from its centre, "
            f"expected at most {MOST_OFF_CENTRE:.0%} (K of images of another size?)."
        )


def _versions(root: Path, num_scenes: int) -> list[int]:
    folder = root / "training" / "rgb"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder, expected FreiHAND's training images.")
    names = {path.name for path in folder.iterdir()}
    present = []
    for number, version in enumerate(VERSIONS):
        first = number * num_scenes
        wanted = [f"{index:08d}.jpg" for index in range(first, first + num_scenes)]
        missing = [name for name in wanted if name not in names]
        if not missing:
            present.append(number)
        elif len(missing) < num_scenes:
            raise InputError(
                f"{folder / missing[0]}: no such file, {num_scenes - len(missing)} of {num_scenes} "
                f"images of version {version!r} are there, expected all or none."
            )
    if not present:
        raise InputError(
            f"{folder}: holds no version of the training images, expected 00000000.jpg to "
            f"{num_scenes - 1:08d}.jpg."
        )
    return present


def _row(camera_k: np.ndarray, joints_cam_m: np.ndarray, width: int, height: int) -> dict[str, Any]:
    joints_px = project(joints_cam_m, camera_k)
    labelled = np.ones(HAND21.num_joints, bool)
    return {
        "width": width,
        "height": height,
        "camera_k": camera_k.ravel().tolist(),
        "side": "right",
        "joints_2d": joints_px.ravel().tolist(),
        "joints_3d": joints_cam_m.ravel().tolist(),
        "joint_state": joint_states(joints_px, labelled, width, height),
        "box": box_around(joints_px, BOX_SCALE),
    }


FREIHAND = Adapter(
    name="freihand",
    splits=("training", "evaluation"),
    licence="research only, no commercial use",
    source="lmb.informatik.uni-freiburg.de/projects/freihand",
    annotation_files=annotation_files,
    samples=samples,
    content=content,
)
