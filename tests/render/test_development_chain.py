"""Exposure, white balance, noise, tone and the whole chain."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from render.development.chain import Layers, develop, encode_jpeg
from render.development.exposure import (
    LUMINANCE,
    MIDDLE_GREY,
    exposed,
    metered_ev,
    white_balance_gains,
)
from render.development.frame_check import flawed
from render.development.tone import SATURATION, add_noise, sharpen, srgb, to_bytes, tone_curve
from render.factors.sensor import Sensor, SensorRecipe, draw_sensor, plain_sensor
from render.randomness import stream

SIZE = 64


def layers(seed: int = 0, brightness: float = 1.0) -> Layers:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    coverage = np.clip(18 - np.hypot(x - 32, y - 36), 0, 1)
    foreground = np.concatenate(
        [coverage[..., None] * rng.uniform(0.1, 0.5, (SIZE, SIZE, 3)), coverage[..., None]], -1
    )
    foreground[..., :3] *= brightness
    return Layers(
        foreground=foreground.astype(np.float32),
        coverage=coverage.astype(np.float32),
        depth_m=np.where(coverage > 0.5, 0.5 + 0.002 * (x - 32), np.inf),
        background=(brightness * rng.lognormal(-1, 1, (SIZE, SIZE, 3))).astype(np.float32),
        background_distance_m=np.inf,
        background_blur_px=0.0,
        focal_px=80.0,
    )


def sensor(index: int = 0, **recipe: object) -> Sensor:
    rng = stream(0, "sensor", index)
    return draw_sensor(SensorRecipe.model_validate(recipe), rng, "phone", SIZE, 0.5)


def faithful(**change: object) -> Sensor:
    return plain_sensor(sensor()).model_copy(update=change)


def test_metering_brings_grey_to_grey_within_its_limit():
    for radiance, expected in ((0.18, 0.0), (0.72, -2.0), (0.045, 2.0), (18.0, -2.5), (0.0, 2.5)):
        flat = np.full((32, 32, 3), radiance, np.float32)
        assert metered_ev(flat, 2.5) == pytest.approx(expected, abs=1e-4)
    assert metered_ev(np.full((8, 8, 3), 0.9, np.float32), 0.0) == 0.0


def test_metering_spares_the_highlights():
    # Seven eighths are almost black, the rest is well lit already.
    dark = np.full((64, 64, 3), 0.001, np.float32)
    dark[:, 28:36] = 0.4
    assert metered_ev(dark, 9) == pytest.approx(1.0, abs=0.01)
    # Too bright already: darkening is left to the mean.
    dark[:, 28:36] = 3.0
    assert metered_ev(dark, 9) == pytest.approx(0.0, abs=0.01)


def test_metering_looks_at_the_centre():
    centre = np.full((64, 64, 3), 0.18, np.float32)
    corner = centre.copy()
    centre[24:40, 24:40] = 2.0
    corner[:16, :16] = 2.0
    assert metered_ev(centre, 9) < metered_ev(corner, 9) < 0


def test_white_balance_against_planck():
    """Colours of black bodies: integrals of Planck's law with the CIE observer's fitted curves."""
    nm = np.arange(380.0, 781.0)

    def lobe(peak: float, left: float, right: float) -> np.ndarray:
        # Wyman, Sloan and Shirley, J. Comput. Graph. Tech. 2(2), 2013, the multi-lobe fit.
        return np.exp(-0.5 * ((nm - peak) * np.where(nm < peak, left, right)) ** 2)

    observer = np.stack(
        [
            0.362 * lobe(442.0, 0.0624, 0.0374)
            + 1.056 * lobe(599.8, 0.0264, 0.0323)
            - 0.065 * lobe(501.1, 0.0490, 0.0382),
            0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322),
            1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725),
        ]
    )
    to_rgb = np.linalg.inv(
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    )

    def colour(kelvin: float) -> np.ndarray:
        power = nm**-5 / np.expm1(1.4388e7 / (nm * kelvin))
        return to_rgb @ (observer @ power)

    for mired in (-60.0, -20.0, 20.0, 60.0, 120.0):
        expected = colour(1e6 / (1e6 / 6504 + mired)) / colour(6504)
        expected /= expected @ LUMINANCE
        np.testing.assert_allclose(white_balance_gains(mired, 0), expected, rtol=0.03)


@given(st.floats(-80, 150), st.floats(-0.02, 0.02))
def test_white_balance_keeps_the_luminance_of_grey(mired: float, duv: float):
    gains = white_balance_gains(mired, duv)
    assert gains @ LUMINANCE == pytest.approx(1, abs=1e-5)
    assert (gains > 0).all()


def test_white_balance_directions():
    np.testing.assert_allclose(white_balance_gains(0, 0), 1, atol=1e-6)
    warm, green = white_balance_gains(30, 0), white_balance_gains(0, 0.01)
    assert warm[0] > 1 > warm[2]
    assert green[1] > 1 > max(green[0], green[2])


def test_vignetting_takes_its_share_from_the_corners():
    falloff = exposed(np.ones((200, 200, 3)), np.array([1.0, 2, 4]), 0.3)
    np.testing.assert_allclose(falloff[..., 1:], falloff[..., :2] * 2)
    falloff = falloff[..., 0]
    assert falloff.max() <= 1
    assert falloff[100, 100] == pytest.approx(1, abs=1e-4)
    assert falloff[0, 0] == pytest.approx(0.7, abs=0.005)
    assert falloff[100, 0] == pytest.approx(0.85, abs=0.005)


def test_noise_has_the_variance_of_its_model():
    for level in (0.0, 0.18, 1.0):
        flat = np.full((200, 200, 3), level, np.float32)
        noise = add_noise(flat, 2000.0, 6.0, 3) - flat
        assert noise.mean() == pytest.approx(0, abs=3e-4)
        assert noise.var() == pytest.approx(level / 2000 + (6 / 2000) ** 2, rel=0.02)
    again = add_noise(flat, 2000.0, 6.0, 3) - flat
    np.testing.assert_array_equal(again, noise)
    assert np.abs(np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)).max() < 0.03
    other = add_noise(flat, 2000.0, 6.0, 4) - flat
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.02


@given(st.floats(1.05, 2.5))
def test_the_tone_curve_rises_from_black_through_grey_to_white(contrast: float):
    light = np.array([-1, 0, MIDDLE_GREY, SATURATION, 100])
    np.testing.assert_allclose(tone_curve(light, contrast), [0, 0, MIDDLE_GREY, 1, 1], atol=1e-6)
    assert (np.diff(tone_curve(np.geomspace(1e-4, SATURATION, 500), contrast)) > 0).all()


def test_contrast_is_the_slope_at_the_foot():
    low, high = tone_curve(np.array([1e-4, 1e-3]), 1.4)
    assert np.log10(high / low) == pytest.approx(1.4, abs=0.01)


def test_srgb_at_known_values():
    np.testing.assert_allclose(
        srgb(np.array([0, 0.0031308, 0.5, 1.0])), [0, 0.04045, 0.735357, 1], atol=1e-5
    )
    np.testing.assert_array_equal(to_bytes(np.array([-1, 0, 0.5, 1, 2])), [0, 0, 128, 255, 255])


def test_sharpening_leaves_flat_parts_and_steepens_edges():
    step = np.zeros((20, 20, 3), np.float32) + 0.3
    step[:, 10:] = 0.6
    sharp = sharpen(step, 0.8)
    np.testing.assert_allclose(sharp[:, :6], 0.3, atol=1e-5)
    assert sharp[10, 9, 0] < 0.28
    assert sharp[10, 10, 0] > 0.62
    np.testing.assert_array_equal(sharpen(step, 0), step)


def test_a_faithful_camera_shows_what_is_there():
    scene = layers()
    photograph = develop(scene, faithful(metered=False))
    alpha = scene.coverage[..., None]
    expected = scene.foreground[..., :3] + (1 - alpha) * scene.background
    inside = (scene.coverage == 1) | (scene.coverage == 0)
    np.testing.assert_allclose(photograph.linear[inside], expected[inside], atol=1e-5)
    display = srgb(tone_curve(photograph.linear, 1.3))
    assert np.abs(photograph.rgb / 255 - display).max() < 0.5 / 255 + 1e-5
    assert photograph.exposure_ev == 0


def test_exposure_does_not_depend_on_the_light_but_on_the_error():
    dim, bright = (develop(layers(brightness=value), faithful()) for value in (0.5, 1.6))
    assert np.abs(dim.rgb.astype(int) - bright.rgb).max() <= 1
    assert dim.exposure_ev - bright.exposure_ev == pytest.approx(np.log2(3.2), abs=1e-3)
    over = develop(layers(), faithful(exposure_ev=1.0))
    assert over.rgb.mean() > develop(layers(), faithful()).rgb.mean() + 15


def test_the_background_blurs_with_the_lens_and_the_hand_stays_sharp():
    scene = layers()
    pinhole = develop(scene, faithful())
    wide = develop(scene, faithful(aperture_mm=20.0, focus_m=0.5))
    hand, away = scene.coverage == 1, np.zeros((SIZE, SIZE), bool)
    away[:8] = True
    # 80 px, 20 mm, infinity against half a metre: 3.2 px.
    assert wide.linear[away].std() < 0.6 * pinhole.linear[away].std()
    np.testing.assert_allclose(wide.linear[hand], pinhole.linear[hand], atol=1e-5)


def test_what_moves_is_blurred():
    scene = layers()
    still = develop(scene, faithful()).linear
    by_hand = develop(scene, faithful(moving="hand", motion_px=8.0)).linear
    by_camera = develop(scene, faithful(moving="camera", motion_px=8.0)).linear
    np.testing.assert_allclose(by_hand[:8], still[:8], atol=1e-5)
    np.testing.assert_allclose(by_camera[30:42, 26:38], by_hand[30:42, 26:38], atol=1e-4)
    assert by_camera[:8].std() < 0.7 * still[:8].std()
    assert by_hand[30:42, 26:38].std() < 0.7 * still[30:42, 26:38].std()


def test_the_same_camera_takes_the_same_picture():
    for index in range(6):
        one, two = (develop(layers(), sensor(index)) for _ in range(2))
        np.testing.assert_array_equal(one.rgb, two.rgb)
        assert encode_jpeg(one.rgb, sensor(index)) == encode_jpeg(two.rgb, sensor(index))


def test_jpeg_has_the_quality_and_chroma_asked_for():
    rgb = develop(layers(), faithful()).rgb
    sizes = []
    for quality, half, samples in ((95, False, (1, 1)), (95, True, (2, 2)), (40, True, (2, 2))):
        data = encode_jpeg(rgb, faithful(jpeg_quality=quality, jpeg_half_chroma=half))
        sizes.append(len(data))
        image = Image.open(io.BytesIO(data))
        assert image.layer[0][1:3] == samples
        assert image.size == (SIZE, SIZE)
    assert sizes[0] > sizes[1] > sizes[2]
    fine = np.array(Image.open(io.BytesIO(encode_jpeg(rgb, faithful(jpeg_quality=100)))))
    assert np.abs(fine.astype(int) - rgb).mean() < 1.5


def test_flawed_frames_are_told():
    mask = np.zeros((32, 32), bool)
    mask[8:24, 8:24] = True
    linear = np.ones((32, 32, 3))
    sound = np.random.default_rng(0).integers(60, 200, (32, 32, 3)).astype(np.uint8)
    assert flawed(sound, linear, mask) is None
    for value in (np.nan, np.inf):
        broken = linear.copy()
        broken[0, 0, 0] = value
        assert flawed(sound, broken, mask) == "not finite"
    for level, word in ((3, "black"), (252, "burnt out"), (128, "no contrast")):
        image = sound.copy()
        image[mask] = level
        assert flawed(image, linear, mask) == word
    burnt = sound.copy()
    burnt[8:24, 8:19] = 255
    assert flawed(burnt, linear, mask) == "burnt out"
    burnt[8:24, 8:19] = sound[8:24, 8:19]
    burnt[8:24, 8:17] = 255
    assert flawed(burnt, linear, mask) is None
    assert flawed(sound, linear, np.zeros((32, 32), bool)) == "no hand"


def test_a_background_of_pixel_centres_is_blurred_at_least_a_little():
    """A checkerboard of single pixels, which no lens would show, becomes grey."""
    plain = layers(0)
    checks = np.indices((SIZE, SIZE)).sum(0) % 2
    board = np.repeat(checks[..., None], 3, 2).astype(np.float32)
    bare = replace(plain, background=board, coverage=np.zeros_like(plain.coverage))
    bare = replace(bare, foreground=np.zeros_like(plain.foreground))
    sharp = develop(bare, faithful()).linear
    blurred = develop(replace(bare, background_blur_px=0.7), faithful()).linear
    np.testing.assert_allclose(sharp, board, atol=1e-6)
    assert blurred.std() < 0.5 * board.std()
    assert blurred.mean() == pytest.approx(board.mean(), rel=1e-3)
