"""Hardness: each part by an independent measure, and a total that grows with every part."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_poses import Drawing
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from mano_assets.hand import Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16
from render.poses import hardness
from render.poses.articulation import flat_hand
from render.poses.hardness import Hardness, range_exceedance, rarity

parts = st.builds(
    Hardness,
    range_exceedance=st.floats(0, 0.5),
    self_occluded_fraction=st.floats(0, 1),
    finger_gap_m=st.floats(0, 0.05),
    rarity=st.floats(0, 1.5),
)


@given(parts, st.sampled_from(list(Hardness(0, 0, 0, 0).parts())), st.floats(0, 0.5))
def test_the_total_grows_with_every_part_and_falls_with_the_gap(
    one: Hardness, part: str, more: float
):
    grown = replace(one, **{part: getattr(one, part) + more})
    change = grown.total - one.total
    assert change <= 0 if part == "finger_gap_m" else change >= 0
    if more > 0.01 and not (part == "finger_gap_m" and one.finger_gap_m > 0.02):
        assert change != 0
    assert 0 <= one.total <= 1.2


def test_the_total_is_0_for_what_nothing_makes_hard_and_1_for_what_everything_does():
    easy = Hardness(0.0, 0.0, np.inf, 0.0)
    assert easy.total == 0
    assert Hardness(100.0, 1.0, 0.0, 100.0).total == pytest.approx(1)
    assert easy.parts() == {
        "range_exceedance": 0, "self_occluded_fraction": 0, "finger_gap_m": np.inf, "rarity": 0
    }  # fmt: skip


def test_a_flat_hand_and_any_hand_of_the_functional_range_exceed_nothing():
    assert range_exceedance(flat_hand()) == 0
    lower, upper = np.moveaxis(limits_rad("functional"), -1, 0)
    inside = np.random.default_rng(0).uniform(lower, upper, (50, 16, 3))
    assert not range_exceedance(inside).any()
    # Twist does not count, nor does it hide a bend.
    inside[..., 2] += 1
    assert not range_exceedance(inside).any()


@pytest.mark.parametrize(("joint", "motion"), [("index_pip", 0), ("ring_mcp", 1), ("wrist", 0)])
def test_range_exceedance_is_how_far_bends_and_splays_are_outside_over_16(joint: str, motion: int):
    number = MANO16.index(joint)
    lower, upper = limits_rad("functional")[number, motion]
    angles = np.zeros((200, 16, 3))
    angles[:, number, motion] = np.linspace(2 * lower - 0.3, 2 * upper + 0.3, 200)
    value = angles[:, number, motion]
    expected = (np.maximum(lower - value, 0) + np.maximum(value - upper, 0)) / 16
    np.testing.assert_allclose(range_exceedance(angles), expected, atol=1e-12)
    # Monotone: never smaller further out.
    assert (np.diff(range_exceedance(angles)[value > 0]) >= 0).all()
    assert (np.diff(range_exceedance(angles)[value < 0]) <= 0).all()
    both = angles.copy()
    both[:, MANO16.index("thumb_ip"), 0] = 1.2
    assert (range_exceedance(both) > range_exceedance(angles)).all()


def test_rarity_is_the_distance_to_the_nearest_common_pose():
    common = hardness._common_poses()[0]
    far = np.random.default_rng(0).normal(0, 0.5, (30, 16, 3))
    features = far[:, 1:, :2].reshape(30, -1)
    expected = cdist(features, common).min(1) / np.sqrt(30)
    np.testing.assert_allclose([rarity(one) for one in far], expected, atol=1e-7)


def test_a_common_pose_is_not_rare_and_gets_rarer_further_from_it():
    common = np.zeros((16, 3))
    common[1:, :2] = hardness._common_poses()[0][7].reshape(15, 2)
    assert rarity(common) < 1e-6
    direction = np.random.default_rng(1).normal(size=(16, 3))
    away = [rarity(common + step * direction) for step in np.linspace(0, 2, 30)]
    # Nothing common lies out there: the distance grows all the way.
    assert (np.diff(away) > 0).all()
    # The wrist and the twists are not looked at.
    turned = common.copy()
    turned[MANO16.root] = 1
    turned[:, 2] = 1
    assert rarity(turned) == rarity(common)


def test_what_nobody_does_every_day_is_rarer(draws: Drawing):
    def median(name: str) -> float:
        return float(np.median([rarity(draw.pose.angles_rad) for draw in draws(name, 60)]))

    usual = max(median("counting"), median("rest"))
    for name in ("hyperextension", "crossed_fingers", "isolation", "thumb_under"):
        assert median(name) > 1.3 * usual
    for name in ("claw", "hook", "active_range"):
        assert median(name) > 2 * usual


def test_hard_poses_exceed_more_than_handshapes_that_nobody_strains_for(draws: Drawing):
    def mean(name: str) -> float:
        return float(np.mean([range_exceedance(d.pose.angles_rad) for d in draws(name, 60)]))

    assert mean("rest") < mean("counting") < mean("tight_fist")


def test_what_is_common_is_fixed_and_not_empty(hand: Hand):
    features, squares = hardness._common_poses()
    assert features.shape[1] == 30
    assert len(features) > 1500
    np.testing.assert_allclose(squares, np.linalg.norm(features, axis=1) ** 2)
