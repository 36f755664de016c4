"""PCK@0.2 on Penn Action (Zhang et al., ICCV 2013), over its label files.

What the LSTM Pose Machines compute (lawy623/LSTM_Pose_Machines, run_benchmark_GPU_PENN.m): a joint
is right when it is no farther from its label than 0.2 of the longer side of the frame's box (that
distance included). Only joints labelled as visible count; hits over visible joints, for each joint
and for all of them at once (micro).

labels/%04d.mat holds x, y and visibility [n, 13], bbox [n, 4] as x1, y1, x2, y2, and train, 1 or
-1. What to mind in the files:

* Some hold unsigned integers, whose differences would wrap: everything becomes float64.
* Two sequences, 1154 and 1865, lack the last frame's box; it repeats the one before (PENN_PreData.m
  of the same repository does so).
* 185 frames of the data set have a box without a size. The official code takes it as it is: where
  both sides are 0 only an exact hit counts, where the longer is negative none does. Here the box of
  the frame's visible joints stands in, and the number with the boxes as filed is given beside it.

Coordinates are compared as the files have them; they look 1-based, which nobody states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.adapter import read_json
from mano_assets.errors import InputError
from mano_assets.skeleton import PENN13

THRESHOLD = 0.2

SPLITS = {"train": 1, "test": -1}
"""The files' `train`."""


@dataclass(frozen=True)
class PennSequence:
    """The labels of one video.

    Attributes:
        joints_px: As filed, [n, 13, 2].
        visible: [n, 13].
        boxes_px: x1, y1, x2, y2, [n, 4].
        is_train: Of the training split.
    """

    joints_px: np.ndarray
    visible: np.ndarray
    boxes_px: np.ndarray
    is_train: bool


def read_sequence(path: Path) -> PennSequence:
    """Reads a label file.

    Raises:
        InputError: It is missing or not Penn Action's.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(path)
        x, y, visible, boxes = (
            np.asarray(content[name], dtype=np.float64) for name in ("x", "y", "visibility", "bbox")
        )
        is_train = int(content["train"].item()) == SPLITS["train"]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected labels of Penn Action.") from error
    except Exception as error:  # loadmat raises whatever the bytes make it raise
        raise InputError(f"{path}: not labels of Penn Action ({error!r}).") from error
    num_frames = len(x)
    shape = (num_frames, PENN13.num_joints)
    if not x.shape == y.shape == visible.shape == shape:
        raise InputError(
            f"{path}: x, y and visibility are {x.shape}, {y.shape} and {visible.shape}, expected "
            f"the same number of frames and {PENN13.num_joints} joints."
        )
    if boxes.shape == (num_frames - 1, 4) and num_frames > 1:
        boxes = np.concatenate([boxes, boxes[-1:]])
    if boxes.shape != (num_frames, 4):
        raise InputError(
            f"{path}: bbox has the shape {boxes.shape}, expected {(num_frames, 4)} or one row less."
        )
    return PennSequence(np.stack([x, y], -1), visible == 1, boxes, is_train)


def read_split(root: Path, split: str) -> dict[str, PennSequence]:
    """Reads the sequences of a split by name, such as 0001.

    Raises:
        InputError: Unknown split, no such sequence, or a damaged file.
    """
    if split not in SPLITS:
        raise InputError(f"split {split!r} is not in penn-action, expected {' or '.join(SPLITS)}.")
    folder = root / "labels"
    sequences = {path.stem: read_sequence(path) for path in sorted(folder.glob("*.mat"))}
    wanted = {
        name: found for name, found in sequences.items() if found.is_train == (split == "train")
    }
    if not wanted:
        raise InputError(f"{folder}: holds no sequence of the {split} split, expected %04d.mat.")
    return wanted


def read_predicted(path: Path, sequences: Mapping[str, PennSequence]) -> dict[str, np.ndarray]:
    """Reads predicted joints: a JSON object of n lists of 13 x, y for each sequence's name.

    Args:
        path: File.
        sequences: What it has to be about.

    Returns:
        px as the labels', [n, 13, 2] by name.

    Raises:
        InputError: A sequence is missing or unknown, or its numbers are not n x 13 x 2 finite ones.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object with the joints of each sequence.")
    missing, unknown = sequences.keys() - content.keys(), content.keys() - sequences.keys()
    if missing or unknown:
        names = f"{min(missing)!r} is missing" if missing else f"{min(unknown)!r} is unknown"
        raise InputError(
            f"{path}: {len(content.keys() & sequences.keys())} of {len(sequences)} sequences and "
            f"{len(unknown)} unknown ones, {names}; expected all of the split and no other."
        )
    return {name: _joints(path, name, content[name], sequences[name]) for name in sequences}


