"""Procedural textures have the spectrum of natural images."""

import numpy as np
import pytest

from render.factors.setting import TEXTURE_PATTERNS, Texture
from render.settings.sphere import mean_luminance
from render.settings.textures import texture_image, texture_light

SIZE = 128


def slope(image: np.ndarray) -> float:
    """Of log amplitude over log frequency, by rings, between 4 and 40 cycles an image."""
    grey = np.log(image.mean(-1) + 1e-3)
    window = np.hanning(SIZE)[:, None] * np.hanning(SIZE)
    amplitude = np.abs(np.fft.fft2((grey - grey.mean()) * window))
    places = np.fft.fftfreq(SIZE) * SIZE
    ring = np.hypot(places, places[:, None]).round().astype(int)
    rings = np.arange(4, 40)
    mean = np.array([np.sqrt((amplitude[ring == r] ** 2).mean()) for r in rings])
    return -np.polyfit(np.log(rings), np.log(mean), 1)[0]


@pytest.mark.parametrize("wished", [0.8, 1.1, 1.4])
def test_noise_has_the_slope_of_the_recipe(wished: float):
    texture = Texture(pattern="noise", slope=wished)
    found = np.mean([slope(texture_image(texture, seed, SIZE)) for seed in range(8)])
    assert found == pytest.approx(wished, abs=0.12)


def test_dead_leaves_are_as_natural_images():
    # Natural images: 0.8 to 1.5 (Tolhurst, Tadmor and Chao 1992), of amplitude.
    texture = Texture(pattern="leaves", slope=1.1)
    found = [slope(texture_image(texture, seed, SIZE)) for seed in range(12)]
    assert 0.8 < np.mean(found) < 1.5


@pytest.mark.parametrize("pattern", TEXTURE_PATTERNS)
def test_textures_are_finite_of_their_seed_and_of_one_kind_at_any_size(pattern: str):
    texture = Texture.model_validate({"pattern": pattern, "slope": 1.1})
    for seed in range(6):
        image = texture_image(texture, seed, SIZE)
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert image.min() >= 0
        assert image.mean() > 0.01
        np.testing.assert_array_equal(image, texture_image(texture, seed, SIZE))
        assert np.abs(image - texture_image(texture, seed + 1, SIZE)).mean() > 0.01
        if pattern != "noise":
            small = texture_image(texture, seed, SIZE // 2)
            blocks = image.reshape(16, 8, 16, 8, 3).mean((1, 3))
            fewer = small.reshape(16, 4, 16, 4, 3).mean((1, 3))
            assert np.corrcoef(blocks.ravel(), fewer.ravel())[0, 1] > 0.6


def test_the_light_has_the_colour_of_the_picture_and_a_lamp():
    for seed in range(10):
        texture = Texture(pattern="shapes", slope=1.1)
        light, image = texture_light(texture, seed), texture_image(texture, seed, 32)
        assert light.shape == (64, 128, 3)
        assert mean_luminance(light) > 0
        around = np.quantile(light.reshape(-1, 3), 0.05, axis=0)
        assert around == pytest.approx(image.mean((0, 1)), rel=0.35)
        assert light.max() > 1.3 * image.mean()
