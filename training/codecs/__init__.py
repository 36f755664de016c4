"""Between labels and what networks put out: each codec encodes, and decodes back.

Maps are [B, J, H, W]. A map cell of index i has its centre at (i + 0.5) cells, as pixels do.
"""

from training.codecs.gaussian_heatmap import GaussianHeatmap
from training.codecs.labels import (
    EPSILON,
    bone_lengths,
    inside,
    mean_bone_lengths,
    weighted_mean,
)
from training.codecs.pose25d import (
    Pose25D,
    fit_root_depth,
    lift,
    normalised_rays,
    recover_root_depth,
    to_metres,
)
from training.codecs.soft_argmax import SoftArgmax, expected_position

__all__ = [
    "EPSILON",
    "GaussianHeatmap",
    "Pose25D",
    "SoftArgmax",
    "bone_lengths",
    "expected_position",
    "fit_root_depth",
    "inside",
    "lift",
    "mean_bone_lengths",
    "normalised_rays",
    "recover_root_depth",
    "to_metres",
    "weighted_mean",
]
