from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from render.factors.camera import CameraKind
from render.factors.sensor import (
    Sensor,
    SensorRecipe,
    draw_sensor,
    plain_sensor,
    without_blur,
)
from render.randomness import stream

DISTANCE_M = 0.5


def drawn(recipe: SensorRecipe, count: int = 400, kind: CameraKind = "phone") -> list[Sensor]:
    streams = (stream(7, "sensor", index) for index in range(count))
    return [draw_sensor(recipe, rng, kind, 224, DISTANCE_M) for rng in streams]


@pytest.fixture(scope="module")
def sensors() -> list[Sensor]:
    return drawn(SensorRecipe(), 3000)


def test_draws_stay_in_their_ranges(sensors: list[Sensor]):
    recipe = SensorRecipe()
    for sensor in sensors:
        low, high = recipe.aperture_mm["phone"]
        assert low <= sensor.aperture_mm <= high
        assert recipe.jpeg_quality[0] <= sensor.jpeg_quality <= recipe.jpeg_quality[1]
        assert 0 <= sensor.vignetting <= recipe.vignetting[1]
        assert (sensor.moving == "nothing") == (sensor.motion_px == 0)
        if sensor.motion_px:
            assert 0.004 * 224 <= sensor.motion_px <= 0.04 * 224
    assert {sensor.jpeg_quality for sensor in sensors} == set(range(60, 97))


def test_shares_and_spreads_are_those_of_the_recipe(sensors: list[Sensor]):
    recipe = SensorRecipe()
    moving = np.mean([sensor.moving != "nothing" for sensor in sensors])
    assert moving == pytest.approx(recipe.motion_share, abs=0.03)
    by_camera = np.mean([s.moving == "camera" for s in sensors if s.moving != "nothing"])
    assert by_camera == pytest.approx(recipe.camera_moves_share, abs=0.07)
    vergence = np.array([1 / sensor.focus_m for sensor in sensors]) - 1 / DISTANCE_M
    for values, deviation in (
        (vergence, recipe.focus_error_dioptres),
        ([sensor.exposure_ev for sensor in sensors], recipe.exposure_error_ev),
        ([sensor.white_balance_mired for sensor in sensors], recipe.white_balance_error_mired),
        ([sensor.tint_duv for sensor in sensors], recipe.tint_error_duv),
    ):
        assert stats.kstest(values, stats.norm(0, deviation).cdf).pvalue > 1e-4
    electrons = np.log([sensor.electrons_at_white or 0 for sensor in sensors])
    low, high = np.log(recipe.electrons_at_white)
    assert stats.kstest(electrons, stats.uniform(low, high - low).cdf).pvalue > 1e-4


def test_the_same_stream_gives_the_same_camera_and_json_brings_it_back():
    first, second = drawn(SensorRecipe(), 20), drawn(SensorRecipe(), 20)
    assert first == second
    assert len({sensor.noise_seed for sensor in first}) == 20
    for sensor in first:
        assert Sensor.model_validate_json(sensor.model_dump_json()) == sensor


def test_switching_blur_off_changes_nothing_else():
    blur = {"aperture_mm", "moving", "motion_px"}
    for sensor in drawn(SensorRecipe(), 100):
        sharp = without_blur(sensor)
        assert sensor.model_dump(exclude=blur) == sharp.model_dump(exclude=blur)
        assert (sharp.aperture_mm, sharp.moving, sharp.motion_px) == (0, "nothing", 0)


def test_a_plain_camera_has_no_faults():
    for sensor in map(plain_sensor, drawn(SensorRecipe(), 50)):
        assert sensor.aperture_mm == sensor.motion_px == sensor.vignetting == sensor.sharpening == 0
        assert sensor.electrons_at_white is None
        assert sensor.exposure_ev == sensor.white_balance_mired == sensor.tint_duv == 0
        assert (sensor.jpeg_quality, sensor.jpeg_half_chroma) == (95, False)
        assert sensor.metered


def test_only_the_aperture_depends_on_the_kind_of_camera():
    recipe = SensorRecipe()
    for kind in get_args(CameraKind):
        low, high = recipe.aperture_mm[kind]
        for one, other in zip(drawn(recipe, 50, kind), drawn(recipe, 50), strict=True):
            assert low <= one.aperture_mm <= high
            aperture = {"aperture_mm"}
            assert one.model_dump(exclude=aperture) == other.model_dump(exclude=aperture)


def test_focus_is_never_beyond_infinity():
    recipe = SensorRecipe(focus_error_dioptres=50.0)
    for sensor in drawn(recipe, 100):
        assert 0.05 <= sensor.focus_m <= 1000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("aperture_mm", {"phone": (1.0, 2.0)}),
        ("jpeg_quality", (0, 90)),
        ("jpeg_quality", (90, 80)),
        ("motion_length", (0.02, 0.01)),
        ("vignetting", (0.0, 1.5)),
        ("grain", 1.0),
    ],
)
def test_what_makes_no_sense_is_refused(field: str, value: object):
    with pytest.raises(ValidationError, match=field):
        SensorRecipe.model_validate({field: value})
