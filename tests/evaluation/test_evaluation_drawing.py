"""Skeletons must sit where the joints are, to the pixel."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from evaluation.report.drawing import (
    CHAIN_COLOURS,
    TILE_PX,
    contact_sheet,
    draw_skeleton,
    joint_colours,
    overlay_pair,
    view_of,
)
from mano_assets.skeleton import HAND21


def spread_joints(scale: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.8, (21, 2)) * scale


def test_fingers_have_their_colours() -> None:
    colours = joint_colours()
    assert colours[HAND21.index("thumb_tip")] == CHAIN_COLOURS[0]
    assert colours[HAND21.index("little_mcp")] == CHAIN_COLOURS[-1]
    assert len(set(colours)) == 6


def test_a_joint_is_drawn_at_its_place() -> None:
    joints = np.full((21, 2), np.nan)
    joints[HAND21.index("ring_dip")] = 100.0, 180.0
    drawn = np.asarray(draw_skeleton(Image.new("RGB", (384, 384)), joints), dtype=float)
    wanted = np.array(ImageColor.getrgb(CHAIN_COLOURS[3]), dtype=float)
    near = np.abs(drawn - wanted).sum(-1) < 30
    rows, columns = np.nonzero(near)
    # Pixel indices are half a pixel below continuous coordinates.
    assert rows.mean() + 0.5 == pytest.approx(180.0, abs=0.35)
    assert columns.mean() + 0.5 == pytest.approx(100.0, abs=0.35)


def test_joints_without_a_label_are_left_out() -> None:
    blank = Image.new("RGB", (96, 96), "#404040")
    nothing = draw_skeleton(blank, np.full((21, 2), np.nan), misses_of=spread_joints(96))
    assert nothing.tobytes() == blank.tobytes()


def test_a_bright_pixel_stays_under_its_joint() -> None:
    """The enlarged view and the joints use the same coordinates."""
    image = Image.new("RGB", (128, 128))
    image.putpixel((40, 90), (255, 255, 255))
    pair = overlay_pair(image, None, np.full((21, 2), np.nan), np.full((21, 2), np.nan))
    brightness = np.asarray(pair, dtype=float)[:, :TILE_PX].sum(-1)
    rows, columns = np.indices(brightness.shape) + 0.5
    scale = TILE_PX / 128
    for axis, expected in ((columns, 40.5), (rows, 90.5)):
        centre = (axis * brightness).sum() / brightness.sum()
        assert centre / scale == pytest.approx(expected, abs=0.02)


def test_prediction_is_drawn_unlike_truth() -> None:
    joints = spread_joints(128)
    pair = np.asarray(overlay_pair(Image.new("RGB", (128, 128)), None, joints, joints))
    assert (pair[:, :TILE_PX] != pair[:, -TILE_PX:]).any()
    assert pair.shape == (TILE_PX, 2 * TILE_PX + 8, 3)


def test_large_images_are_cropped_to_the_hand() -> None:
    left, top, side = view_of(640, 480, (300, 200, 40, 50))
    assert (left, top, side) == (280.0, 185.0, 80.0)
    assert view_of(640, 480, (0, 0, 40, 50)) == (0, 0, 80.0)
    assert view_of(640, 480, (610, 440, 30, 40)) == (640 - 64, 480 - 64, 64.0)
    assert view_of(640, 480, None) == (0.0, -80.0, 640.0)
    assert view_of(128, 128, (10, 10, 20, 20)) == (0.0, 0.0, 128.0)


def test_contact_sheet_has_a_cell_for_each_image() -> None:
    colours = ["red", "lime", "blue"]
    sheet = contact_sheet([Image.new("RGB", (64, 64), c) for c in colours], columns=2, cell_px=32)
    assert sheet.size == (64, 64)
    for (x, y), colour in zip([(16, 16), (48, 16), (16, 48)], colours, strict=True):
        assert sheet.getpixel((x, y)) == ImageColor.getrgb(colour)
