"""Metrics: pure functions from joints to a value for each joint, which `averaging` makes one.

So a metric, its interval and the errors of single samples all come from the same array.
"""

from __future__ import annotations

from evaluation.metrics.comparison import Comparison, Metric, joint_errors
from evaluation.metrics.joints_2d import METRICS_2D
from evaluation.metrics.joints_3d import METRICS_3D

METRICS: dict[str, Metric] = {metric.id: metric for metric in (*METRICS_2D, *METRICS_3D)}

__all__ = ["METRICS", "Comparison", "Metric", "joint_errors"]
