from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_up_mano import mano_content, random_arrays, write_mano
from PIL import Image

from mano_assets import skin_maps as skin_maps_module
from mano_assets.building.official import load_official
from mano_assets.errors import InputError
from mano_assets.forearm import join_forearm
from mano_assets.hand import Hand
from mano_assets.skin_maps import NAIL, PALM, SkinMaps, bake_skin, skin_maps
from mano_assets.skin_textures import texture_in_atlas

SIZE = 256


@pytest.fixture(scope="module")
def maps(hand: Hand) -> SkinMaps:
    return bake_skin(hand, SIZE, 2)


@pytest.fixture(scope="module")
def mano(hand: Hand, tmp_path_factory: pytest.TempPathFactory) -> Hand:
    file = write_mano(tmp_path_factory.mktemp("mano"), mano_content(random_arrays()))
    return Hand(join_forearm(load_official(file)), hand.tip_vertices, "made up")


def at_vertices(maps: SkinMaps, hand: Hand, image: np.ndarray) -> np.ndarray:
    """What a map shows at each vertex, in one of its faces."""
    row, column = np.moveaxis((maps.corners_uv[..., ::-1] * SIZE).astype(int), -1, 0)
    values = np.zeros((len(hand.arrays["v_template"]), image.shape[-1]))
    values[maps.faces] = image[row, column]
    return values


def test_maps_of_any_hand_have_the_same_form(maps: SkinMaps, mano: Hand):
    for found in (maps, bake_skin(mano, SIZE, 2)):
        assert found.zones.shape == found.relief.shape == (SIZE, 2 * SIZE, 4)
        assert found.pigment.shape == (SIZE, 2 * SIZE, 3)
        for image in (found.zones, found.relief, found.pigment):
            assert image.dtype == np.uint8
        assert (found.texture_uv is None) == (found is not maps)


def test_the_zone_tells_palm_back_and_nail(maps: SkinMaps, hand: Hand):
    zone = at_vertices(maps, hand, maps.zones[:, :SIZE])[:, 0] / 255
    places = hand.arrays["v_template"]
    middle = (places[:, 0] < -0.03) & (places[:, 0] > -0.08) & (np.abs(places[:, 2]) < 0.015)
    assert zone[middle & (places[:, 1] < -0.012)] == pytest.approx(PALM, abs=0.03)
    assert zone[middle & (places[:, 1] > 0.012)] == pytest.approx(0, abs=0.03)
    assert (zone > NAIL - 0.05).sum() > 20


def test_variants_share_the_hand_and_differ_in_detail(maps: SkinMaps):
    for image, channel in ((maps.zones, 0), (maps.zones, 1)):
        np.testing.assert_array_equal(image[:, :SIZE, channel], image[:, SIZE:, channel])
    for image, channel in ((maps.zones, 2), (maps.zones, 3), (maps.pigment, 2), (maps.relief, 0)):
        assert (image[:, :SIZE, channel] != image[:, SIZE:, channel]).any()


def test_the_relief_is_level_on_the_whole(maps: SkinMaps):
    shown = (maps.relief[:, :SIZE] > 0).any(-1)
    slopes = maps.relief[:, :SIZE][shown] / 127.5 - 1
    assert np.abs(slopes.mean(0)).max() < 0.03
    assert (np.abs(slopes).max(0) > 0.1).all()


def test_maps_are_baked_once_and_read_back(
    hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maps: SkinMaps
):
    baked = []
    monkeypatch.setattr(skin_maps_module, "bake_skin", lambda _: baked.append(1) or maps)
    first, second = skin_maps(hand, tmp_path), skin_maps(hand, tmp_path)
    assert len(baked) == 1
    for found in (first, second):
        for name, value in vars(maps).items():
            np.testing.assert_array_equal(getattr(found, name), value)
    other = Hand(hand.arrays, hand.tip_vertices, "another digest")
    skin_maps(other, tmp_path)
    assert len(baked) == 2
    assert sorted(path.suffix for path in (tmp_path / "skin").iterdir()) == [".npz", ".npz"]


def test_two_may_bake_at_once(
    hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maps: SkinMaps
):
    monkeypatch.setattr(skin_maps_module, "bake_skin", lambda _: maps)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: skin_maps(hand, tmp_path), range(16)):
            np.testing.assert_array_equal(found.zones, maps.zones)
    assert len(list((tmp_path / "skin").iterdir())) == 1


def test_a_hand_without_a_layout_is_stored_too(
    mano: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = bake_skin(mano, SIZE, 1)
    monkeypatch.setattr(skin_maps_module, "bake_skin", lambda _: made)
    assert skin_maps(mano, tmp_path).texture_uv is None


def test_baking_breaks_off_without_traces(
    hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maps: SkinMaps
):
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(skin_maps_module, "bake_skin", lambda _: maps)
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        skin_maps(hand, tmp_path)
    assert list((tmp_path / "skin").iterdir()) == []


def ramp(path: Path, size: tuple[int, int]) -> Path:
    """A picture whose red is u and green is v."""
    width, height = size
    u = (np.arange(width) + 0.5) / width
    v = 1 - (np.arange(height) + 0.5) / height
    red, green = np.meshgrid(u, v)
    pixels = np.stack([red, green, np.full_like(red, 0.5)], -1)
    Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(path, quality=100)
    return path


@pytest.mark.parametrize("name", ["skin.png", "skin.jpg"])
def test_a_texture_comes_to_the_right_places(maps: SkinMaps, hand: Hand, tmp_path: Path, name: str):
    pixels, shown = texture_in_atlas(maps, ramp(tmp_path / name, (1024, 700)))
    assert pixels.shape == (SIZE, SIZE, 3)
    assert 0.2 < shown.mean() < 1
    centres = maps.corners_uv.mean(1) * SIZE - 0.5
    row, column = np.round(centres[:, ::-1]).astype(int).T
    assert shown[row, column].all()
    found = pixels[row, column] / 255
    expected = hand.arrays["uv"].mean(1)
    # Half a texel of ours is a thousandth or two of the layout; where a face is smaller than a
    # texel, that may show its neighbour beyond a seam of the layout.
    assert (np.abs(found[:, :2] - expected).max(1) < 0.012).mean() > 0.99
    np.testing.assert_allclose(found[:, 2], 0.5, atol=0.02)


def test_a_texture_of_one_pixel(maps: SkinMaps, tmp_path: Path):
    Image.new("RGBA", (1, 1), (10, 200, 30, 255)).save(tmp_path / "one.png")
    pixels, shown = texture_in_atlas(maps, tmp_path / "one.png")
    assert (pixels[shown] == [10, 200, 30]).all()


def test_a_broken_texture_is_named(maps: SkinMaps, tmp_path: Path):
    whole = ramp(tmp_path / "whole.png", (64, 64)).read_bytes()
    for name, content in (("cut.png", whole[: len(whole) // 2]), ("text.jpg", b"not a picture")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            texture_in_atlas(maps, tmp_path / name)
    with pytest.raises(InputError, match=r"gone\.png"):
        texture_in_atlas(maps, tmp_path / "gone.png")


def test_textures_need_a_hand_with_a_layout(mano: Hand, tmp_path: Path):
    with pytest.raises(InputError, match="hand with UVs"):
        texture_in_atlas(bake_skin(mano, SIZE, 1), ramp(tmp_path / "skin.png", (8, 8)))
