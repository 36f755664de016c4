"""OneHand10K (Wang et al., TCSVT 2019), one row an image, in two dimensions.

Layout under the root, as distributed:

    {Train,Test}/label_joint.txt
    {Train,Test}/source/<n>.jpg, {Train,Test}/mask/<n>.png

Known from programs of others that read these files, not from a document of the authors:

* A line of `label_joint.txt` is `name,width,height,hand_number,x0,y0,...,x20,y20`, the joints in
  hand21's order. A joint with -1 is not labelled; those that cannot be seen are not, so it becomes
  MISSING. The labelled ones are UNKNOWN: nobody says that all of them can be seen.
* Coordinates are whole pixels. They are taken for pixel centres counted from 0, so half a pixel is
  added.
* Nothing says whose hand it is: `side` is null.
* The files hold no box: it is the tight box of the labelled joints times `BOX_SCALE`. mmpose's
  annotation files have looser ones (`mmpose-onehand10k`), which its published numbers stand on.
* The masks are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.datasets.adapter import Adapter, Sample, probe, read_image
from evaluation.datasets.geometry import check_geometry
from evaluation.datasets.hands_2d import hand_row, joint_array, sample_key, tell_skipped
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.conventions import PIXEL_CENTRE

FOLDERS = {"train": "Train", "test": "Test"}
NOT_LABELLED = -1.0
NUM_FIELDS = 4 + 2 * HAND21.num_joints
NO_AREA = "their labelled joints span no area"


def annotation_files(root: Path, split: str) -> list[Path]:
    """The label file of a split."""
    return [root / FOLDERS[split] / "label_joint.txt"]


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    (path,) = annotation_files(root, split)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read, expected the label file ({error}).") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]

    def read(number: int, line: str) -> tuple[str, dict[str, Any] | None]:
        try:
            return _row(split, line)
        except ValueError as error:
            raise InputError(f"{path}: line {number}: {error}.") from error

    probed = [read(*each)[1] for each in probe(numbered)]
    check_geometry(path, [row for row in probed if row is not None])
    skipped = Counter()
    for number, line in tqdm(numbered, desc=f"import onehand10k {split}", unit="image"):
        name, row = read(number, line)
        if row is None:
            skipped[NO_AREA] += 1
        else:
            yield row, read_image(path.parent / "source" / name, row["width"], row["height"])
    tell_skipped("onehand10k", split, skipped)


def _row(split: str, line: str) -> tuple[str, dict[str, Any] | None]:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != NUM_FIELDS:
        raise ValueError(f"{len(fields)} fields, expected {NUM_FIELDS}")
    name, width, height, _, *coordinates = fields
    joints = joint_array([float(value) for value in coordinates], 2)
    labelled = (joints != NOT_LABELLED).all(-1)
    joints_px = np.where(labelled[:, None], joints + PIXEL_CENTRE, np.nan)
    size_px = int(width), int(height)
    key = sample_key(split, Path(name).stem)
    return name, hand_row(key, split, size_px, None, joints_px, labelled)


ONEHAND10K = Adapter(
    name="onehand10k",
    splits=tuple(FOLDERS),
    licence="non-commercial research (by third parties' word)",
    source="www.yangangwang.com/papers/WANG-MCC-2018-10.html",
    annotation_files=annotation_files,
    samples=samples,
)
