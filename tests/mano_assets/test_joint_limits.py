from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mano_assets.errors import InputError
from mano_assets.joint_couplings import COUPLINGS, coupled
from mano_assets.joint_limits import Range, clamp, coupling_violation, limits_rad, violation
from mano_assets.palm_arch import with_palm_arch
from mano_assets.skeleton import FINGERS, MANO16

RANGES: tuple[Range, ...] = ("functional", "active")
LONG = FINGERS[1:]
BEND, SPLAY, TWIST = 0, 1, 2  # Columns of the angle space.

angle_arrays = arrays(np.float64, (16, 3), elements=st.floats(-3, 3))
ranges = st.sampled_from(RANGES)


def pose_of(splays: dict[str, float] | None = None, **bends: Any) -> np.ndarray:
    """Bends by finger, base to tip, and splays by joint, degrees, as angles in radians."""
    angles = np.zeros((16, 3))
    for finger, values in bends.items():
        angles[MANO16.chain(finger), BEND] = np.deg2rad(values)
    for joint, splay in (splays or {}).items():
        angles[MANO16.index(joint), SPLAY] = np.deg2rad(splay)
    return angles


def outside_deg(angles: np.ndarray, range: Range = "active") -> float:
    """The worst violation of limits and couplings, degrees."""
    worst = max(violation(angles, range).max(), coupling_violation(angles, range).max())
    return float(np.rad2deg(worst))


@settings(deadline=None)
@given(angle_arrays, ranges)
def test_a_clamped_pose_violates_nothing_and_stays(angles: np.ndarray, range: Range):
    clamped = clamp(angles, range)
    assert outside_deg(clamped, range) == 0
    np.testing.assert_array_equal(clamp(clamped, range), clamped)


@settings(deadline=None)
@given(angle_arrays, st.floats(0.02, 0.6), ranges)
def test_only_a_pose_without_violation_is_left_alone(angles: np.ndarray, size: float, range: Range):
    # Around the middle of the range, so that both cases come up.
    near = limits_rad(range).mean(-1) + size * angles * np.ptp(limits_rad(range), axis=-1)
    unchanged = np.array_equal(clamp(near, range), near)
    assert unchanged == (outside_deg(near, range) == 0)


@settings(deadline=None)
@given(angle_arrays)
def test_the_functional_range_is_inside_the_active_one(angles: np.ndarray):
    assert outside_deg(clamp(angles, "functional"), "active") == 0
    functional, active = (limits_rad(range) for range in RANGES)
    assert (functional[..., 0] >= active[..., 0]).all()
    assert (functional[..., 1] <= active[..., 1]).all()


@settings(deadline=None)
@given(angle_arrays, ranges)
def test_a_clamped_angle_is_between_what_it_was_and_the_range(angles: np.ndarray, range: Range):
    limits = limits_rad(range)
    clamped = clamp(angles, range)
    assert (clamped >= limits[..., 0]).all()
    assert (clamped <= limits[..., 1]).all()
    # Hinges, thumb and wrist have no couplings but the DIP's: they only meet their own limits.
    uncoupled = [
        MANO16.index(joint)
        for joint in MANO16.joints
        if not joint.endswith(("mcp", "dip")) or joint.startswith("thumb")
    ]
    expected = np.clip(angles, limits[..., 0], limits[..., 1])
    np.testing.assert_array_equal(clamped[uncoupled], expected[uncoupled])


@settings(deadline=None)
@given(angle_arrays)
def test_violations_are_what_the_tables_say(angles: np.ndarray):
    for range in RANGES:
        limits, found = limits_rad(range), violation(angles, range)
        for joint, column in np.ndindex(16, 3):
            low, high = limits[joint, column]
            value = angles[joint, column]
            expected = low - value if value < low else max(value - high, 0)
            assert found[joint, column] == pytest.approx(expected, abs=1e-15)


