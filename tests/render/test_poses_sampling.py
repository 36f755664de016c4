"""Poses without pictures."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from mano_assets.hand import Hand
from render.manifest.reading import column_array
from render.poses.sampling import POSES_SCHEMA, draw_sheet, sample_poses, write_poses
from render.recipe import DatasetRecipe, SplitRecipe


def recipe() -> DatasetRecipe:
    return DatasetRecipe(
        name="sheet",
        splits=(
            SplitRecipe(name="easy", count=300, poses={"counting": 1.0}),
            SplitRecipe(name="hard", count=100, poses={"hard": 1.0}),
        ),
    )


def test_poses_keep_the_proportions_of_the_splits_and_read_back(hand: Hand, tmp_path: Path):
    table = sample_poses(recipe(), hand, 20)
    assert table["split"].to_pylist() == ["easy"] * 15 + ["hard"] * 5
    write_poses(table, tmp_path / "poses.parquet")
    again = pq.ParquetFile(tmp_path / "poses.parquet").read()
    assert again.schema.names == POSES_SCHEMA.names
    np.testing.assert_array_equal(
        column_array(again, "mano_pose", 45), column_array(table, "mano_pose", 45)
    )


def test_poses_are_the_first_rows_whatever_their_number(hand: Hand):
    one = recipe().model_copy(update={"splits": recipe().splits[:1]})
    few, more = sample_poses(one, hand, 5), sample_poses(one, hand, 9)
    assert more.slice(0, 5).equals(few)


def test_the_sheet_shows_hands(hand: Hand, tmp_path: Path):
    draw_sheet(sample_poses(recipe(), hand, 4), hand, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    skin = (pixels[..., 0] - pixels[..., 2] > 20).mean()
    assert 0.03 < skin < 0.5
