import numpy as np
import pytest
import trimesh
from bent_fingers import (
    hinge,
    one_joint,
    posed_rad,
    share_beyond,
    turned_by_share,
    turned_over,
    without_correctives,
)

from mano_assets.anatomy import finger_of
from mano_assets.hand import Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, MANO16

FINGER_JOINTS = MANO16.joints[1:]
KNUCKLES = [joint for joint in FINGER_JOINTS if joint.endswith(("_mcp", "_cmc"))]


def extremes_rad(joint: int) -> list[np.ndarray]:
    """Angles of hands with this joint alone at an end of its active range."""
    poses = []
    for axis in range(3):
        for end in limits_rad("active")[joint, axis]:
            angles = one_joint(joint)
            angles[joint, axis] = end
            poses.append(angles)
    return poses


def test_the_flat_hand_has_none(hand: Hand):
    assert np.abs(hand.arrays["posedirs"]).max() > 0.001
    np.testing.assert_allclose(
        posed_rad(hand, np.zeros((16, 3))), hand.arrays["v_template"], rtol=0, atol=1e-15
    )


def test_skin_of_one_bone_alone_has_none(hand: Hand):
    correctives = np.abs(hand.arrays["posedirs"]).max((1, 2))
    alone = hand.arrays["weights"].max(1) == 1
    assert alone[list(hand.tip_vertices)].all()
    assert not correctives[alone].any()


def test_a_joint_s_correctives_stay_where_its_skin_is_shared(hand: Hand):
    of_joint = np.abs(hand.arrays["posedirs"].reshape(-1, 3, 15, 9)).max((1, 3))
    for joint in MANO16.indices(FINGER_JOINTS):
        share = share_beyond(hand, joint)
        changed = of_joint[:, joint - 1] > 0
        assert changed.any()
        assert ((share[changed] > 0) & (share[changed] < 1)).all(), MANO16.joints[joint]


@pytest.mark.parametrize("finger", FINGERS)
def test_skin_turns_by_its_share_instead_of_drawing_in(hand: Hand, finger: str):
    """Linear blending pulls shared skin to the axis; correctives keep it where turning puts it."""
    joint = hinge(finger)
    share = share_beyond(hand, joint)
    shared = (share > 0.01) & (share < 0.99)
    for bend_deg in (90, 110):
        angles = one_joint(joint, bend=np.deg2rad(bend_deg))
        ideal = turned_by_share(hand, joint, angles)

        def away_mm(some: Hand, angles: np.ndarray = angles, ideal: np.ndarray = ideal) -> float:
            offset = posed_rad(some, angles)[shared] - ideal[shared]
            return float(1000 * np.sqrt((offset**2).sum(1).mean()))

        # The swelling, up to 1.2 mm, belongs to the difference.
        assert away_mm(hand) < 0.8
        assert away_mm(hand) < 0.4 * away_mm(without_correctives(hand))


@pytest.mark.parametrize("joint", [name for name in FINGER_JOINTS if name not in KNUCKLES])
def test_no_triangle_of_a_finger_turns_over_at_a_limit(hand: Hand, joint: str):
    for angles in extremes_rad(MANO16.index(joint)):
        over, _ = turned_over(hand, MANO16.index(joint), angles)
        assert not over.any(), np.rad2deg(angles[MANO16.index(joint)])


@pytest.mark.parametrize("joint", KNUCKLES)
def test_few_triangles_turn_over_in_the_fold_of_a_knuckle(hand: Hand, joint: str):
    """The palm's skin lies in folds there; ours runs into itself, mostly where none can see it."""
    for angles in extremes_rad(MANO16.index(joint)):
        over, shared = turned_over(hand, MANO16.index(joint), angles)
        assert not (over & ~shared).any()
        assert over.sum() < 0.08 * shared.sum(), np.rad2deg(angles[MANO16.index(joint)])
        if over.any():
            assert share_seen(posed_rad(hand, angles), hand.triangles, over) < 0.15


def share_seen(vertices: np.ndarray, triangles: np.ndarray, chosen: np.ndarray) -> float:
    """Share of directions from which the backs of chosen triangles are seen."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    directions = np.random.default_rng(0).normal(0, 1, (32, 3))
    seen = 0
    for triangle in np.flatnonzero(chosen):
        centre = (a + b + c)[triangle] / 3
        normal = np.cross(b - a, c - a)[triangle]
        behind = np.where((directions @ normal < 0)[:, None], directions, -directions)
        # Where a line meets a plane, in coordinates along two sides (Moeller and Trumbore 1997).
        across = np.cross(behind[:, None], c - a)
        scale = (across * (b - a)).sum(-1)
        scale = np.where(np.abs(scale) < 1e-15, np.nan, scale)
        first = (across * (centre - a)).sum(-1) / scale
        turned = np.cross(centre - a, b - a)
        second = (behind @ turned.T) / scale
        away = (turned * (c - a)).sum(-1) / scale
        hit = (first >= 0) & (second >= 0) & (first + second <= 1) & (away > 1e-6)
        hit[:, triangle] = False
        seen += int((~hit.any(1)).sum())
    return seen / (len(directions) * int(chosen.sum()))


def test_a_box_shows_no_back_and_one_without_a_lid_does():
    box = trimesh.creation.box((0.1, 0.1, 0.1))
    vertices, triangles = np.asarray(box.vertices), np.asarray(box.faces)
    every = np.ones(len(triangles), bool)
    assert share_seen(vertices, triangles, every) == 0
    lid = (vertices[triangles][..., 2] > 0).all(1)
    open_box = triangles[~lid]
    assert 0.05 < share_seen(vertices, open_box, every[~lid]) < 0.5


@pytest.mark.parametrize("finger", FINGERS[1:])
def test_no_triangle_of_a_finger_turns_over_at_110_degrees(hand: Hand, finger: str):
    angles = one_joint(hinge(finger), bend=np.deg2rad(110))
    assert not turned_over(hand, hinge(finger), angles)[0].any()


def test_that_triangles_turn_over_would_be_noticed(hand: Hand):
    """Far beyond the range every finger folds into itself."""
    for finger in FINGERS:
        angles = one_joint(hinge(finger), bend=np.deg2rad(170))
        assert turned_over(hand, hinge(finger), angles)[0].any(), finger


def test_bends_change_nothing_beyond_the_finger(hand: Hand):
    for joint in MANO16.indices(FINGER_JOINTS):
        finger = finger_of(MANO16.joints[joint])
        angles = one_joint(joint, *0.9 * limits_rad("active")[joint, :, 1])
        moved = np.abs(posed_rad(hand, angles) - hand.arrays["v_template"]).max(1) > 1e-12
        own = hand.arrays["weights"][:, MANO16.chain(finger)].sum(1) > 0
        assert moved.any()
        assert not moved[~own].any()
