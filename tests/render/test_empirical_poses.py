"""Poses of files as a distribution: arrays, tables, data sets; with jitter inside the limits."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.errors import InputError
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import clamp, coupling_violation, violation
from mano_assets.skeleton import MANO16
from render.manifest import DatasetInfo, write_dataset
from render.manifest.reading import column_array
from render.poses.distributions import EmpiricalPoses, leaves
from render.poses.sampler import DrawnPose, PoseSampler
from render.poses.sampling import sample_poses, write_poses
from render.poses.sources import source_digest
from render.randomness import stream
from render.recipe import DatasetRecipe, SplitRecipe

COUNT = 5


@pytest.fixture(scope="module")
def stored() -> np.ndarray:
    """Open hands within the limits that keep clear of themselves, [5, 16, 3]."""
    rng = np.random.default_rng(1)
    angles = np.zeros((COUNT, 16, 3))
    angles[:, 1:, 0] = rng.uniform(0.05, 0.3, (COUNT, 15))
    angles[:, MANO16.root, :2] = rng.uniform(-0.3, 0.3, (COUNT, 2))
    assert not np.abs(clamp(angles, "active") - angles).any()
    return angles


def vectors(hand: Hand, angles: np.ndarray) -> np.ndarray:
    return angles_to_pose(angles, joint_frames(hand.arrays["J"]))


def drawn_from(hand: Hand, path: object, jitter_deg: float, count: int) -> list[DrawnPose]:
    own = EmpiricalPoses(kind="empirical", path=str(path), jitter_deg=jitter_deg)
    sampler = PoseSampler(hand, {"mine": own}, 0)
    return [
        sampler.draw({"mine": 1.0}, stream(0, "pose", index), np.zeros(10))
        for index in range(count)
    ]


def which(poses: list[DrawnPose], stored: np.ndarray) -> np.ndarray:
    """The nearest stored pose of each, by the fingers."""
    angles = np.array([pose.angles_rad for pose in poses])
    away = np.abs(angles[:, None, 1:] - stored[None, :, 1:]).max((2, 3))
    assert away.min(1).max() < 1e-7
    return away.argmin(1)


def data_set(hand: Hand, root: Path, angles: np.ndarray) -> str:
    """One that carries MANO poses, every other hand a left one."""
    stream_ = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream_, "PNG")
    rows = []
    for number, pose in enumerate(vectors(hand, angles)):
        side, sign = (("right", 1), ("left", MIRROR_AXIS_ANGLE))[number % 2]
        mirrored = pose.reshape(16, 3) * sign
        rows.append(
            {
                "sample_id": f"s{number}", "split": "test" if number else "train", "side": side,
                "width": 8, "height": 8, "wrist_pose": mirrored[0].tolist(),
                "mano_pose": mirrored[1:].ravel().tolist(),
            }
        )  # fmt: skip
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    write_dataset(root, info, ((row, stream_.getvalue()) for row in rows), "png")
    return str(root)


def test_poses_of_an_array_come_back_as_they_are_without_jitter(
    hand: Hand, prepared: None, stored: np.ndarray, tmp_path: Path
):
    np.savez(tmp_path / "mine.npz", poses=vectors(hand, stored)[:, 3:])
    poses = drawn_from(hand, tmp_path / "mine.npz", 0.0, 40)
    assert set(which(poses, stored)) == set(range(COUNT))
    assert all(pose.num_draws == 1 for pose in poses)
    # An array has no wrist: it rests, another way each time.
    assert len({pose.angles_rad[0].tobytes() for pose in poses}) == 40


def test_poses_of_a_data_set_come_back_with_their_wrist_and_left_hands_mirrored(
    hand: Hand, prepared: None, stored: np.ndarray, tmp_path: Path
):
    root = data_set(hand, tmp_path / "mine", stored)
    poses = drawn_from(hand, root, 0.0, 40)
    chosen = which(poses, stored)
    assert set(chosen) == set(range(COUNT))
    angles = np.array([pose.angles_rad for pose in poses])
    np.testing.assert_allclose(angles, stored[chosen], atol=1e-7)
    of_test = drawn_from(hand, f"{root}:test", 0.0, 30)
    assert set(which(of_test, stored)) == set(range(1, COUNT))


def test_a_table_of_sampled_poses_is_a_distribution(
    hand: Hand, hand_folder: Path, prepared: None, tmp_path: Path
):
    split = SplitRecipe(name="all", count=6, poses={"hard": 1.0})
    recipe = DatasetRecipe(name="x", splits=(split,), shape_std=0)
    table = sample_poses(recipe, hand_folder, 6, 1)
    write_poses(table, tmp_path / "poses.parquet")
    poses = drawn_from(hand, tmp_path / "poses.parquet", 0.0, 40)
    given = column_array(table, "mano_pose", 45)
    found = np.array([pose.pose[3:] for pose in poses])
    away = np.abs(found[:, None] - given[None]).max(2)
    assert away.min(1).max() < 1e-6
    assert set(away.argmin(1)) == set(range(6))
    wrists = column_array(table, "wrist_pose", 3)[away.argmin(1)]
    np.testing.assert_allclose(np.array([pose.pose[:3] for pose in poses]), wrists, atol=1e-6)


def test_jitter_varies_the_fingers_inside_the_limits(
    hand: Hand, prepared: None, stored: np.ndarray, tmp_path: Path
):
    np.savez(tmp_path / "one.npz", poses=vectors(hand, stored[:1])[:, 3:])
    own = EmpiricalPoses(kind="empirical", path=str(tmp_path / "one.npz"), jitter_deg=5.0)
    (leaf,) = leaves("mine", {"mine": own}, hand).values()
    raw = np.array([leaf.draw(stream(0, "pose", index), None) for index in range(800)])
    off = np.rad2deg(raw - stored[0])[:, 1:]
    np.testing.assert_allclose(off[..., 0].std(0), 5, atol=0.7)
    np.testing.assert_allclose(off[..., 1].std(0), 2.5, atol=0.35)
    np.testing.assert_allclose(off[..., 2], 0, atol=1e-9)
    for pose in drawn_from(hand, tmp_path / "one.npz", 20.0, 30):
        assert violation(pose.angles_rad, "active").max() == 0
        assert coupling_violation(pose.angles_rad, "active").max() == 0


def test_poses_outside_the_limits_are_clamped(
    hand: Hand, prepared: None, stored: np.ndarray, tmp_path: Path
):
    far = stored.copy()
    far[:, MANO16.index("index_pip"), 0] = -0.5
    far[:, MANO16.index("middle_dip"), 1] = 0.3
    np.savez(tmp_path / "far.npz", mano_pose=vectors(hand, far)[:, 3:])
    for pose in drawn_from(hand, tmp_path / "far.npz", 0.0, 12):
        bend = np.rad2deg(pose.angles_rad[MANO16.index("index_pip"), 0])
        assert bend == pytest.approx(-5)
        assert pose.angles_rad[MANO16.index("middle_dip"), 1] == 0
        assert violation(pose.angles_rad, "active").max() == 0
        # The other fingers are as they were.
        rest = MANO16.indices(
            [joint for joint in MANO16.joints[1:] if joint[:2] not in ("in", "mi")]
        )
        away = np.abs(pose.angles_rad[rest] - stored[:, rest]).max((1, 2))
        assert away.min() < 1e-7


def test_a_file_that_is_missing_is_told_before_anything_is_drawn(hand: Hand, tmp_path: Path):
    own = EmpiricalPoses(kind="empirical", path=str(tmp_path / "no.npz"))
    with pytest.raises(InputError, match=r"no\.npz: cannot be read, expected a file of poses"):
        leaves("mine", {"mine": own}, hand)
    with pytest.raises(InputError, match=r"no\.npz: no such file, expected a data set, Parquet or"):
        source_digest(own)


def test_what_a_file_holds_names_the_data_set_and_not_where_it_lies(
    hand: Hand, stored: np.ndarray, tmp_path: Path
):
    def digest(path: Path, split: str = "") -> object:
        return source_digest(EmpiricalPoses(kind="empirical", path=f"{path}{split}"))

    content = io.BytesIO()
    np.savez(content, poses=vectors(hand, stored)[:, 3:])
    for name in ("a.npz", "b.npz"):
        (tmp_path / name).write_bytes(content.getvalue())
    assert digest(tmp_path / "a.npz") == digest(tmp_path / "b.npz")
    np.savez(tmp_path / "b.npz", poses=vectors(hand, 1.1 * stored)[:, 3:])
    assert digest(tmp_path / "a.npz") != digest(tmp_path / "b.npz")
    root = tmp_path / "mine"
    data_set(hand, root, stored)
    other = tmp_path / "other"
    data_set(hand, other, 1.1 * stored)
    assert digest(root) != digest(other)
    assert digest(root) != digest(root, ":test")
