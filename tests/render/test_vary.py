"""Paired counterfactuals: one factor differs, nothing else."""

import numpy as np
import pytest
from drawn_poses import Planning
from pydantic import ValidationError

from render.planning import Plan, ScenePlanner
from render.recipe import DatasetRecipe

COMPANY = {
    "left_share": 0.5,
    "second_hand": {"share": 0.4},
    "things": {"held_share": 0.7, "near_share": 0.3},
    "dress": {"sleeve": {"share": 0.7}, "bracelet_share": 0.6, "rings": {"ring": 0.6}},
    "sensor": {"motion_share": 0.7},
}
COUNT = 12


def plans(planning: Planning, **vary: str) -> list[Plan]:
    planner: ScenePlanner = planning({**COMPANY, "vary": vary}, poses={"functional": 1.0})
    return [planner.plan(index) for index in range(COUNT)]


@pytest.fixture(scope="module")
def plain(planning: Planning) -> list[Plan]:
    return plans(planning)


def changed(plain: list[Plan], others: list[Plan]) -> set[str]:
    """Dotted names of what differs in any pair of scenes."""
    found: set[str] = set()
    for one, other in zip(plain, others, strict=True):
        first, second = one.scene.model_dump(), other.scene.model_dump()
        for field in first:
            if first[field] == second[field]:
                continue
            if isinstance(first[field], dict) and isinstance(second[field], dict):
                found |= {
                    f"{field}.{key}"
                    for key in first[field]
                    if first[field][key] != second[field][key]
                }
            else:
                found.add(field)
        np.testing.assert_array_equal(
            one.geometry.joints_cam_m, other.geometry.joints_cam_m, "the labels are the same"
        )
        assert (one.hardness, one.num_draws) == (other.hardness, other.num_draws)
    return found


@pytest.mark.parametrize(
    ("factor", "value", "fields"),
    [
        ("occluder", "none", {"things"}),
        ("second_hand", "off", {"second"}),
        ("sleeve", "off", {"dress.sleeve", "second.dress"}),
        ("jewellery", "off", {"dress.bracelet", "dress.rings", "second.dress"}),
        ("skin_tone", "0.25", {"skin.tone"}),
        ("skin_roughness", "0.9", {"skin.roughness"}),
        ("setting_rotation_deg", "90", {"setting.rotation_rad"}),
        ("blur", "off", {"sensor.aperture_mm", "sensor.moving", "sensor.motion_px"}),
    ],
)
def test_one_factor_changes_what_it_says(
    plain: list[Plan], planning: Planning, factor: str, value: str, fields: set[str]
):
    assert changed(plain, plans(planning, **{factor: value})) == fields


def test_a_hand_without_its_forearm_wears_nothing_on_it(plain: list[Plan], planning: Planning):
    others = plans(planning, forearm="off")
    assert changed(plain, others) == {
        "arm.forearm", "dress.sleeve", "dress.bracelet", "dress.rings",
        "second.arm", "second.dress",
    }  # fmt: skip
    for plan in others:
        joints = plan.geometry.joints_cam_m
        reach = np.linalg.norm(plan.staged.skin_cam_m - joints[0], axis=1).max()
        # A fingertip is the furthest from the wrist, not an elbow.
        assert reach < np.linalg.norm(joints - joints[0], axis=1).max() + 0.03


def test_an_environment_replaces_whatever_setting_there_was(plain: list[Plan], planning: Planning):
    others = plans(planning, environment="city.exr")
    assert {plan.scene.setting.name for plan in others} == {"city.exr"}
    assert changed(plain, others) <= {
        "setting.kind", "setting.file", "setting.room", "setting.crop", "setting.texture",
    }  # fmt: skip


def test_a_plain_sensor_has_no_noise(plain: list[Plan], planning: Planning):
    others = plans(planning, sensor="off")
    assert all(field.startswith("sensor.") for field in changed(plain, others))
    assert {plan.scene.sensor.electrons_at_white for plan in others} == {None}


def test_several_factors_at_once(plain: list[Plan], planning: Planning):
    both = plans(planning, occluder="none", skin_tone="0.5")
    assert changed(plain, both) == {"things", "skin.tone"}


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({"forearm": "on"}, "forearm is 'on', expected 'off'"),
        ({"occluder": "off"}, "occluder is 'off', expected 'none'"),
        ({"skin_tone": "dark"}, "skin_tone is 'dark', expected a number"),
        ({"skin_tone": "2"}, "skin_tone is '2', expected a number from 0 to 1"),
        ({"environment": ""}, "environment is empty, expected the name"),
        ({"weather": "rain"}, "Input should be 'forearm', 'sleeve'"),
    ],
)
def test_what_cannot_be_varied_is_told(vary: dict[str, str], message: str):
    split = {"name": "train", "count": 2, "poses": {"rest": 1}}
    with pytest.raises(ValidationError, match=message):
        DatasetRecipe.model_validate({"name": "x", "splits": [split], "vary": vary})
