"""Hard families: each is what its name says, and no other is."""

from collections.abc import Callable

import numpy as np
import pytest
from drawn_poses import Draw, Drawing, bends_deg
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from mano_assets.geometry.surface_patches import triangle_bones
from mano_assets.hand import Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from render.poses.articulation import LONG_FINGERS, curl, fan, flat_hand, splay
from render.poses.families import FAMILIES, load_family
from render.poses.hardness import range_exceedance
from render.visibility import hidden_joints

COUNT = 60
LOWER_DEG, UPPER_DEG = np.rad2deg(np.moveaxis(limits_rad("active"), -1, 0))
KNUCKLES = MANO16.indices([f"{finger}_mcp" for finger in LONG_FINGERS])
PALM_VIEW = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def splays_deg(draw: Draw) -> np.ndarray:
    """Of the four knuckles, index to little."""
    return np.rad2deg(draw.pose.angles_rad[KNUCKLES, 1])


def places(draw: Draw, joint: str) -> np.ndarray:
    """Of a kind of joint on the long fingers, index to little, metres."""
    return draw.pose.joints_m[HAND21.indices([f"{finger}_{joint}" for finger in LONG_FINGERS])]


def stretched(draw: Draw) -> tuple[bool, ...] | None:
    """Which fingers are, thumb to little; None if one is neither stretched nor curled."""
    angles = draw.pose.angles_rad
    straight = [bool(bends_deg(angles, "thumb_cmc")[0] < 0)]
    for mcp, pip in zip(bends_deg(angles, "mcp"), bends_deg(angles, "pip"), strict=True):
        if not (pip < 20 and mcp < 40) and not mcp + pip > 105:
            return None
        straight.append(bool(pip < 20))
    return tuple(straight)


def cross(draw: Draw) -> bool:
    """Somewhere two neighbours' tips lie in the other order than their knuckles."""
    knuckles = places(draw, "mcp")
    return bool(np.diff(places(draw, "tip") @ (knuckles[-1] - knuckles[0])).min() < 0)


def spread(draw: Draw) -> bool:
    angles = draw.pose.angles_rad
    straight = max(bends_deg(angles, "mcp").max(), bends_deg(angles, "pip").max()) < 15
    return bool(-np.diff(splays_deg(draw)).min() > 13 and straight)


def hook(draw: Draw) -> bool:
    angles = draw.pose.angles_rad
    return bool(bends_deg(angles, "mcp").max() < 17 and bends_deg(angles, "pip").min() > 80)


def claw(draw: Draw) -> bool:
    angles = draw.pose.angles_rad
    bent_back = bends_deg(angles, "mcp").max() < 12 and bends_deg(angles, "pip").min() > 35
    return bool(bent_back and splays_deg(draw)[0] - splays_deg(draw)[-1] > 10)


def bent_back(draw: Draw) -> bool:
    angles = draw.pose.angles_rad
    fingers, thumb = bends_deg(angles, "mcp"), bends_deg(angles, "thumb_mcp")
    return bool(fingers.min() < -12 and thumb[0] < -5)


def closed(draw: Draw) -> bool:
    angles = draw.pose.angles_rad
    return bool(bends_deg(angles, "mcp").min() > 58 and bends_deg(angles, "pip").min() > 70)


def at_the_wrist_s_rim(draw: Draw) -> bool:
    bend = np.rad2deg(draw.pose.angles_rad[MANO16.root, :2])
    lower, upper = LOWER_DEG[MANO16.root, :2], UPPER_DEG[MANO16.root, :2]
    return bool(np.linalg.norm(bend / np.where(bend > 0, upper, -lower)) > 0.74)


def shows_and_hides_fingers(draw: Draw) -> bool:
    return stretched(draw) not in (None, (True,) * 5, (False,) * 5)


def hides_its_thumb(hand: Hand, draw: Draw) -> bool:
    """Seen on the palm."""
    vertices, joints = (
        points @ PALM_VIEW.T + [0, 0, 0.6] for points in (draw.pose.vertices_m, draw.pose.joints_m)
    )
    return bool(hidden_joints(vertices, joints, hand, "right")[HAND21.index("thumb_tip")])


