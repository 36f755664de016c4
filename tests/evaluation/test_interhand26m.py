"""InterHand2.6M, against the numbers the fixture started from and against real samples."""

import json
from pathlib import Path

import numpy as np
import pytest
from public_trees import InterHandTree

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


def read(root: Path) -> dict[str, np.ndarray]:
    table = Manifest.open(str(root)).table()
    shapes = {"joints_2d": (21, 2), "joints_3d": (21, 3), "joint_state": (21,), "box": (4,),
              "camera_k": (3, 3), "cam_from_world": (3, 4)}  # fmt: skip
    columns = {name: column_array(table, name, *shape) for name, shape in shapes.items()}
    plain = ("sample_id", "side", "split", "subject", "sequence", "frame", "image_sha256")
    return columns | {name: np.array(table[name].to_pylist()) for name in plain}


def test_hands_are_read_as_they_were_made(interhand: InterHandTree, tmp_path: Path) -> None:
    info = import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    rows = read(tmp_path / "out")
    # Image 0: both; 1: left; 2: neither (no wrist; too few joints).
    assert rows["side"].tolist() == ["right", "left", "left"]
    assert rows["sample_id"].tolist() == [
        "test-0000007-right", "test-0000007-left", "test-0000008-left",
    ]  # fmt: skip
    assert info.counts == {"test": 3}
    assert info.kind == "real"
    assert verify(str(tmp_path / "out")) == []

    truth_mm = interhand.joints_cam_mm[[0, 0, 1], [0, 1, 1]]
    missing = np.isnan(rows["joints_3d"]).all(-1)
    assert np.argwhere(missing).tolist() == [
        [0, HAND21.index("index_tip")], [0, HAND21.index("ring_pip")],
    ]  # fmt: skip
    np.testing.assert_allclose(
        rows["joints_3d"][~missing] * 1000, truth_mm[~missing], rtol=0, atol=1e-9
    )
    (fx, fy), (cx, cy) = interhand.focal, interhand.centre
    u = fx * truth_mm[..., 0] / truth_mm[..., 2] + cx
    v = fy * truth_mm[..., 1] / truth_mm[..., 2] + cy
    np.testing.assert_allclose(
        rows["joints_2d"][~missing], np.stack([u, v], -1)[~missing], rtol=0, atol=1e-9
    )
    outside = (u < 0) | (u > 334) | (v < 0) | (v > 512)
    expected = np.where(outside, JointState.OUTSIDE, JointState.UNKNOWN)
    np.testing.assert_array_equal(
        rows["joint_state"], np.where(missing, JointState.MISSING, expected)
    )


def test_box_is_the_valid_joints_box_times_1_2(interhand: InterHandTree, tmp_path: Path) -> None:
    import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    rows = read(tmp_path / "out")
    for box, joints in zip(rows["box"], rows["joints_2d"], strict=True):
        low, high = np.nanmin(joints, 0), np.nanmax(joints, 0)
        np.testing.assert_allclose(box[2:], 1.2 * (high - low))
        np.testing.assert_allclose(box[:2] + box[2:] / 2, (low + high) / 2)


def test_world_coordinates_come_back_through_the_extrinsics(
    interhand: InterHandTree, tmp_path: Path
) -> None:
    import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    rows = read(tmp_path / "out")
    extrinsics = np.vstack([rows["cam_from_world"][2], [0, 0, 0, 1]])
    wrist_world_m = (np.linalg.inv(extrinsics) @ [*rows["joints_3d"][2, HAND21.root], 1])[:3]
    filed = json.loads(
        (interhand.root / "annotations/test/InterHand2.6M_test_joint_3d.json").read_text()
    )
    np.testing.assert_allclose(wrist_world_m * 1000, filed["2"]["101"]["world_coord"][41])


def test_images_keep_their_bytes(interhand: InterHandTree, tmp_path: Path) -> None:
    import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    manifest = Manifest.open(str(tmp_path / "out"))
    row = manifest.table().to_pylist()[2]
    data = manifest.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
    original = interhand.root / "images/test/Capture2/0390_dh/cam400026/image101.jpg"
    assert data == original.read_bytes()
    assert (row["subject"], row["sequence"], row["frame"]) == (
        "5", "Capture2/0390_dh/cam400026", 101,
    )  # fmt: skip


