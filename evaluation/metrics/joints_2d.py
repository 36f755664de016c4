"""Metrics in the image plane, in pixels of the original image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evaluation.averaging import Averaging
from evaluation.metrics.comparison import Comparison, Metric, Normaliser, trapezoid_auc

PCK_THRESHOLDS = (0.05, 0.1, 0.15, 0.2)

_OVER = {
    "micro": "over all counted joints at once",
    "joint": "averaged for each joint, then over joints",
    "sample": "averaged for each hand, then over hands",
}


def _errors_px(pair: Comparison) -> np.ndarray:
    return pair.errors


def _normalised(pair: Comparison) -> np.ndarray:
    return pair.errors / pair.size_px[:, None]


def _auc_mmpose(pair: Comparison) -> np.ndarray:
    thresholds_px = 30.0 * np.arange(20) / 20
    missed = np.searchsorted(thresholds_px, pair.errors, side="right")
    return (len(thresholds_px) - missed) / len(thresholds_px)


def _auc_30px(pair: Comparison) -> np.ndarray:
    return trapezoid_auc(pair.errors, 0.0, 30.0, 20)


def _strict(threshold: float) -> Callable[[Comparison], np.ndarray]:
    return lambda pair: (_normalised(pair) < threshold).astype(float)


def _included(threshold: float) -> Callable[[Comparison], np.ndarray]:
    # Multiplied, not divided: at the threshold itself rounding decides.
    return lambda pair: (pair.errors <= threshold * pair.size_px[:, None]).astype(float)


def _pckh(pair: Comparison) -> np.ndarray:
    if pair.head_px is None:
        return np.full_like(pair.errors, np.nan)
    return (pair.errors / pair.head_px[:, None] < 0.7).astype(float)


def _pck(
    name: str,
    title: str,
    averaging: Averaging,
    threshold: float,
    source: str,
    *,
    strict: bool = True,
) -> Metric:
    test = "nearer to the truth than" if strict else "within"
    ends = "strictly" if strict else "the end included"
    definition = (
        f"Share of joints {test} {threshold:g} of the hand's size ({ends}), {_OVER[averaging]} "
        f"({source})."
    )
    per_joint = _strict(threshold) if strict else _included(threshold)
    return Metric(name, title, "", 2, averaging, True, definition, per_joint, "size")


def _mean(
    name: str, title: str, unit: str, averaging: Averaging, normaliser: Normaliser, definition: str
) -> Metric:
    per_joint = _errors_px if normaliser == "none" else _normalised
    return Metric(name, title, unit, 2, averaging, False, definition, per_joint, normaliser)


METRICS_2D: tuple[Metric, ...] = (
    _mean(
        "epe_px", "Mean joint error", "px", "micro", "none",
        "Mean distance between predicted and true joint in pixels of the original image, over all "
        "counted joints (micro; mmpose's EPE).",
    ),
    _mean(
        "epe_macro_px", "Mean joint error, macro", "px", "joint", "none",
        "As epe_px, but averaged for each joint, then over joints (macro; hand3d's and FreiHAND's "
        "EvalUtil).",
    ),
    _mean(
        "nme", "Normalised error", "", "micro", "size",
        "Mean joint error divided by the hand's size, over all counted joints (micro; mmpose's "
        "NME).",
    ),
    _mean(
        "nme_macro", "Normalised error, macro", "", "joint", "size",
        "As nme, but averaged for each joint, then over joints (macro).",
    ),
    *(
        _pck(f"pck_{t:g}", f"PCK@{t:g}", "joint", t, "macro; mmpose's PCK")
        for t in PCK_THRESHOLDS
    ),
    _pck("pck_micro_0.2", "PCK@0.2, micro", "micro", 0.2, "micro"),
    *(
        _pck(f"pck_sample_{t:g}", f"PCK@{t:g}, by hand", "sample", t, "macro over hands; NSRMhand")
        for t in PCK_THRESHOLDS
    ),
    *(
        _pck(
            f"pck_le_{t:g}", f"PCK@{t:g} (≤)", "joint", t, "macro; HaMeR's EvaluatorPCK",
            strict=False,
        )
        for t in (0.05, 0.1, 0.15)
    ),
    _pck(
        "pck_penn_0.2", "PCK@0.2 (Penn)", "micro", 0.2,
        "micro; LSTM-PM's evaluation on Penn Action", strict=False,
    ),
    Metric(
        "pckh_0.7", "PCKh@0.7", "", 2, "joint", True,
        "Share of joints nearer to the truth than 0.7 of the person's head size (strictly), "
        "averaged for each joint, then over joints (macro; mmpose's PCKh for CMU Panoptic).",
        _pckh, "head",
    ),
    Metric(
        "auc_mmpose_0_30px", "AUC 0–30 px", "", 2, "joint", True,
        "Mean share of joints nearer than t (strictly) for t = 0, 1.5, ..., 28.5 px, averaged for "
        "each joint, then over joints (mmpose's AUC: a perfect prediction scores 0.95).",
        _auc_mmpose,
    ),
    Metric(
        "auc2d_0_30px_trapz20", "AUC 0–30 px, trapezoids", "", 2, "joint", True,
        "Area under the share of joints within t (t included) for 20 t from 0 to 30 px by the "
        "trapezoid rule, averaged for each joint, then over joints (hand3d's EvalUtil with the "
        "thresholds of its eval2d.py). A perfect prediction scores 1.",
        _auc_30px,
    ),
)  # fmt: skip
