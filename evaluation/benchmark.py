"""How long scoring takes: FreiHAND's official numbers, and the evaluate stage."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import KDTree

from evaluation.referees.freihand import score_freihand
from evaluation.scoring import evaluate
from mano_assets.skeleton import HAND21
from render.manifest import DatasetInfo, JointState, project, write_dataset
from render.manifest.predictions import (
    NUM_VERTICES,
    PredictionInfo,
    Predictions,
    write_predictions,
)

FREIHAND_SAMPLES = 3960
"""Of FreiHAND's evaluation set."""

NUM_REFERENCE = 60
"""Samples that the plain loop is timed on."""

REPEATS = 3

_F_RADII_M = (0.005, 0.015)
_AUC_THRESHOLDS_M = np.linspace(0.0, 0.05, 100)
_IMAGE_PX = 224
_FOCAL_PX = 480.0


def bench_metrics(num_samples: int = FREIHAND_SAMPLES) -> dict[str, float]:
    """Times scoring on made-up hands of 21 joints and 778 vertices.

    The best of a few repeats counts; the first also compiles. The plain loop takes scipy's
    `orthogonal_procrustes` and `KDTree` sample by sample, and its time is scaled up.

    Args:
        num_samples: Hands to score.

    Returns:
        `freihand_s`, the official numbers of all hands from arrays; `evaluate_s`, predictions file
        and manifest to result file; `num_samples`; `vs_reference`, how many times faster than the
        plain loop the official numbers are; `max_difference` between the two, on the loop's hands,
        in the official units.
    """
    joints_m, vertices_m = made_up_hands(num_samples, seed=0)
    random = np.random.default_rng(1)
    shift_m = random.normal(0, 0.01, (num_samples, 1, 3))
    predicted_m = joints_m + shift_m + random.normal(0, 0.005, joints_m.shape)
    meshes_m = vertices_m + shift_m + random.normal(0, 0.004, vertices_m.shape)

    freihand_s = _best(lambda: score_freihand(joints_m, predicted_m, vertices_m, meshes_m))
    few = slice(0, min(NUM_REFERENCE, num_samples))
    of_few = (joints_m[few], predicted_m[few], vertices_m[few], meshes_m[few])
    loop_s = _best(lambda: plain_loop(*of_few)) * num_samples / len(of_few[0])
    slow, fast = plain_loop(*of_few), score_freihand(*of_few)
    with tempfile.TemporaryDirectory() as folder:
        predictions, data = _files(Path(folder), joints_m, predicted_m)
        out = Path(folder) / "result.json"
        evaluate_s = _best(lambda: evaluate(predictions, data, "freihand", out))
    return {
        "freihand_s": round(freihand_s, 3),
        "evaluate_s": round(evaluate_s, 3),
        "num_samples": num_samples,
        "vs_reference": round(loop_s / freihand_s, 2),
        "max_difference": max(abs(slow[name] - fast[name]) for name in slow),
    }


