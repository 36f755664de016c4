"""COCO-WholeBody hands, against the fixture's own numbers and against real samples."""

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


def test_hands_are_read_as_they_were_made(coco: Path, tmp_path: Path) -> None:
    import_dataset("coco-wholebody", coco, "val", tmp_path / "out")
    assert verify(str(tmp_path / "out")) == []
    table = Manifest.open(str(tmp_path / "out")).table("val")
    # The crowd and the hand without a box are left out.
    assert table["sample_id"].to_pylist() == ["val-31-right", "val-31-left", "val-32-left"]
    assert table["side"].to_pylist() == ["right", "left", "left"]
    assert table["joints_3d"].null_count == 3
    assert table["camera_k"].null_count == 3
    joints_px = column_array(table, "joints_2d", 21, 2)
    # Pixel (10, 70)'s centre is at (10.5, 70.5) when the image spans [0, W] x [0, H].
    np.testing.assert_array_equal(joints_px[0, 0], [10.5, 70.5])
    np.testing.assert_array_equal(joints_px[0, 7], [18.5, 74.5])
    np.testing.assert_array_equal(table["box"].to_pylist()[0], [9.5, 69.5, 18, 19])
    states = column_array(table, "joint_state", 21)
    assert (states[:2] == JointState.UNKNOWN).all()
    # A fraction above 0 is a label; 0 is none.
    unlabelled = HAND21.index("thumb_cmc")
    assert states[2, unlabelled] == JointState.MISSING
    assert np.isnan(joints_px[2, unlabelled]).all()
    assert (np.delete(states[2], unlabelled) == JointState.UNKNOWN).all()


def test_wrong_annotations_are_named(coco: Path, tmp_path: Path) -> None:
    path = coco / "annotations/coco_wholebody_val_v1.0.json"
    content = json.loads(path.read_text())
    content["annotations"][1].pop("lefthand_kpts")
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"annotation 32 is not .*KeyError\('lefthand_kpts'\)"):
        import_dataset("coco-wholebody", coco, "val", tmp_path / "out")


def test_a_label_without_a_place_is_refused(coco: Path, tmp_path: Path) -> None:
    path = coco / "annotations/coco_wholebody_val_v1.0.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["lefthand_kpts"][3] = float("nan")
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"annotation 31 is not .*a labelled joint is not finite"):
        import_dataset("coco-wholebody", coco, "val", tmp_path / "out")


def normalised(keypoints: np.ndarray) -> np.ndarray:
    return keypoints / [120, 110, 1]


def swapped(keypoints: np.ndarray) -> np.ndarray:
    return keypoints[:, [1, 0, 2]]


@pytest.mark.parametrize("change", [normalised, swapped])
def test_joints_away_from_their_boxes_are_refused(coco: Path, tmp_path: Path, change) -> None:
    path = coco / "annotations/coco_wholebody_val_v1.0.json"
    content = json.loads(path.read_text())
    for person in content["annotations"]:
        for side in ("left", "right"):
            keypoints = np.reshape(person[f"{side}hand_kpts"], (21, 3))
            person[f"{side}hand_kpts"] = change(keypoints).ravel().tolist()
    path.write_text(json.dumps(content))
    with pytest.raises(
        InputError, match=r"val_v1\.0\.json: .* lie in their hands' boxes, expected"
    ):
        import_dataset("coco-wholebody", coco, "val", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_of_another_size_is_named(coco: Path, tmp_path: Path) -> None:
    path = coco / "annotations/coco_wholebody_val_v1.0.json"
    content = json.loads(path.read_text())
    content["images"][0]["width"] = 240
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"0003\.jpg: 120 x 110 px, .* expect 240 x 110"):
        import_dataset("coco-wholebody", coco, "val", tmp_path / "out")


def test_real_samples(samples: Path, tmp_path: Path) -> None:
    info = import_dataset("coco-wholebody", samples / "coco", "val", tmp_path / "out")
    assert info.counts == {"val": 10}
    assert verify(str(tmp_path / "out")) == []
    table = Manifest.open(str(tmp_path / "out")).table()
    sides = table["side"].to_pylist()
    assert (sides.count("left"), sides.count("right")) == (5, 5)
    joints_px = column_array(table, "joints_2d", 21, 2)
    box = column_array(table, "box", 4)[:, None]
    states = column_array(table, "joint_state", 21)
    labelled = states != JointState.MISSING
    inside = (joints_px >= box[..., :2]) & (joints_px <= box[..., :2] + box[..., 2:])
    # The data set's own boxes leave out a few of its joints.
    assert inside.all(-1)[labelled].mean() > 0.95
    assert not (states == JointState.OUTSIDE).any()