def score_penn(
    sequences: Mapping[str, PennSequence], predicted: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """PCK@0.2; see the module for the rules.

    Args:
        sequences: By name.
        predicted: px, [n, 13, 2] by the same names.

    Returns:
        pck_0.2, pck_0.2_boxes_as_filed, pck_0.2_JOINT for each joint, num_joints (visible ones) and
        num_boxes_replaced (of frames with a visible joint). NaN where no joint is visible.
    """
    hits, hits_as_filed, counts = (np.zeros(PENN13.num_joints) for _ in range(3))
    num_replaced = 0
    for name, sequence in sequences.items():
        errors_px = np.linalg.norm(predicted[name] - sequence.joints_px, axis=-1)
        filed_px = (sequence.boxes_px[:, 2:] - sequence.boxes_px[:, :2]).max(-1)
        seen = sequence.visible.any(-1)
        replaced = (filed_px <= 0) & seen
        size_px = np.where(replaced, _visible_size_px(sequence), filed_px)
        for found, size in ((hits, size_px), (hits_as_filed, filed_px)):
            found += ((errors_px <= THRESHOLD * size[:, None]) & sequence.visible).sum(0)
        counts += sequence.visible.sum(0)
        num_replaced += int(replaced.sum())
    return {
        "pck_0.2": _share(hits.sum(), counts.sum()),
        "pck_0.2_boxes_as_filed": _share(hits_as_filed.sum(), counts.sum()),
        **{
            f"pck_0.2_{joint}": _share(hits[number], counts[number])
            for number, joint in enumerate(PENN13.joints)
        },
        "num_joints": int(counts.sum()),
        "num_boxes_replaced": num_replaced,
    }


def referee_penn(root: Path, split: str, predictions: Path) -> tuple[dict[str, float], list[str]]:
    """Scores predictions on a split; `read_predicted` tells their format.

    Returns:
        As `score_penn`, and warnings.

    Raises:
        InputError: A file is missing or damaged, or not about the split's sequences.
    """
    sequences = read_split(root, split)
    scores = score_penn(sequences, read_predicted(predictions, sequences))
    warnings = []
    if scores["num_boxes_replaced"]:
        warnings.append(
            f"{scores['num_boxes_replaced']} frames have a box without a size; their visible "
            "joints' box stands in, except for pck_0.2_boxes_as_filed."
        )
    return scores, warnings


def _visible_size_px(sequence: PennSequence) -> np.ndarray:
    """Longer side of each frame's box of visible joints, [n]; meaningless where there is none."""
    seen = sequence.visible[..., None]
    high = np.where(seen, sequence.joints_px, -np.inf).max(1)
    low = np.where(seen, sequence.joints_px, np.inf).min(1)
    return (high - low).max(-1)


def _joints(path: Path, name: str, values: Any, sequence: PennSequence) -> np.ndarray:
    try:
        joints = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        joints = np.empty(0)
    shape = sequence.joints_px.shape
    if joints.shape != shape or not np.isfinite(joints).all():
        raise InputError(
            f"{path}: sequence {name!r} has {joints.shape} numbers, expected {shape}, all finite."
        )
    return joints


def _share(hits: float, count: float) -> float:
    return float(hits / count) if count else float("nan")
