import numpy as np
import pytest
from made_up_mano import random_arrays
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.forearm import forearm_weights, join_forearm, turned_forearm
from mano_assets.hand import Hand
from mano_assets.skeleton import MANO16


def test_weights_rise_smoothly_up_the_arm(hand: Hand):
    joints = hand.arrays["J"]
    wrist, middle = joints[MANO16.indices(["wrist", "middle_mcp"])]
    up = (wrist - middle) / np.linalg.norm(wrist - middle)
    places_m = np.linspace(-0.1, 0.2, 3001)
    # Aside from the arm's axis nothing changes.
    aside = np.random.default_rng(0).normal(0, 0.05, (3001, 3))
    aside -= (aside @ up)[:, None] * up
    weights = forearm_weights(wrist + places_m[:, None] * up + aside, joints)
    np.testing.assert_allclose(weights, forearm_weights(wrist + places_m[:, None] * up, joints))
    assert (weights[places_m < -0.04] == 0).all()
    assert (weights[places_m > 0.045] == 1).all()
    assert 0.4 < weights[np.abs(places_m).argmin()] < 0.5
    slopes = np.gradient(weights, places_m)
    assert (slopes > -1e-9).all()
    # The slope is continuous: 0.1 mm changes it by little of its peak of 20 a metre.
    assert 15 < slopes.max() < 25
    assert np.abs(np.diff(slopes)).max() < 0.3


def test_each_vertex_turns_by_its_share(hand: Hand):
    rng = np.random.default_rng(0)
    vertices, joints = hand.shaped(rng.normal(size=(2, 3, 10)))
    weights = hand.arrays["forearm_weights"]
    wrist = rng.normal(size=(2, 3, 3))
    turned = turned_forearm(vertices, joints, weights, wrist)
    for row in np.ndindex(2, 3):
        root = joints[row][MANO16.root]
        turns = Rotation.from_rotvec(-weights[:, None] * wrist[row])
        expected = root + turns.apply(vertices[row] - root)
        np.testing.assert_allclose(turned[row], expected, atol=1e-12)
    np.testing.assert_array_equal(turned[..., weights == 0, :], vertices[..., weights == 0, :])
    # One hand in many poses is the same as as many hands.
    single = turned_forearm(vertices[0, 0], joints[0, 0], weights, wrist)
    np.testing.assert_array_equal(single[0, 0], turned[0, 0])


def test_the_hands_own_turn_brings_the_forearm_back(hand: Hand):
    vertices, joints, weights = (hand.arrays[k] for k in ("v_template", "J", "forearm_weights"))
    wrist = np.array([0.2, -0.3, 1.1])
    turned = turned_forearm(vertices, joints, weights, wrist)
    root, forearm = joints[MANO16.root], weights == 1
    back = root + Rotation.from_rotvec(wrist).apply(turned - root)
    np.testing.assert_allclose(back[forearm], vertices[forearm], atol=1e-12)
    assert forearm.sum() > 150


def test_a_straight_wrist_changes_nothing_and_a_slight_bend_little(hand: Hand):
    vertices, joints, weights = (hand.arrays[k] for k in ("v_template", "J", "forearm_weights"))
    straight = turned_forearm(vertices, joints, weights, np.zeros(3))
    np.testing.assert_array_equal(straight, vertices)
    for size in (1e-300, 1e-12, 1e-6, 1e-3):
        slight = turned_forearm(vertices, joints, weights, np.array([0, 0, size]))
        expected = -size * weights[:, None] * np.cross([0, 0, 1], vertices - joints[MANO16.root])
        np.testing.assert_allclose(slight - vertices, expected, atol=0.3 * size**2 + 1e-16)


@pytest.mark.parametrize("which", ["free", "joined"])
def test_no_triangle_turns_over_when_the_wrist_bends(which: str, hand: Hand):
    arrays = hand.arrays if which == "free" else join_forearm(random_arrays())
    vertices, joints = arrays["v_template"], arrays["J"]
    weights = forearm_weights(vertices, joints)
    triangles = arrays["f"].astype(int)
    triangles = triangles[(weights[triangles] > 0).any(1)]
    angles = np.zeros((7, 5, 16, 3))
    flexions, deviations = np.radians(np.linspace(-70, 80, 7)), np.radians(np.linspace(-35, 20, 5))
    angles[..., MANO16.root, 0] = flexions[:, None]
    angles[..., MANO16.root, 1] = deviations
    wrist = angles_to_pose(angles, joint_frames(hand.arrays["J"]))[..., :3].reshape(-1, 3)
    normals = []
    for posed in (vertices[None], turned_forearm(vertices, joints, weights, wrist)):
        a, b, c = np.moveaxis(posed[:, triangles], 2, 0)
        normals.append(np.cross(b - a, c - a))
    rest, bent = normals
    shares = weights[triangles].mean(1)
    for turn, bent_normals in zip(wrist, bent, strict=True):
        carried = Rotation.from_rotvec(-shares[:, None] * turn).apply(rest[0])
        assert (carried * bent_normals).sum(1).min() > 0
