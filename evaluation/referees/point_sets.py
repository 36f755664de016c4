"""Kernels over pairs of point sets: moments for an alignment, the alignment, and distances.

Shapes: N pairs of V points each, metres.

Kernels of this package let go of Python's lock, so that threads can share the pairs; what they
write belongs to one pair alone, so the result does not depend on the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def unlocked_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `mano_assets.geometry.compiled.kernel`, and without Python's lock."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba: "no locator available"
        return numba.njit(nogil=True)(function)


@unlocked_kernel
def moments(
    truth: np.ndarray, predicted: np.ndarray, means: np.ndarray, products: np.ndarray
) -> None:
    """First and second moments of each pair.

    Args:
        truth: [N, V, 3].
        predicted: [N, V, 3].
        means: Written: mean of the true, of the predicted points, [N, 2, 3].
        products: Written, about the means: sum of true times predicted coordinates, and the sums
            of squares of both, [N, 11].
    """
    num_points = truth.shape[1]
    for n in range(len(truth)):
        for axis in range(3):
            total_true = total_predicted = 0.0
            for v in range(num_points):
                total_true += truth[n, v, axis]
                total_predicted += predicted[n, v, axis]
            means[n, 0, axis] = total_true / num_points
            means[n, 1, axis] = total_predicted / num_points
        products[n] = 0.0
        for v in range(num_points):
            for a in range(3):
                true_a = truth[n, v, a] - means[n, 0, a]
                predicted_a = predicted[n, v, a] - means[n, 1, a]
                products[n, 9] += true_a * true_a
                products[n, 10] += predicted_a * predicted_a
                for b in range(3):
                    products[n, 3 * a + b] += true_a * (predicted[n, v, b] - means[n, 1, b])


@unlocked_kernel
def align(
    points: np.ndarray,
    centre: np.ndarray,
    linear: np.ndarray,
    target: np.ndarray,
    aligned: np.ndarray,
) -> None:
    """Moves each point p to (p - centre) linear + target.

    Args:
        points: [N, V, 3].
        centre: [N, 3].
        linear: [N, 3, 3].
        target: [N, 3].
        aligned: Written, [N, V, 3].
    """
    for n in range(len(points)):
        for v in range(points.shape[1]):
            x = points[n, v, 0] - centre[n, 0]
            y = points[n, v, 1] - centre[n, 1]
            z = points[n, v, 2] - centre[n, 2]
            for axis in range(3):
                turned = x * linear[n, 0, axis] + y * linear[n, 1, axis] + z * linear[n, 2, axis]
                aligned[n, v, axis] = turned + target[n, axis]


@unlocked_kernel
def distances(
    truth: np.ndarray,
    points: np.ndarray,
    thresholds: np.ndarray,
    areas: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Sums over the distances of corresponding points.

    Args:
        truth: [N, V, 3].
        points: [N, V, 3].
        thresholds: Evenly spaced from 0, [T].
        areas: What a distance adds whose first threshold not below it is the t-th, [T].
        sums: Written: sum of the distances, and of what they add, [N, 2].
    """
    last = len(thresholds) - 1
    per_metre = last / thresholds[last]
    for n in range(len(truth)):
        sums[n] = 0.0
        for v in range(truth.shape[1]):
            x = truth[n, v, 0] - points[n, v, 0]
            y = truth[n, v, 1] - points[n, v, 1]
            z = truth[n, v, 2] - points[n, v, 2]
            distance = np.sqrt(x * x + y * y + z * z)
            sums[n, 0] += distance
            if distance > thresholds[last]:
                continue
            # The product may be off by one step; the thresholds themselves decide.
            t = min(int(distance * per_metre), last)
            while thresholds[t] < distance:
                t += 1
            while t > 0 and thresholds[t - 1] >= distance:
                t -= 1
            sums[n, 1] += areas[t]
