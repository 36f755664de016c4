"""Backgrounds and lights against what Blender itself shows of them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from render.settings.sphere import mean_luminance

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    script, folder = Path(__file__).with_name("render_background.py"), tmp_path_factory.mktemp("v")
    subprocess.run(
        [sys.executable, script, folder, folder / "views.npz"],
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    with np.load(folder / "views.npz") as found:
        return dict(found)


def displayed(radiance: np.ndarray) -> np.ndarray:
    """On the display's scale: a few pixels of sun would outweigh all others in radiance."""
    return radiance / (1 + radiance)


def test_the_background_is_what_blender_shows(views: dict[str, np.ndarray]):
    for ours, blenders in zip(views["ours"], views["blenders"], strict=True):
        # The file's units are its own: one factor is free.
        scale = np.median(ours) / np.median(blenders)
        assert displayed(ours).std() > 0.05
        assert np.abs(displayed(ours) - displayed(scale * blenders)).mean() < 0.001


def test_a_light_map_is_what_blender_shows(views: dict[str, np.ndarray]):
    for ours, blenders in zip(views["lights_seen"], views["blender_lights"], strict=True):
        assert np.abs(displayed(ours) - displayed(blenders)).mean() < 0.001


def test_the_light_is_where_the_background_is(views: dict[str, np.ndarray]):
    correlations = []
    for ours, light in zip(views["ours"], views["lights_seen"], strict=True):
        blocks = [displayed(x).reshape(8, 8, 8, 8, 3).mean((1, 3)) for x in (ours, light)]
        correlations.append(np.corrcoef(blocks[0].ravel(), blocks[1].ravel())[0, 1])
    # Where a sun is in the picture it is spread.
    assert np.median(correlations) > 0.9
    for light in views["lights"]:
        assert light.shape == (64, 128, 3)
        assert mean_luminance(light) == pytest.approx(1.3, rel=1e-4)


def test_decoding_leaves_nothing_in_blender(views: dict[str, np.ndarray]):
    assert set(views["left_behind"]) <= {"Render Result", "Viewer Node"}


def test_a_truncated_environment_is_named(views: dict[str, np.ndarray]):
    assert len(views["told"]) == 4
    for number, told in enumerate(views["told"]):
        expected = "unreadable environment, expected a whole .exr or .hdr image."
        assert told.endswith(f"cut{number}.exr: {expected}")
