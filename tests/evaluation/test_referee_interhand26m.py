"""InterHand2.6M's evaluation against a loop over images and joints in the files' own order."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from public_trees import INTERHAND_ORDER, InterHandTree

from evaluation.datasets import import_dataset
from evaluation.referees.interhand26m import (
    TrueHands,
    read_true_hands,
    referee_interhand26m,
    score_interhand,
)
from mano_assets.errors import InputError
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from render.manifest.reading import column_array

INFO = PredictionInfo(
    system="s", label="l", checkpoint="c", checkpoint_sha256="0", data="d", data_name="d"
)
WRIST = {"right": 20, "left": 41}


def plain_scores(images: list[dict]) -> dict[str, float]:
    """Sums by hand over 42 joints in the files' order, mm; right hand first, wrist last."""
    single, interacting = ([[] for _ in range(42)] for _ in range(2))
    roots, handedness = [], []
    for image in images:
        true, valid = image["true"].copy(), image["valid"].copy()
        predicted = image["predicted"].copy()
        valid[:21] &= valid[WRIST["right"]]
        valid[21:] &= valid[WRIST["left"]]
        if image["kind"] == "interacting" and valid[20] and valid[41]:
            offsets = [joints[41] - joints[20] for joints in (predicted, true)]
            roots.append(np.sqrt(np.sum((offsets[0] - offsets[1]) ** 2)))
        for joints in (predicted, true):
            joints[:21] -= joints[20].copy()
            joints[21:] -= joints[41].copy()
        errors = interacting if image["kind"] == "interacting" else single
        for joint in range(42):
            if valid[joint]:
                errors[joint].append(np.sqrt(np.sum((predicted[joint] - true[joint]) ** 2)))
        if image["kind_valid"]:
            called = [image["called_right"], image["called_left"]]
            wanted = {"right": [1, None], "left": [None, 1], "interacting": [1, 1]}[image["kind"]]
            pairs = zip(called, wanted, strict=True)
            handedness.append(all(bool(c) == bool(w) for c, w in pairs if w is not None))

    def macro(lists):
        means = [np.mean(values) for values in lists if values]
        return np.mean(means) if means else np.nan

    return {
        "mpjpe_all_mm": macro([a + b for a, b in zip(single, interacting, strict=True)]),
        "mpjpe_single_mm": macro(single),
        "mpjpe_interacting_mm": macro(interacting),
        "mrrpe_mm": np.mean(roots) if roots else np.nan,
        "handedness_accuracy": np.mean(handedness) if handedness else np.nan,
    }


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num_images=st.integers(1, 8))
def test_equals_the_plain_loop(seed: int, num_images: int) -> None:
    random = np.random.default_rng(seed)
    plain, hands, ids, joints, right = [], [], [], [], []
    for number in range(num_images):
        kind = str(random.choice(["right", "left", "interacting"]))
        true, predicted = random.normal(0, 100, (2, 42, 3))
        valid = random.random(42) < 0.85
        if kind != "interacting":
            valid[slice(21, 42) if kind == "right" else slice(0, 21)] = False
        halves = [np.array(INTERHAND_ORDER) + 21 * half for half in range(2)]
        own = np.array([valid[half] & valid[half[0]] for half in halves])
        kind_valid = bool(random.random() < 0.8)
        called = random.random(2)
        plain.append(
            {"true": true, "predicted": predicted, "valid": valid, "kind": kind,
             "kind_valid": kind_valid, "called_right": called[0] > 0.5,
             "called_left": called[1] < 0.5}
        )  # fmt: skip
        hands.append(
            TrueHands(
                number, kind, kind_valid, np.array([true[half] for half in halves]) / 1000, own,
                own.any(-1),
            )
        )  # fmt: skip
        for half, side in enumerate(("right", "left")):
            if kind in (side, "interacting"):
                ids.append(f"val-{number:07d}-{side}")
                joints.append(predicted[halves[half]] / 1000)
                right.append(called[half])
    order = random.permutation(len(ids))
    predictions = Predictions(
        INFO, [ids[n] for n in order], joints_3d=np.array(joints)[order],
        right_probability=np.array(right)[order],
    )  # fmt: skip
    scores = score_interhand("val", hands, predictions)
    expected = plain_scores(plain)
    assert {name: scores[name] for name in expected} == pytest.approx(expected, nan_ok=True)
    assert scores["num_images"] == num_images
    assert scores["num_hands_left_out"] == 0


