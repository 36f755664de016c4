"""Manifest to original layout and back: equal labels, and never taken for the public data set."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from public_trees import INTERHAND_ORDER, RHD_ORDER, RIGHT_HAND_MM
from scipy.spatial.transform import Rotation
from sketched_hands import Drawn

from evaluation.datasets import DATASETS, check_manifest, import_dataset
from evaluation.datasets.stand_in import read_export
from evaluation.exporting import EXPORTERS, export_dataset
from mano_assets.errors import InputError
from mano_assets.inert_pickle import pickled_array, read_pickle
from mano_assets.skeleton import HAND21
from render.manifest import DatasetInfo, JointState, Manifest, project, write_dataset
from render.manifest.reading import column_array

MINE = ("freihand", "rhd", "interhand26m", "coco-wholebody")
SHAPES = {
    "joints_2d": (21, 2), "joints_3d": (21, 3), "camera_k": (3, 3), "box": (4,),
    "joint_state": (21,), "cam_from_world": (3, 4),
}  # fmt: skip


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hands of all sorts: both sides, every state, own K each, extrinsics, two sizes, PNG."""
    root = tmp_path_factory.mktemp("varied") / "dataset"
    random = np.random.default_rng(4)
    samples = []
    for index in range(6):
        side = ("right", "left")[index % 2]
        joints = RIGHT_HAND_MM / 1000 * ((-1, 1, 1) if side == "left" else 1)
        turn = Rotation.from_rotvec(random.normal(0, 0.4, 3))
        place_m = np.array([0.01 * index, 0, 0.5])
        joints = turn.apply(joints - joints.mean(0)) + place_m
        width, height = (200, 160) if index % 3 else (160, 200)
        camera_k = np.array([[260.0 + index, 0, 90], [0, 262.0, 85], [0, 0, 1]])
        joints_px = project(joints, camera_k)
        states = random.choice([0, 1, 2, 3], 21)
        inside = ((joints_px >= 0) & (joints_px <= (width, height))).all(-1)
        states[~inside] = JointState.OUTSIDE
        if index == 5:
            states[[HAND21.index("ring_tip"), HAND21.index("thumb_ip")]] = JointState.MISSING
            joints[states == JointState.MISSING] = np.nan
            joints_px[states == JointState.MISSING] = np.nan
        rotation = Rotation.from_rotvec(random.normal(0, 1, 3)).as_matrix()
        world = np.hstack([rotation, [[1.0], [2.0], [3.0]]])
        low, high = np.nanmin(joints_px, 0), np.nanmax(joints_px, 0)
        picture = io.BytesIO()
        noise = random.integers(0, 255, (height, width, 3), dtype=np.uint8)
        Image.fromarray(noise).save(picture, "PNG")
        row = {
            "sample_id": f"hand-{index}", "split": "test", "subject": f"person {index}",
            "width": width, "height": height, "side": side, "camera_k": camera_k.ravel().tolist(),
            "cam_from_world": world.ravel().tolist(), "joints_2d": joints_px.ravel().tolist(),
            "joints_3d": joints.ravel().tolist(), "joint_state": states.tolist(),
            "box": [*(low - 5).tolist(), *(high - low + 10).tolist()],
        }  # fmt: skip
        samples.append((row, picture.getvalue()))
    info = DatasetInfo(name="varied", kind="synthetic", state="rendering")
    write_dataset(root, info, samples, "png")
    return root


