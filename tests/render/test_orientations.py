"""Orientations of the hand: uniform means uniform, and each prior is what it says."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy import stats
from scipy.spatial.transform import Rotation

from render.orientations import (
    NUM_UNIFORMS,
    ConeView,
    EgocentricView,
    SignerView,
    ThirdPersonView,
    UniformView,
    ViewRecipe,
    forearm_rotation,
    orientation,
)

VIEWS = [ConeView(), UniformView(), EgocentricView(), ThirdPersonView(), SignerView()]
FINGERS, PALM, THUMB = np.array([-1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([0, 0, 1.0])
TO_CAMERA = np.array([0, 0, -1.0])


def draw(view: ViewRecipe, count: int = 4000, seed: int = 0) -> np.ndarray:
    return orientation(view, np.random.default_rng(seed).random((count, NUM_UNIFORMS)))


def smallest_p_value(matrices: np.ndarray) -> float:
    """Of tests that hold for the Haar measure on SO(3) alone, corrected for their number."""
    angles = Rotation.from_matrix(matrices).magnitude()
    # The angle's density is (1 - cos t) / pi (Miles, Biometrika 52(3/4), 1965).
    values = [stats.kstest(angles, lambda t: (t - np.sin(t)) / np.pi).pvalue]
    for axis in matrices.transpose(2, 0, 1):
        # Archimedes: each coordinate of a uniform direction is uniform.
        values.append(stats.kstest((axis[:, 2] + 1) / 2, "uniform").pvalue)
        azimuths = np.arctan2(axis[:, 1], axis[:, 0])
        values.append(stats.kstest(azimuths / (2 * np.pi) + 0.5, "uniform").pvalue)
    oracle = Rotation.random(len(matrices), rng=1)
    for fixed in Rotation.from_rotvec([[0, 0, 0], [1.5, 0, 0], [0, 2, -1], [-1, 1, 2.5]]):
        to_oracle = (fixed * oracle).magnitude()
        to_drawn = (fixed * Rotation.from_matrix(matrices)).magnitude()
        values.append(stats.ks_2samp(to_drawn, to_oracle).pvalue)
    return min(values) * len(values)


def random_angle_about_random_axis(rng: np.random.Generator) -> np.ndarray:
    axes = rng.normal(size=(4000, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return Rotation.from_rotvec(axes * rng.uniform(0, 2 * np.pi, (4000, 1))).as_matrix()


def one_angle_for_three_axes(rng: np.random.Generator) -> np.ndarray:
    angles = np.repeat(rng.uniform(0, 2 * np.pi, (4000, 1)), 3, axis=1)
    return Rotation.from_euler("xyz", angles).as_matrix()


def three_uniform_euler_angles(rng: np.random.Generator) -> np.ndarray:
    return Rotation.from_euler("xyz", rng.uniform(0, 2 * np.pi, (4000, 3))).as_matrix()


@pytest.mark.parametrize("seed", range(5))
def test_the_uniform_prior_is_uniform_over_rotations(seed: int):
    assert smallest_p_value(draw(UniformView(), seed=seed)) > 1e-3


def test_the_cone_of_all_directions_is_uniform_over_rotations():
    for back_share in (0.0, 0.3):
        view = ConeView(view_spread_deg=180, roll_spread_deg=180, back_share=back_share)
        assert smallest_p_value(draw(view)) > 1e-3


@pytest.mark.parametrize(
    "biased", [random_angle_about_random_axis, one_angle_for_three_axes, three_uniform_euler_angles]
)
def test_biased_constructions_are_found_out(biased: Callable[[np.random.Generator], np.ndarray]):
    assert smallest_p_value(biased(np.random.default_rng(0))) < 1e-9


@given(
    st.sampled_from(VIEWS),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=NUM_UNIFORMS, max_size=NUM_UNIFORMS),
)
def test_every_point_gives_a_rotation(view: ViewRecipe, uniforms: list[float]):
    matrix = orientation(view, np.array(uniforms))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) > 0


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.prior)
def test_one_point_and_many_points_give_the_same(view: ViewRecipe):
    points = np.random.default_rng(2).random((3, 5, NUM_UNIFORMS))
    many = orientation(view, points)
    assert many.shape == (3, 5, 3, 3)
    np.testing.assert_array_equal(many[2, 1], orientation(view, points[2, 1]))
    with pytest.raises(ValueError, match="expected 4 uniforms, got 3"):
        orientation(view, points[..., :3])


@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180))
def test_a_forearm_stands_as_its_angles_say(heading: float, away: float, facing: float):
    matrix = forearm_rotation(np.array(heading), np.array(away), np.array(facing))
    across, along, turn = np.deg2rad([heading, away, facing])
    flat = np.cos(along)
    forearm = np.array([flat * np.sin(across), -flat * np.cos(across), np.sin(along)])
    np.testing.assert_allclose(matrix @ FINGERS, forearm, atol=1e-12)
    side = TO_CAMERA - (TO_CAMERA @ forearm) * forearm
    side /= np.linalg.norm(side)
    thumb = np.cos(turn) * side + np.sin(turn) * np.cross(side, forearm)
    np.testing.assert_allclose(matrix @ THUMB, thumb, atol=1e-9)
    np.testing.assert_allclose(matrix @ PALM, np.cross(thumb, forearm), atol=1e-9)


def test_each_side_of_a_raised_hand_is_shown_at_its_angle():
    facing = np.array([0.0, 90.0, 180.0, -90.0])
    shown = forearm_rotation(np.zeros(4), np.zeros(4), facing).transpose(0, 2, 1) @ TO_CAMERA
    np.testing.assert_allclose(shown, [THUMB, -PALM, -THUMB, PALM], atol=1e-12)


def test_the_wrist_bends_the_hand_against_the_forearm():
    bent = Rotation.from_rotvec([0.2, -0.1, 1.3]).as_matrix()
    point = np.random.default_rng(0).random(NUM_UNIFORMS)
    for view in (EgocentricView(), ThirdPersonView(), SignerView()):
        straight = orientation(view, point)
        np.testing.assert_allclose(orientation(view, point, bent), straight @ bent)
    for view in (ConeView(), UniformView()):
        np.testing.assert_array_equal(orientation(view, point, bent), orientation(view, point))


def directions(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heading and angle away from the camera of the forearms, degrees."""
    x, y, z = (matrices @ FINGERS).T
    return np.rad2deg(np.arctan2(x, -y)), np.rad2deg(np.arcsin(z))