def made_up_hands(num_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hands of straight random fingers with points around their bones.

    Returns:
        Joints [N, 21, 3] and vertices [N, 778, 3], camera frame, metres.
    """
    random = np.random.default_rng(seed)
    joints_m = np.zeros((num_samples, HAND21.num_joints, 3))
    joints_m[:, HAND21.root] = random.normal([0, 0, 0.6], 0.03, (num_samples, 3))
    for parent, child in HAND21.bones:
        length_m = 0.085 if parent == HAND21.root else 0.03
        step = random.normal(size=(num_samples, 3)) + np.array([0, -2.0, 0])
        step *= length_m / np.linalg.norm(step, axis=-1, keepdims=True)
        joints_m[:, child] = joints_m[:, parent] + step
    parents, children = np.array(HAND21.bones).T
    bone = np.arange(NUM_VERTICES) % len(parents)
    along = random.uniform(0, 1, (NUM_VERTICES, 1))
    around_m = random.normal(size=(NUM_VERTICES, 3))
    around_m *= 0.009 / np.linalg.norm(around_m, axis=-1, keepdims=True)
    start, end = joints_m[:, parents[bone]], joints_m[:, children[bone]]
    return joints_m, start + along * (end - start) + around_m


def plain_loop(
    joints_true: np.ndarray,
    joints_pred: np.ndarray,
    vertices_true: np.ndarray,
    vertices_pred: np.ndarray,
) -> dict[str, float]:
    """FreiHAND's numbers as one would write them down, sample by sample; for comparison.

    Args:
        joints_true: Metres, [N, 21, 3].
        joints_pred: [N, 21, 3].
        vertices_true: [N, 778, 3].
        vertices_pred: [N, 778, 3].

    Returns:
        `xyz_al_mean3d` and `mesh_al_mean3d` in cm, `xyz_al_auc3d`, and the F-scores.
    """
    joint_errors, mesh_errors, f_scores = [], [], []
    samples = zip(joints_true, joints_pred, vertices_true, vertices_pred, strict=True)
    for true, predicted, mesh_true, mesh_predicted in samples:
        joint_errors.append(np.linalg.norm(_aligned(predicted, true) - true, axis=-1))
        mesh_aligned = _aligned(mesh_predicted, mesh_true)
        mesh_errors.append(np.linalg.norm(mesh_aligned - mesh_true, axis=-1))
        f_scores.append([_f(mesh_true, mesh) for mesh in (mesh_predicted, mesh_aligned)])
    within = (np.stack(joint_errors)[..., None] <= _AUC_THRESHOLDS_M).mean((0, 1))
    raw, aligned = np.mean(f_scores, axis=0)
    return {
        "xyz_al_mean3d": 100 * float(np.mean(joint_errors)),
        "xyz_al_auc3d": float(np.trapz(within, _AUC_THRESHOLDS_M) / _AUC_THRESHOLDS_M[-1]),
        "mesh_al_mean3d": 100 * float(np.mean(mesh_errors)),
        "f_score_5": float(raw[0]),
        "f_score_15": float(raw[1]),
        "f_al_score_5": float(aligned[0]),
        "f_al_score_15": float(aligned[1]),
    }


def _aligned(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    centred, wanted = points - points.mean(0), target - target.mean(0)
    norm, norm_wanted = np.linalg.norm(centred) + 1e-8, np.linalg.norm(wanted) + 1e-8
    rotation, scale = orthogonal_procrustes(wanted / norm_wanted, centred / norm)
    return centred / norm @ rotation.T * scale * norm_wanted + target.mean(0)


def _f(truth: np.ndarray, predicted: np.ndarray) -> list[float]:
    to_predicted = KDTree(predicted).query(truth)[0]
    to_truth = KDTree(truth).query(predicted)[0]
    scores = []
    for radius_m in _F_RADII_M:
        recall, precision = (to_predicted < radius_m).mean(), (to_truth < radius_m).mean()
        total = recall + precision
        scores.append(2 * recall * precision / total if total > 0 else 0.0)
    return scores


def _files(folder: Path, joints_m: np.ndarray, predicted_m: np.ndarray) -> tuple[Path, str]:
    """A predictions file and a data set whose images are one grey picture."""
    stream = io.BytesIO()
    Image.new("RGB", (_IMAGE_PX, _IMAGE_PX), (128, 128, 128)).save(stream, "JPEG")
    centre = _IMAGE_PX / 2
    camera_k = np.array([[_FOCAL_PX, 0, centre], [0, _FOCAL_PX, centre], [0, 0, 1]])
    joints_px, predicted_px = project(joints_m, camera_k), project(predicted_m, camera_k)
    ids = [f"hand-{number:06d}" for number in range(len(joints_m))]
    rows = (
        {
            "sample_id": sample, "split": "evaluation", "width": _IMAGE_PX, "height": _IMAGE_PX,
            "side": "right", "camera_k": camera_k.ravel().tolist(),
            "joints_2d": px.ravel().tolist(), "joints_3d": metres.ravel().tolist(),
            "joint_state": [int(JointState.UNKNOWN)] * HAND21.num_joints,
        }
        for sample, px, metres in zip(ids, joints_px, joints_m, strict=True)
    )  # fmt: skip
    info = DatasetInfo(name="made-up", kind="synthetic", state="rendering")
    write_dataset(folder / "data", info, ((row, stream.getvalue()) for row in rows))
    described = PredictionInfo(
        system="none", label="noise", checkpoint="", checkpoint_sha256="", data="",
        data_name="made-up",
    )  # fmt: skip
    file = folder / "predictions.parquet"
    write_predictions(file, Predictions(described, ids, predicted_px, predicted_m))
    return file, f"{folder / 'data'}:evaluation"


def _best(action: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)
