"""CMU Panoptic HandDB (Simon et al., CVPR 2017), one row a hand, in two dimensions.

Layout under the root, as distributed:

    hand_labels/{manual_train,manual_test}/<name>_{l|r}.{json,jpg}     MPII and NZSL photographs
    hand_labels_synth/{synth1,synth2,synth3,synth4}/<name>.{json,jpg}  rendered people
    hand143_panopticdb/hands_v143_14817.json and imgs/                 multiview bootstrapping

What stands below is known from programs of others that read these files (mirrors of CMU's own
script among them), not from a document of the authors:

* `hand_pts` and panopticdb's `joint_self` are 21 x (x, y, valid) in hand21's order. Joints whose
  valid is not 1 become MISSING. What can be seen is not said, so the others are UNKNOWN.
* `is_left` says whose hand it is; left hands have the same order. panopticdb does not say, so its
  `side` is null.
* A photograph with two labelled hands is stored twice, once for each; both are kept.
* Some synthetic files lack 21 points; they are left out and counted. When most do, the folder is
  refused.
* Whether coordinates count pixels from 0 (Python) or from 1 (MATLAB, which the authors used) is
  not known. They are taken for pixel centres counted from 0, so half a pixel is added; were they
  counted from 1, all labels would lie one pixel too far to the lower right.
* The box is the tight box of the valid joints times `BOX_SCALE`. The files hold no head size, so
  PCKh needs mmpose's annotation files (`mmpose-panoptic`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.datasets.adapter import (
    Adapter,
    Sample,
    probe,
    read_image,
    read_json,
    read_sized_image,
)
from evaluation.datasets.geometry import check_geometry
from evaluation.datasets.hands_2d import (
    annotation_names,
    hand_row,
    image_of,
    joint_array,
    sample_key,
    tell_skipped,
)
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.conventions import PIXEL_CENTRE

FOLDERS = {
    **{name: "hand_labels" for name in ("manual_train", "manual_test")},
    **{f"synth{number}": "hand_labels_synth" for number in range(1, 5)},
}
"""Where the splits with a JSON file an image lie."""

STUDIO = "panopticdb"
STUDIO_FOLDER = "hand143_panopticdb"
STUDIO_FILE = "hands_v143_14817.json"

NO_POINTS = f"their files do not hold {HAND21.num_joints} points"
NO_AREA = "their valid joints span no area"
MOST_SKIPPED = 0.5


def annotation_files(root: Path, split: str) -> list[Path]:
    """The annotation files of a split: one for panopticdb, else one an image.

    Raises:
        InputError: The folder holds none.
    """
    if split == STUDIO:
        return [root / STUDIO_FOLDER / STUDIO_FILE]
    return annotation_names(root / FOLDERS[split] / split, "panoptic")


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, most lack points, or the labels cannot be hands.
    """
    return _studio(root) if split == STUDIO else _labels(root, split)


def _labels(root: Path, split: str) -> Iterator[Sample]:
    files = annotation_files(root, split)
    probed = [_read_labels(path, split)[0] for path in probe(files)]
    if probed.count(NO_POINTS) > MOST_SKIPPED * len(probed):
        raise InputError(
            f"{files[0].parent}: {probed.count(NO_POINTS)} of {len(probed)} files looked at do not "
            f"hold {HAND21.num_joints} points in 'hand_pts', expected that of few."
        )
    check_geometry(files[0].parent, [row for row in probed if not isinstance(row, str)])
    skipped = Counter()
    for path in tqdm(files, desc=f"import panoptic {split}", unit="hand"):
        row, data = _read_labels(path, split)
        if isinstance(row, str):
            skipped[row] += 1
        else:
            yield row, data
    tell_skipped("panoptic", split, skipped)


def _read_labels(path: Path, split: str) -> tuple[dict[str, Any] | str, bytes]:
    """The row of a file, or why it is left out; and its image."""
    content = read_json(path)
    data, size_px = read_sized_image(image_of(path.with_suffix("")))
    try:
        points = content["hand_pts"]
        if len(points) != HAND21.num_joints:
            return NO_POINTS, data
        side = {0: "right", 1: "left"}[int(content["is_left"])]
        return _row(split, path.stem, size_px, side, points), data
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is not as CMU's HandDB has it ({error!r}).") from error


def _studio(root: Path) -> Iterator[Sample]:
    (path,) = annotation_files(root, STUDIO)
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("root"), list):
        raise InputError(f"{path}: expected a list 'root'.")
    annotations = list(enumerate(content["root"]))

    def read(number: int, annotation: dict[str, Any]) -> dict[str, Any] | str:
        try:
            size = annotation["img_width"], annotation["img_height"]
            name = Path(annotation["img_paths"]).stem
            return _row(STUDIO, name, size, None, annotation["joint_self"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: annotation {number} is not as panopticdb has them ({error!r})."
            ) from error

    probed = [read(*annotation) for annotation in probe(annotations)]
    check_geometry(path, [row for row in probed if not isinstance(row, str)])
    skipped = Counter()
    for number, annotation in tqdm(annotations, desc=f"import panoptic {STUDIO}", unit="hand"):
        row = read(number, annotation)
        if isinstance(row, str):
            skipped[row] += 1
        else:
            image = path.parent / annotation["img_paths"]
            yield row, read_image(image, row["width"], row["height"])
    tell_skipped("panoptic", STUDIO, skipped)


def _row(
    split: str, name: str, size_px: tuple[int, int], side: str | None, points: Any
) -> dict[str, Any] | str:
    joints = joint_array(points, 3)
    labelled = joints[:, 2] == 1
    joints_px = np.where(labelled[:, None], joints[:, :2] + PIXEL_CENTRE, np.nan)
    return hand_row(sample_key(split, name), split, size_px, side, joints_px, labelled) or NO_AREA


PANOPTIC = Adapter(
    name="panoptic",
    splits=(*FOLDERS, STUDIO),
    licence="non-commercial research (as remembered; check it where the data is obtained)",
    source="domedb.perception.cs.cmu.edu/handdb.html",
    annotation_files=annotation_files,
    samples=samples,
)
