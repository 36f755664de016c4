"""Drawing scenes: reproducible, within limits, framed as asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.errors import InputError
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16
from render.environments import list_environments
from render.manifest import project
from render.poses.distributions import DISTRIBUTIONS, sample_angles
from render.poses.hardness import range_exceedance
from render.randomness import stream
from render.recipe import CameraRecipe, DatasetRecipe, SplitRecipe
from render.scene import Scene, draw_orientation, plan_scene, pose_scene


def recipe_of(**split: object) -> DatasetRecipe:
    one = {"name": "train", "count": 500, "poses": {"handshapes": 1.0}, **split}
    return DatasetRecipe.model_validate({"name": "test", "seed": 5, "splits": [one]})


def plan(recipe: DatasetRecipe, hand: Hand, index: int) -> Scene:
    return plan_scene(recipe, hand, list_environments(None), index)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_streams_depend_on_seed_name_and_index_alone(seed: int, index: int):
    first = stream(seed, "pose", index).random(4)
    stream(seed, "pose", index + 1).random(100)
    np.testing.assert_array_equal(first, stream(seed, "pose", index).random(4))
    for other in (stream(seed + 1, "pose", index), stream(seed, "view", index)):
        assert not np.array_equal(first, other.random(4))


def test_streams_of_neighbouring_samples_are_uncorrelated():
    draws = np.array([stream(0, "pose", index).random(8) for index in range(2000)])
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.08


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_poses_keep_the_active_range(name: str):
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    for index in range(300):
        _, angles = sample_angles(name, stream(0, "pose", index))
        assert (angles >= lower - 1e-9).all()
        assert (angles <= upper + 1e-9).all()


def test_an_unknown_distribution_is_named():
    with pytest.raises(InputError, match="pose distribution 'hrad' is unknown, expected one of"):
        sample_angles("hrad", stream(0, "pose", 0))


def test_hard_poses_are_harder_than_handshapes_that_nobody_strains_for():
    def mean(name: str) -> float:
        draws = [sample_angles(name, stream(0, "pose", index))[1] for index in range(300)]
        return float(np.mean(range_exceedance(np.array(draws))))

    assert mean("rest") < mean("counting") < mean("tight_fist")


def test_range_exceedance_grows_with_a_bend_beyond_the_functional_range():
    angles = np.zeros((50, 16, 3))
    angles[:, MANO16.index("index_pip"), 0] = np.linspace(0, 2, 50)
    assert (np.diff(range_exceedance(angles)) >= 0).all()
    assert range_exceedance(angles)[0] == 0


def test_the_stored_pose_is_the_drawn_one_for_either_side(hand: Hand):
    recipe = recipe_of()
    frames = joint_frames(hand.arrays["J"])
    sides = set()
    for index in range(20):
        scene = plan(recipe, hand, index)
        sides.add(scene.side)
        rng = stream(recipe.seed, "pose", index)
        rng.choice(1, p=[1.0])
        family, angles = sample_angles("handshapes", rng)
        pose = np.array(scene.pose)
        if scene.side == "left":
            pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
        assert scene.family == family
        straight_wrist = np.concatenate([np.zeros(3), pose])
        np.testing.assert_allclose(pose_to_angles(straight_wrist, frames), angles, atol=1e-9)
    assert sides == {"left", "right"}


def test_a_scene_survives_its_own_json(hand: Hand):
    scene = plan(recipe_of(), hand, 3)
    assert Scene.model_validate_json(scene.model_dump_json()) == scene


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 499), st.floats(0, 180))
def test_the_hand_fills_the_asked_share_of_the_image(hand: Hand, index: int, spread: float):
    scene = plan(recipe_of(view_spread_deg=spread), hand, index)
    geometry = pose_scene(scene, hand)
    pixels = project(geometry.joints_cam_m, np.array(scene.camera_k))
    share = np.ptp(pixels, axis=0).max() / scene.size
    nearest = geometry.joints_cam_m[:, 2].min()
    # A hand that may not come nearer is smaller than asked.
    assert 0.55 - 1e-3 < share < 0.8 + 1e-3 or (share < 0.8 and nearest < 0.1001)
    centre = (pixels.min(0) + pixels.max(0)) / 2 / scene.size - 0.5
    assert np.abs(centre).max() < 0.06 + 1e-3
    assert nearest > 0.0999


def test_a_spread_of_180_degrees_is_uniform_over_rotations():
    split = recipe_of(view_spread_deg=180.0, roll_spread_deg=180.0).splits[0]
    matrices = np.array([draw_orientation(split, stream(5, "view", n)) for n in range(2000)])
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0)
    # Haar measure: every entry of the matrix is uniform on [-1, 1] (Archimedes).
    for entry in matrices.reshape(-1, 9).T:
        assert stats.kstest((entry + 1) / 2, "uniform").pvalue > 1e-3


def test_the_arm_never_reaches_through_the_camera(hand: Hand):
    recipe = recipe_of(view_spread_deg=180.0, roll_spread_deg=180.0, poses={"hard": 1.0})
    nearest = [
        pose_scene(plan(recipe, hand, index), hand).vertices_cam_m[:, 2].min()
        for index in range(150)
    ]
    assert min(nearest) > 0.05


def test_a_positive_pitch_looks_up(hand: Hand):
    recipe = recipe_of().model_copy(
        update={"camera": CameraRecipe(pitch_deg=(20.0, 20.0), roll_deg=(0.0, 0.0))}
    )
    forward_world = np.array(plan(recipe, hand, 0).cam_from_world)[2, :3]
    np.testing.assert_allclose(forward_world[2], np.sin(np.deg2rad(20)))


def test_palms_face_the_camera_without_spread(hand: Hand):
    recipe = recipe_of(view_spread_deg=0.0, roll_spread_deg=0.0, poses={"rest": 1.0})
    for index in range(6):
        scene = plan(recipe, hand, index)
        geometry = pose_scene(scene, hand)
        wrist, middle, thumb = (geometry.joints_cam_m[i] for i in (0, 9, 4))
        assert middle[1] < wrist[1]
        # Palm to the camera: the thumb of a right hand is on the right of the image.
        assert (thumb[0] > wrist[0]) == (scene.side == "right")


def test_with_num_images_keeps_all_splits_and_the_total():
    recipe = DatasetRecipe(
        name="test",
        splits=(
            SplitRecipe(name="a", count=900, poses={"rest": 1}),
            SplitRecipe(name="b", count=90, poses={"rest": 1}),
            SplitRecipe(name="c", count=10, poses={"rest": 1}),
        ),
    )
    for total in (3, 17, 1000, 880_000):
        smaller = recipe.with_num_images(total)
        assert smaller.num_images == total
        assert [split.name for split in smaller.splits] == ["a", "b", "c"]
    with pytest.raises(InputError, match="num_images: is 2, expected at least one"):
        recipe.with_num_images(2)


def test_every_sample_has_its_part_and_split():
    recipe = recipe_of(count=1000).model_copy(update={"images_per_part": 300})
    covered = [index for part in range(recipe.num_parts) for index in recipe.part_range(part)]
    assert covered == list(range(1000))
    assert recipe.split_of(999).name == "train"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("splits", [], "at least 1 item"),
        ("image", {"size": 4}, "greater than or equal to 32"),
        ("camera", {"hand_share": [0.9, 0.2]}, "expected the lower end before the upper end"),
        ("camera", {"focal_over_width": [-1, 2]}, "greater than 0"),
        ("skin", {"tone": [0, 7]}, "less than or equal to 1"),
        ("splits", [{"name": "a", "count": 1, "poses": {"nope": 1}}], "'nope' is unknown"),
        ("spilts", 1, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_recipe_says_what_was_expected(field: str, value: object, message: str):
    good = {"name": "x", "splits": [{"name": "a", "count": 1, "poses": {"rest": 1}}]}
    with pytest.raises(ValidationError, match=message):
        DatasetRecipe.model_validate({**good, field: value})


def test_a_users_handshape_is_a_distribution():
    bends = {finger: [0, 0, 0] for finger in ("thumb", "index", "middle", "ring", "little")}
    own = {"mine": {**bends, "little": [60, 80, 40]}}
    split = {"name": "a", "count": 1, "poses": {"mine": 1.0}}
    recipe = DatasetRecipe.model_validate({"name": "x", "handshapes": own, "splits": [split]})
    family, angles = sample_angles("mine", stream(0, "pose", 0), recipe.handshapes)
    assert family == "mine"
    assert abs(np.rad2deg(angles[MANO16.index("little_pip"), 0]) - 80) < 25
    with pytest.raises(ValidationError, match="split a: pose distribution 'mine' is unknown"):
        DatasetRecipe.model_validate({"name": "x", "splits": [split]})
