"""Where the hand stands and the crop around it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mano_assets.hand import Hand
from render.factors.camera import Camera, CameraRecipe, draw_camera
from render.manifest import project
from render.placement import CLEARANCE_M, NEAREST_JOINT_M, crop, stand, towards
from render.randomness import stream

SIZE = 128

OFF_AXIS = st.tuples(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))


def camera(**changed: object) -> Camera:
    plain = {
        "kind": "phone",
        "focal_over_frame": 0.8,
        "distance_m": 0.5,
        "off_axis": [0.0, 0.0],
        "hand_share": 0.6,
        "jitter": [0.0, 0.0],
        "pitch_rad": 0.0,
        "roll_rad": 0.0,
    }
    return Camera.model_validate({**plain, **changed})


def turned(hand: Hand, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and joints of some pose in some orientation."""
    rng = np.random.default_rng(seed)
    orient = Rotation.random(random_state=rng).as_rotvec()
    return hand.posed(
        orient, rng.normal(0, 0.2, 45), np.zeros(10), np.zeros(3), wrist=rng.normal(0, 0.4, 3)
    )


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 999),
    distance_m=st.floats(0.05, 4),
    focal_over_frame=st.floats(0.4, 3),
    hand_share=st.floats(0.05, 1.5),
    jitter=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    off_axis=OFF_AXIS,
)
def test_the_crop_shows_the_hand_as_asked_for(
    hand: Hand,
    seed: int,
    distance_m: float,
    focal_over_frame: float,
    hand_share: float,
    jitter: tuple[float, float],
    off_axis: tuple[float, float],
):
    vertices, joints = turned(hand, seed)
    wished = camera(
        distance_m=distance_m,
        focal_over_frame=focal_over_frame,
        hand_share=hand_share,
        jitter=jitter,
        off_axis=off_axis,
    )
    shift = stand(vertices, joints, wished)
    placed = joints + shift
    # Middle of the joints in the camera's direction, at its distance unless that is too near.
    middle = (placed.min(0) + placed.max(0)) / 2
    np.testing.assert_allclose(middle[:2] / middle[2], off_axis, atol=1e-9)
    room = min(placed[:, 2].min() - NEAREST_JOINT_M, (vertices + shift)[:, 2].min() - CLEARANCE_M)
    assert room > -1e-12
    assert abs(middle[2] - distance_m) < 1e-9 or (middle[2] > distance_m and room < 1e-9)

    k = crop(placed, wished, SIZE)
    pixels = project(placed, k)
    low, high = pixels.min(0), pixels.max(0)
    np.testing.assert_allclose((low + high) / 2, (0.5 + np.array(jitter)) * SIZE, atol=1e-6)
    share = (high - low).max() / SIZE
    # The crop's width in frames: a crop of all of the frame has the frame's focal length.
    frames = focal_over_frame * SIZE / k[0, 0]
    assert frames < 1 + 1e-9
    assert abs(share - hand_share) < 1e-9 or (share > hand_share and abs(frames - 1) < 1e-9)


@settings(max_examples=50, deadline=None)
@given(off_axis=OFF_AXIS)
def test_a_hand_off_the_axis_shows_the_side_it_would_show_on_it(off_axis: tuple[float, float]):
    rotation = towards(np.array(off_axis))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    direction = np.array([*off_axis, 1.0])
    direction /= np.linalg.norm(direction)
    np.testing.assert_allclose(rotation @ [0, 0, 1], direction, atol=1e-12)
    # The shortest way: its axis lies across both.
    axis = Rotation.from_matrix(rotation).as_rotvec()
    np.testing.assert_allclose([axis @ direction, axis[2]], 0, atol=1e-12)


def test_an_arm_towards_the_camera_keeps_clear_of_it(hand: Hand):
    # MANO's forearm points along x: turned into the camera's plane, away, and into the lens.
    to_the_lens = Rotation.from_euler("y", 90, degrees=True).as_rotvec()
    vertices, joints = hand.posed(to_the_lens, np.zeros(45), np.zeros(10), np.zeros(3))
    assert vertices[:, 2].min() < joints[:, 2].min() - 0.05
    near = stand(vertices, joints, camera(distance_m=0.1))
    assert abs((vertices + near)[:, 2].min() - CLEARANCE_M) < 1e-12
    far = stand(vertices, joints, camera(distance_m=2.0))
    assert far[2] > near[2] + 1


def test_cameras_are_those_of_the_recipe():
    recipe = CameraRecipe()
    drawn = [draw_camera(recipe, stream(0, "camera", index)) for index in range(2000)]
    for name, weight in recipe.weights.items():
        of_kind = [one for one in drawn if one.kind == name]
        assert abs(len(of_kind) / len(drawn) - weight) < 0.04
        kind = recipe.kinds[name]
        for field, values in (
            (kind.focal_over_frame, [one.focal_over_frame for one in of_kind]),
            (kind.distance_m, [one.distance_m for one in of_kind]),
        ):
            low, high = field
            assert low <= min(values) < low + 0.1 * (high - low)
            assert high - 0.3 * (high - low) < max(values) <= high
    # Off the axis, but in the frame.
    right = [abs(one.off_axis[0]) * one.focal_over_frame for one in drawn]
    down = [abs(one.off_axis[1]) * one.focal_over_frame for one in drawn]
    assert 0.33 < max(right) < 0.5 * recipe.frame_share + 1e-9
    assert 0.25 < max(down) < 0.375 * recipe.frame_share + 1e-9


def test_a_camera_draws_as_many_numbers_whatever_its_kind():
    used = set()
    for name in CameraRecipe().weights:
        rng = stream(1, "camera", 0)
        draw_camera(CameraRecipe(weights={name: 1.0}), rng)
        used.add(rng.random())
    assert len(used) == 1
