import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from scipy import stats

from mano_assets.errors import InputError
from mano_assets.skin_maps import NUM_VARIANTS
from render.factors.skin import SkinLook, SkinRecipe, draw_skin, list_skin_textures

NUM_DRAWS = 4000
NAMES = ["a.png", "b.png", "c.jpg"]


@pytest.fixture(scope="module")
def looks() -> list[SkinLook]:
    rng = np.random.default_rng(0)
    return [draw_skin(SkinRecipe(), rng, NAMES) for _ in range(NUM_DRAWS)]


def test_tones_are_even_over_the_scale(looks: list[SkinLook]):
    assert stats.kstest([look.tone for look in looks], "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    "field",
    ["undertone", "roughness", "redness", "mottling", "veins", "wrinkles", "freckles", "hairs"],
)
def test_each_strength_is_even_over_its_range(looks: list[SkinLook], field: str):
    low, high = getattr(SkinRecipe(), field)
    values = [getattr(look, field) for look in looks]
    assert stats.kstest(values, "uniform", (low, high - low)).pvalue > 1e-3


def test_shares_are_kept(looks: list[SkinLook]):
    recipe = SkinRecipe()
    for happened, share in (
        ([look.wetness > 0 for look in looks], recipe.wet_share),
        ([look.subsurface for look in looks], recipe.subsurface_share),
        ([look.texture is not None for look in looks], recipe.textures_share),
        *(([look.variant == n for look in looks], 1 / NUM_VARIANTS) for n in range(NUM_VARIANTS)),
        *(([look.texture == name for look in looks], recipe.textures_share / 3) for name in NAMES),
    ):
        assert stats.binomtest(sum(happened), NUM_DRAWS, share).pvalue > 1e-4


@pytest.mark.parametrize(
    "recipe",
    [
        SkinRecipe(),
        SkinRecipe(wet_share=1.0, subsurface_share=0.0, tone=(0.5, 0.5)),
        SkinRecipe(textures=Path("skins"), textures_share=1.0),
    ],
)
@pytest.mark.parametrize("names", [[], NAMES])
def test_every_skin_takes_the_same_count_of_numbers(recipe: SkinRecipe, names: list[str]):
    rng, plain = np.random.default_rng(7), np.random.default_rng(7)
    draw_skin(recipe, rng, names)
    draw_skin(SkinRecipe(), plain)
    assert rng.random() == plain.random()


def test_a_texture_changes_nothing_else():
    recipe = SkinRecipe(textures_share=1.0)
    with_one = draw_skin(recipe, np.random.default_rng(3), NAMES)
    without = draw_skin(recipe, np.random.default_rng(3))
    assert with_one.texture in NAMES
    assert with_one.model_copy(update={"texture": None}) == without


def test_descriptions_survive_json(looks: list[SkinLook]):
    for look in looks[:20]:
        assert SkinLook.model_validate_json(look.model_dump_json()) == look


@pytest.mark.parametrize("field", [{"tone": (0.6, 0.4)}, {"wetness": (0, 2)}, {"colour": "blue"}])
def test_wrong_recipes_are_refused(field: dict):
    with pytest.raises(ValidationError):
        SkinRecipe.model_validate(field)


def test_textures_are_listed_by_name(tmp_path: Path):
    assert list_skin_textures(None) == []
    with pytest.raises(InputError, match=r"dataset\.skin\.textures"):
        list_skin_textures(tmp_path)
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in list_skin_textures(tmp_path)] == ["a.jpg", "b.PNG"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Hands under a sun before the camera, linear RGBA; counts of Blender's data."""
    folder = tmp_path_factory.mktemp("skin")
    for number in range(20):
        Image.new("RGB", (16, 16), (12 * number, 255, 0)).save(folder / f"{number:02}.png")
    (folder / "broken.png").write_bytes(b"nothing")
    script, output = Path(__file__).with_name("render_skin.py"), folder / "pictures.npz"
    subprocess.run([sys.executable, script, folder, output], check=True, timeout=300)
    with np.load(output) as found:
        return dict(found)


def mean_colour(picture: np.ndarray) -> np.ndarray:
    return picture[picture[..., 3] > 0.99][:, :3].mean(0)


@pytest.mark.blender
def test_tones_and_palms_show(pictures: dict[str, np.ndarray]):
    colours = {
        (side, tone): mean_colour(pictures[f"{side}_{tone}"])
        for side in ("back", "palm")
        for tone in ("dark", "light")
    }
    for colour in colours.values():
        assert colour[0] > colour[1] > colour[2]
    assert colours["back", "light"].sum() > 4 * colours["back", "dark"].sum()
    assert colours["palm", "dark"].sum() > 1.3 * colours["back", "dark"].sum()
    assert colours["palm", "light"].sum() < 1.2 * colours["back", "light"].sum()


@pytest.mark.blender
def test_a_left_hand_is_the_mirror_of_a_right_one(pictures: dict[str, np.ndarray]):
    right, left = pictures["back_light"], pictures["back_left"][:, ::-1]
    solid = (right[..., 3] > 0.99) & (left[..., 3] > 0.99)
    assert solid.mean() > 0.1
    assert (right[..., 3] - left[..., 3])[..., None].mean() == pytest.approx(0, abs=0.002)
    noise = np.abs(right - left)[solid][:, :3].mean() / right[solid][:, :3].mean()
    relief = np.abs(right - pictures["back_smooth"])[solid][:, :3].mean()
    assert noise < 0.02
    # The relief alone changes the picture by more than mirroring does.
    assert relief / right[solid][:, :3].mean() > 2 * noise


@pytest.mark.blender
def test_variants_differ(pictures: dict[str, np.ndarray]):
    first, second = pictures["palm_light"], pictures["palm_variant"]
    assert np.abs(first - second).max() > 0.05


@pytest.mark.blender
def test_a_texture_takes_the_place_of_the_colours(pictures: dict[str, np.ndarray]):
    red, green, blue = mean_colour(pictures["textured"])
    assert green > 10 * red
    assert green > 10 * blue
    again = mean_colour(pictures["procedural_again"])
    np.testing.assert_allclose(again, mean_colour(pictures["back_light"]), rtol=1e-3)


@pytest.mark.blender
def test_nothing_is_left_behind(pictures: dict[str, np.ndarray]):
    counts = pictures["counts"]
    assert (counts[1:] == counts[0]).all()
    # Twenty textures were shown, no more than are kept stayed.
    assert pictures["images"][0] + pictures["kept"] == pictures["images"][1]


@pytest.mark.blender
def test_a_broken_texture_is_told(pictures: dict[str, np.ndarray]):
    assert "broken.png" in str(pictures["error"])
