"""FreiHAND's evaluation over the original files; see `evaluation.referees.freihand`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.datasets.adapter import read_json
from evaluation.metrics import Comparison
from evaluation.prediction_checks import HandFacts, check_predictions, refuse_not_finite
from evaluation.prediction_formats.freihand import places_of, points_array, read_pred_json
from evaluation.referees.freihand import score_freihand
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.predictions import read_predictions
from render.manifest.writing import write_atomically


def referee_freihand(
    root: Path, predictions: Path, out: Path | None = None
) -> tuple[dict[str, float], list[str]]:
    """Scores predictions on FreiHAND's evaluation split.

    Args:
        root: Folder that holds evaluation_xyz.json and, for the mesh, evaluation_verts.json.
        predictions: pred.json, also zipped; or our Parquet file, keyed by the adapter's ids.
        out: scores.txt to write, as eval.py does.

    Returns:
        The numbers of `score_freihand`, and warnings.

    Raises:
        InputError: A file is missing or damaged, is about more or fewer samples, or the numbers
            cannot be meant.
    """
    xyz_file, verts_file = (root / f"evaluation_{what}.json" for what in ("xyz", "verts"))
    joints_true = points_array(xyz_file, "joints", read_json(xyz_file), None, HAND21.num_joints)
    num_samples = len(joints_true)
    if predictions.suffix == ".parquet":
        joints, vertices = _from_parquet(predictions, num_samples)
    else:
        joints, vertices = read_pred_json(predictions, num_samples)
    warnings = _check(predictions, joints, joints_true)
    vertices_true = None
    if vertices is None:
        warnings.append("no vertices: the mesh is -1 and its F-scores 0, as eval.py writes them.")
    elif not verts_file.exists():
        vertices = None
        warnings.append(f"{verts_file}: no such file, so the mesh is -1 and its F-scores 0.")
    else:
        vertices_true = points_array(
            verts_file, "vertices", read_json(verts_file), num_samples, None
        )
        if vertices.shape[1] != vertices_true.shape[1]:
            warnings.append(
                f"{vertices.shape[1]} predicted vertices a sample, {vertices_true.shape[1]} true "
                "ones: the mesh is -1, and the F-scores are aligned by the joints."
            )
    scores = score_freihand(joints_true, joints, vertices_true, vertices)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, scores_text(scores).encode())
    return scores, warnings


def scores_text(scores: dict[str, float]) -> str:
    """eval.py's scores.txt."""
    return "".join(f"{name}: {value:f}\n" for name, value in scores.items())


def _from_parquet(path: Path, num_samples: int) -> tuple[np.ndarray, np.ndarray | None]:
    found = read_predictions(path)
    if found.joints_3d is None:
        raise InputError(f"{path}: holds no joints_3d, which FreiHAND's evaluation is about.")
    order = np.empty(num_samples, int)
    places = places_of(path, found.sample_ids, num_samples)
    order[places] = np.arange(num_samples)
    joints, vertices = found.joints_3d[order], found.vertices_3d
    return joints, None if vertices is None else vertices[order]


def _check(path: Path, joints: np.ndarray, joints_true: np.ndarray) -> list[str]:
    num_samples = len(joints)
    every = np.ones(joints.shape[:2], bool)
    refuse_not_finite(path, 3, [f"{n:08d}" for n in range(num_samples)], joints, every)
    unknown = np.full((num_samples, 4), np.nan)
    sides = np.full(num_samples, "right", object)
    facts = HandFacts(image_px=unknown[:, :2], box_px=unknown, sides=sides)
    pair = Comparison(joints, joints_true, every, size_px=unknown[:, 0])
    return check_predictions(path, {3: pair}, facts)
