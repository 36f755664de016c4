"""mmpose's COCO-style JSON of four sets, against files written by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from layout_round_trips import make_renders, there_and_back
from public_trees_2d import (
    OPEN_HAND,
    RHD_ORDER,
    make_mmpose_freihand,
    make_mmpose_onehand10k,
    make_mmpose_panoptic,
    make_mmpose_rhd,
    moved,
)

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


def imported(name: str, root: Path, split: str, out: Path):
    import_dataset(name, root, split, out)
    assert verify(str(out)) == []
    return Manifest.open(str(out)).table(split)


def test_onehand10k(tmp_path: Path) -> None:
    root = make_mmpose_onehand10k(tmp_path / "set")
    table = imported("mmpose-onehand10k", root, "test", tmp_path / "out")
    assert table["sample_id"].to_pylist() == ["test-9", "test-33"]
    assert table["side"].null_count == 2
    joints_px = column_array(table, "joints_2d", 21, 2)
    np.testing.assert_array_equal(joints_px[0], np.array(OPEN_HAND) + 0.5)
    states = column_array(table, "joint_state", 21)
    assert np.flatnonzero(states[1] == JointState.MISSING).tolist() == [HAND21.root]
    assert np.isnan(joints_px[1, HAND21.root]).all()
    # Pixels 15 to 78 inclusive span [15, 79] in continuous coordinates.
    assert table["box"].to_pylist() == [[15, 20, 64, 73]] * 2


def test_panoptic(tmp_path: Path) -> None:
    root = make_mmpose_panoptic(tmp_path / "set")
    table = imported("mmpose-panoptic", root, "test", tmp_path / "out")
    # The crowd is left out; the second hand's head has no size.
    assert table["sample_id"].to_pylist() == ["test-100586", "test-100587"]
    assert table["side"].to_pylist() == ["left", "right"]
    assert table["head_size_px"].to_pylist() == [140.5, None]
    joints_px = column_array(table, "joints_2d", 21, 2)
    np.testing.assert_allclose(joints_px, [moved(61.0, 10.75), moved(0.5, 0.5)])
    assert table["box"].to_pylist()[0] == [77.5, 31.25, 60.0, 70.0]
    # mmpose's boxes are tight, one pixel more: all joints lie half a pixel within.
    for box, joints in zip(table["box"].to_pylist(), joints_px, strict=True):
        np.testing.assert_allclose(joints.min(0) - 0.5, box[:2])
        np.testing.assert_allclose(joints.max(0) + 0.5, np.add(box[:2], box[2:]))


def test_freihand(tmp_path: Path) -> None:
    root = make_mmpose_freihand(tmp_path / "set")
    table = imported("mmpose-freihand", root, "val", tmp_path / "out")
    joints_px = column_array(table, "joints_2d", 21, 2)
    np.testing.assert_allclose(joints_px[0], moved(60.25, 40.5))
    assert table["side"].to_pylist() == ["right"]
    assert table["box"].to_pylist() == [[0, 0, 224, 224]]
    assert table["joints_3d"].null_count == 1


def test_rhd(tmp_path: Path) -> None:
    tree = make_mmpose_rhd(tmp_path / "set")
    table = imported("mmpose-rhd", tree.root, "test", tmp_path / "out")
    assert table["side"].to_pylist() == ["right", "left"]
    joints_cam_m = column_array(table, "joints_3d", 21, 3)
    np.testing.assert_allclose(joints_cam_m * 1000, tree.joints_cam_mm, rtol=0, atol=1e-9)
    pixels = tree.joints_cam_mm[..., :2] / tree.joints_cam_mm[..., 2:] * tree.focal + 160
    np.testing.assert_allclose(column_array(table, "joints_2d", 21, 2), pixels, atol=1e-6)
    camera_k = column_array(table, "camera_k", 3, 3)
    np.testing.assert_array_equal(camera_k[0], [[300, 0, 160], [0, 300, 160], [0, 0, 1]])
    low, high = pixels.min(1), pixels.max(1)
    box = column_array(table, "box", 4)
    np.testing.assert_allclose(box[:, 2:], 1.2 * (high - low))
    np.testing.assert_allclose(box[:, :2] + box[:, 2:] / 2, (low + high) / 2)


def test_rhd_is_tip_to_base_whatever_its_categories_say(tmp_path: Path) -> None:
    tree = make_mmpose_rhd(tmp_path / "set")
    path = tree.root / "annotations/rhd_test.json"
    content = json.loads(path.read_text())
    names = content["categories"][0]["keypoints"]
    assert names[1:5] == ["thumb1", "thumb2", "thumb3", "thumb4"]
    # The names are followed here, as a careless converter would.
    for annotation in content["annotations"]:
        for field in ("keypoints", "joint_cam"):
            annotation[field] = [annotation[field][place] for place in RHD_ORDER]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"fit .*order.* tip to base"):
        import_dataset("mmpose-rhd", tree.root, "test", tmp_path / "out")


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def shift_keypoints(content: dict) -> None:
    for annotation in content["annotations"]:
        annotation["keypoints"] = [[x + 5, y, v] for x, y, v in annotation["keypoints"]]


def to_metres(content: dict) -> None:
    for annotation in content["annotations"]:
        annotation["joint_cam"] = (np.array(annotation["joint_cam"]) / 1000).tolist()


def set_field(name: str, value: object):
    return lambda content: content["annotations"][1].update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shift_keypoints, r"rhd_test\.json: the 3-D joints project 5(\.\d+)? px from the 2-D ones"),
        (to_metres, r"rhd_test\.json: the hands' median span is .* expected 0\.04 to 0\.3 m"),
        (set_field("hand_type", "both"), r"annotation 112 is not as mmpose has rhd's .*is 'both'"),
        (
            set_field("bbox", [1, 2, 0, 4]),
            r"112 .*the box is \[1\.0, 2\.0, 0\.0, 4\.0\]",
        ),
        (
            set_field("keypoints", [[1, 2, 1]]),
            r"112 .*3 numbers, expected 21 joints x 3",
        ),
        (set_field("image_id", 9), r"annotation 112 .*KeyError\(9\)"),
        (set_field("joint_cam", [[0, 0, -1]] * 21), r"annotation 112 .*a depth of 0 or less"),
        (lambda content: content["images"][0].pop("cam_param"), r"111 .*KeyError\('cam_param'\)"),
        (lambda content: content.pop("images"), "expected lists 'images' and 'annotations'"),
        (lambda content: content["annotations"].clear(), "holds no hand"),
    ],
)
def test_wrong_annotations_are_named(tmp_path: Path, change, message: str) -> None:
    tree = make_mmpose_rhd(tmp_path / "set")
    edit(tree.root / "annotations/rhd_test.json", change)
    with pytest.raises(InputError, match=message):
        import_dataset("mmpose-rhd", tree.root, "test", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["freihand", "onehand10k", "panoptic", "rhd"])
def test_renders_go_there_and_back(tmp_path: Path, name: str) -> None:
    renders = make_renders(tmp_path / "renders")
    were, back = there_and_back(f"mmpose-{name}", renders, tmp_path, "test")
    # Hand 3 has no label. FreiHAND holds right hands only, RHD hands of a known side.
    assert len(back.ids) == len(were.ids) == {"freihand": 6, "rhd": 10}.get(name, 11)
    assert back.sides == ([None] * 11 if name == "onehand10k" else were.sides)
    labelled = were.states != JointState.MISSING
    if name == "onehand10k":
        labelled = were.states == JointState.VISIBLE
    np.testing.assert_array_equal(back.states != JointState.MISSING, labelled)
    np.testing.assert_allclose(
        back.joints_px[labelled], were.joints_px[labelled], rtol=0, atol=1e-9
    )
    if name == "rhd":
        np.testing.assert_allclose(back.joints_cam_m, were.joints_cam_m, rtol=0, atol=1e-12)
    else:
        assert np.isnan(back.joints_cam_m).all()
    if name == "freihand":
        assert (back.boxes == [0, 0, 128, 128]).all()
    else:
        np.testing.assert_allclose(back.boxes, were.boxes, rtol=0, atol=1e-9)
    assert back.heads == were.heads
    content = json.loads((tmp_path / f"layout/annotations/{name}_test.json").read_text())
    first = np.reshape(content["annotations"][0]["keypoints"], (21, 3))
    # Half a pixel between centres counted from 0 and continuous coordinates, where there is one.
    offset = 0.5 if name in ("onehand10k", "panoptic") else 0.0
    np.testing.assert_allclose(first[0, :2] + offset, were.joints_px[0, 0])
    place = RHD_ORDER[6] if name == "rhd" else 6
    np.testing.assert_allclose(first[place, :2] + offset, were.joints_px[0, 6])
