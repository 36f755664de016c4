"""Pose sets from data sets, tables and arrays."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.errors import InputError
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.skeleton import MANO16
from render.manifest import DatasetInfo, write_dataset
from render.poses.pose_sets import read_pose_set


def some_angles(count: int) -> np.ndarray:
    """Bends and splays without twist, hinges without splay, the wrist straight, [count, 16, 3]."""
    rng = np.random.default_rng(count)
    angles = np.zeros((count, 16, 3))
    angles[:, 1:, 0] = rng.uniform(0, 1, (count, 15))
    knuckles = [n for n, name in enumerate(MANO16.joints) if name.endswith("_mcp")]
    angles[:, knuckles, 1] = rng.uniform(-0.2, 0.2, (count, len(knuckles)))
    return angles


def poses_of(hand: Hand, angles: np.ndarray) -> np.ndarray:
    return angles_to_pose(angles, joint_frames(hand.arrays["J"]))[:, 3:]


def joints_of(hand: Hand, pose: np.ndarray, side: str) -> np.ndarray:
    return hand.posed(np.array([0.3, -1, 0.5]), pose, np.zeros(10), np.ones(3), side)[1]


def write(root: Path, rows: list[dict[str, Any]]) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    full = (
        {"sample_id": f"s{n}", "split": "train", "width": 8, "height": 8} | row
        for n, row in enumerate(rows)
    )
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    write_dataset(root, info, ((row, stream.getvalue()) for row in full), "png")
    return str(root)


def test_a_data_set_gives_poses_of_right_hands_and_angles_from_joints(hand: Hand, tmp_path: Path):
    angles = some_angles(5)
    right = poses_of(hand, angles)
    left = right * np.tile(MIRROR_AXIS_ANGLE, 15)
    other = joints_of(hand, right[3], "right")
    incomplete = other.copy()
    incomplete[4] = np.nan
    root = write(
        tmp_path / "mine",
        [
            {"side": "right", "mano_pose": right[0].tolist(), "joints_3d": other.ravel().tolist()},
            {"side": "left", "mano_pose": left[1].tolist()},
            {"side": "right"},
            {"side": "right", "joints_3d": joints_of(hand, right[2], "right").ravel().tolist()},
            {"side": "left", "joints_3d": joints_of(hand, left[3], "left").ravel().tolist()},
            {"side": "right", "joints_3d": incomplete.ravel().tolist()},
            {"side": None, "mano_pose": right[4].tolist()},
        ],
    )
    found = read_pose_set(root, hand)
    np.testing.assert_allclose(found.angles_rad, angles[:4], atol=1e-9)
    assert (found.name, found.has_wrist, found.num_left_out) == ("mine", False, 3)
    assert found.rows is not None
    assert found.rows.tolist() == [0, 1, 3, 4]
    assert found.source == (
        f"{root}: 2 MANO poses, 2 told from joints in 3-D, 3 rows without a pose left out"
    )


def test_a_split_of_a_data_set(hand: Hand, tmp_path: Path):
    poses = poses_of(hand, some_angles(4))
    rows = [
        {"side": "right", "split": split, "mano_pose": pose.tolist()}
        for split, pose in zip(("train", "test", "test", "train"), poses, strict=True)
    ]
    root = write(tmp_path / "mine", rows)
    found = read_pose_set(f"{root}:test", hand)
    assert found.name == "mine:test"
    np.testing.assert_allclose(found.angles_rad, some_angles(4)[1:3], atol=1e-9)


def test_a_data_set_s_wrist_is_mirrored_too(hand: Hand, tmp_path: Path):
    angles = some_angles(2)
    angles[:, MANO16.root] = [0.4, -0.1, 0.0]
    both = angles_to_pose(angles, joint_frames(hand.arrays["J"]))
    both[1] *= np.tile(MIRROR_AXIS_ANGLE, 16)
    rows = [
        {"side": side, "wrist_pose": pose[:3].tolist(), "mano_pose": pose[3:].tolist()}
        for side, pose in zip(("right", "left"), both, strict=True)
    ]
    found = read_pose_set(write(tmp_path / "both", rows), hand)
    assert found.has_wrist
    np.testing.assert_allclose(found.angles_rad, angles, atol=1e-9)
    del rows[0]["wrist_pose"]
    some = read_pose_set(write(tmp_path / "some", rows), hand)
    assert not some.has_wrist


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 45)])
def test_a_parquet_file_of_poses(hand: Hand, tmp_path: Path, kind: pa.DataType):
    angles = some_angles(6)
    angles[:, MANO16.root] = [0.4, -0.1, 0.0]
    both = angles_to_pose(angles, joint_frames(hand.arrays["J"]))
    columns = {
        "mano_pose": pa.array(both[:, 3:].tolist(), kind),
        "wrist_pose": pa.array(both[:, :3].tolist(), pa.list_(pa.float64())),
        "split": ["a", "b"] * 3,
    }
    path = tmp_path / "poses.parquet"
    pq.write_table(pa.table(columns), path)
    found = read_pose_set(str(path), hand)
    assert (found.name, found.has_wrist) == ("poses", True)
    np.testing.assert_allclose(found.angles_rad, angles, atol=1e-6)
    part = read_pose_set(f"{path}:b", hand)
    np.testing.assert_allclose(part.angles_rad, angles[1::2], atol=1e-6)
    without = tmp_path / "without.parquet"
    pq.write_table(pa.table({"mano_pose": columns["mano_pose"]}), without)
    found = read_pose_set(str(without), hand)
    assert not found.has_wrist
    np.testing.assert_allclose(found.angles_rad[:, 1:], angles[:, 1:], atol=1e-6)


def test_a_parquet_file_of_joints(hand: Hand, tmp_path: Path):
    angles = some_angles(3)
    joints = [joints_of(hand, pose, "right") for pose in poses_of(hand, angles)]
    path = tmp_path / "joints.parquet"
    pq.write_table(pa.table({"joints_3d": [one.ravel().tolist() for one in joints]}), path)
    np.testing.assert_allclose(read_pose_set(str(path), hand).angles_rad, angles, atol=1e-9)


@pytest.mark.parametrize(("key", "leading"), [("poses", 0), ("mano_pose", 3), ("pose", 3)])
def test_an_npz_file_of_poses(hand: Hand, tmp_path: Path, key: str, leading: int):
    angles = some_angles(4)
    poses = np.concatenate([np.full((4, leading), np.nan), poses_of(hand, angles)], 1)
    path = tmp_path / "four.npz"
    np.savez(path, **{key: poses, "betas": np.zeros((4, 10))})
    found = read_pose_set(f"file://{path}", hand)
    assert (found.name, found.has_wrist) == ("four", False)
    np.testing.assert_allclose(found.angles_rad, angles, atol=1e-9)


def npz(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def parquet(path: Path, **columns: Any) -> str:
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_what_is_not_poses_is_told_in_one_sentence(hand: Hand, tmp_path: Path):
    nan = np.zeros((3, 45))
    nan[1, 7] = np.nan
    (tmp_path / "text.npz").write_text("poses")
    (tmp_path / "text.parquet").write_text("poses")
    pose = [0.0] * 45
    rows = [{"side": "right", "mano_pose": nan[1].tolist()}]
    cases = {
        str(tmp_path / "none.npz"): "cannot be read",
        str(tmp_path / "none.parquet"): "cannot be read",
        str(tmp_path / "none"): "not a data set",
        str(tmp_path / "text.npz"): "not an NPZ file",
        str(tmp_path / "text.parquet"): "not a readable Parquet file",
        npz(tmp_path / "other.npz", angles=nan): "expected an array named poses, mano_pose or pose",
        npz(tmp_path / "shape.npz", poses=np.zeros((3, 15, 3))): r"\[3, 15, 3\], expected",
        npz(tmp_path / "text_array.npz", poses=np.full((3, 45), "x")): "expected numbers",
        npz(tmp_path / "pickle.npz", poses=np.full((3, 45), None)): "not an NPZ file of plain",
        npz(tmp_path / "empty.npz", poses=np.zeros((0, 45))): "holds no pose",
        npz(tmp_path / "nan.npz", poses=nan): "not finite in row 1",
        npz(tmp_path / "split.npz", poses=nan) + ":train": "has no splits",
        parquet(tmp_path / "other.parquet", poses=[pose]): "neither a column 'mano_pose'",
        parquet(tmp_path / "short.parquet", mano_pose=[pose[1:]]): "vectors of 45 numbers",
        parquet(tmp_path / "kind.parquet", mano_pose=["x"]): "vectors of 45 numbers",
        parquet(tmp_path / "nan.parquet", mano_pose=nan.tolist()): "not finite in row 1",
        parquet(tmp_path / "null.parquet", mano_pose=pa.array([None], pa.list_(pa.float64()))): (
            "none of 1 rows is a pose"
        ),
        parquet(tmp_path / "split.parquet", mano_pose=[pose], split=["a"]) + ":b": (
            "no split 'b', expected one of a"
        ),
        write(tmp_path / "nan", rows): "'mano_pose' is not finite in row 0",
        write(tmp_path / "unposed", [{"side": "right"}]): "none of 1 rows is a pose",
    }
    for source, message in cases.items():
        with pytest.raises(InputError, match=message) as caught:
            read_pose_set(source, hand)
        told = str(caught.value)
        assert "\n" not in told
        assert told.endswith(".")
