"""HIU-DMTL (Zhang et al., ICCV 2021), one row a hand, in two dimensions.

Layout under the root, as the encrypted archive unpacks (its password comes by e-mail):

    to_cv_community/<name>.{png,jpg}, <name>.json, <name>_mask.{png,jpg}

The authors publish neither a split nor a description of the files. What stands below comes from
one answer of theirs (MandyMo/HIU-DMTL, issue 3) and from programs of others that read the files:

* `pts2d_2hand` holds 42 x (x, y) px, the right hand's 21 first, then the left one's, each in
  hand21's order.
* `hand_type` says of each of the two whether it is in the image, `hand_type_valid` whether that
  can be relied on. A half is a hand when its flag is set. Where the flag cannot be relied on, a
  half is a hand when it has joints, and `side` is null.
* The side is the half's, by the authors' word. A user found two right hands in different halves
  (issue 4, unanswered): do not judge sides by this set.
* Weights stand under one of the names `WEIGHTS`; a joint with weight 0 is not labelled. Absent
  joints hold numbers such as (2.0, -0.67), which others tell by x = 2.0 exactly; so does this
  reader, whatever the weight. Such joints become MISSING, the others are UNKNOWN.
* `pts3d_2hand` is not read, and `joints_3d` is null: its unit, frame and origin are documented
  nowhere, and it is neither centred nor metric (issue 4).
* Where a pixel's centre lies is not said; whole numbers are taken for centres counted from 0, so
  half a pixel is added.
* The box is the tight box of the labelled joints times `BOX_SCALE`. The masks are not read.
* Splits are this project's: of the JSON files sorted by name every tenth, the first included, is
  `test`, the others `train`; `all` is all. A partial download is split otherwise.
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
from render.manifest import HAND_SIDES
from render.manifest.conventions import PIXEL_CENTRE

FOLDER = "to_cv_community"
WEIGHTS = ("pts2d_w_2hand", "pts_w_2hand", "pts_w")
"""Names under which the files hold the weights of the 2-D joints."""

JUNK_X = 2.0
TEST_EVERY = 10
NO_AREA = "their joints span no area"


def annotation_files(root: Path, split: str) -> list[Path]:
    """The JSON files of a split, one an image.

    Raises:
        InputError: The folder holds none.
    """
    files = annotation_names(root / FOLDER, "hiu-dmtl")
    if split == "all":
        return files
    wanted = split == "test"
    return [path for number, path in enumerate(files) if (number % TEST_EVERY == 0) == wanted]


def samples(root: Path, split: str) -> Iterator[Sample]:
    """Reads the hands of a split; see the module for the rules.

    Raises:
        InputError: A file is missing or damaged, or the labels cannot be hands.
    """
    files = annotation_files(root, split)
    ignored = Counter()
    found = [row for path in probe(files) for row in _read(path, split, ignored)[0]]
    check_geometry(root / FOLDER, found)
    skipped = Counter()
    for path in tqdm(files, desc=f"import hiu-dmtl {split}", unit="image"):
        rows, data = _read(path, split, skipped)
        yield from ((row, data) for row in rows)
    tell_skipped("hiu-dmtl", split, skipped)


def _read(path: Path, split: str, skipped: Counter[str]) -> tuple[list[dict[str, Any]], bytes]:
    """The rows of a file, and its image."""
    content = read_json(path)
    try:
        hands = _hands(content)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is not as HIU-DMTL has it ({error!r}).") from error
    data, size_px = read_sized_image(image_of(path.with_suffix("")))
    rows = []
    for half, side, joints_px, labelled in hands:
        key = sample_key(split, path.stem, half)
        row = hand_row(key, split, size_px, side, joints_px, labelled)
        if row is None:
            skipped[NO_AREA] += 1
        else:
            rows.append(row)
    return rows, data


def _hands(content: dict[str, Any]) -> list[tuple[str, str | None, np.ndarray, np.ndarray]]:
    """(half, side, joints in continuous px [21, 2], labelled [21]) of the hands in a file."""
    num_joints, count = HAND21.num_joints, len(HAND_SIDES)
    joints = joint_array(content["pts2d_2hand"], 2, count * num_joints)
    labelled = np.isfinite(joints).all(-1) & (joints[:, 0] != JUNK_X)
    weights = next((content[name] for name in WEIGHTS if name in content), None)
    if weights is not None:
        labelled &= joint_array(weights, 1, count * num_joints)[:, 0] > 0
    present = _flags(content["hand_type"])
    reliable = _flags(content.get("hand_type_valid", 1))
    hands = []
    for half, side in enumerate(HAND_SIDES):
        joints_of = slice(half * num_joints, (half + 1) * num_joints)
        told = bool(reliable[half])
        if present[half] if told else labelled[joints_of].any():
            joints_px = joints[joints_of] + PIXEL_CENTRE
            hands.append((side, side if told else None, joints_px, labelled[joints_of]))
    return hands


def _flags(value: Any) -> np.ndarray:
    """A flag for each half; one number stands for both."""
    flags = np.array(value, dtype=np.float64).ravel()
    if flags.size not in (1, len(HAND_SIDES)):
        raise ValueError(f"{flags.size} flags, expected {len(HAND_SIDES)}")
    return np.broadcast_to(flags > 0, len(HAND_SIDES))


HIU_DMTL = Adapter(
    name="hiu-dmtl",
    splits=("all", "train", "test"),
    licence="not stated; obtained from the authors by e-mail (their code is MIT)",
    source="github.com/MandyMo/HIU-DMTL",
    annotation_files=annotation_files,
    samples=samples,
)
