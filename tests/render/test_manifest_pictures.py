"""Skeletons must sit where the joints are, to the pixel."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from mano_assets.skeleton import HAND21
from render.manifest.pictures import (
    CHAIN_COLOURS,
    contact_sheet,
    cut_view,
    draw_skeleton,
    joint_colours,
    view_of,
)


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


def test_joints_far_outside_do_no_harm() -> None:
    blank = Image.new("RGB", (96, 64), "#404040")
    outside = draw_skeleton(blank, spread_joints(96) + 1e5)
    assert outside.tobytes() == blank.tobytes()
    joints = spread_joints(64)
    joints[HAND21.index("little_tip")] = 1e6, -1e6
    assert draw_skeleton(blank, joints).size == (96, 64)


def test_drawing_depends_only_on_what_is_near() -> None:
    """Only a part of a large image is worked on; shifted by whole pixels it is the same."""
    joints, shift = spread_joints(90), (200, 120)
    small = draw_skeleton(Image.new("RGB", (90, 90)), joints, width_px=2.5)
    large = draw_skeleton(Image.new("RGB", (640, 480)), joints + shift, width_px=2.5)
    part = large.crop((*shift, shift[0] + 90, shift[1] + 90))
    assert np.abs(np.asarray(part, dtype=int) - np.asarray(small, dtype=int)).max() <= 1


def test_width_and_colours_can_be_chosen() -> None:
    joints = np.full((21, 2), np.nan)
    joints[HAND21.root], joints[HAND21.index("index_mcp")] = (20, 48), (76, 48)
    widths = []
    for width_px in (2.0, 8.0):
        drawn = draw_skeleton(
            Image.new("RGB", (96, 96)), joints, width_px=width_px, colours=["#00ff00"] * 21
        )
        column = np.asarray(drawn, dtype=int)[:, 48]
        assert column[:, [0, 2]].max() < 40
        widths.append(column[:, 1].sum() / 255)
    assert widths == pytest.approx([2, 8], abs=0.6)


def test_a_bright_pixel_keeps_its_place_in_the_view() -> None:
    image = Image.new("RGB", (128, 128))
    image.putpixel((40, 90), (255, 255, 255))
    brightness = np.asarray(cut_view(image, (10.0, 50.0, 64.0), 256), dtype=float).sum(-1)
    rows, columns = np.indices(brightness.shape) + 0.5
    for axis, expected in ((columns, 40.5 - 10), (rows, 90.5 - 50)):
        centre = (axis * brightness).sum() / brightness.sum()
        assert centre / 4 == pytest.approx(expected, abs=0.02)


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
