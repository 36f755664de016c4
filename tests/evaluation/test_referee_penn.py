"""PCK on Penn Action against a loop over frames, on made-up label files and on real ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from evaluation.referees.penn import (
    SPLITS,
    read_predicted,
    read_sequence,
    read_split,
    referee_penn,
    score_penn,
)
from mano_assets.errors import InputError
from mano_assets.skeleton import PENN13


def make_labels(folder: Path, name: str, **changed: object) -> None:
    """Five frames of a test sequence in unsigned integers, the last box missing, one empty."""
    random = np.random.default_rng(int(name))
    content = {
        "action": "bowl", "pose": "front", "train": np.int32(-1),
        "x": random.integers(5, 250, (5, 13)).astype(np.uint8),
        "y": random.integers(5, 400, (5, 13)).astype(np.uint16),
        "visibility": (random.random((5, 13)) < 0.7).astype(np.uint8),
        "bbox": np.array([[9, 20, 119, 220], [0, 0, 0, 0], [50, 35, 40, 30], [10, 20, 30, 220]],
                         np.uint8),
        "dimensions": np.array([480, 360, 5], np.uint16), "nframes": np.uint8(5), **changed,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / f"{name}.mat", content)


def plain_pck(folder: Path, predicted: dict[str, np.ndarray], replace: bool) -> tuple[float, int]:
    """Hits over visible joints, frame by frame, with numbers of Python."""
    from scipy.io import loadmat

    hits = total = 0
    for path in sorted(folder.glob("*.mat")):
        content = loadmat(path)
        if content["train"].item() == 1:
            continue
        boxes = content["bbox"].tolist()
        for frame in range(len(content["x"])):
            x1, y1, x2, y2 = boxes[min(frame, len(boxes) - 1)]
            size = max(x2 - x1, y2 - y1)
            x, y = content["x"][frame].tolist(), content["y"][frame].tolist()
            seen = [j for j in range(13) if content["visibility"][frame][j] == 1]
            if size <= 0 and replace and seen:
                size = max(max(v[j] for j in seen) - min(v[j] for j in seen) for v in (x, y))
            for j in seen:
                px, py = predicted[path.stem][frame][j]
                hits += ((px - x[j]) ** 2 + (py - y[j]) ** 2) ** 0.5 <= 0.2 * size
                total += 1
    return hits / total, total


def disturbed(sequences, seed: int, scale_px: float) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: found.joints_px + random.normal(0, scale_px, found.joints_px.shape)
        for name, found in sequences.items()
    }


def check_against_the_loop(root: Path, seed: int) -> dict[str, float]:
    sequences = read_split(root, "test")
    predicted = disturbed(sequences, seed, 25)
    scores = score_penn(sequences, predicted)
    for name, replace in (("pck_0.2", True), ("pck_0.2_boxes_as_filed", False)):
        share, total = plain_pck(root / "labels", predicted, replace)
        assert scores[name] == pytest.approx(share), name
        assert scores["num_joints"] == total
    by_joint = [scores[f"pck_0.2_{joint}"] for joint in PENN13.joints]
    seen = np.concatenate([found.visible for found in sequences.values()])
    mean = np.nansum(np.array(by_joint) * seen.sum(0)) / seen.sum()
    assert scores["pck_0.2"] == pytest.approx(mean)
    return scores


def test_made_up_labels(tmp_path: Path) -> None:
    make_labels(tmp_path / "labels", "0001")
    make_labels(tmp_path / "labels", "0002", train=np.int32(1))
    make_labels(tmp_path / "labels", "0003")
    sequences = read_split(tmp_path, "test")
    assert sorted(sequences) == ["0001", "0003"]
    np.testing.assert_array_equal(sequences["0001"].boxes_px[4], [10, 20, 30, 220])
    scores = check_against_the_loop(tmp_path, 0)
    # The empty box, and the one whose corners are the wrong way round, which unsigned integers
    # would make 246 px wide; in both sequences.
    assert scores["num_boxes_replaced"] == 4
    assert scores["pck_0.2_boxes_as_filed"] < scores["pck_0.2"]


def test_the_truth_scores_one_but_not_in_boxes_turned_round_as_filed(tmp_path: Path) -> None:
    make_labels(tmp_path / "labels", "0001")
    truth = {name: found.joints_px for name, found in read_split(tmp_path, "test").items()}
    path = tmp_path / "p.json"
    path.write_text(json.dumps({name: joints.tolist() for name, joints in truth.items()}))
    scores, warnings = referee_penn(tmp_path, "test", path)
    assert scores["pck_0.2"] == 1
    # Corners the wrong way round make a negative size, which no distance is within; 0 is within 0.
    visible = read_split(tmp_path, "test")["0001"].visible
    expected = 1 - visible[2].sum() / visible.sum()
    assert scores["pck_0.2_boxes_as_filed"] == pytest.approx(expected)
    assert len(warnings) == 1


def test_real_labels(samples: Path) -> None:
    root = samples / "penn_action"
    both = {split: read_split(root, split) for split in SPLITS}
    assert sum(map(len, both.values())) == 59
    assert "0001" in both["test"]
    for found in (both["test"]["1154"], both["train"]["1865"]):
        assert len(found.boxes_px) == len(found.joints_px)
        np.testing.assert_array_equal(found.boxes_px[-1], found.boxes_px[-2])
    scores = check_against_the_loop(root, 1)
    assert 0.5 < scores["pck_0.2"] < 1


def test_wrong_files_are_named(tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    make_labels(labels, "0001", bbox=np.zeros((3, 4)))
    with pytest.raises(InputError, match=r"0001\.mat: bbox has the shape \(3, 4\), expected"):
        read_sequence(labels / "0001.mat")
    make_labels(labels, "0001", y=np.zeros((4, 13)))
    with pytest.raises(InputError, match="x, y and visibility are"):
        read_sequence(labels / "0001.mat")
    (labels / "0001.mat").write_bytes(b"no labels" * 50)
    with pytest.raises(InputError, match="not labels of Penn Action"):
        read_sequence(labels / "0001.mat")
    make_labels(labels, "0001")
    make_labels(labels, "0002")
    with pytest.raises(InputError, match="holds no sequence of the train split"):
        read_split(tmp_path, "train")
    with pytest.raises(InputError, match="split 'val' is not in penn-action"):
        read_split(tmp_path, "val")
    sequences, path = read_split(tmp_path, "test"), tmp_path / "p.json"
    whole = np.zeros((5, 13, 2)).tolist()
    for content, message in (
        ([], "expected a JSON object"),
        ({"0001": whole}, "1 of 2 sequences and 0 unknown ones, '0002' is missing"),
        ({"0001": whole, "0002": whole, "0003": whole}, "'0003' is unknown"),
        ({"0001": whole, "0002": whole[:3]}, r"'0002' has \(3, 13, 2\) numbers, expected \(5,"),
        ({"0001": whole, "0002": [["a"]]}, "'0002' has"),
    ):
        path.write_text(json.dumps(content))
        with pytest.raises(InputError, match=message):
            read_predicted(path, sequences)
