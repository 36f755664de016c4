"""FreiHAND's pred.json: `[joints, vertices]`, a list of points a sample each, metres.

The place in the lists is the only key: the k-th entries are about evaluation/rgb/%08d.jpg with
number k (lmb-freiburg/freihand, pred.py and eval.py). So a file is about all the samples or none.
Joints are in hand21's order, in the camera frame.

eval.py asks for vertices of every sample. Where a system gives none, one vertex at the origin is
written: eval.py then says -1 for the mesh and an F-score of 0, while zeros for all 778 vertices,
as other software has them, would be scored as if they were meant. Both are read as no vertices.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.prediction_formats.target import Target, check_joints, imported_info, rows_of
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.predictions import NUM_VERTICES, Predictions, read_predictions
from render.manifest.writing import write_atomically

_SAMPLE_ID = re.compile(r"evaluation-(\d{8})")


def read(path: Path, target: Target, label: str | None) -> tuple[Predictions, list[str]]:
    """Reads pred.json, also zipped.

    Returns:
        Predictions in the target's order, and warnings.

    Raises:
        InputError: It is not such a file, is about more or fewer samples, or its numbers cannot be
            meant.
    """
    places = sample_places(target)
    joints, vertices = read_pred_json(path, len(places))
    joints = joints[places]
    warnings = check_joints(path, joints, target)
    if vertices is not None:
        vertices = vertices[places] if _has_mesh(path, vertices) else None
    info = imported_info(path, target, label)
    predictions = Predictions(info, target.sample_ids, joints_3d=joints, vertices_3d=vertices)
    return predictions, warnings


def write(predictions_file: Path, target: Target, out: Path) -> list[str]:
    """Writes pred.json; zipped, as the server took it, where `out` ends in .zip.

    Returns:
        Warnings.

    Raises:
        InputError: The predictions are not about all the samples, hold no joints in space, or
            numbers that cannot be meant.
    """
    predictions = read_predictions(predictions_file)
    if predictions.joints_3d is None:
        raise InputError(f"{predictions_file}: holds no joints_3d, which pred.json is made of.")
    rows = rows_of(predictions_file, predictions, target)
    warnings = check_joints(predictions_file, predictions.joints_3d[rows], target)
    order = np.empty(len(rows), int)
    order[sample_places(target)] = rows
    joints = predictions.joints_3d[order]
    if predictions.vertices_3d is None:
        vertices = np.zeros((len(rows), 1, 3))
    else:
        vertices = predictions.vertices_3d[order]
        if not np.isfinite(vertices).all():
            raise InputError(
                f"{predictions_file}: some vertices_3d are not finite, expected numbers or none."
            )
    text = json.dumps([joints.tolist(), vertices.tolist()])
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("pred.json", text)
    else:
        write_atomically(out, text.encode())
    return warnings


def sample_places(target: Target) -> list[int]:
    """Each sample's place in FreiHAND's lists, by its id.

    Raises:
        InputError: The data set is not the whole evaluation split.
    """
    return places_of(target.data, target.sample_ids, len(target.sample_ids))


def places_of(what: str | Path, sample_ids: list[str], num_samples: int) -> list[int]:
    """Places in FreiHAND's lists of samples of the evaluation split.

    Args:
        what: Data set or file to name.
        sample_ids: In any order.
        num_samples: Length of the lists.

    Raises:
        InputError: An id is of another split or there twice, or they are not all there.
    """
    found = [_SAMPLE_ID.fullmatch(sample) for sample in sample_ids]
    if None in found:
        raise InputError(
            f"{what}: sample_id {sample_ids[found.index(None)]!r} is not of FreiHAND's evaluation "
            "split, expected evaluation-%08d."
        )
    places = [int(match[1]) for match in found if match is not None]
    if len(set(places)) != len(places):
        twice = next(sample for sample in sample_ids if sample_ids.count(sample) > 1)
        raise InputError(f"{what}: sample_id {twice!r} occurs twice, expected unique ids.")
    if set(places) != set(range(num_samples)):
        missing = min(set(range(num_samples)) - set(places), default=num_samples)
        raise InputError(
            f"{what}: holds {len(places)} of {num_samples} samples of the evaluation split, "
            f"evaluation-{missing:08d} is not as expected; the place in pred.json is the only key, "
            "so expected all."
        )
    return places


def read_pred_json(path: Path, num_samples: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Reads pred.json as it is, also zipped.

    Args:
        path: File.
        num_samples: Entries that it should have.

    Returns:
        Joints [N, 21, 3] and vertices [N, W, 3], None if all are empty.

    Raises:
        InputError: It is not such a file, or about more or fewer samples.
    """
    content = _load(path)
    if not isinstance(content, list) or len(content) != 2:
        raise InputError(f"{path}: not a pred.json, expected a list of two: joints and vertices.")
    joints = points_array(path, "joints", content[0], num_samples, HAND21.num_joints)
    vertices = content[1]
    if isinstance(vertices, list) and len(vertices) == num_samples and not any(vertices):
        return joints, None
    return joints, points_array(path, "vertices", vertices, num_samples, None)


def points_array(
    path: Path, what: str, entries: Any, num_samples: int | None, num_points: int | None
) -> np.ndarray:
    """A list of points a sample as an array.

    Args:
        path: File to name.
        what: Of what to name.
        entries: As read from JSON.
        num_samples: Expected entries; None for any number.
        num_points: Expected points of each; None for as many as the first has.

    Returns:
        [N, V, 3].

    Raises:
        InputError: It is something else.
    """
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: holds no {what}, expected a list of points a sample.")
    if num_samples is not None and len(entries) != num_samples:
        raise InputError(
            f"{path}: holds {what} of {len(entries)} of {num_samples} samples, expected all."
        )
    array = _numbers(entries)
    if array is None or array.shape[1:] != (num_points or array.shape[1], 3):
        first = _numbers(entries[0])
        wanted = (num_points or (0 if first is None or first.ndim == 0 else len(first)), 3)
        shapes = (_numbers(entry) for entry in entries)
        wrong = [n for n, entry in enumerate(shapes) if entry is None or entry.shape != wanted]
        raise InputError(
            f"{path}: {what} of sample {wrong[0] if wrong else 0} are not {wanted[0]} points of 3 "
            f"numbers ({len(wrong)} of {len(entries)} samples are not)."
        )
    if not np.isfinite(array).all():
        wrong = np.flatnonzero(~np.isfinite(array).all((1, 2)))
        raise InputError(
            f"{path}: {what} of sample {wrong[0]} are not all finite ({len(wrong)} of "
            f"{len(entries)} samples are not); expected numbers."
        )
    return array


def _numbers(values: Any) -> np.ndarray | None:
    try:
        array = np.array(values)
    except ValueError:  # ragged
        return None
    return array.astype(np.float64) if array.dtype.kind in "fiu" and array.ndim else None


def _has_mesh(path: Path, vertices: np.ndarray) -> bool:
    if vertices.shape[1] == 1 or not vertices.any():
        return False
    if vertices.shape[1] != NUM_VERTICES:
        raise InputError(
            f"{path}: has {vertices.shape[1]} vertices a sample, expected MANO's {NUM_VERTICES} or "
            "none."
        )
    return True


def _load(path: Path) -> Any:
    try:
        if not zipfile.is_zipfile(path):
            return json.loads(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            if len(names) != 1:
                raise InputError(f"{path}: holds {len(names)} JSON files, expected one, pred.json.")
            return json.loads(archive.read(names[0]))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected a pred.json.") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read ({error}).") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not JSON, expected a pred.json ({error}).") from error