def perfect(root: Path, out: Path, **changed: object) -> Path:
    """The truth as predictions: read through the adapter; joints without a label are made up."""
    import_dataset("interhand26m", root, "test", out)
    table = Manifest.open(str(out)).table()
    joints = np.nan_to_num(column_array(table, "joints_3d", 21, 3), nan=0.5)
    right = np.array([float(side == "right") for side in table["side"].to_pylist()])
    content = {"joints_3d": joints, "right_probability": right, **changed}
    path = out / "p.parquet"
    write_predictions(path, Predictions(INFO, table["sample_id"].to_pylist(), **content))
    return path


def test_the_truth_scores_zero(interhand: InterHandTree, tmp_path: Path) -> None:
    path = perfect(interhand.root, tmp_path / "out")
    scores, warnings = referee_interhand26m(interhand.root, "test", path)
    assert warnings == []
    for name in ("mpjpe_all_mm", "mpjpe_single_mm", "mpjpe_interacting_mm", "mrrpe_mm"):
        assert scores[name] == pytest.approx(0, abs=1e-9), name
    assert scores["handedness_accuracy"] == 1
    # Image 2 has a hand without a wrist, which counts nowhere, and one with a wrist and too few
    # joints, which the adapter leaves out; so its handedness is not judged.
    assert scores["num_images"] == 3
    assert scores["num_mrrpe"] == 1
    assert scores["num_handedness"] == 2
    assert scores["num_hands_left_out"] == 1


def test_real_samples(samples: Path, tmp_path: Path) -> None:
    root = samples / "interhand2.6m"
    path = perfect(root, tmp_path / "out")
    scores, warnings = referee_interhand26m(root, "test", path)
    assert warnings == []
    assert scores["mpjpe_all_mm"] == pytest.approx(0, abs=1e-9)
    assert scores["mrrpe_mm"] == pytest.approx(0, abs=1e-9)
    assert scores["handedness_accuracy"] == 1
    assert (scores["num_images"], scores["num_mrrpe"], scores["num_handedness"]) == (4, 2, 4)
    # A left wrist moved by 7 mm with its hand: nothing but MRRPE sees it.
    table = Manifest.open(str(tmp_path / "out")).table()
    joints = np.nan_to_num(column_array(table, "joints_3d", 21, 3), nan=0.5)
    left = np.array([side == "left" for side in table["side"].to_pylist()])
    joints[left] += (0.007, 0, 0)
    path = perfect(root, tmp_path / "again", joints_3d=joints)
    scores, _ = referee_interhand26m(root, "test", path)
    assert scores["mpjpe_all_mm"] == pytest.approx(0, abs=1e-9)
    assert scores["mrrpe_mm"] == pytest.approx(7)


def test_the_two_files_agree_on_what_is_valid(samples: Path) -> None:
    for hands in read_true_hands(samples / "interhand2.6m", "test"):
        assert (np.abs(hands.joints_cam_m[hands.valid]) < 3).all()
        assert (hands.joints_cam_m[hands.valid][:, 2] > 0.3).all()


def test_half_a_file_and_other_mistakes_are_named(interhand: InterHandTree, tmp_path: Path) -> None:
    root, path = interhand.root, perfect(interhand.root, tmp_path / "out")
    ids = Manifest.open(str(tmp_path / "out")).table()["sample_id"].to_pylist()
    joints = np.full((3, 21, 3), 0.1)
    broken = joints.copy()
    broken[1, 2, 0] = np.nan
    for changed, message in (
        ((ids[:2], joints[:2]), "1 of the 3 samples .* have no prediction"),
        (([*ids[:2], ids[0]], joints), "occurs twice"),
        (([*ids[:2], "test-0000099-left"], joints), "have no prediction"),
        ((ids, broken), f"{ids[1]}.* not all finite"),
        ((ids, None), "holds no joints_3d"),
    ):
        write_predictions(path, Predictions(INFO, changed[0], joints_3d=changed[1]))
        with pytest.raises(InputError, match=message):
            referee_interhand26m(root, "test", path)
    data = root / "annotations/test/InterHand2.6M_test_data.json"
    content = json.loads(data.read_text())
    content["annotations"][1]["hand_type"] = "both"
    data.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"annotation 8 and its entries .*hand_type 'both'"):
        referee_interhand26m(root, "test", path)
