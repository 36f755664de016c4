"""Distributions: what they draw, and what is said about one that cannot be used."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_poses import Drawing, bends_deg
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.errors import InputError
from mano_assets.geometry.self_intersection import SelfIntersection
from mano_assets.hand import Hand
from mano_assets.joint_limits import (
    PALM_ARCH_LIMITS_DEG,
    Range,
    clamp,
    coupling_violation,
    limits_rad,
    violation,
)
from mano_assets.palm_arch import palm_arch
from mano_assets.skeleton import MANO16
from render.poses.articulation import rest_wrist
from render.poses.distributions import (
    DISTRIBUTIONS,
    GROUPS,
    Distribution,
    FamilyPoses,
    PcaPoses,
    RangePoses,
    check_distribution,
    draw_from,
    leaves,
)
from render.poses.families import FAMILIES
from render.poses.handshapes import HANDSHAPES, handshape_angles
from render.poses.ranges import NUM_RANGE_UNIFORMS, range_angles
from render.randomness import stream

BENDS = {finger: [0, 0, 0] for finger in ("thumb", "index", "middle", "ring", "little")}


def kind(**fields: Any) -> Distribution:
    return TypeAdapter(Distribution).validate_python(fields)


def raw(name: str, hand: Hand, count: int, own: dict[str, Distribution] | None = None):
    """Angles as a distribution draws them, before limits and contact."""
    families = leaves(name, own or {}, hand)
    rngs = [stream(3, name, index) for index in range(count)]
    return np.array([draw_from(families, rng)[1].draw(rng, None) for rng in rngs])


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_drawn_pose_keeps_limits_and_couplings_and_clear_of_itself(
    name: str, draws: Drawing, hand: Hand, intersection: SelfIntersection
):
    frames = joint_frames(hand.arrays["J"])
    for draw in draws(name, 16):
        drawn = draw.pose
        assert drawn.distribution == name
        assert drawn.family in GROUPS.get(name, (name,))
        assert violation(drawn.angles_rad, "active").max() == 0
        assert coupling_violation(drawn.angles_rad, "active").max() == 0
        # The mesh of the sample's own shape, made from the stored pose by another way.
        np.testing.assert_allclose(drawn.pose, angles_to_pose(drawn.angles_rad, frames))
        vertices, joints = hand.posed(
            np.zeros(3), drawn.pose[3:], draw.betas, np.zeros(3), wrist=drawn.pose[:3]
        )
        assert not intersection.intersects(vertices)
        np.testing.assert_allclose(drawn.vertices_m, vertices, atol=1e-12)
        np.testing.assert_allclose(drawn.joints_m, joints, atol=1e-12)


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_a_group_draws_each_of_its_families_equally_often(name: str, hand: Hand):
    families = leaves(name, {}, hand)
    assert set(families) == set(GROUPS[name])
    drawn = [draw_from(families, stream(0, name, index))[0] for index in range(2000)]
    counts = [drawn.count(family) for family in families]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_everything_that_the_folder_and_the_table_hold_can_be_asked_for():
    assert {*FAMILIES, *HANDSHAPES, *GROUPS} < set(DISTRIBUTIONS)
    assert {"functional", "active_range", "mano_pca", "clips", "rest"} < set(DISTRIBUTIONS)


@pytest.mark.parametrize("range_", ["functional", "active"])
def test_a_range_is_filled_evenly_from_end_to_end(range_: Range, hand: Hand):
    own = {"mine": RangePoses(kind="range", range=range_)}
    angles = raw("mine", hand, 3000, own)
    limits = limits_rad(range_)
    free = [(joint, 0) for joint in MANO16.joints if joint.endswith(("_mcp", "_pip"))]
    free += [("thumb_cmc", 0), ("thumb_ip", 0), ("wrist", 0), ("wrist", 1), ("thumb_cmc", 1)]
    free += [(f"{finger}_mcp", 1) for finger in ("index", "middle", "ring", "little")]
    for joint, motion in free:
        lower, upper = limits[MANO16.index(joint), motion]
        values = angles[:, MANO16.index(joint), motion]
        assert stats.kstest((values - lower) / (upper - lower), "uniform").pvalue > 1e-4
    flat, cupped = np.deg2rad(PALM_ARCH_LIMITS_DEG[range_])
    assert stats.kstest((palm_arch(angles) - flat) / (cupped - flat), "uniform").pvalue > 1e-3
    # Fingers are drawn apart from each other, but a DIP joint follows its PIP joint.
    by_pair = np.corrcoef(bends_deg(angles, "pip").T)[np.triu_indices(4, 1)]
    assert np.abs(by_pair).max() < 0.08
    for finger in range(4):
        pip, dip = bends_deg(angles, "pip")[:, finger], bends_deg(angles, "dip")[:, finger]
        # The ratio has mean 2/3 and is uniform to 40 % on both sides.
        assert abs(dip.sum() / pip.sum() - 2 / 3) < 0.02
        bent = pip > 30
        ratio = dip[bent] / pip[bent] * 1.5
        assert stats.kstest((ratio - 0.6) / 0.8, "uniform").pvalue > 1e-3


def test_a_sobol_point_is_used_as_it_is(hand: Hand):
    (leaf,) = leaves("functional", {}, hand).values()
    point = np.random.default_rng(0).random(NUM_RANGE_UNIFORMS)
    np.testing.assert_array_equal(
        leaf.draw(stream(0, "pose", 0), point), range_angles("functional", point)
    )
    ends = [range_angles("active", np.full(NUM_RANGE_UNIFORMS, end)) for end in (0.0, 1.0)]
    assert (ends[0] <= ends[1] + 1e-12)[..., :2].all()


def test_a_functional_pose_is_within_the_functional_range_but_for_the_couplings(hand: Hand):
    angles = clamp(raw("functional", hand, 500), "active")
    # A DIP joint may follow its PIP joint a little beyond.
    dips = MANO16.indices([joint for joint in MANO16.joints if joint.endswith("_dip")])
    outside = violation(angles, "functional")
    assert outside[:, dips].max() < np.deg2rad(20)
    assert np.delete(outside, dips, axis=1).max() == 0
    assert violation(clamp(raw("active_range", hand, 500), "active"), "functional").max() > 0.3


def test_principal_components_are_normal_and_no_others_are_used(hand: Hand):
    own = {"few": PcaPoses(kind="mano_pca", components=5, std=0.4)}
    angles = raw("few", hand, 1500, own)
    poses = angles_to_pose(angles, joint_frames(hand.arrays["J"]))[:, 3:]
    coefficients = (poses - hand.arrays["hands_mean"]) @ hand.arrays["hands_components"].T
    for number in range(5):
        assert stats.kstest(coefficients[:, number] / 0.4, "norm").pvalue > 1e-3
    np.testing.assert_allclose(coefficients[:, 5:], 0, atol=1e-8)


@pytest.mark.parametrize("name", ["fist", "five", "rest"])
def test_a_handshape_is_drawn_about_its_own_angles(name: str, hand: Hand):
    shape = handshape_angles(HANDSHAPES[name])
    off = np.rad2deg(raw(name, hand, 600) - shape)
    np.testing.assert_allclose(off[:, 1:, :2].mean(0), 0, atol=1)
    np.testing.assert_allclose(off[:, 1:, 0].std(0), 6, atol=0.8)
    np.testing.assert_allclose(off[:, 1:, 1].std(0), 3, atol=0.4)
    assert not off[..., 2].any()
    still = kind(kind="handshape", jitter_deg=0, **HANDSHAPES[name].model_dump())
    np.testing.assert_array_equal(raw("still", hand, 2, {"still": still})[1], shape)


def test_a_resting_wrist_extends_as_the_fingers_curl():
    open_hand, fist = (
        np.tile(handshape_angles(HANDSHAPES[name]), (400, 1, 1)) for name in ("five", "fist")
    )
    for number, angles in enumerate((*open_hand, *fist)):
        rest_wrist(angles, stream(0, "wrist", number))
    wrists = [np.rad2deg(poses[:, MANO16.root]).mean(0) for poses in (open_hand, fist)]
    assert wrists[1][0] < wrists[0][0] - 10
    assert abs(wrists[0][1] - wrists[1][1]) < 2
    assert not open_hand[:, MANO16.root, 2].any()


def test_a_recipe_s_own_distribution_hides_a_shipped_one(hand: Hand):
    own = {"claw": kind(kind="handshape", jitter_deg=0, **BENDS)}
    assert not np.any(raw("claw", hand, 1, own)[0, :, 0])
    # In the group too.
    assert not np.any(leaves("hard", own, hand)["claw"].draw(stream(0, "p", 0), None)[:, 0])


def test_a_name_that_stands_for_nothing_is_told():
    message = "pose distribution 'hrad' is unknown, expected one of active_range, claw, clips, "
    with pytest.raises(InputError, match=message):
        check_distribution("hrad", {})
    own = {"way": kind(kind="trajectory", through=["rest", "mine"])}
    with pytest.raises(InputError, match=r"'mine' is unknown, expected one of .*, way"):
        check_distribution("way", own)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ({"round": ["round"]}, "round"),
        ({"there": ["rest", "back"], "back": ["there"]}, "there"),
        # Through a group that it is a member of.
        ({"claw": ["hard"]}, "claw"),
        ({"claw": ["hard"]}, "hard"),
    ],
)
def test_a_trajectory_through_itself_is_told(own: dict[str, list[str]], name: str, hand: Hand):
    kinds = {key: kind(kind="trajectory", through=through) for key, through in own.items()}
    with pytest.raises(InputError, match=f"'{name}' goes through itself, expected key poses"):
        check_distribution(name, kinds)
    with pytest.raises(InputError, match="goes through itself"):
        leaves(name, kinds, hand)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "yoga"}, "does not match any of the expected tags"),
        ({"kind": "range", "range": "passive"}, "'functional' or 'active'"),
        ({"kind": "mano_pca", "components": 46}, "less than or equal to 45"),
        ({"kind": "trajectory", "through": []}, "at least 1 item"),
        ({"kind": "handshape", **BENDS, "yields": "palm"}, "'thumb', 'fingers' or 'nothing'"),
        ({"kind": "handshape", "thumb": [0, 0, 0]}, "Field required"),
        ({"kind": "empirical"}, "Field required"),
        ({"kind": "range", "jitter": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_distribution_says_what_was_expected(fields: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        kind(**fields)


def family(tmp_path: Path, text: str, name: str = "mine.py") -> dict[str, Distribution]:
    path = tmp_path / name
    path.write_text(text)
    return {"mine": FamilyPoses(kind="family", file=path)}


def test_a_family_of_one_s_own_is_a_file_with_draw(hand: Hand, tmp_path: Path):
    own = family(
        tmp_path,
        "import numpy as np\n"
        "VIEWS, YIELDS = 3, 'fingers'\n"
        "def draw(rng):\n    return rng.integers(0, 2, (16, 3))\n",
    )
    (leaf,) = leaves("mine", own, hand).values()
    assert (leaf.num_views, leaf.yields) == (3, "fingers")
    angles = leaf.draw(stream(0, "pose", 0), None)
    assert angles.dtype == float
    np.testing.assert_array_equal(angles, stream(0, "pose", 0).integers(0, 2, (16, 3)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def paint(rng): pass", r"mine\.py: has no function draw, expected draw\(rng\)"),
        ("import nothing_of_that_name", r"mine\.py: cannot be run, .*ModuleNotFoundError"),
        ("def draw(rng): return rng\nVIEWS = 0", r"mine\.py: VIEWS is 0, expected a number of"),
        ("def draw(rng): return rng\nYIELDS = 'all'", r"mine\.py: YIELDS is 'all', expected one"),
    ],
)
def test_a_family_file_that_cannot_be_used_is_told(
    text: str, message: str, hand: Hand, tmp_path: Path
):
    with pytest.raises(InputError, match=message) as caught:
        leaves("mine", family(tmp_path, text), hand)
    assert "\n" not in str(caught.value)


def test_a_family_file_that_is_none_is_told(hand: Hand, tmp_path: Path):
    with pytest.raises(InputError, match=r"mine\.txt: not a \.py file, expected a pose family"):
        leaves("mine", family(tmp_path, "def draw(rng): pass", "mine.txt"), hand)
    missing: dict[str, Distribution] = {"mine": FamilyPoses(kind="family", file=tmp_path / "no.py")}
    with pytest.raises(InputError, match=r"no\.py: no such file, expected a pose family"):
        leaves("mine", missing, hand)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("[0.0] * 45", r"draw returned shape \[45\], expected finite angles \[16, 3\]"),
        ("None", r"draw returned shape \[\], expected finite angles"),
        ("[[float('nan')] * 3] * 16", r"draw returned shape \[16, 3\], expected finite angles"),
        ("rng.twist()", r"draw failed, expected angles \[16, 3\] \(AttributeError"),
        ("[[1, 2], [3]]", r"draw failed, expected angles \[16, 3\] \(ValueError"),
    ],
)
def test_a_family_that_draws_something_else_is_told(
    result: str, message: str, hand: Hand, tmp_path: Path
):
    own = family(tmp_path, f"def draw(rng): return {result}")
    (leaf,) = leaves("mine", own, hand).values()
    with pytest.raises(InputError, match=f"pose family 'mine': {message}"):
        leaf.draw(stream(0, "pose", 0), None)