@settings(deadline=None)
@given(arrays(np.float64, (16, 3), elements=st.floats(-1, 2)))
def test_couplings_are_what_their_names_say(angles: np.ndarray):
    degrees = {joint: np.rad2deg(angles[MANO16.index(joint)]).tolist() for joint in MANO16.joints}
    index, middle, ring, little = (degrees[f"{finger}_mcp"][BEND] for finger in LONG)
    excess = {
        "mcp: index over middle": index - middle - 80,
        "mcp: ring over middle": ring - middle - 80,
        "mcp: middle over ring": middle - ring - 70,
        "mcp: little over ring": little - ring - 80,
        "mcp: ring under both": (middle + little) / 2 - ring - 50,
        "mcp: ring over both": ring - (middle + little) / 2 - 60,
        "mcp: middle over both": middle - (index + ring) / 2 - 70,
    }
    for finger in LONG:
        bend, splay, _ = degrees[f"{finger}_mcp"]
        low, high = np.rad2deg(limits_rad("active")[MANO16.index(f"{finger}_mcp"), SPLAY])
        left = 1 - 0.85 * min(max(bend / 90, 0), 1)
        excess[f"{finger}: splay"] = max(low * left - splay, splay - high * left)
        pip, dip = degrees[f"{finger}_pip"][BEND], degrees[f"{finger}_dip"][BEND]
        excess[f"{finger}: dip"] = max(0.3 * pip - 27 - dip, dip - 1.1 * pip - 25)
    assert set(excess) == set(COUPLINGS)
    found = np.rad2deg(coupling_violation(angles))
    expected = [max(excess[name], 0) for name in COUPLINGS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


FIST = {finger: (82, 98, 62) for finger in LONG}
STRAIGHT = (2, 4, 3)
ADMITTED = {
    "flat hand": pose_of(),
    "fist": pose_of(**FIST, thumb=(30, 32, 30)),
    "pointing": pose_of(**{**FIST, "index": STRAIGHT}),
    "letter I": pose_of(**{**FIST, "little": STRAIGHT}),
    "horns": pose_of(**{**FIST, "index": STRAIGHT, "little": STRAIGHT}),
    "victory": pose_of(
        {"index_mcp": 10, "middle_mcp": -8}, **{**FIST, "index": STRAIGHT, "middle": STRAIGHT}
    ),
    "middle finger alone": pose_of(**{**FIST, "middle": STRAIGHT}),
    "ring finger half out of a fist": pose_of(**{**FIST, "ring": (35, 20, 14)}),
    "claw": pose_of(**{finger: (-20, 100, 80) for finger in LONG}),
    "table top": pose_of(**{finger: (80, 90, 0) for finger in LONG}),
    "roof": pose_of(**{finger: (85, 0, 0) for finger in LONG}),
    "bent wrist": np.deg2rad([[75, -30, 0]] + [[0, 0, 0]] * 15),
    "cupped hand": with_palm_arch(pose_of(**{f: (40, 35, 20) for f in LONG}), np.deg2rad(24)),
    "fan": pose_of({"index_mcp": 24, "middle_mcp": 2, "ring_mcp": -12, "little_mcp": -28}),
}
BROKEN = {
    "ring finger alone": (pose_of(**{**FIST, "ring": STRAIGHT}), 80 - 50),
    "tip bent alone": (pose_of(index=(0, 0, 60)), 60 - 25),
    "tip straight in a full curl": (pose_of(index=(0, 105, 0)), 0.3 * 105 - 27),
    "splayed fist": (pose_of({"index_mcp": 20}, **{**FIST, "index": (85, 98, 62)}), None),
    "knuckle bent back to the arm": (pose_of(index=(-60, 0, 0)), 60 - 25),
    "twisted hinge": (np.eye(16, 3, -MANO16.index("index_pip") + 2) * 0.1, np.rad2deg(0.1)),
    "hand on its back": (np.deg2rad([[-95, 0, 0]] + [[0, 0, 0]] * 15), 95 - 70),
    "arch the wrong way": (with_palm_arch(pose_of(), np.deg2rad(-25)), 25 - 10),
}


@pytest.mark.parametrize("name", ADMITTED)
def test_what_people_can_do_is_admitted(name: str):
    assert outside_deg(ADMITTED[name]) == 0
    np.testing.assert_array_equal(clamp(ADMITTED[name]), ADMITTED[name])


@pytest.mark.parametrize("name", BROKEN)
def test_what_they_cannot_is_refused(name: str):
    angles, by_deg = BROKEN[name]
    assert outside_deg(angles) > 1
    if by_deg is not None:
        assert outside_deg(angles) == pytest.approx(by_deg, abs=1e-9)


def test_daily_activities_do_without_extremes():
    for name in ("flat hand", "table top", "fist", "claw", "fan"):
        assert (outside_deg(ADMITTED[name], "functional") > 0) == (name != "flat hand"), name
    holding = pose_of(**{finger: (50, 60, 35) for finger in LONG}, thumb=(20, 20, 20))
    assert outside_deg(holding, "functional") == 0


def test_knuckles_meet_around_their_mean():
    alone = BROKEN["ring finger alone"][0]
    clamped = clamp(alone)
    knuckles = MANO16.indices([f"{finger}_mcp" for finger in LONG])
    before, after = alone[knuckles, BEND], clamped[knuckles, BEND]
    assert after.mean() == pytest.approx(before.mean(), abs=1e-12)
    spread = (after - after.mean()) / (before - before.mean())
    np.testing.assert_allclose(spread, spread[0])
    index, middle, ring, little = np.rad2deg(after)
    assert (middle + little) / 2 - ring == pytest.approx(50, abs=1e-3)
    assert index == pytest.approx(middle)
    others = np.setdiff1d(np.arange(16), knuckles)
    np.testing.assert_array_equal(clamped[others], alone[others])


def test_only_knuckles_the_thumb_s_base_and_the_wrist_splay():
    for range in RANGES:
        limits = limits_rad(range)
        free = {MANO16.joints[row] for row in np.flatnonzero(np.ptp(limits[:, SPLAY], axis=1))}
        assert free == {"wrist", "thumb_cmc", *(f"{finger}_mcp" for finger in LONG)}
        twisting = {MANO16.joints[row] for row in np.flatnonzero(np.ptp(limits[:, TWIST], axis=1))}
        assert twisting == free - {"wrist"}
        assert (limits[..., 0] <= 0).all()
        assert (limits[..., 1] >= 0).all()
        assert (limits[:, BEND, 1] > np.deg2rad(30)).all()


def test_knuckles_share_their_bend_limits():
    # Else drawing them together could leave one of them outside.
    for range in RANGES:
        knuckles = limits_rad(range)[MANO16.indices([f"{finger}_mcp" for finger in LONG]), BEND]
        assert (knuckles == knuckles[0]).all()


def test_tensors_are_treated_as_arrays_are():
    angles = np.random.default_rng(0).normal(0, 1.2, (50, 2, 16, 3))
    for function in (clamp, violation, coupling_violation):
        for range in RANGES:
            expected = function(angles, range)
            found = function(torch.tensor(angles), range)
            assert found.dtype == torch.float64
            np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-12)
            np.testing.assert_allclose(function(angles[3, 1], range), expected[3, 1], atol=1e-12)