@pytest.mark.parametrize(
    ("family", "is_one"),
    [
        ("claw", claw),
        ("crossed_fingers", cross),
        ("extreme_splay", spread),
        ("hook", hook),
        ("hyperextension", bent_back),
        ("isolation", shows_and_hides_fingers),
        ("self_occluded", lambda draw: draw.pose.num_views > 1),
        ("thumb_under", None),
        ("tight_fist", closed),
        ("wrist_extremes", at_the_wrist_s_rim),
    ],
)
def test_a_family_is_what_its_name_says_and_no_other_is(
    family: str, is_one: Callable[[Draw], bool] | None, draws: Drawing, hand: Hand
):
    test = is_one or (lambda draw: hides_its_thumb(hand, draw))
    shares = {other: np.mean([test(draw) for draw in draws(other, COUNT)]) for other in FAMILIES}
    assert shares.pop(family) > 0.65
    assert max(shares.values()) < 0.4


def test_every_family_in_the_folder_is_looked_at():
    marks = test_a_family_is_what_its_name_says_and_no_other_is.pytestmark
    assert {family for family, _ in marks[0].args[1]} == set(FAMILIES)


def test_isolation_reaches_all_thirty_subsets(draws: Drawing):
    found = [stretched(draw) for draw in draws("isolation", 400)]
    assert np.mean([one is None for one in found]) < 0.02
    assert len({one for one in found if one and 0 < sum(one) < 5}) == 30


def test_fists_end_at_the_palm_and_hooks_do_not(draws: Drawing, hand: Hand):
    palm = np.unique(hand.triangles[triangle_bones(hand) == MANO16.root])

    def away_m(draw: Draw) -> float:
        return float(cKDTree(draw.pose.vertices_m[palm]).query(places(draw, "tip"))[0].max())

    fists = [away_m(draw) for draw in draws("tight_fist", COUNT)]
    assert np.median(fists) < 0.012
    assert max(fists) < 0.025
    assert np.median([away_m(draw) for draw in draws("hook", COUNT)]) > 0.015
    assert np.median([away_m(draw) for draw in draws("claw", COUNT)]) > 0.03


@pytest.mark.parametrize("family", ["claw", "hyperextension", "tight_fist"])
def test_strained_hands_leave_the_functional_range(family: str, draws: Drawing):
    beyond = [float(range_exceedance(draw.pose.angles_rad)) for draw in draws(family, COUNT)]
    assert np.mean(np.array(beyond) > 0) > 0.9
    relaxed = [float(range_exceedance(draw.pose.angles_rad)) for draw in draws("rest", COUNT)]
    assert np.median(beyond) > 3 * np.median(relaxed)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_of_a_family_differ_and_depend_on_the_generator_alone(family: str):
    draw = load_family(family).draw
    first, again, other = (draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@given(st.sampled_from(FINGERS), st.floats(-1, 1))
def test_a_curled_finger_takes_its_share_of_the_range(finger: str, share: float):
    angles = flat_hand()
    curl(angles, finger, share)
    joints = MANO16.chain(finger)
    ends = (UPPER_DEG if share > 0 else LOWER_DEG)[joints, 0]
    np.testing.assert_allclose(np.rad2deg(angles[joints, 0]), abs(share) * ends, atol=1e-9)
    angles[joints] = 0
    assert not angles.any()


def test_a_fan_opens_and_closes_the_fingers():
    angles = flat_hand()
    fan(angles, 1.0)
    base = np.rad2deg(angles[KNUCKLES, 1])
    assert (np.diff(base) < 0).all()
    assert base[0] == pytest.approx(UPPER_DEG[KNUCKLES[0], 1])
    assert base[-1] == pytest.approx(LOWER_DEG[KNUCKLES[-1], 1])
    fan(angles, -0.5)
    assert (np.diff(angles[KNUCKLES, 1]) > 0).all()
    splay(angles, "thumb", -1.0)
    thumb = MANO16.index("thumb_cmc")
    assert np.rad2deg(angles[thumb, 1]) == pytest.approx(LOWER_DEG[thumb, 1])
