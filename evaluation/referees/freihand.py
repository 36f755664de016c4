"""FreiHAND's official evaluation (Zimmermann et al., ICCV 2019), over arrays.

What lmb-freiburg/freihand's eval.py computes (with EvalUtil of the same authors' hand3d):

* Errors are means of the distances of corresponding points. AUC is the area under the share of
  points within t (t included) for 100 t from 0 to 50 mm, by the trapezoid rule, over 50 mm. Both
  are averaged for each point, then over points; as every point counts in every sample, that is the
  mean over all of them.
* Alignment is scipy's `orthogonal_procrustes` after both sets were centred and divided by their
  Frobenius norms plus 1e-8. It may reflect: a mirrored hand is not found out. Joints and vertices
  are aligned separately. Because of the 1e-8, a perfect prediction has an aligned error of some
  nanometres, above the first threshold, so its aligned AUC is 0.994949 (1 - 1/198), not 1.
* F is the harmonic mean of the shares of true and of predicted vertices that have one of the other
  set nearer than 5 or 15 mm (strictly), averaged over samples.
* Vertices that are not as many as the truth's have no errors, and eval.py writes -1 for them. They
  are aligned by the joints' rotation and scale; eval.py takes the scale as it is between the
  normalised joints there, without the prediction's norm, and so does this.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mano_assets.errors import InputError

CM_PER_M = 100.0

NORM_OFFSET = 1e-8
"""Added to both norms by eval.py's align_w_scale."""

AUC_THRESHOLDS_M = np.linspace(0.0, 0.05, 100)

F_RADII_M = np.array([0.005, 0.015])

NO_MESH = -1.0
"""What eval.py writes for the errors of vertices that do not correspond to the truth's."""

_CHUNK = 64


@dataclass(frozen=True)
class _Alignment:
    """Moves a predicted point p to (p - centre) linear + target: [N, 3], [N, 3, 3], [N, 3]."""

    centre: np.ndarray
    linear: np.ndarray
    target: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """[N, V, 3] -> [N, V, 3]."""
        from evaluation.referees.point_sets import align

        aligned = np.empty_like(points)
        _in_threads(align, (points, self.centre, self.linear, self.target), (), (aligned,))
        return aligned


def score_freihand(
    joints_true: np.ndarray,
    joints_pred: np.ndarray,
    vertices_true: np.ndarray | None = None,
    vertices_pred: np.ndarray | None = None,
) -> dict[str, float]:
    """Scores predictions as FreiHAND's eval.py does; see the module for the rules.

    Args:
        joints_true: Camera frame, metres, [N, 21, 3].
        joints_pred: The same samples, [N, 21, 3].
        vertices_true: MANO's, metres, [N, 778, 3].
        vertices_pred: [N, W, 3]; None where a system gives none: then errors and AUC of the mesh
            are -1 and the F-scores 0, which is what eval.py gives for an empty set.

    Returns:
        The numbers of eval.py's scores.txt, by its names and in its order; distances in cm.

    Raises:
        InputError: Shapes do not fit, there is no sample, or a coordinate is not finite.
    """
    joints = _checked("joints", joints_true, joints_pred)
    if joints[0].shape != joints[1].shape:
        raise InputError(
            f"joints: predicted ones have the shape {joints[1].shape}, expected {joints[0].shape}."
        )
    alignment, per_norm = _alignment(*joints)
    values = _errors("xyz", *joints) | _errors("xyz_al", joints[0], alignment.apply(joints[1]))
    values |= dict.fromkeys(_names("mesh") + _names("mesh_al"), NO_MESH)
    f_scores = np.zeros((2, 2))
    if vertices_pred is not None:
        if vertices_true is None:
            raise InputError("vertices: the true ones are missing, expected them as well.")
        truth, predicted = _checked("vertices", vertices_true, vertices_pred)
        if len(truth) != len(joints[0]):
            raise InputError(
                f"vertices: {len(truth)} samples, expected the joints' {len(joints[0])}."
            )
        if truth.shape == predicted.shape:
            alignment, _ = _alignment(truth, predicted)
        else:
            centre, moved = predicted.mean(1), alignment.target - alignment.centre
            linear = alignment.linear * per_norm[:, None, None]
            alignment = _Alignment(centre, linear, centre + moved)
        aligned = alignment.apply(predicted)
        if truth.shape == predicted.shape:
            values |= _errors("mesh", truth, predicted) | _errors("mesh_al", truth, aligned)
        f_scores = np.array([_f_scores(truth, predicted), _f_scores(truth, aligned)])
    for number, radius_mm in enumerate((5, 15)):
        values[f"f_score_{radius_mm}"] = float(f_scores[0, number])
        values[f"f_al_score_{radius_mm}"] = float(f_scores[1, number])
    return values


