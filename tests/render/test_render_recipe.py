"""Recipes: parts and splits, and in which words a wrong one is refused."""

from typing import Any

import pytest
from drawn_poses import recipe_of
from pydantic import ValidationError

from mano_assets.errors import InputError
from render.orientations import EgocentricView
from render.poses.distributions import TrajectoryPoses
from render.recipe import DatasetRecipe, SplitRecipe

BENDS = {finger: [0, 0, 0] for finger in ("thumb", "index", "middle", "ring", "little")}


def three_splits() -> DatasetRecipe:
    counts = {"a": 900, "b": 90, "c": 10}
    splits = [
        SplitRecipe(name=name, count=count, poses={"rest": 1}) for name, count in counts.items()
    ]
    return DatasetRecipe(name="test", splits=tuple(splits))


def test_with_num_images_keeps_all_splits_and_the_total():
    recipe = three_splits()
    for total in (3, 17, 1000, 880_000):
        smaller = recipe.with_num_images(total)
        assert smaller.num_images == total
        assert [split.name for split in smaller.splits] == ["a", "b", "c"]
    with pytest.raises(InputError, match="num_images: is 2, expected at least one"):
        recipe.with_num_images(2)


def test_every_sample_has_its_part_its_split_and_its_number_there():
    recipe = three_splits().model_copy(update={"images_per_part": 300})
    covered = [index for part in range(recipe.num_parts) for index in recipe.part_range(part)]
    assert covered == list(range(1000))
    for index, name, number in ((0, "a", 0), (899, "a", 899), (900, "b", 0), (999, "c", 9)):
        assert recipe.split_of(index).name == name
        assert recipe.index_in_split(index) == number
    for ask in (recipe.split_of, recipe.index_in_split):
        with pytest.raises(IndexError):
            ask(1000)


def test_a_recipe_survives_its_own_json():
    recipe = recipe_of(
        {
            "distributions": {
                "mine": {"kind": "handshape", **BENDS, "yields": "fingers"},
                "wide": {"kind": "range", "range": "functional"},
                "way": {"kind": "trajectory", "through": ["mine", "hard"], "seconds": 0.4},
                "caught": {"kind": "empirical", "path": "poses.npz", "jitter_deg": 2},
                "own": {"kind": "family", "file": "families/own.py"},
                "few": {"kind": "mano_pca", "components": 6},
            }
        },
        poses={"mine": 1, "wide": 0.5, "way": 2, "caught": 1, "own": 1, "few": 1, "hard": 1},
        view={"prior": "egocentric", "away_deg": [10, 5]},
        even=True,
        hardness={"edges": [0, 0.3, 1], "shares": [1, 3]},
    )
    again = DatasetRecipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert isinstance(again.splits[0].view, EgocentricView)
    assert isinstance(again.distributions["way"], TrajectoryPoses)
    assert again.distributions["way"].frames_per_move == 12


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("splits", [], "at least 1 item"),
        ("image", {"size": 4}, "greater than or equal to 32"),
        ("camera", {"hand_share": [0.9, 0.2]}, "expected the lower end before the upper end"),
        (
            "camera",
            {"kinds": {"phone": {"focal_over_frame": [-1, 2], "distance_m": [1, 2]}}},
            "greater than 0",
        ),
        ("skin", {"tone": [0, 7]}, "less than or equal to 1"),
        ("spilts", 1, "Extra inputs are not permitted"),
        ("distributions", {"mine": {"kind": "yoga"}}, "does not match any of the expected tags"),
    ],
)
def test_a_wrong_recipe_says_what_was_expected(field: str, value: object, message: str):
    with pytest.raises(ValidationError, match=message):
        recipe_of({field: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"poses": {}}, "expected at least one distribution with a positive weight"),
        ({"poses": {"rest": 0}}, "expected at least one distribution with a positive weight"),
        ({"poses": {"rest": 2, "hard": -1}}, "expected at least one distribution with a positive"),
        ({"poses": {"nope": 1}}, "split train: pose distribution 'nope' is unknown, expected one"),
        (
            {"poses": {"clips": 1, "hard": 1}, "clip_frames": 8},
            "split train: clip_frames is 8, expected poses of kind trajectory, got 'hard'",
        ),
        (
            {"poses": {"clips": 1}, "clip_frames": 8, "hardness": {"edges": [0, 1], "shares": [1]}},
            "hardness is given, expected null with clip_frames 8",
        ),
        ({"hardness": {"edges": [0.5, 0.2], "shares": [1]}}, "expected them in ascending order"),
        ({"hardness": {"edges": [0, 0.5, 0.5], "shares": [1, 1]}}, "expected them in ascending"),
        (
            {"hardness": {"edges": [0, 0.5, 1], "shares": [1]}},
            "shares has 1 numbers, expected 2, one a bin",
        ),
        ({"hardness": {"edges": [0, 2], "shares": [1]}}, "less than or equal to 1"),
        ({"hardness": {"edges": [0, 1], "shares": [0]}}, "greater than 0"),
        ({"view": {"prior": "upside_down"}}, "does not match any of the expected tags"),
        ({"view_spread_deg": 30}, "Extra inputs are not permitted"),
        ({"clip_frames": 0}, "greater than or equal to 1"),
        ({"count": 0}, "greater than or equal to 1"),
        ({"name": "Train!"}, "should match pattern"),
    ],
)
def test_a_wrong_split_says_what_was_expected(fields: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        recipe_of(**fields)


def test_splits_need_names_of_their_own():
    split = {"name": "a", "count": 1, "poses": {"rest": 1}}
    with pytest.raises(ValidationError, match="expected splits of different names, got"):
        recipe_of({"splits": [split, split]})


def test_a_trajectory_through_itself_is_refused_with_the_recipe():
    way = {"kind": "trajectory", "through": ["back"]}
    back = {"kind": "trajectory", "through": ["rest", "way"]}
    with pytest.raises(ValidationError, match="'way' goes through itself, expected key poses"):
        recipe_of({"distributions": {"way": way, "back": back}}, poses={"way": 1})


def test_a_distribution_of_one_s_own_counts_in_this_recipe_alone():
    own = {"mine": {"kind": "handshape", **BENDS}}
    assert recipe_of({"distributions": own}, poses={"mine": 1.0}).splits[0].poses == {"mine": 1}
    with pytest.raises(ValidationError, match="split train: pose distribution 'mine' is unknown"):
        recipe_of(poses={"mine": 1.0})


def test_other_poses_for_every_split():
    recipe = three_splits().with_poses("hard")
    assert [split.poses for split in recipe.splits] == [{"hard": 1.0}] * 3
    with pytest.raises(InputError, match="'hrad' is unknown, expected one of"):
        recipe.with_poses("hrad")
    clips = recipe_of(poses={"clips": 1.0}, clip_frames=4)
    assert clips.with_poses("clips") == clips
    with pytest.raises(InputError, match="clip_frames is 4, expected poses of kind trajectory"):
        clips.with_poses("hard")
