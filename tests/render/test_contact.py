"""Giving way on contact: who moves, which way, and that it ends where skin only touches."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from drawn_poses import bends_deg
from hypothesis import given
from hypothesis import strategies as st

from mano_assets.anatomy import angles_to_pose, finger_of, joint_frames
from mano_assets.errors import InputError
from mano_assets.geometry.self_intersection import SelfIntersection
from mano_assets.geometry.surface_patches import FOREARM
from mano_assets.hand import Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, MANO16
from render.poses.articulation import LONG_FINGERS, curl, flat_hand, thumb
from render.poses.contact import STEP_SIZES, Yields, eased
from render.poses.distributions import FamilyPoses
from render.poses.sampler import PoseSampler
from render.randomness import stream

PALM = MANO16.root
ACTIVE = limits_rad("active")


def bone(joint: str) -> int:
    return MANO16.index(joint)


def some_hand(seed: int = 0) -> np.ndarray:
    """Every angle in the upper half of its range, so that each can retreat."""
    lower, upper = np.moveaxis(ACTIVE, -1, 0)
    share = np.random.default_rng(seed).uniform(0.5, 0.9, (16, 3))
    return lower + share * (upper - lower)


def moved(before: np.ndarray, after: np.ndarray) -> set[str]:
    """Which fingers, or the wrist."""
    return {
        finger_of(MANO16.joints[joint]) for joint in np.argwhere((before != after).any(1))[:, 0]
    }


@pytest.mark.parametrize("finger", LONG_FINGERS)
@pytest.mark.parametrize("other", [PALM, FOREARM])
def test_a_finger_in_the_palm_uncurls_and_nothing_else_moves(finger: str, other: int):
    before = some_hand()
    for pair in ((bone(f"{finger}_dip"), other), (other, bone(f"{finger}_dip"))):
        after = eased(before, [pair], "thumb", 1.0)
        assert moved(before, after) == {finger}
        chain = MANO16.chain(finger)
        np.testing.assert_array_less(after[chain, 0], before[chain, 0])
        np.testing.assert_array_equal(after[:, 1:], before[:, 1:])


def test_a_thumb_in_the_palm_lifts_off_whoever_yields():
    before = some_hand()
    for yields in get_args(Yields):
        after = eased(before, [(PALM, bone("thumb_ip"))], yields, 1.0)
        assert moved(before, after) == {"thumb"}
        assert after[bone("thumb_cmc"), 1] > before[bone("thumb_cmc"), 1]


def test_between_thumb_and_finger_the_one_that_is_named_yields():
    before = some_hand()
    pair = [(bone("middle_pip"), bone("thumb_ip"))]
    assert moved(before, eased(before, pair, "thumb", 1.0)) == {"thumb"}
    assert moved(before, eased(before, pair, "fingers", 1.0)) == {"middle"}


def test_a_lifted_thumb_straightens_instead_and_never_bends_back():
    before = some_hand()
    before[bone("thumb_cmc"), 1] = ACTIVE[bone("thumb_cmc"), 1, 1]
    pair = [(PALM, bone("thumb_ip"))]
    chain = MANO16.chain("thumb")
    after = eased(before, pair, "thumb", 1.0)
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])
    np.testing.assert_array_less(after[chain, 0], before[chain, 0])
    for _ in range(40):
        after = eased(after, pair, "thumb", 1.0)
    np.testing.assert_allclose(after[chain, 0], 0, atol=1e-12)
    extended = flat_hand()
    extended[chain, 0] = -0.1
    extended[chain[0], 1] = before[chain[0], 1]
    np.testing.assert_array_equal(eased(extended, pair, "thumb", 1.0), extended)


def test_neighbours_move_apart_each_to_its_side():
    before = some_hand()
    after = eased(before, [(bone("ring_pip"), bone("middle_pip"))], "thumb", 1.0)
    assert moved(before, after) == {"middle", "ring"}
    assert after[bone("middle_mcp"), 1] > before[bone("middle_mcp"), 1]
    assert after[bone("ring_mcp"), 1] < before[bone("ring_mcp"), 1]
    np.testing.assert_array_equal(after[..., 0], before[..., 0])


bones = st.integers(0, FOREARM)


@given(st.sets(st.tuples(bones, bones), max_size=6), st.sampled_from(get_args(Yields)))
def test_only_fingers_that_overlap_move_and_the_wrist_never(
    pairs: set[tuple[int, int]], yields: Yields
):
    before = some_hand(1)
    kept = before.copy()
    after = eased(before, pairs, yields, 1.5)
    np.testing.assert_array_equal(before, kept)
    named = {finger_of(MANO16.joints[one]) for pair in pairs for one in pair if one < FOREARM}
    assert moved(before, after) <= named & set(FINGERS)
    # Who retreats from what is inside the limits stays inside.
    assert (after[:, 0] >= ACTIVE[:, 0, 0]).all()
    assert (after[bone("thumb_cmc"), 1] <= ACTIVE[bone("thumb_cmc"), 1, 1]).all()


def test_larger_steps_go_further():
    before = some_hand()
    for pair in ((PALM, bone("index_dip")), (bone("index_pip"), bone("middle_pip"))):
        one, two = (np.abs(eased(before, [pair], "thumb", size) - before) for size in (1.0, 2.0))
        knuckle = [bone("index_mcp"), bone("middle_mcp")]
        np.testing.assert_allclose(two[knuckle, :2], 2 * one[knuckle, :2])
    assert list(STEP_SIZES) == sorted(STEP_SIZES)


def too_tight(flexion: float) -> np.ndarray:
    """A fist that is closed through its own palm, the thumb inside it."""
    angles = flat_hand()
    for finger in LONG_FINGERS:
        curl(angles, finger, (1.0, 1.0, 0.9))
    thumb(angles, flexion=flexion, opening=-0.5, mcp=0.6, ip=0.5)
    return angles


def family_of(angles_rad: np.ndarray, path: Path, more: str = "") -> dict[str, FamilyPoses]:
    """A family that always draws the same."""
    numbers = angles_rad.tolist()
    path.write_text(f"import numpy as np\n{more}\ndef draw(rng):\n    return np.array({numbers})\n")
    return {"same": FamilyPoses(kind="family", file=path)}


@pytest.mark.parametrize("flexion", [0.2, 0.5, 0.9])
def test_a_fist_through_its_own_palm_ends_as_a_fist_that_touches(
    hand: Hand, prepared: None, intersection: SelfIntersection, flexion: float, tmp_path: Path
):
    start = too_tight(flexion)
    rest = hand.shaped(np.zeros(10))
    pose = angles_to_pose(start, joint_frames(hand.arrays["J"]))
    assert intersection.intersects(hand.bent(*rest, np.zeros(3), pose[3:])[0])
    own = family_of(start, tmp_path / "fist.py")
    drawn = PoseSampler(hand, own, 0).draw({"same": 1.0}, stream(0, "pose", 0), np.zeros(10))
    assert drawn.num_draws == 1
    assert not intersection.intersects(drawn.vertices_m)
    assert bends_deg(drawn.angles_rad, "mcp").min() > 55
    assert bends_deg(drawn.angles_rad, "pip").min() > 70


def test_with_nothing_to_yield_the_same_fist_is_refused(
    hand: Hand, prepared: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("render.poses.sampler.MAX_DRAWS", 20)
    own = family_of(too_tight(0.5), tmp_path / "fist.py", 'YIELDS = "nothing"')
    with pytest.raises(InputError) as caught:
        PoseSampler(hand, own, 0).draw({"same": 1.0}, stream(0, "pose", 0), np.zeros(10))
    assert str(caught.value) == (
        "pose distribution 'same': in 20 draws every pose ran into itself, expected poses that "
        "leave the fingers room."
    )
