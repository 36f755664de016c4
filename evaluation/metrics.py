"""Metrics: pure functions from joints to a value for each joint, which `averaging` makes one.

So a metric, its interval and the errors of single samples all come from the same array.

Shapes: N samples, J joints, D dimensions (2: continuous px of the original image; 3: metres in the
camera frame). `valid` [N, J] says which joints count; whatever stands at the others is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.averaging import Averaging
from mano_assets.skeleton import HAND21, Skeleton

MM_PER_M = 1000.0


@dataclass(frozen=True)
class Comparison:
    """Truth and prediction of the same samples.

    Attributes:
        predicted: [N, J, D].
        truth: [N, J, D].
        valid: Which joints count, [N, J].
        size_px: Size of the hand in its image, [N]; what 2-D errors are normalised by.
        skeleton: The joints' skeleton.
        root: Index of the joint that 3-D errors are relative to.
    """

    predicted: np.ndarray
    truth: np.ndarray
    valid: np.ndarray
    size_px: np.ndarray
    skeleton: Skeleton = HAND21
    root: int = HAND21.root


@dataclass(frozen=True)
class Metric:
    """A metric: the same id always means the same number.

    Attributes:
        id: Identifier in results.
        title: Short name shown in tables.
        unit: Unit of the value; empty for a ratio.
        dimensions: 2 or 3.
        averaging: How the joints' values become one.
        higher_is_better: Direction.
        definition: One sentence that fixes the number.
        per_joint: A comparison to the value of each joint, [N, J]; undefined where not valid.
    """

    id: str
    title: str
    unit: str
    dimensions: int
    averaging: Averaging
    higher_is_better: bool
    definition: str
    per_joint: Callable[[Comparison], np.ndarray]


def joint_errors(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Euclidean distances, [N, J, D] x 2 -> [N, J]."""
    return np.linalg.norm(predicted - truth, axis=-1)


def root_relative(joints: np.ndarray, root: int) -> np.ndarray:
    """Moves the root joint to the origin, [N, J, D] -> [N, J, D]."""
    return joints - joints[:, [root]]


def scale_to_bones(
    predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray, skeleton: Skeleton = HAND21
) -> np.ndarray:
    """Scales root-relative predictions so that their mean bone length is the truth's.

    Bones with an invalid end are left out of both means.

    Args:
        predicted: Root-relative, [N, J, D].
        truth: [N, J, D].
        valid: [N, J].
        skeleton: Whose bones.

    Returns:
        Scaled predictions, [N, J, D].
    """
    parents, children = np.array(skeleton.bones).T
    counted = valid[:, parents] & valid[:, children]

    def total_length(joints: np.ndarray) -> np.ndarray:
        lengths = np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1)
        return np.where(counted, lengths, 0.0).sum(-1)

    lengths = total_length(predicted)
    scale = np.divide(total_length(truth), lengths, out=np.ones_like(lengths), where=lengths > 0)
    return predicted * scale[:, None, None]