def _checked(what: str, truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sets = (np.ascontiguousarray(truth, np.float64), np.ascontiguousarray(predicted, np.float64))
    for owner, points in zip(("true", "predicted"), sets, strict=True):
        if points.ndim != 3 or points.shape[-1] != 3 or 0 in points.shape:
            raise InputError(
                f"{what}: the {owner} ones have the shape {points.shape}, expected samples x "
                "points x 3."
            )
        # A sum is not finite when one of its terms is not, and takes a tenth of the time.
        wrong = ~np.isfinite(points.sum((1, 2)))
        if wrong.any():
            raise InputError(
                f"{what}: {wrong.sum()} of the {owner} samples are not all finite, number "
                f"{int(wrong.argmax())} among them; expected numbers."
            )
    if len(sets[0]) != len(sets[1]):
        raise InputError(f"{what}: {len(sets[1])} samples of {len(sets[0])}, expected all.")
    return sets


def _alignment(truth: np.ndarray, predicted: np.ndarray) -> tuple[_Alignment, np.ndarray]:
    """eval.py's align_w_scale of every pair, and the predictions' norms, [N]."""
    from evaluation.referees.point_sets import moments

    means, products = np.empty((len(truth), 2, 3)), np.empty((len(truth), 11))
    _in_threads(moments, (truth, predicted), (), (means, products))
    true_norm, predicted_norm = (np.sqrt(products[:, 9:]) + NORM_OFFSET).T
    normalised = products[:, :9] / (true_norm * predicted_norm)[:, None]
    u, singular, vt = np.linalg.svd(normalised.reshape(-1, 3, 3))
    scale = singular.sum(-1) * true_norm / predicted_norm
    linear = np.swapaxes(u @ vt, -1, -2) * scale[:, None, None]
    return _Alignment(means[:, 1], linear, means[:, 0]), predicted_norm


def _names(prefix: str) -> list[str]:
    return [f"{prefix}_mean3d", f"{prefix}_auc3d"]


def _errors(prefix: str, truth: np.ndarray, points: np.ndarray) -> dict[str, float]:
    """Mean distance, cm, and AUC."""
    from evaluation.referees.point_sets import distances

    num_thresholds = len(AUC_THRESHOLDS_M)
    # The t-th row is the curve of one distance that the t-th threshold is the first to reach.
    curves = np.triu(np.ones((num_thresholds, num_thresholds)))
    areas = np.trapz(curves, AUC_THRESHOLDS_M) / AUC_THRESHOLDS_M[-1]
    sums = np.empty((len(truth), 2))
    _in_threads(distances, (truth, points), (AUC_THRESHOLDS_M, areas), (sums,))
    mean_m, auc = (sums.mean(0) / truth.shape[1]).tolist()
    return dict(zip(_names(prefix), (mean_m * CM_PER_M, auc), strict=True))


def _f_scores(truth: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Mean F at each radius, [2]."""
    from evaluation.referees.near_points import matches

    counts = np.empty((len(truth), 2, 2), np.int64)
    squares = np.array([_square_bound(radius_m) for radius_m in F_RADII_M])
    _in_threads(matches, (truth, points), (F_RADII_M, squares), (counts,))
    precision, recall = counts[:, 0] / truth.shape[1], counts[:, 1] / points.shape[1]
    total = precision + recall
    f_scores = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return f_scores.mean(0)


def _square_bound(radius: float) -> float:
    """Smallest number whose square root is not below the radius: x < it exactly if sqrt(x) is."""
    bound = radius * radius
    while np.sqrt(bound) >= radius:
        bound = np.nextafter(bound, 0.0)
    while np.sqrt(bound) < radius:
        bound = np.nextafter(bound, 1.0)
    return float(bound)


def _in_threads(
    kernel: Callable[..., None],
    inputs: tuple[np.ndarray, ...],
    constants: tuple[np.ndarray, ...],
    outputs: tuple[np.ndarray, ...],
) -> None:
    """Runs a kernel of these arguments over slices of the samples of inputs and outputs."""

    def work(start: int) -> None:
        rows = slice(start, start + _CHUNK)
        sliced = (values[rows] for values in inputs)
        kernel(*sliced, *constants, *(values[rows] for values in outputs))

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(work, range(0, len(inputs[0]), _CHUNK)))
