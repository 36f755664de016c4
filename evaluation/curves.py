"""Curves: the share of joints within a threshold, over thresholds."""

from __future__ import annotations

import numpy as np

from evaluation.metrics import METRICS, Comparison
from evaluation.results import Curve, CurveName

NUM_POINTS = 51
SHARE_OF_SIZE = 0.5
REACH_MM = 50.0

_AVERAGED = "(t included), averaged for each joint, then over joints."


def curves(pairs: dict[int, Comparison], size: str) -> dict[CurveName, Curve]:
    """PCK over thresholds in two and three dimensions, as far as they were compared.

    Args:
        pairs: Comparisons by dimension.
        size: What the hand's size is by the protocol, in words.
    """
    found: dict[CurveName, Curve] = {}
    if 2 in pairs:
        pair = pairs[2]
        valid = METRICS["nme"].valid(pair)
        if valid.any():
            found["pck_2d"] = _curve(
                METRICS["nme"].values(pair), valid, SHARE_OF_SIZE, "", "PCK in the image",
                f"Share of joints within t of the hand's size, {size}, {_AVERAGED}",
            )  # fmt: skip
    if 3 in pairs:
        pair = pairs[3]
        found["pck_3d"] = _curve(
            METRICS["mpjpe_mm"].values(pair), pair.valid, REACH_MM, "mm", "PCK in space",
            f"Share of joints within t, wrists at the origin and counted, {_AVERAGED}",
        )  # fmt: skip
    return found


def shares_within(errors: np.ndarray, valid: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of valid joints within each threshold, for each joint, then over joints.

    Args:
        errors: [N, J].
        valid: [N, J].
        thresholds: Ascending, [T].

    Returns:
        [T].
    """
    num_joints = errors.shape[1]
    # One bin a joint and threshold, and one for what lies beyond the last.
    width = len(thresholds) + 1
    first = np.searchsorted(thresholds, np.where(valid, errors, np.inf), side="left")
    flat = (first + np.arange(num_joints) * width)[valid]
    hits = np.bincount(flat, minlength=num_joints * width).reshape(num_joints, width)
    count = valid.sum(0)
    seen = count > 0
    return (hits[seen, :-1].cumsum(-1) / count[seen, None]).mean(0)


def _curve(
    errors: np.ndarray, valid: np.ndarray, last: float, unit: str, title: str, definition: str
) -> Curve:
    thresholds = np.linspace(0.0, last, NUM_POINTS)
    return Curve(
        title=title,
        unit=unit,
        thresholds=np.round(thresholds, 6).tolist(),
        shares=np.round(shares_within(errors, valid, thresholds), 6).tolist(),
        definition=definition,
    )