def shares(matrices: np.ndarray) -> dict[str, float]:
    """How often each side of the hand is the one most turned to the camera."""
    to_hand = matrices.transpose(0, 2, 1) @ TO_CAMERA
    sides = {"palm": PALM, "back": -PALM, "thumb": THUMB, "little": -THUMB}
    most = np.argmax([to_hand @ side for side in sides.values()], axis=0)
    return {name: float((most == number).mean()) for number, name in enumerate(sides)}


def test_cones_show_palms_and_backs_within_their_spread():
    view = ConeView(view_spread_deg=35, roll_spread_deg=0, back_share=0.25)
    matrices = draw(view)
    palms = matrices @ PALM @ TO_CAMERA
    assert abs((palms < 0).mean() - 0.25) < 0.03
    assert np.abs(palms).min() > np.cos(np.deg2rad(35)) - 1e-12
    # Uniform over the cap: uniform in height.
    low = np.cos(np.deg2rad(35))
    assert stats.kstest((np.abs(palms) - low) / (1 - low), "uniform").pvalue > 1e-3
    assert np.abs(directions(draw(ConeView(view_spread_deg=0)))[0]).max() < 30


def arm_before_the_eyes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Heading and angle away of right forearms at work while the eyes look at the hand, degrees.

    Metres, axes right, forward, up, from the eyes; the arm's lengths are Pheasant's (1996).
    """
    rng = np.random.default_rng(0)
    shoulder, upper, fore = np.array([0.2, -0.08, -0.205]), 0.335, 0.285
    wrist = rng.uniform([-0.1, 0.2, -0.5], [0.25, 0.5, -0.15], (count, 3))
    reach = np.linalg.norm(wrist - shoulder, axis=1)
    reachable = (reach < upper + fore) & (reach > 0.15)
    wrist, reach = wrist[reachable], reach[reachable, None]
    towards = (wrist - shoulder) / reach
    along = (upper**2 - fore**2 + reach**2) / (2 * reach)
    down = np.array([0, 0, -1.0]) + towards[:, 2:] * towards
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    out = np.cross(towards, down)
    out *= np.sign(out[:, :1])
    # The elbow hangs, or is held away from the trunk.
    swivel = np.deg2rad(rng.uniform(0, 50, (len(wrist), 1)))
    elbow = shoulder + along * towards
    elbow += np.sqrt(upper**2 - along**2) * (np.cos(swivel) * down + np.sin(swivel) * out)
    forearm = (wrist - elbow) / fore
    np.testing.assert_allclose(np.linalg.norm(forearm, axis=1), 1)
    gaze = wrist + 0.1 * forearm
    gaze /= np.linalg.norm(gaze, axis=1, keepdims=True)
    right = np.cross(gaze, [0, 0, 1.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    x, y, z = ((forearm * axis).sum(1) for axis in (right, np.cross(gaze, right), gaze))
    return np.rad2deg(np.arctan2(x, -y)), np.rad2deg(np.arcsin(z))


def test_an_egocentric_forearm_comes_from_the_lower_right_as_an_arm_does():
    view = EgocentricView()
    heading, away = directions(draw(view))
    # Up, to the left and away: from the lower right of the wearer.
    assert (heading > -64).all()
    assert (heading < -6).all()
    assert (away > -1e-9).all()
    assert (away < 49).all()
    for drawn, worked_out in zip((heading, away), arm_before_the_eyes(20_000), strict=True):
        for quantile in (0.16, 0.5, 0.84):
            assert abs(np.quantile(drawn, quantile) - np.quantile(worked_out, quantile)) < 8


def test_egocentric_angles_are_cut_normal_distributions():
    view = EgocentricView()
    oracle = stats.truncnorm(-2, 2)
    for drawn, (mean, deviation) in zip(
        directions(draw(view)), (view.heading_deg, view.away_deg), strict=True
    ):
        assert stats.kstest((drawn - mean) / deviation, oracle.cdf).pvalue > 1e-3


def test_an_egocentric_hand_shows_its_back_or_the_thumb_s_side():
    seen = shares(draw(EgocentricView()))
    assert 0.5 < seen["back"] < 0.7
    assert 0.3 < seen["thumb"] < 0.5
    assert seen["palm"] + seen["little"] < 0.01


def test_third_person_forearms_are_raised_or_hang_with_every_side_seen():
    matrices = draw(ThirdPersonView())
    heading, away = directions(matrices)
    raised = np.abs(heading) <= 100
    assert abs(raised.mean() - 0.75) < 0.03
    assert stats.kstest(heading[raised] / 200 + 0.5, "uniform").pvalue > 1e-3
    assert np.abs(heading[~raised]).min() > 130 - 1e-9
    low, high = np.sin(np.deg2rad([-60, 40]))
    height = np.sin(np.deg2rad(away))
    assert stats.kstest((height - low) / (high - low), "uniform").pvalue > 1e-3
    seen = list(shares(matrices).values())
    assert np.ptp(seen) < 0.04


def test_a_signer_s_forearm_rises_from_the_lower_left_towards_the_camera():
    heading, away = directions(draw(SignerView()))
    assert (heading > -12).all()
    assert (heading < 94).all()
    assert (away < 3).all()
    for view, middle_heading, middle_away in (
        (SignerView(up_share=1, forward_share=0), 20, -20),
        (SignerView(up_share=0, forward_share=1), 25, -55),
        (SignerView(up_share=0, forward_share=0), 65, -22),
    ):
        heading, away = directions(draw(view))
        assert abs(np.median(heading) - middle_heading) < 1.5
        assert abs(np.median(away) - middle_away) < 1.5


def test_a_signer_s_palm_faces_the_camera_the_signer_or_the_middle_by_the_shares():
    seen = shares(draw(SignerView()))
    expected = {"palm": 0.4, "back": 0.3, "little": 0.3, "thumb": 0.0}
    assert all(abs(seen[side] - share) < 0.03 for side, share in expected.items()), seen
    # A palm to the side faces the signer's middle: right in the image.
    sideways = draw(SignerView(palm_out_share=0, palm_in_share=0, up_share=1, forward_share=0))
    assert np.median((sideways @ PALM)[:, 0]) > 0.8


def test_palm_and_pointing_of_a_signer_are_independent():
    matrices = draw(SignerView(), count=9000)
    forward = directions(matrices)[1] < -42
    to_hand = matrices.transpose(0, 2, 1) @ TO_CAMERA
    palm_seen = (to_hand @ PALM) > 0
    table = np.histogram2d(forward, palm_seen, 2)[0]
    assert stats.chi2_contingency(table).pvalue > 1e-3


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"prior": "sideways"}, "does not match any of the expected tags"),
        ({"prior": "uniform", "back_share": 0.5}, "Extra inputs are not permitted"),
        ({"prior": "cone", "view_spread_deg": 200}, "less than or equal to 180"),
        ({"prior": "egocentric", "away_deg": [60, 20]}, "within 90 degrees"),
        ({"prior": "egocentric", "heading_deg": [0, -1]}, "greater than or equal to 0"),
        ({"prior": "third_person", "away_range_deg": [40, -60]}, "two ascending angles"),
        ({"prior": "signer", "palm_out_share": 0.8}, "palm_out_share .* at most 1"),
    ],
)
def test_a_wrong_view_says_what_was_expected(recipe: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(ViewRecipe).validate_python(recipe)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.prior)
def test_a_view_survives_its_own_json(view: ViewRecipe):
    adapter = TypeAdapter(ViewRecipe)
    assert adapter.validate_json(adapter.dump_json(view)) == view
