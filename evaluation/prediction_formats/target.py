"""The samples of a data set that a prediction file is about, and the checks against them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.metrics import Comparison
from evaluation.prediction_checks import (
    HandFacts,
    check_predictions,
    match_ids,
    refuse_not_finite,
)
from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, parse_data_source
from render.manifest.predictions import PredictionInfo, Predictions
from render.manifest.reading import column_array

COLUMNS = ["sample_id", "joints_2d", "joints_3d", "joint_state", "box", "side", "width", "height"]


@dataclass(frozen=True)
class Target:
    """The samples, and what is true of them.

    Attributes:
        data: ROOT[:SPLIT] as the user gave it.
        manifest: The data set.
        split: Its split; None for all.
        sample_ids: In the data set's order, [N].
        joints_true: By dimension: continuous px [N, 21, 2] and metres [N, 21, 3]; NaN where none.
        labelled: Joints that have a label, [N, 21].
        facts: What else is known of the hands.
        root: Folder of the original files, for formats that need its annotations.
    """

    data: str
    manifest: Manifest
    split: str | None
    sample_ids: list[str]
    joints_true: dict[int, np.ndarray]
    labelled: np.ndarray
    facts: HandFacts
    root: Path | None


def open_target(data: str, format_name: str, data_name: str, root: Path | None) -> Target:
    """Opens a data set that files of a format are about.

    Args:
        data: ROOT[:SPLIT] of a manifest.
        format_name: Named in messages.
        data_name: The public data set whose samples the format holds; its stand-ins will do.
        root: Folder of the data set as distributed.

    Raises:
        InputError: It cannot be opened or is another data set.
    """
    folder, split = parse_data_source(data)
    manifest = Manifest.open(folder)
    if data_name not in (manifest.info.name, manifest.info.stand_in_for):
        raise InputError(
            f"{folder}: data set {manifest.info.name!r}, expected {data_name}, which the format "
            f"{format_name} is about."
        )
    table = manifest.table(split, COLUMNS)
    facts = HandFacts(
        image_px=np.stack([table["width"].to_numpy(), table["height"].to_numpy()], -1),
        box_px=column_array(table, "box", 4),
        sides=np.array(table["side"].to_pylist(), dtype=object),
    )
    joints_true = {
        2: column_array(table, "joints_2d", HAND21.num_joints, 2),
        3: column_array(table, "joints_3d", HAND21.num_joints, 3),
    }
    labelled = column_array(table, "joint_state", HAND21.num_joints) != JointState.MISSING
    sample_ids = table["sample_id"].to_pylist()
    return Target(data, manifest, split, sample_ids, joints_true, labelled, facts, root)


def imported_info(path: Path, target: Target, label: str | None) -> PredictionInfo:
    """Provenance of a file that others wrote: the file itself stands for the checkpoint."""
    info = target.manifest.info
    return PredictionInfo(
        system="imported",
        label=label or path.stem,
        checkpoint=str(path),
        checkpoint_sha256=file_sha256(path),
        data=target.manifest.root,
        data_name=info.name,
        data_recipe_digest=info.recipe_digest,
        split=target.split,
    )


def rows_of(path: Path, predictions: Predictions, target: Target) -> list[int]:
    """Where each sample of the target stands among the predictions.

    Raises:
        InputError: They were made on other data, or an id is missing, unknown or there twice.
    """
    predicted, held = predictions.info.data_recipe_digest, target.manifest.info.recipe_digest
    if predicted and held and predicted != held:
        raise InputError(
            f"{path}: predicted on a data set with recipe digest {predicted[:12]}, expected "
            f"{target.manifest.root}'s {held[:12]}."
        )
    return match_ids(path, target.data, predictions.sample_ids, target.sample_ids)


def check_joints(path: Path, joints: np.ndarray, target: Target) -> list[str]:
    """Looks for numbers that cannot be meant.

    Args:
        path: File to name.
        joints: Predicted, in the target's order, [N, 21, 2 or 3].
        target: What they are about.

    Returns:
        Warnings, a sentence each.

    Raises:
        InputError: A joint is not finite; or all are in another unit, frame or joint order, or
            mirrored.
    """
    dimensions = joints.shape[-1]
    every = np.ones(joints.shape[:2], bool)
    refuse_not_finite(path, dimensions, target.sample_ids, joints, every)
    truth = target.joints_true[dimensions]
    valid = target.labelled & np.isfinite(truth).all(-1)
    pair = Comparison(joints, truth, valid, np.full(len(joints), np.nan))
    return check_predictions(path, {dimensions: pair}, target.facts)
