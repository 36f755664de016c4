"""Poses without pictures: the same rows from any number of processes, and how many were valid."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_poses import recipe_of
from PIL import Image

from mano_assets.errors import InputError
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import violation
from render.assets import Assets
from render.planning import ScenePlanner
from render.poses import sampling
from render.poses.benchmark import bench_poses
from render.poses.pose_sets import read_pose_set
from render.poses.sampling import POSES_SCHEMA, acceptance, sample_poses, write_poses
from render.poses.sheet import draw_sheet
from render.recipe import DatasetRecipe, SplitRecipe

pytestmark = pytest.mark.usefixtures("prepared")


def recipe() -> DatasetRecipe:
    return DatasetRecipe(
        name="sheet",
        splits=(
            SplitRecipe(name="easy", count=300, poses={"counting": 1.0}),
            SplitRecipe(name="hard", count=100, poses={"hard": 1.0}),
        ),
        left_share=0.5,
    )


@pytest.fixture(scope="module")
def table(hand_folder: Path, prepared: None) -> pa.Table:
    return sample_poses(recipe(), hand_folder, 80, 1)


def test_poses_keep_the_proportions_of_the_splits_and_read_back(table: pa.Table, tmp_path: Path):
    assert table["split"].to_pylist() == ["easy"] * 60 + ["hard"] * 20
    assert table["index"].to_pylist() == list(range(80))
    assert table.schema.equals(POSES_SCHEMA)
    write_poses(table, tmp_path / "new" / "poses.parquet")
    again = pq.ParquetFile(tmp_path / "new" / "poses.parquet").read()
    assert again.equals(table)
    for column in POSES_SCHEMA:
        assert again.schema.field(column.name).metadata[b"doc"] == column.metadata[b"doc"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["poses.parquet"]


def test_rows_are_the_planned_samples_as_right_hands(table: pa.Table, hand: Hand):
    chosen = recipe().with_num_images(80)
    planner = ScenePlanner(chosen, hand, Assets(chosen))
    assert set(table["shown_side"].to_pylist()) == {"left", "right"}
    for index in (0, 3, 17, 61, 79):
        plan, row = planner.plan(index), table.slice(index, 1).to_pylist()[0]
        sign = MIRROR_AXIS_ANGLE if row["shown_side"] == "left" else np.ones(3)
        assert (plan.scene.side, plan.num_draws) == (row["shown_side"], row["draws"])
        assert (plan.scene.family, plan.scene.distribution) == (row["family"], row["distribution"])
        for column, value in (
            ("mano_pose", plan.scene.pose),
            ("wrist_pose", plan.scene.wrist),
            ("global_orient", plan.scene.global_orient),
        ):
            np.testing.assert_array_equal(
                np.reshape(row[column], (-1, 3)), np.reshape(value, (-1, 3)) * sign
            )
        assert row["hardness"] == plan.hardness.total
        assert row["hardness_parts"] == plan.hardness.parts()


def test_a_table_reads_back_as_poses_within_the_limits(table: pa.Table, hand: Hand, tmp_path: Path):
    """Left samples too: the table's poses are those of right hands."""
    write_poses(table, tmp_path / "poses.parquet")
    read = read_pose_set(str(tmp_path / "poses.parquet"), hand)
    assert len(read.angles_rad) == 80
    assert read.has_wrist
    assert violation(read.angles_rad, "active").max() < 1e-9


def test_poses_are_the_first_rows_whatever_their_number(hand_folder: Path):
    one = recipe().model_copy(update={"splits": recipe().splits[:1]})
    few, more = (sample_poses(one, hand_folder, count, 1) for count in (5, 9))
    assert more.slice(0, 5).equals(few)


@pytest.mark.slow
def test_two_processes_give_the_rows_of_one(
    hand_folder: Path, table: pa.Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sampling, "CHUNK", 7)
    assert sample_poses(recipe(), hand_folder, 80, 2).equals(table)


def test_what_cannot_be_used_is_told_by_any_number_of_processes(
    hand_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sampling, "CHUNK", 2)
    for workers in (1, 2):
        with pytest.raises(InputError, match=r"no such file, expected a hand made by"):
            sample_poses(recipe(), tmp_path, 8, workers)


def test_acceptance_is_valid_poses_over_drawn_ones(table: pa.Table):
    by_hand: dict[str, list[int]] = {}
    for row in table.to_pylist():
        by_hand.setdefault(row["family"], []).append(row["draws"])
    shares = acceptance(table)
    assert list(shares) == sorted(by_hand)
    for family, draws in by_hand.items():
        assert shares[family] == pytest.approx(len(draws) / sum(draws))
        assert 0 < shares[family] <= 1
    made_up = pa.table({"family": ["a", "b", "a"], "draws": [1, 4, 3]})
    assert acceptance(made_up) == {"a": 0.5, "b": 0.25}


def test_the_benchmark_reports_rate_and_acceptance(hand_folder: Path):
    figures = bench_poses(recipe_of(poses={"crossed_fingers": 1.0}), hand_folder, 30, 1)
    assert figures["poses_per_s"] > 0
    assert figures["num_poses"] == 30
    assert figures["acceptance_by_family"] == {"crossed_fingers": figures["acceptance"]}
    assert 0.1 < figures["acceptance"] < 0.95
    # As printed: both are rounded.
    minutes = 880_000 / figures["poses_per_s"] / 60
    assert figures["minutes_for_880000"] == pytest.approx(minutes, rel=0.01)


def test_the_sheet_shows_every_family_and_each_hand_twice(
    table: pa.Table, hand: Hand, tmp_path: Path
):
    few = table.take([0, 10, 20, 60, 70])
    draw_sheet(few, hand, tmp_path / "new" / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "new" / "sheet.png").convert("RGB")).astype(int)
    skin = pixels[..., 0] - pixels[..., 2] > 20
    assert 0.03 < skin.mean() < 0.5
    # Gaps between pictures: hands stand beside each other in columns.
    columns = skin.any(0)
    assert np.count_nonzero(np.diff(columns.astype(int)) == 1) >= 8
