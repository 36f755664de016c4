"""Metrics in the camera frame, in millimetres."""

from __future__ import annotations

import numpy as np

from evaluation.alignment import root_relative, scale_to_bones
from evaluation.metrics.comparison import (
    MM_PER_M,
    Comparison,
    Metric,
    joint_errors,
    trapezoid_auc,
)


def _mpjpe_mm(pair: Comparison) -> np.ndarray:
    return pair.root_relative_errors_mm


def _absolute_mm(pair: Comparison) -> np.ndarray:
    return pair.errors * MM_PER_M


def _depth_mm(pair: Comparison) -> np.ndarray:
    predicted = root_relative(pair.predicted[..., 2:], pair.root)
    truth = root_relative(pair.truth[..., 2:], pair.root)
    return np.abs(predicted - truth)[..., 0] * MM_PER_M


def _bone_scaled_mm(pair: Comparison) -> np.ndarray:
    predicted = root_relative(pair.predicted, pair.root)
    truth = root_relative(pair.truth, pair.root)
    scaled = scale_to_bones(predicted, truth, pair.valid, pair.skeleton)
    return joint_errors(scaled, truth) * MM_PER_M


def _rigid_mm(pair: Comparison) -> np.ndarray:
    return pair.rigid_errors_mm


def _official_mm(pair: Comparison) -> np.ndarray:
    return pair.official_errors_mm


def _auc_root(pair: Comparison) -> np.ndarray:
    return trapezoid_auc(pair.root_relative_errors_mm, 0.0, 50.0, 100)


def _auc_absolute(pair: Comparison) -> np.ndarray:
    return trapezoid_auc(_absolute_mm(pair), 0.0, 50.0, 100)


def _auc_official(pair: Comparison) -> np.ndarray:
    return trapezoid_auc(pair.official_errors_mm, 0.0, 50.0, 100)


def _auc_20_50(pair: Comparison) -> np.ndarray:
    return trapezoid_auc(_bone_scaled_mm(pair), 20.0, 50.0, 100)


METRICS_3D: tuple[Metric, ...] = (
    Metric(
        "mpjpe_mm", "MPJPE", "mm", 3, "joint", False,
        "Mean joint error after moving both wrists to the origin, averaged for each joint, then "
        "over joints, the wrist's zero among them (macro; InterHand2.6M's evaluation).",
        _mpjpe_mm,
    ),
    Metric(
        "mpjpe_micro_mm", "MPJPE, micro", "mm", 3, "micro", False,
        "As mpjpe_mm, but over all counted joints at once (micro; mmpose's InterHandMetric).",
        _mpjpe_mm,
    ),
    Metric(
        "mpjpe_absolute_mm", "Absolute MPJPE", "mm", 3, "joint", False,
        "Mean joint error in the camera frame as predicted, nothing aligned, averaged for each "
        "joint, then over joints (FreiHAND's xyz_mean3d, there in cm).",
        _absolute_mm,
    ),
    Metric(
        "depth_mm", "Depth error", "mm", 3, "joint", False,
        "Mean absolute difference along the optical axis after moving both wrists to the origin, "
        "averaged for each joint, then over joints, the wrist's zero among them.",
        _depth_mm,
    ),
    Metric(
        "mpjpe_bone_scaled_mm", "MPJPE bone-scaled", "mm", 3, "joint", False,
        "As mpjpe_mm after scaling the prediction to the truth's mean bone length: the scale, "
        "which one camera cannot see, is given.",
        _bone_scaled_mm,
    ),
    Metric(
        "pa_mpjpe_rigid_mm", "PA-MPJPE", "mm", 3, "joint", False,
        "Mean joint error after the best translation, rotation and scale; reflections are not "
        "allowed (FreiHAND's official script allows them).",
        _rigid_mm,
    ),
    Metric(
        "pa_mpjpe_official_mm", "PA-MPJPE, reflections allowed", "mm", 3, "joint", False,
        "Mean joint error after the best translation, orthogonal matrix and scale, averaged for "
        "each joint, then over joints (FreiHAND's xyz_al_mean3d, there in cm). A mirrored hand "
        "counts as right.",
        _official_mm,
    ),
    Metric(
        "auc3d_0_50mm_trapz100", "AUC 0–50 mm", "", 3, "joint", True,
        "Area under the share of joints within t (t included) for 100 t from 0 to 50 mm by the "
        "trapezoid rule, wrists at the origin, averaged for each joint, then over joints.",
        _auc_root,
    ),
    Metric(
        "auc3d_absolute_0_50mm_trapz100", "AUC 0–50 mm, absolute", "", 3, "joint", True,
        "As auc3d_0_50mm_trapz100, but of mpjpe_absolute_mm's errors: nothing aligned (FreiHAND's "
        "xyz_auc3d).",
        _auc_absolute,
    ),
    Metric(
        "auc3d_pa_official_0_50mm_trapz100", "AUC 0–50 mm, aligned", "", 3, "joint", True,
        "As auc3d_0_50mm_trapz100, but of pa_mpjpe_official_mm's errors (FreiHAND's "
        "xyz_al_auc3d).",
        _auc_official,
    ),
    Metric(
        "auc3d_20_50mm_trapz100", "AUC 20–50 mm", "", 3, "joint", True,
        "Area under the share of joints within t (t included) for 100 t from 20 to 50 mm by the "
        "trapezoid rule, wrists at the origin and the truth's scale given as in "
        "mpjpe_bone_scaled_mm, averaged for each joint, then over joints. The range is the "
        "convention of papers on RHD and STB, from memory; what gives the scale differs there.",
        _auc_20_50,
    ),
)  # fmt: skip