def arrays(root: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    table = Manifest.open(str(root)).table()
    found = {name: column_array(table, name, *shape) for name, shape in SHAPES.items()}
    found["side"] = np.array(table["side"].to_pylist())
    return table["sample_id"].to_pylist(), found


def round_trip(name: str, data: Path, tmp_path: Path) -> tuple[dict, dict, DatasetInfo]:
    """True and returned columns of the samples that the layout holds, in the same order."""
    out = export_dataset(name, str(data), tmp_path / "layout")
    record = read_export(out)
    assert record is not None
    info = import_dataset(name, out, record.split, tmp_path / "back")
    ids, truth = arrays(data)
    rows = [ids.index(sample) for sample in record.sample_ids]
    assert info.num_samples == len(rows)
    assert record.num_left_out == len(ids) - len(rows)
    assert check_manifest(str(tmp_path / "back")) == []
    _, back = arrays(tmp_path / "back")
    return {key: values[rows] for key, values in truth.items()}, back, info


@pytest.mark.parametrize("name", MINE)
@pytest.mark.parametrize("data", ["drawn", "varied"])
def test_labels_come_back(
    name: str, data: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    drawn: Drawn = request.getfixturevalue("drawn")
    source = drawn.root if data == "drawn" else request.getfixturevalue(data)
    truth, back, info = round_trip(name, source, tmp_path)
    assert info.kind == "synthetic"
    assert info.name == f"{name}-stand-in"
    assert info.stand_in_for == name
    assert info.licence is None
    np.testing.assert_array_equal(back["side"], truth["side"])
    # Coordinates go through decimal text, metres through millimetres, and rotations.
    np.testing.assert_allclose(back["joints_2d"], truth["joints_2d"], rtol=0, atol=1e-8)
    in_space = name != "coco-wholebody"
    if in_space:
        np.testing.assert_allclose(back["joints_3d"], truth["joints_3d"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(back["camera_k"], truth["camera_k"], rtol=0, atol=0)
    else:
        np.testing.assert_allclose(back["box"], truth["box"], atol=1e-10)
    if name == "interhand26m" and data == "varied":
        np.testing.assert_allclose(back["cam_from_world"], truth["cam_from_world"], atol=1e-12)
    if data == "varied":
        # What was seen is UNKNOWN where the layout has no place for it.
        kept = [JointState.OUTSIDE, JointState.MISSING, *([JointState.VISIBLE] * (name == "rhd"))]
        expected = np.where(np.isin(truth["joint_state"], kept), truth["joint_state"], 0)
        np.testing.assert_array_equal(back["joint_state"], expected)


def test_who_is_left_out(varied: Path, drawn: Drawn, tmp_path: Path) -> None:
    # Hand 5 lacks two joints; hands 1, 3 and 5 are left ones.
    held = {
        "freihand": [0, 2, 4], "rhd": [0, 1, 2, 3, 4], "interhand26m": [*range(6)],
        "coco-wholebody": [*range(6)],
    }  # fmt: skip
    for name, indices in held.items():
        out = export_dataset(name, str(varied), tmp_path / name)
        record = read_export(out)
        assert record is not None
        assert record.sample_ids == [f"hand-{index}" for index in indices]
        assert record.num_left_out == 6 - len(indices)
        assert (record.format, record.data_name) == (name, "varied")
        assert record.data_recipe_digest == Manifest.open(str(varied)).info.recipe_digest
    assert set(MINE) == set(held) <= set(EXPORTERS) <= set(DATASETS)


def test_pictures_come_back(varied: Path, tmp_path: Path) -> None:
    def pictures(root: Path) -> list[Image.Image]:
        manifest = Manifest.open(str(root))
        keys = ("image_shard", "image_offset", "image_size")
        return [
            Image.open(io.BytesIO(manifest.read_bytes(*(row[key] for key in keys))))
            for row in manifest.table().to_pylist()
        ]

    round_trip("rhd", varied, tmp_path / "rhd")
    for one, other in zip(pictures(varied), pictures(tmp_path / "rhd/back"), strict=False):
        np.testing.assert_array_equal(np.array(one), np.array(other))
    round_trip("interhand26m", varied, tmp_path / "ih")
    assert {picture.format for picture in pictures(tmp_path / "ih/back")} == {"JPEG"}


def test_the_files_hold_the_orders_of_the_originals(varied: Path, tmp_path: Path) -> None:
    """Against orders spelled out by hand, since adapter and exporter could share a mistake."""
    _, truth = arrays(varied)
    out = export_dataset("freihand", str(varied), tmp_path / "freihand")
    xyz = json.loads((out / "evaluation_xyz.json").read_text())
    np.testing.assert_array_equal(xyz, truth["joints_3d"][[0, 2, 4]])
    scale = json.loads((out / "evaluation_scale.json").read_text())
    proximal = np.array(xyz)[:, 9] - np.array(xyz)[:, 10]
    np.testing.assert_allclose(scale, np.linalg.norm(proximal, axis=-1))
    assert sorted(path.name for path in (out / "evaluation/rgb").iterdir()) == [
        "00000000.jpg", "00000001.jpg", "00000002.jpg",
    ]  # fmt: skip

    out = export_dataset("rhd", str(varied), tmp_path / "rhd", "training")
    entry = read_pickle(out / "training/anno_training.pickle")[1]
    xyz, uv_vis = pickled_array(entry["xyz"], 42, 3), pickled_array(entry["uv_vis"], 42, 3)
    # Hand 1 is a left one: the first half.
    np.testing.assert_array_equal(xyz[RHD_ORDER], truth["joints_3d"][1])
    np.testing.assert_array_equal(uv_vis[RHD_ORDER, :2], truth["joints_2d"][1])
    np.testing.assert_array_equal(uv_vis[RHD_ORDER, 2], truth["joint_state"][1] == 1)
    assert not xyz[21:].any()
    assert not uv_vis[21:].any()
    assert (out / "training/color/00001.png").exists()

    out = export_dataset("interhand26m", str(varied), tmp_path / "interhand", "val")
    joints = json.loads((out / "annotations/val/InterHand2.6M_val_joint_3d.json").read_text())
    world = truth["cam_from_world"][1]
    world_m = (truth["joints_3d"][1] - world[:, 3]) @ world[:, :3]
    filed = np.array(joints["0"]["1"]["world_coord"])
    np.testing.assert_allclose(filed[21:][INTERHAND_ORDER], world_m * 1000)
    assert np.array(joints["0"]["1"]["joint_valid"]).ravel().tolist() == [False] * 21 + [True] * 21
    assert joints["0"]["1"]["hand_type"] == "left"
    data = json.loads((out / "annotations/val/InterHand2.6M_val_data.json").read_text())
    assert (out / "images/val" / data["images"][1]["file_name"]).exists()

    out = export_dataset("coco-wholebody", str(varied), tmp_path / "coco")
    content = json.loads((out / "annotations/coco_wholebody_val_v1.0.json").read_text())
    person = content["annotations"][5]
    keypoints = np.array(person["lefthand_kpts"]).reshape(21, 3)
    missing = truth["joint_state"][5] == JointState.MISSING
    # COCO's 0 is the centre of the first pixel.
    np.testing.assert_allclose(keypoints[~missing, :2], truth["joints_2d"][5][~missing] - 0.5)
    assert not keypoints[missing].any()
    assert set(keypoints[~missing, 2]) == {1, 2}
    assert person["lefthand_valid"]
    assert not person["righthand_valid"]
    assert (len(person["keypoints"]), len(person["face_kpts"]), len(person["foot_kpts"])) == (
        51, 204, 18,
    )  # fmt: skip


HOLDING_2D = ("panoptic", "hiu-dmtl", "onehand10k", "coco-wholebody", "mmpose-panoptic",
              "mmpose-onehand10k")  # fmt: skip


@pytest.mark.parametrize("name", [*HOLDING_2D, "interhand26m"])
def test_a_joint_without_a_label_gets_none(drawn: Drawn, tmp_path: Path, name: str) -> None:
    """Although the set, one's own, holds numbers there."""
    missing = HAND21.index("little_tip")

    def change(row: dict) -> dict:
        row["joint_state"][missing] = int(JointState.MISSING)
        return row

    back = exported_rows(name, drawn, tmp_path, change)
    states = column_array(back, "joint_state", 21)
    assert (states[:, missing] == JointState.MISSING).all()
    assert (np.delete(states, missing, axis=1) != JointState.MISSING).all()
    assert np.isnan(column_array(back, "joints_2d", 21, 2)[:, missing]).all()


@pytest.mark.parametrize("name", ["onehand10k", "mmpose-onehand10k"])
@pytest.mark.parametrize("state", [None, JointState.UNKNOWN, JointState.VISIBLE])
def test_a_joint_outside_is_not_moved_into_the_image(
    drawn: Drawn, tmp_path: Path, name: str, state: JointState | None
) -> None:
    """OneHand10K labels what can be seen; nobody said of these joints that they cannot."""
    outside, edge = HAND21.index("little_tip"), HAND21.index("thumb_tip")

    def change(row: dict) -> dict:
        row["joints_2d"][2 * outside : 2 * outside + 2] = [row["width"] + 9.0, 40.0]
        row["joints_2d"][2 * edge : 2 * edge + 2] = [row["width"], 60.0]
        return {**row, "joints_3d": None, "joint_state": None if state is None else [state] * 21}

    back = exported_rows(name, drawn, tmp_path, change)
    states = column_array(back, "joint_state", 21)
    assert (states[:, outside] == JointState.MISSING).all()
    assert (np.delete(states, outside, axis=1) == JointState.UNKNOWN).all()


def exported_rows(
    name: str, drawn: Drawn, tmp_path: Path, change: Callable[[dict], dict]
) -> pa.Table:
    """Six drawn hands, changed, written in a layout and read back."""
    held = Manifest.open(str(drawn.root))
    samples = []
    for row in held.table("train").to_pylist()[:6]:
        image = held.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
        samples.append((change(row), image))
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    write_dataset(tmp_path / "mine", info, samples)
    out = export_dataset(name, str(tmp_path / "mine"), tmp_path / "layout")
    record = read_export(out)
    assert record is not None
    assert len(record.sample_ids) == 6
    import_dataset(name, out, record.split, tmp_path / "back")
    return Manifest.open(str(tmp_path / "back")).table()


def test_a_split_and_its_provenance(drawn: Drawn, tmp_path: Path) -> None:
    out = export_dataset("rhd", f"{drawn.root}:test_easy", tmp_path / "out")
    info = import_dataset("rhd", out, "evaluation", tmp_path / "back")
    assert info.num_samples == 9
    assert info.recipe is not None
    assert info.recipe["export"]["data_name"] == "drawn"
    assert info.recipe["export"]["data_split"] == "test_easy"
    assert info.recipe["export"]["data_recipe_digest"] == drawn.info.recipe_digest
    assert "handforge_export.json" in info.assets
    # Again, from another split: replaced; the import follows and has another digest.
    export_dataset("rhd", f"{drawn.root}:test_hard", out)
    again = import_dataset("rhd", out, "evaluation", tmp_path / "back")
    assert again.num_samples == 7
    assert again.recipe_digest != info.recipe_digest


def test_what_is_refused(drawn: Drawn, varied: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="format 'coco' is unknown, expected one of freihand"):
        export_dataset("coco", str(drawn.root), tmp_path / "out")
    with pytest.raises(InputError, match="split 'val' is not in freihand, expected one of train"):
        export_dataset("freihand", str(drawn.root), tmp_path / "out", "val")
    with pytest.raises(InputError, match="no split 'nope', expected one of"):
        export_dataset("freihand", f"{drawn.root}:nope", tmp_path / "out")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    with pytest.raises(InputError, match="precious: is not empty and not an earlier export"):
        export_dataset("freihand", str(drawn.root), precious)
    export_dataset("rhd", str(varied), tmp_path / "rhd")
    with pytest.raises(InputError, match="rhd: is not empty and not an earlier export in the layo"):
        export_dataset("freihand", str(varied), tmp_path / "rhd")
    (tmp_path / "rhd/handforge_export.json").write_text("{}")
    with pytest.raises(InputError, match=r"handforge_export\.json: damaged, expected what"):
        import_dataset("rhd", tmp_path / "rhd", "evaluation", tmp_path / "back")
    assert (precious / "file").read_text() == "mine"


def test_nothing_to_write_leaves_nothing(drawn: Drawn, tmp_path: Path) -> None:
    held = Manifest.open(str(drawn.root))
    row = next(row for row in held.table().to_pylist() if row["side"] == "left")
    image = held.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
    info = DatasetInfo(name="lefts", kind="synthetic", state="rendering")
    write_dataset(tmp_path / "lefts", info, [(row, image)])
    with pytest.raises(InputError, match="holds no hand that freihand's layout can hold, expected"):
        export_dataset("freihand", str(tmp_path / "lefts"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["lefts"]


@pytest.mark.blender
@pytest.mark.slow
def test_renders_come_back(hand_folder: Path, tmp_path: Path) -> None:
    from render.dataset import render_dataset
    from render.recipe import DatasetRecipe, ImageRecipe, SplitRecipe

    recipe = DatasetRecipe(
        name="tiny",
        seed=5,
        splits=(SplitRecipe(name="test", count=6, poses={"handshapes": 1.0}),),
        left_share=0.4,
        image=ImageRecipe(size=96),
    )
    render_dataset(recipe, hand_folder, tmp_path / "tiny")
    assert check_manifest(str(tmp_path / "tiny")) == []
    for name in MINE:
        truth, back, _ = round_trip(name, tmp_path / "tiny", tmp_path / name)
        np.testing.assert_allclose(back["joints_2d"], truth["joints_2d"], rtol=0, atol=1e-8)
        np.testing.assert_array_equal(back["side"], truth["side"])
        if name != "coco-wholebody":
            np.testing.assert_allclose(back["joints_3d"], truth["joints_3d"], rtol=0, atol=1e-12)
