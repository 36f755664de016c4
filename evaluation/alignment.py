"""Alignments: what of a prediction is given before its error is taken.

Shapes: N samples, J joints, D dimensions. `valid` [N, J] says which joints take part.
"""

from __future__ import annotations

import numpy as np

from mano_assets.skeleton import HAND21, Skeleton

OFFICIAL_NORM_OFFSET = 1e-8
"""What FreiHAND's align_w_scale adds to a norm, metres."""


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
    lengths = bone_lengths(predicted, valid, skeleton)
    scale = np.divide(
        bone_lengths(truth, valid, skeleton), lengths, out=np.ones_like(lengths), where=lengths > 0
    )
    return predicted * scale[:, None, None]


def bone_lengths(joints: np.ndarray, valid: np.ndarray, skeleton: Skeleton = HAND21) -> np.ndarray:
    """Total length of the bones whose ends are both valid, [N, J, D] -> [N]."""
    parents, children = np.array(skeleton.bones).T
    bones = joints[:, children] - joints[:, parents]
    lengths = np.sqrt(np.einsum("nbd,nbd->nb", bones, bones))
    return np.where(valid[:, parents] & valid[:, children], lengths, 0.0).sum(-1)


def procrustes_align(
    predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray, *, reflections: bool = False
) -> np.ndarray:
    """Moves, turns and scales each prediction onto its truth with the least squared error.

    Without reflections the rotation is proper (det R = +1), so a mirrored hand stays wrong: Umeyama
    1991, eqs. 40 to 42; HaMeR does the same (hamer/utils/pose_utils.py).

    With reflections R is any orthogonal matrix, as in FreiHAND's official script
    (lmb-freiburg/freihand, eval.py, `align_w_scale`). That one divides both hands by their
    Frobenius norms plus 1e-8 first, and then multiplies by the sum of the singular values and by
    the truth's norm. That is the same scale but for the 1e-8 in the prediction's norm, which is
    added here as well.

    Args:
        predicted: [N, J, D].
        truth: [N, J, D].
        valid: Joints that take part, [N, J].
        reflections: Whether R may mirror.

    Returns:
        Aligned predictions, [N, J, D].
    """
    centred_predicted, mean_predicted = _centred(predicted, valid)
    centred_truth, mean_truth = _centred(truth, valid)
    u, singular, vt = _svd(centred_predicted, centred_truth)
    signs = np.ones_like(singular)
    if not reflections:
        signs[:, -1] = _chirality(u, vt)
    rotation = (u * signs[:, None, :]) @ vt
    norm = np.sqrt(_square_sum(centred_predicted))
    if reflections:
        norm = norm + OFFICIAL_NORM_OFFSET
    scale = _ratio((singular * signs).sum(-1), np.square(norm))
    # Invalid joints are turned as well: who looks at them sees them in place.
    turned = (predicted - mean_predicted) @ np.swapaxes(rotation, -1, -2)
    return scale[:, None, None] * turned + mean_truth


def procrustes_residuals(
    predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors left by the best proper similarity, of each prediction and of its mirror image.

    Mirroring only changes the sign of the last singular value, so one decomposition gives both.

    Args:
        predicted: [N, J, D].
        truth: [N, J, D].
        valid: Joints that take part, [N, J].

    Returns:
        Root mean square distance as it is and mirrored, [N] each, in the truth's unit.
    """
    centred_predicted, _ = _centred(predicted, valid)
    centred_truth, _ = _centred(truth, valid)
    u, singular, vt = _svd(centred_predicted, centred_truth)
    chirality = _chirality(u, vt)
    size, total = _square_sum(centred_predicted), _square_sum(centred_truth)
    count = np.maximum(valid.sum(-1), 1)
    others = singular[:, :-1].sum(-1)

    def left(last: np.ndarray) -> np.ndarray:
        # Umeyama 1991, eq. 33, with the best scale put in.
        explained = _ratio(np.square(others + last), size)
        return np.sqrt(np.maximum(total - explained, 0.0) / count)

    return left(singular[:, -1] * chirality), left(-singular[:, -1] * chirality)


def _square_sum(points: np.ndarray) -> np.ndarray:
    return np.einsum("njd,njd->n", points, points)


def _centred(points: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points about their mean, zero where not valid, and the mean, [N, 1, D]."""
    counted = valid[..., None]
    count = np.maximum(valid.sum(-1), 1)[:, None, None]
    mean = np.einsum("njd->nd", np.where(counted, points, 0.0))[:, None] / count
    return np.where(counted, points - mean, 0.0), mean


def _svd(predicted: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.linalg.svd(np.swapaxes(truth, -1, -2) @ predicted)


def _chirality(u: np.ndarray, vt: np.ndarray) -> np.ndarray:
    """-1 where the best orthogonal matrix mirrors, else 1, [N]."""
    return np.sign(np.linalg.det(u) * np.linalg.det(vt))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient; 0 where all joints of a prediction lie in one point."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
