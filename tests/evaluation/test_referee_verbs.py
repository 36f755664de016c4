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
from evaluation.datasets.stand_in import EXPORT_FILE, ExportRecord
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
    assert output.startswith(f"{len(joints):,} hands of freihand\n")
    found = numbers(output)
    assert found["xyz_mean3d"] == pytest.approx(1.0)
    assert found["xyz_al_mean3d"] == pytest.approx(0, abs=1e-5)
    # The tree has no true vertices.
    assert f"{'mesh_mean3d':<24} - (no vertices)\n" in output
    assert "xyz_mean3d: 1.000000\n" in (tmp_path / "scores.txt").read_text()

    import_dataset("freihand", root, "evaluation", tmp_path / "data")
    data = ("--data", f"{tmp_path / 'data'}:evaluation")
    ours, back = tmp_path / "p.parquet", tmp_path / "back.json"
    run("predictions", "read", "freihand", pred, *data, "--out", ours, "--label", "mine")
    run("predictions", "write", "freihand", ours, *data, "--out", back)
    assert json.loads(back.read_text()) == json.loads(pred.read_text())
    again = numbers(run("referee", "freihand", "--root", root, "--predictions", ours))
    assert again == found


def test_what_was_not_there_has_no_number(freihand: FreiHandTree, tmp_path: Path) -> None:
    """Neither is a stand-in the data set, nor is eval.py's 0 of no vertices a score."""
    joints, root = freihand.joints_cam_m["evaluation"], freihand.root
    ours = tmp_path / "p.parquet"
    import_dataset("freihand", root, "evaluation", tmp_path / "data")
    pred = tmp_path / "pred.json"
    pred.write_text(json.dumps([joints.tolist(), [[[0, 0, 0]]] * len(joints)]))
    data = ("--data", f"{tmp_path / 'data'}:evaluation")
    run("predictions", "read", "freihand", pred, *data, "--out", ours, "--label", "mine")
    record = ExportRecord(
        format="freihand", split="evaluation", data_name="demo", data_split=None,
        data_recipe_digest=None, data_kind="synthetic", data_licence=None, num_left_out=0,
        sample_ids=[],
    )  # fmt: skip
    (root / EXPORT_FILE).write_text(record.model_dump_json())
    scores = tmp_path / "scores.txt"
    output = run("referee", "freihand", "--root", root, "--predictions", ours,
                 "--out", scores)  # fmt: skip
    lines = output.splitlines()
    assert lines[0] == f"{len(joints)} hands; stand-in for freihand"
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[1:] if " " in line}
    assert {name for name, text in shown.items() if text == "- (no vertices)"} == {
        "mesh_mean3d", "mesh_auc3d", "mesh_al_mean3d", "mesh_al_auc3d", "f_score_5", "f_score_15",
        "f_al_score_5", "f_al_score_15",
    }  # fmt: skip
    assert float(shown["xyz_mean3d"]) == pytest.approx(0, abs=1e-5)
    assert "f_score_5: 0.000000\n" in scores.read_text()


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
    output = run("referee", "coco-wholebody", "--root", tmp_path, "--predictions", results)
    persons = json.loads((folder / "example_wholebody_val.json").read_text())["annotations"]
    num_hands = sum(
        not person["iscrowd"] and any(person[f"{side}hand_kpts"][2::3])
        for person in persons
        for side in ("left", "right")
    )
    assert output.startswith(f"{num_hands:,} hands of coco-wholebody\n")
    found = numbers(output)
    assert round(found["lefthand_ap"], 3) == 0.563
    assert round(found["righthand_ar"], 3) == 0.562


def test_a_mistake_is_one_sentence(freihand: FreiHandTree, tmp_path: Path) -> None:
    (tmp_path / "pred.json").write_text("[[], []]")
    with pytest.raises(InputError, match=r"pred\.json: holds no joints, expected a list"):
        run("referee", "freihand", "--root", freihand.root,
            "--predictions", tmp_path / "pred.json")  # fmt: skip