def edit(tree: InterHandTree, what: str, change) -> None:
    path = tree.root / f"annotations/test/InterHand2.6M_test_{what}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def to_metres(content: dict) -> None:
    for frame in content["2"].values():
        frame["world_coord"] = (np.array(frame["world_coord"]) / 1000).tolist()


def move_camera(content: dict) -> None:
    content["2"]["princpt"]["400026"] = [5000.0, 5000.0]


def forget_a_field(content: dict) -> None:
    del content["annotations"][1]["joint_valid"]


def forget_a_frame(content: dict) -> None:
    del content["2"]["101"]


@pytest.mark.parametrize(
    ("what", "change", "message"),
    [
        ("joint_3d", to_metres, "median span is .* expected 0.04 to .*metres taken for mill"),
        ("camera", move_camera, r"100% of the joints lie outside their images, expected pixel"),
        ("data", forget_a_field, r"annotation 8 and its entries .*KeyError\('joint_valid'\)"),
        ("joint_3d", forget_a_frame, r"annotation 8 and its entries .*KeyError\('101'\)"),
        ("data", lambda content: content.pop("images"), "expected lists 'images' and"),
        ("data", lambda content: content["annotations"].clear(), "holds no hand"),
    ],
)
def test_wrong_annotations_are_named(
    interhand: InterHandTree, tmp_path: Path, what: str, change, message: str
) -> None:
    edit(interhand, what, change)
    with pytest.raises(InputError, match=message):
        import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_and_damaged_files_are_named(interhand: InterHandTree, tmp_path: Path) -> None:
    image = interhand.root / "images/test/Capture2/0390_dh/cam400026/image101.jpg"
    image.write_bytes(image.read_bytes()[:10])
    with pytest.raises(InputError, match=r"image101\.jpg: cannot be read, expected an image"):
        import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    image.unlink()
    with pytest.raises(InputError, match=r"image101\.jpg: no such file, expected an image"):
        import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    camera = interhand.root / "annotations/test/InterHand2.6M_test_camera.json"
    camera.write_text("{")
    with pytest.raises(InputError, match=r"test_camera\.json: cannot be read, expected JSON"):
        import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")
    camera.unlink()
    with pytest.raises(InputError, match=r"test_camera\.json: .*annotation file of interhand26m"):
        import_dataset("interhand26m", interhand.root, "test", tmp_path / "out")


def test_real_samples(samples: Path, tmp_path: Path) -> None:
    root = samples / "interhand2.6m"
    info = import_dataset("interhand26m", root, "test", tmp_path / "out")
    assert info.counts == {"test": 6}
    rows = read(tmp_path / "out")
    sides = {}
    for sample, side in zip(rows["sample_id"], rows["side"], strict=True):
        sides.setdefault(sample.split("-")[1], set()).add(str(side))
    assert sides == {
        "0326750": {"right", "left"}, "0286291": {"right", "left"},
        "0680801": {"left"}, "0471953": {"right"},
    }  # fmt: skip
    assert verify(str(tmp_path / "out")) == []

    table = Manifest.open(str(tmp_path / "out")).table()
    size = np.stack([table["width"].to_numpy(), table["height"].to_numpy()], -1)[:, None]
    joints_px, box = rows["joints_2d"], rows["box"][:, None]
    assert ((joints_px >= 0) & (joints_px <= size)).all()
    assert ((joints_px >= box[..., :2]) & (joints_px <= box[..., :2] + box[..., 2:])).all()
    bones_m = np.stack(
        [
            np.linalg.norm(rows["joints_3d"][:, child] - rows["joints_3d"][:, parent], axis=-1)
            for parent, child in HAND21.bones
        ]
    )
    assert bones_m.min() > 0.012
    assert bones_m.max() < 0.12
    # A single hand's own bbox is 1.2 times the tight one, so it must be ours.
    filed = json.loads((root / "annotations/test/InterHand2.6M_test_data.json").read_text())
    official = {
        f"{annotation['id']:07d}": annotation["bbox"] for annotation in filed["annotations"]
    }
    for sample in ("0680801", "0471953"):
        row = [name.split("-")[1] for name in rows["sample_id"]].index(sample)
        np.testing.assert_allclose(rows["box"][row], official[sample], atol=0.01)
