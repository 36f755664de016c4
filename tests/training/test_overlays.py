from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_hands import drawn_samples, write_samples
from PIL import Image, ImageColor

from mano_assets.skeleton import HAND21
from render.manifest.pictures import CHAIN_COLOURS
from training.prediction.overlays import (
    PICTURE_PX,
    SIDE_COLOURS,
    TILE_PX,
    DrawnHand,
    draw_close_up,
    draw_overlay,
    write_overlays,
)
from training.samples.sources import DataSource

NOTHING = np.full((HAND21.num_joints, 2), np.nan)


def place_of(picture: Image.Image, colour: str) -> np.ndarray:
    """Mean position of the pixels of a colour, continuous px."""
    difference = np.asarray(picture, dtype=float) - ImageColor.getrgb(colour)
    rows, columns = np.nonzero(np.abs(difference).sum(-1) < 40)
    return np.array([columns.mean(), rows.mean()]) + 0.5


@pytest.mark.parametrize("size", [(128, 96), (900, 700), (2400, 3600)])
def test_a_joint_is_drawn_at_its_place(size: tuple[int, int]) -> None:
    predicted = NOTHING.copy()
    predicted[HAND21.index("index_tip")] = 0.7 * size[0], 0.25 * size[1]
    predicted[HAND21.root] = 0.1 * size[0], 0.9 * size[1]
    picture = draw_overlay(Image.new("RGB", size), [DrawnHand(None, None, predicted, NOTHING)])
    assert max(picture.size) == np.clip(max(size), *PICTURE_PX)
    expected = [0.7 * picture.width, 0.25 * picture.height]
    np.testing.assert_allclose(place_of(picture, CHAIN_COLOURS[1]), expected, atol=0.6)


def test_boxes_have_the_colour_of_their_side() -> None:
    hands = [
        DrawnHand("right", (100, 200, 80, 60), NOTHING, NOTHING),
        DrawnHand("left", (400, 300, 90, 90), NOTHING, NOTHING),
    ]
    picture = np.asarray(draw_overlay(Image.new("RGB", (600, 600)), hands))
    for hand in hands:
        assert hand.box is not None
        x, y, width, height = (round(each) for each in hand.box)
        colour = ImageColor.getrgb(SIDE_COLOURS[hand.side or ""])
        # On its lower and right edge, away from the name.
        assert (picture[y + height - 2, x + 10 : x + width - 10] == colour).all()
        assert (picture[y + 10 : y + height - 10, x + width - 2] == colour).all()
        assert not (picture[y + 30 : y + height - 10, x + 30 : x + width - 10]).any()


def test_a_box_of_the_whole_image_is_not_drawn() -> None:
    hand = DrawnHand(None, (0, 0, 600, 500), NOTHING, NOTHING)
    assert not np.asarray(draw_overlay(Image.new("RGB", (600, 500)), [hand])).any()


def test_truth_is_drawn_thinner_and_below() -> None:
    joints = NOTHING.copy()
    joints[HAND21.root], joints[HAND21.index("ring_mcp")] = (100, 300), (500, 300)
    blank = Image.new("RGB", (600, 600))

    def covered(predicted: np.ndarray, truth: np.ndarray) -> int:
        picture = np.asarray(draw_overlay(blank, [DrawnHand(None, None, predicted, truth)]))
        return int((picture.sum(-1) > 60).sum())

    only_truth, only_prediction = covered(NOTHING, joints), covered(joints, NOTHING)
    assert 0 < only_truth < 0.7 * only_prediction
    assert covered(joints, joints) == pytest.approx(only_prediction, rel=0.01)


def test_a_close_up_shows_the_hand() -> None:
    predicted = NOTHING.copy()
    predicted[HAND21.index("thumb_tip")] = 1500.0, 820.0
    predicted[HAND21.root] = 1550.0, 770.0
    hand = DrawnHand("left", (1450.0, 770.0, 100.0, 100.0), predicted, NOTHING)
    tile = draw_close_up(Image.new("RGB", (3000, 2000)), hand)
    assert tile.size == (TILE_PX, TILE_PX)
    np.testing.assert_allclose(place_of(tile, CHAIN_COLOURS[0]), TILE_PX / 2, atol=0.6)


def test_hands_of_one_image_share_a_picture(tmp_path: Path) -> None:
    samples = drawn_samples(3)
    row, image = samples[0]
    samples.append(({**row, "sample_id": "other-hand"}, image))
    source = DataSource.open(write_samples(tmp_path / "data", samples))
    joints_2d = np.full((4, 21, 2), 64.0)
    sheet = write_overlays(tmp_path / "out", source, joints_2d)
    assert sheet == tmp_path / "out" / "sheet.jpg"
    names = {path.name for path in sheet.parent.iterdir()}
    assert names == {"hand-00000.jpg", "hand-00001.jpg", "hand-00002.jpg", "sheet.jpg"}
    with Image.open(sheet) as picture:
        assert picture.size == (4 * TILE_PX, TILE_PX)
    write_overlays(tmp_path / "named", source, joints_2d, 2, ["sheet", "b", "c", "sheet"])
    names = {path.name for path in (tmp_path / "named").iterdir()}
    assert names == {"sheet-image.jpg", "c.jpg", "sheet.jpg"}


def test_predictions_far_away_do_no_harm(tmp_path: Path) -> None:
    source = DataSource.open(write_samples(tmp_path / "data", drawn_samples(2)))
    joints_2d = np.full((2, 21, 2), 1e7)
    joints_2d[1] = np.nan
    assert write_overlays(tmp_path / "out", source, joints_2d).is_file()