@pytest.mark.parametrize("range", RANGES)
def test_single_precision_clamps_as_surely(range: Range):
    angles = torch.randn(500, 16, 3, generator=torch.Generator().manual_seed(0)) * 1.2
    clamped = clamp(angles, range)
    assert clamped.dtype == torch.float32
    assert violation(clamped, range).max() == 0
    assert coupling_violation(clamped, range).max() == 0
    assert torch.equal(clamp(clamped, range), clamped)


def test_slopes_lead_back_into_the_range():
    angles = torch.tensor(np.random.default_rng(0).normal(0, 1.2, (16, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(violation, angles)
    assert torch.autograd.gradcheck(coupling_violation, angles)
    assert torch.autograd.gradcheck(clamp, angles)
    for start in (angles.detach().clone(), torch.zeros(16, 3, dtype=torch.float64)):
        given_angles = start.requires_grad_()
        total = violation(given_angles).sum() + coupling_violation(given_angles).sum()
        (slope,) = torch.autograd.grad(total, given_angles)
        assert torch.isfinite(slope).all()
        after = (given_angles - 1e-3 * slope).detach()
        left = violation(after).sum() + coupling_violation(after).sum()
        assert left < total or total == 0


def test_a_given_pose_is_not_written_to():
    angles = BROKEN["ring finger alone"][0]
    before = angles.copy()
    clamp(angles)
    assert not np.array_equal(coupled(angles, limits_rad("active")), angles)
    np.testing.assert_array_equal(angles, before)
    limits_rad("active")[:] = 0
    assert np.ptp(limits_rad("active")) > 1


def test_an_unknown_range_is_named():
    with pytest.raises(InputError, match="range: is 'passive', expected functional or active"):
        limits_rad("passive")  # type: ignore[arg-type]
