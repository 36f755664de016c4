"""The verb `bench metrics`."""

import json
import math

import numpy as np
from typer.testing import CliRunner

from evaluation.benchmark import bench_metrics, made_up_hands
from mano_assets.skeleton import HAND21


def test_the_figures_of_a_few_hands_agree_with_the_plain_loop() -> None:
    figures = bench_metrics(12)
    assert set(figures) == {
        "freihand_s", "evaluate_s", "num_samples", "vs_reference", "max_difference",
    }  # fmt: skip
    assert figures["num_samples"] == 12
    assert figures["max_difference"] < 1e-6
    assert all(math.isfinite(value) and value >= 0 for value in figures.values())


def test_made_up_hands_have_the_size_of_hands() -> None:
    joints_m, vertices_m = made_up_hands(5, seed=1)
    lengths = [
        np.linalg.norm(joints_m[:, child] - joints_m[:, parent], axis=-1)
        for parent, child in HAND21.bones
    ]
    assert 0.02 < np.mean(lengths) < 0.09
    to_joints = np.linalg.norm(vertices_m[:, :, None] - joints_m[:, None], axis=-1).min(-1)
    assert to_joints.max() < 0.06
    np.testing.assert_array_equal(made_up_hands(5, seed=1)[1], vertices_m)


def test_the_verb_prints_one_object_last() -> None:
    from flows.cli import app

    told = CliRunner().invoke(app, ["bench", "metrics", "-n", "6"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout.splitlines()[-1])["num_samples"] == 6
