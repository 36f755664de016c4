"""The verbs `referee` and `predictions`, from files to printed numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from public_trees import FreiHandTree, InterHandTree
from test_referee_interhand26m import perfect
from test_referee_penn import make_labels
from typer.testing import CliRunner

from evaluation.datasets import import_dataset
from evaluation.referees.penn import read_split
from flows.cli import app
from mano_assets.errors import InputError


def run(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(found.exception, InputError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


def numbers(output: str) -> dict[str, float]:
    lines = [line.split() for line in output.splitlines()]
    return {line[0]: float(line[1]) for line in lines if len(line) == 2}


def test_freihand_from_pred_json_to_scores_and_back(freihand: FreiHandTree, tmp_path: Path) -> None:
    joints = freihand.joints_cam_m["evaluation"]
    moved = joints + np.array([0.006, 0, 0.008])
    pred, root = tmp_path / "pred.json", freihand.root
    pred.write_text(json.dumps([moved.tolist(), [[[0, 0, 0]]] * len(joints)]))
    output = run("referee", "freihand", "--root", root, "--predictions", pred,
                 "--out", tmp_path / "scores.txt")  # fmt: skip
    assert "warning: no vertices" not in output  # there is one a sample, which eval.py scores
    found = numbers(output)
    assert found["xyz_mean3d"] == pytest.approx(1.0)
    assert found["xyz_al_mean3d"] == pytest.approx(0, abs=1e-5)
    assert found["mesh_mean3d"] == -1
    assert "xyz_mean3d: 1.000000\n" in (tmp_path / "scores.txt").read_text()

    import_dataset("freihand", root, "evaluation", tmp_path / "data")
    data = ("--data", f"{tmp_path / 'data'}:evaluation")
    ours, back = tmp_path / "p.parquet", tmp_path / "back.json"
    run("predictions", "read", "freihand", pred, *data, "--out", ours, "--label", "mine")
    run("predictions", "write", "freihand", ours, *data, "--out", back)
    assert json.loads(back.read_text()) == json.loads(pred.read_text())
    again = numbers(run("referee", "freihand", "--root", root, "--predictions", ours))
    assert again == found


def test_interhand_and_penn(interhand: InterHandTree, tmp_path: Path) -> None:
    ours = perfect(interhand.root, tmp_path / "out")
    found = numbers(run("referee", "interhand26m", "--root", interhand.root, "--predictions", ours))
    assert found["mpjpe_all_mm"] == 0
    assert found["handedness_accuracy"] == 1
    assert found["num_hands_left_out"] == 1

    make_labels(tmp_path / "labels", "0001")
    truth = {name: s.joints_px.tolist() for name, s in read_split(tmp_path, "test").items()}
    (tmp_path / "penn.json").write_text(json.dumps(truth))
    output = run(
        "referee", "penn-action", "--root", tmp_path, "--predictions", tmp_path / "penn.json"
    )
    assert numbers(output)["pck_0.2"] == 1
    assert "warning: 2 frames have a box without a size" in output


def test_the_official_coco_example(samples: Path, tmp_path: Path) -> None:
    folder = samples / "coco_wholebody_eval_example"
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/coco_wholebody_val_v1.0.json").symlink_to(
        folder / "example_wholebody_val.json"
    )
    results = folder / "example_pred_with_part_scores.json"
    found = numbers(run("referee", "coco-wholebody", "--root", tmp_path, "--predictions", results))
    assert round(found["lefthand_ap"], 3) == 0.563
    assert round(found["righthand_ar"], 3) == 0.562


def test_a_mistake_is_one_sentence(freihand: FreiHandTree, tmp_path: Path) -> None:
    (tmp_path / "pred.json").write_text("[[], []]")
    with pytest.raises(InputError, match=r"pred\.json: holds no joints, expected a list"):
        run("referee", "freihand", "--root", freihand.root,
            "--predictions", tmp_path / "pred.json")  # fmt: skip
