import numpy as np
import pytest

from mano_assets.skin import (
    MONK_SRGB,
    SKIN_LIGHTNESS,
    SkinColours,
    lab_from_rgb,
    rgb_from_lab,
    skin_colours,
)

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
TONES = np.linspace(0, 1, 40)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        # Lindbloom's CIE colour calculator, sRGB with white D65.
        ([1.0, 1.0, 1.0], [100.0, 0.0, 0.0]),
        ([1.0, 0.0, 0.0], [53.2408, 80.0925, 67.2032]),
        ([0.0, 0.0, 1.0], [32.2970, 79.1875, -107.8602]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_lab_of_known_colours(rgb: list[float], lab: list[float]):
    np.testing.assert_allclose(lab_from_rgb(np.array(rgb)), lab, atol=0.03)
    np.testing.assert_allclose(rgb_from_lab(np.array(lab)), rgb, atol=1e-3)


def test_lab_and_back():
    colours = np.random.default_rng(0).uniform(0, 1, (200, 3)) ** 3
    np.testing.assert_allclose(rgb_from_lab(lab_from_rgb(colours)), colours, atol=1e-9)


def test_tones_get_lighter_along_the_scale():
    backs = np.array([skin_colours(tone).back for tone in TONES])
    assert (np.diff(backs @ LUMINANCE) > 0).all()
    lightness = lab_from_rgb(backs)[:, 0]
    np.testing.assert_allclose(lightness[[0, -1]], SKIN_LIGHTNESS, atol=0.01)
    for below, inside in ((-1, 0), (2, 1)):
        np.testing.assert_array_equal(skin_colours(below).back, skin_colours(inside).back)


def test_dark_tones_are_as_far_apart_as_the_swatches():
    # Where the swatches differ in lightness, the skins do by the same share.
    srgb = np.array([list(bytes.fromhex(code)) for code in MONK_SRGB]) / 255
    swatches = lab_from_rgb(((srgb + 0.055) / 1.055) ** 2.4)[:7, 0]
    skins = np.array([lab_from_rgb(skin_colours(n / 9).back)[0] for n in range(7)])
    assert np.corrcoef(swatches, skins)[0, 1] > 0.995


@pytest.mark.parametrize("undertone", [-1.0, 0.0, 1.0])
def test_all_colours_are_believable_albedos(undertone: float):
    for tone in TONES:
        colours = vars(skin_colours(tone, undertone))
        for name in ("back", "palm", "blood", "nail"):
            red, green, blue = colours[name]
            assert red > green > blue > 0.005, name
            # No skin reflects more (Xiao et al. 2017), and none is neon.
            assert red < 0.72, name
            lab = lab_from_rgb(colours[name])
            assert 4 < np.hypot(*lab[1:]) < 40, name


def test_undertones_run_from_pink_to_yellow():
    cool, plain, warm = (lab_from_rgb(skin_colours(0.5, value).back) for value in (-1, 0, 1))
    assert cool[1] > plain[1] > warm[1]
    assert cool[2] < plain[2] < warm[2]
    assert cool[0] == pytest.approx(warm[0], abs=0.01)


def test_the_palm_of_dark_skin_is_much_lighter_than_its_back():
    def difference(tone: float) -> float:
        colours: SkinColours = skin_colours(tone)
        return float(lab_from_rgb(colours.palm)[0] - lab_from_rgb(colours.back)[0])

    assert difference(0.0) > 12
    assert 0 <= difference(1.0) < 3
    assert (np.diff([difference(tone) for tone in TONES]) < 1e-9).all()


def test_blood_reddens_light_skin_and_darkens_all():
    for tone in TONES:
        back, blood = (lab_from_rgb(getattr(skin_colours(tone), k)) for k in ("back", "blood"))
        assert blood[0] < back[0]
        assert blood[1] > back[1]