def procrustes_align(predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Moves, turns and scales each prediction onto its truth with the least squared error.

    The rotation is proper (det R = +1): a mirrored hand stays wrong. Umeyama 1991, eqs. 40 to 42.

    Args:
        predicted: [N, J, D].
        truth: [N, J, D].
        valid: Joints that take part, [N, J].

    Returns:
        Aligned predictions, [N, J, D].
    """
    weights = valid / np.maximum(valid.sum(-1, keepdims=True), 1)
    predicted = np.where(valid[..., None], predicted, 0.0)
    truth = np.where(valid[..., None], truth, 0.0)
    mean_predicted = np.einsum("nj,njd->nd", weights, predicted)[:, None]
    mean_truth = np.einsum("nj,njd->nd", weights, truth)[:, None]
    centred_predicted, centred_truth = predicted - mean_predicted, truth - mean_truth
    covariance = np.einsum("nj,njd,nje->nde", weights, centred_truth, centred_predicted)
    u, singular, vt = np.linalg.svd(covariance)
    signs = np.ones_like(singular)
    signs[:, -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = (u * signs[:, None, :]) @ vt
    variance = np.einsum("nj,njd->n", weights, centred_predicted**2)
    scale = np.divide(
        (singular * signs).sum(-1), variance, out=np.zeros_like(variance), where=variance > 0
    )
    turned = centred_predicted @ np.swapaxes(rotation, -1, -2)
    return scale[:, None, None] * turned + mean_truth


def _epe(pair: Comparison) -> np.ndarray:
    return joint_errors(pair.predicted, pair.truth)


def _nme(pair: Comparison) -> np.ndarray:
    return _epe(pair) / pair.size_px[:, None]


def _pck(pair: Comparison) -> np.ndarray:
    return (_nme(pair) < 0.2).astype(float)


def _auc_mmpose(pair: Comparison) -> np.ndarray:
    thresholds_px = 30.0 * np.arange(20) / 20
    return (_epe(pair)[..., None] < thresholds_px).mean(-1)


def _mpjpe_mm(pair: Comparison) -> np.ndarray:
    predicted = root_relative(pair.predicted, pair.root)
    truth = root_relative(pair.truth, pair.root)
    return joint_errors(predicted, truth) * MM_PER_M


def _depth_mm(pair: Comparison) -> np.ndarray:
    predicted = root_relative(pair.predicted, pair.root)
    truth = root_relative(pair.truth, pair.root)
    return np.abs(predicted - truth)[..., 2] * MM_PER_M


def _mpjpe_bone_scaled_mm(pair: Comparison) -> np.ndarray:
    predicted = root_relative(pair.predicted, pair.root)
    truth = root_relative(pair.truth, pair.root)
    scaled = scale_to_bones(predicted, truth, pair.valid, pair.skeleton)
    return joint_errors(scaled, truth) * MM_PER_M


def _pa_mpjpe_mm(pair: Comparison) -> np.ndarray:
    aligned = procrustes_align(pair.predicted, pair.truth, pair.valid)
    return joint_errors(aligned, pair.truth) * MM_PER_M


def _auc3d(pair: Comparison) -> np.ndarray:
    thresholds_mm = np.linspace(0.0, 50.0, 100)
    hits = (_mpjpe_mm(pair)[..., None] <= thresholds_mm).astype(float)
    return np.trapz(hits, thresholds_mm) / 50.0


METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        Metric(
            "epe_px", "Mean joint error", "px", 2, "micro", False,
            "Mean distance between predicted and true joint in pixels of the original image, over "
            "all counted joints (mmpose's EPE).",
            _epe,
        ),
        Metric(
            "nme", "Normalised error", "", 2, "micro", False,
            "Mean joint error divided by the hand's size, over all counted joints.",
            _nme,
        ),
        Metric(
            "pck_0.2", "PCK@0.2", "", 2, "joint", True,
            "Share of joints nearer than 0.2 of the hand's size to the truth (strictly), averaged "
            "for each joint, then over joints (mmpose's PCK).",
            _pck,
        ),
        Metric(
            "auc_mmpose_0_30px", "AUC 0–30 px", "", 2, "joint", True,
            "Mean share of joints nearer than t (strictly) for t = 0, 1.5, ..., 28.5 px, averaged "
            "for each joint, then over joints (mmpose's AUC: a perfect prediction scores 0.95).",
            _auc_mmpose,
        ),
        Metric(
            "mpjpe_mm", "MPJPE", "mm", 3, "joint", False,
            "Mean joint error after moving both wrists to the origin, averaged for each joint, "
            "then over joints, the wrist's zero among them (InterHand2.6M's evaluation).",
            _mpjpe_mm,
        ),
        Metric(
            "depth_mm", "Depth error", "mm", 3, "joint", False,
            "Mean absolute difference along the optical axis after moving both wrists to the "
            "origin, averaged for each joint, then over joints, the wrist's zero among them.",
            _depth_mm,
        ),
        Metric(
            "mpjpe_bone_scaled_mm", "MPJPE bone-scaled", "mm", 3, "joint", False,
            "As mpjpe_mm after scaling the prediction to the truth's mean bone length: the scale, "
            "which one camera cannot see, is given.",
            _mpjpe_bone_scaled_mm,
        ),
        Metric(
            "pa_mpjpe_rigid_mm", "PA-MPJPE", "mm", 3, "joint", False,
            "Mean joint error after the best translation, rotation and scale; reflections are not "
            "allowed (FreiHAND's official script allows them).",
            _pa_mpjpe_mm,
        ),
        Metric(
            "auc3d_0_50mm_trapz100", "AUC 0–50 mm", "", 3, "joint", True,
            "Area under the share of joints within t (t included) for 100 t from 0 to 50 mm by the "
            "trapezoid rule, wrists at the origin, averaged for each joint, then over joints.",
            _auc3d,
        ),
    )
}  # fmt: skip
