"""Truth and prediction side by side: both over the same view, to the pixel."""

import numpy as np
import pytest
from PIL import Image

from evaluation.report.drawing import TILE_PX, overlay_pair


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
    joints = np.random.default_rng(0).uniform(0.2, 0.8, (21, 2)) * 128
    pair = np.asarray(overlay_pair(Image.new("RGB", (128, 128)), None, joints, joints))
    assert (pair[:, :TILE_PX] != pair[:, -TILE_PX:]).any()
    assert pair.shape == (TILE_PX, 2 * TILE_PX + 8, 3)
