"""Settings: the draw, the library, light maps and backgrounds."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from scipy.integrate import dblquad
from scipy.spatial.transform import Rotation

from mano_assets.errors import InputError
from render.environments import list_photographs
from render.factors.setting import KINDS, Setting, SettingRecipe, draw_setting
from render.settings.library import SettingLibrary
from render.settings.radiance import SettingView, backdrop, light_map
from render.settings.sphere import (
    LUMINANCE,
    MOST_RADIANCE,
    look_up,
    mean_luminance,
    spread_suns,
    texel_directions,
    texel_weights,
    turned,
)

CAMERA_K = np.array([[60.0, 0, 24], [0, 60.0, 24], [0, 0, 1]])
LEVEL = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0]])
EVERYTHING = SettingRecipe(
    kinds={kind: 1.0 for kind in KINDS}, photographs=Path("photographs"), strength=(0.5, 2.0)
)
ENVIRONMENTS, PHOTOGRAPHS = ["dusk.exr", "noon.hdr"], ["a.png", "b.jpg"]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def panorama(path: Path) -> np.ndarray:
    """Stands for a decoded file: a sky, a ground, and a sun of one texel."""
    rng = generator(len(path.name))
    radiance = rng.uniform(0.2, 1.0, (128, 256, 3)).astype(np.float32)
    radiance[:60] += [0.3, 0.6, 1.5]
    radiance[30, 40] = 9000
    return radiance


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SettingLibrary:
    folder = tmp_path_factory.mktemp("files")
    for name in ENVIRONMENTS:
        (folder / name).write_text(name)
    rng = generator(1)
    for name, size in zip(PHOTOGRAPHS, [(90, 60), (300, 400)], strict=True):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / name)
    return SettingLibrary(
        [folder / name for name in ENVIRONMENTS],
        list_photographs(folder),
        panorama,
        folder / "cache",
    )


def settings(kind: str, count: int) -> list[Setting]:
    drawn = (draw_setting(EVERYTHING, generator(i), ENVIRONMENTS, PHOTOGRAPHS) for i in range(999))
    return [setting for setting in drawn if setting.kind == kind][:count]


def test_kinds_and_files_come_by_weight():
    recipe = EVERYTHING.model_copy(update={"kinds": {"environment": 3.0, "texture": 1.0}})
    rng = generator(0)
    drawn = [draw_setting(recipe, rng, ENVIRONMENTS, []) for _ in range(2000)]
    kinds, files = Counter(s.kind for s in drawn), Counter(s.file for s in drawn)
    assert set(kinds) == {"environment", "texture"}
    assert kinds["environment"] / 2000 == pytest.approx(0.75, abs=0.04)
    assert files["dusk.exr"] / kinds["environment"] == pytest.approx(0.5, abs=0.05)


def test_a_draw_takes_the_same_count_of_numbers_whatever_comes_out():
    rngs = [generator(i) for i in range(60)]
    kinds = {draw_setting(EVERYTHING, rng, ENVIRONMENTS, PHOTOGRAPHS).kind for rng in rngs}
    counters = {tuple(rng.bit_generator.state["state"]["counter"]) for rng in rngs}
    places = {rng.bit_generator.state["buffer_pos"] for rng in rngs}
    assert kinds == set(KINDS)
    assert len(counters) == len(places) == 1


def test_a_setting_goes_through_json():
    for kind in KINDS:
        for setting in settings(kind, 3):
            assert Setting.model_validate_json(setting.model_dump_json()) == setting


def test_without_a_folder_there_are_no_photographs():
    recipe = SettingRecipe(kinds={"photograph": 9.0, "room": 1.0})
    assert {draw_setting(recipe, generator(i), [], []).kind for i in range(50)} == {"room"}
    with pytest.raises(ValidationError, match="nothing to choose from, expected"):
        SettingRecipe(kinds={"photograph": 1.0})


def test_weights_of_texels_are_their_solid_angles():
    rows, columns = 16, 32
    weights = texel_weights(rows, columns)
    assert weights.sum() * columns == pytest.approx(1)
    for row in (0, 5, 15):
        area = dblquad(
            lambda polar, _: np.sin(polar),
            0,
            2 * np.pi / columns,
            np.pi * row / rows,
            np.pi * (row + 1) / rows,
        )[0]
        assert weights[row, 0] == pytest.approx(area / (4 * np.pi))


@given(st.floats(0, 7), st.integers(0, 5))
def test_turning_keeps_all_light(angle: float, seed: int):
    light = generator(seed).random((64, 128, 3)).astype(np.float32)
    found = turned(light, angle)
    np.testing.assert_allclose(found.mean(1), light.mean(1), rtol=1e-5)


def test_turning_is_looking_the_other_way():
    light = generator(0).random((64, 128, 3)).astype(np.float32)
    angle = 2 * np.pi * 37 / 128
    back = Rotation.from_rotvec([0, 0, -angle]).as_matrix().astype(np.float32)
    directions = texel_directions()
    # The poles' rows are all but one point, where single precision turns differently.
    expected = look_up(light, directions @ back.T)[2:-2]
    np.testing.assert_allclose(turned(light, angle)[2:-2], expected, atol=2e-3)
    np.testing.assert_allclose(look_up(light, directions, angle)[2:-2], expected, atol=2e-3)


def test_look_up_finds_texels_at_their_centres():
    image = generator(3).random((32, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(look_up(image, texel_directions(32, 64)), image, atol=1e-4)
    half = image.astype(np.float16)
    found = look_up(half, texel_directions(32, 64))
    np.testing.assert_allclose(found, half.astype(np.float32), atol=1e-3)


@pytest.mark.parametrize("sun", [60.0, 3e3, 1e6])
def test_a_spread_sun_keeps_its_light_and_its_place(sun: float):
    light = np.full((64, 128, 3), 0.5, dtype=np.float32)
    light[20, 50] = sun
    found = spread_suns(light)
    mean = mean_luminance(light)
    assert mean_luminance(found) == pytest.approx(mean, rel=1e-4)
    assert (found @ LUMINANCE).max() <= 1.05 * MOST_RADIANCE * mean
    above = (found - 0.5) * texel_weights(64, 128)[..., None]
    towards = (above.sum(-1)[..., None] * texel_directions()).sum((0, 1))
    towards /= np.linalg.norm(towards)
    assert towards @ texel_directions()[20, 50] > np.cos(np.deg2rad(2))


@pytest.mark.parametrize("kind", KINDS)
def test_light_has_the_strength_and_the_background_is_finite(kind: str, library: SettingLibrary):
    for setting in settings(kind, 4):
        light = light_map(setting, library, LEVEL)
        assert light.shape == (64, 128, 3)
        assert light.dtype == np.float32
        assert mean_luminance(light) == pytest.approx(setting.strength, rel=1e-3)
        assert np.isfinite(light).all()
        assert light.min() >= 0
        shown = backdrop(setting, library, CAMERA_K, LEVEL, 48)
        assert shown.shape == (48, 48, 3)
        assert shown.dtype == np.float32
        assert np.isfinite(shown).all()
        assert shown.min() >= 0
        assert shown.mean() > 0.01
        np.testing.assert_array_equal(shown, backdrop(setting, library, CAMERA_K, LEVEL, 48))


@pytest.mark.parametrize("kind", ["environment", "room"])
def test_the_background_turns_with_the_light(kind: str, library: SettingLibrary):
    [setting] = settings(kind, 1)
    angle = 2 * np.pi * 20 / 128
    other = setting.model_copy(update={"rotation_rad": setting.rotation_rad + angle})
    turn = Rotation.from_rotvec([0, 0, -angle]).as_matrix()
    follows = np.concatenate([LEVEL[:, :3] @ turn, LEVEL[:, 3:]], 1)
    one = backdrop(setting, library, CAMERA_K, LEVEL, 48)
    two = backdrop(other, library, CAMERA_K, follows, 48)
    assert np.median(np.abs(one - two)) < 1e-3
    lights = [light_map(each, library, LEVEL) for each in (setting, other)]
    np.testing.assert_allclose(turned(lights[0], angle), lights[1], rtol=1e-2, atol=1e-2)


def test_a_photograph_shines_from_where_it_is_seen(tmp_path: Path):
    pixels = np.full((80, 80, 3), 20, dtype=np.uint8)
    pixels[:30, 50:] = 255
    Image.fromarray(pixels).save(tmp_path / "lamp.png")
    library = SettingLibrary([], [tmp_path / "lamp.png"], panorama, tmp_path / "cache")
    setting = settings("photograph", 1)[0]
    crop = {"side": 1.0, "left": 0.0, "top": 0.0, "mirrored": False}
    for mirrored in (False, True):
        described = setting.model_dump() | {"file": "lamp.png", "crop": crop}
        described["crop"] = crop | {"mirrored": mirrored}
        view = SettingView(Setting.model_validate(described), library)
        light = view.light_map(LEVEL) @ LUMINANCE
        weighted = light * texel_weights(64, 128)
        towards_cam = LEVEL[:, :3] @ (weighted[..., None] * texel_directions()).sum((0, 1))
        # The lamp is in the picture's upper right corner; the camera's y points down.
        assert towards_cam[1] < 0
        assert (towards_cam[0] < 0) == mirrored
        shown = view.backdrop(CAMERA_K, LEVEL, 40)
        corner = shown[:12, :12] if mirrored else shown[:12, -12:]
        assert corner.mean() > 20 * shown[-12:].mean()


def test_files_are_decoded_once_and_by_their_content(tmp_path: Path):
    calls: list[Path] = []

    def decode(path: Path) -> np.ndarray:
        calls.append(path)
        return panorama(path)

    one, two = tmp_path / "one.exr", tmp_path / "two.exr"
    one.write_text("content")
    two.write_text("content")
    for _ in range(3):
        SettingLibrary([one, two], [], decode, tmp_path / "cache").prepare()
    assert len(calls) == 1
    two.write_text("other content")
    SettingLibrary([one, two], [], decode, tmp_path / "cache").prepare()
    assert len(calls) == 2


def test_a_large_environment_is_kept_small(tmp_path: Path):
    (tmp_path / "large.exr").write_text("")
    large = generator(0).random((1250, 2500, 3)).astype(np.float32)
    library = SettingLibrary([tmp_path / "large.exr"], [], lambda _: large, tmp_path)
    pixels = library.environment("large.exr").pixels
    assert pixels.shape == (1024, 2048, 3)
    assert pixels.dtype == np.float16
    assert mean_luminance(pixels.astype(np.float32)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "broken", [np.zeros((0, 0, 3)), np.zeros((8, 16, 3)), np.full((8, 16, 3), np.nan)]
)
def test_an_unreadable_environment_is_named(broken: np.ndarray, tmp_path: Path):
    (tmp_path / "broken.exr").write_text("")
    library = SettingLibrary([tmp_path / "broken.exr"], [], lambda _: broken, tmp_path)
    with pytest.raises(InputError, match=r"broken\.exr: unreadable environment, expected a whole"):
        library.prepare()


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png", "text.png"])
def test_an_unreadable_photograph_is_named(name: str, tmp_path: Path):
    path = tmp_path / name
    noise = generator(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    if name.startswith("cut"):
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:9000])
    else:
        path.write_text("not an image")
    library = SettingLibrary([], [path], panorama, tmp_path)
    with pytest.raises(InputError, match=rf"{name}: unreadable photograph, expected a whole"):
        library.prepare()


def test_a_folder_without_photographs_is_named(tmp_path: Path):
    assert list_photographs(None) == []
    with pytest.raises(InputError, match=r"holds no image, expected \.jpg or \.png files"):
        list_photographs(tmp_path)


def test_a_file_that_is_gone_is_named(library: SettingLibrary):
    with pytest.raises(InputError, match=r"gone\.exr: is not among the environments, expected"):
        library.environment("gone.exr")
