from itertools import pairwise

import numpy as np
import pytest
import trimesh
from bent_fingers import one_joint, posed_rad

from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16

HINGES = [joint for joint in MANO16.joints if joint.endswith(("_pip", "_dip", "_ip"))]


@pytest.fixture(scope="module")
def joints_m(hand: Hand) -> np.ndarray:
    """hand21 joints of the flat hand, [21, 3]."""
    zeros = np.zeros(3)
    return hand.posed(zeros, np.zeros(45), np.zeros(10), zeros)[1]


def bone_distances_m(hand: Hand, joints_m: np.ndarray) -> dict[str, np.ndarray]:
    """Of every vertex to each finger's bones, finger to [V]; by dense sampling of the bones."""
    distances = {}
    for finger in FINGERS:
        bones = pairwise(joints_m[HAND21.chain(finger)])
        points = np.concatenate([np.linspace(start, end, 50) for start, end in bones])
        offsets = hand.arrays["v_template"][:, None] - points
        distances[finger] = np.linalg.norm(offsets, axis=-1).min(1)
    return distances


def along(vertices: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Place beside a bone: 0 at its start, 1 at its end, [V]."""
    bone = end - start
    return (vertices - start) @ bone / (bone @ bone)


def test_rows_are_shares(hand: Hand):
    weights = hand.arrays["weights"]
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    assert weights.min() >= 0


def test_outer_bones_move_their_own_finger_alone(hand: Hand, joints_m: np.ndarray):
    distances = bone_distances_m(hand, joints_m)
    for finger in FINGERS:
        moved = (hand.arrays["weights"][:, MANO16.chain(finger)[1:]] > 0).any(1)
        others = np.min([distances[other] for other in FINGERS if other != finger], axis=0)
        assert moved.any()
        assert (distances[finger][moved] < others[moved] - 0.004).all(), finger


def test_base_bones_reach_around_their_knuckle_only(hand: Hand, joints_m: np.ndarray):
    distances = bone_distances_m(hand, joints_m)
    for finger in FINGERS:
        share = hand.arrays["weights"][:, MANO16.chain(finger)].sum(1)
        # The thumb's base carries the ball of the thumb.
        reach_m = 0.030 if finger == "thumb" else 0.020
        assert share[distances[finger] > reach_m].max() < 0.2, finger
        assert share[distances[finger] > 1.5 * reach_m].max() < 0.03, finger


def test_last_phalanges_are_wholly_their_bone_s(hand: Hand, joints_m: np.ndarray):
    distances = bone_distances_m(hand, joints_m)
    for number, finger in enumerate(FINGERS):
        *_, last, tip = HAND21.chain(finger)
        place = along(hand.arrays["v_template"], joints_m[last], joints_m[tip])
        nearest = np.min(list(distances.values()), axis=0) == distances[finger]
        outer = nearest & (place > 0.65)
        assert outer.sum() > 10
        bone = MANO16.chain(finger)[-1]
        np.testing.assert_allclose(hand.arrays["weights"][outer, bone], 1, atol=1e-12)
        assert outer[hand.tip_vertices[number]]


def test_skin_at_a_hinge_is_shared_by_halves(hand: Hand, joints_m: np.ndarray):
    """So the crease runs through the joint: the outer bones' share turns over at its place."""
    distances = bone_distances_m(hand, joints_m)
    vertices, weights = hand.arrays["v_template"], hand.arrays["weights"]
    for joint in HINGES:
        finger = joint.split("_")[0]
        chain, named = HAND21.chain(finger), HAND21.index(joint)
        position = chain.index(named)
        place = along(vertices, joints_m[chain[position - 1]], joints_m[named])
        beside = (np.abs(place - 1) < 0.1) & (distances[finger] < 0.012)
        share = weights[:, MANO16.chain(finger)[position:]].sum(1)
        assert share[beside].mean() == pytest.approx(0.5, abs=0.06), joint


def test_weights_change_gradually_over_the_skin(hand: Hand):
    mesh = trimesh.Trimesh(hand.arrays["v_template"], hand.triangles, process=False)
    one, other = mesh.edges_unique.T
    jump = np.abs(hand.arrays["weights"][one] - hand.arrays["weights"][other]).max(1)
    # No bone's share leaps from none to all between two vertices.
    assert jump.max() < 0.75
    assert (jump > 0.5).mean() < 0.01


@pytest.mark.parametrize("joint", HINGES)
def test_bending_a_hinge_leaves_the_palm_and_the_other_fingers(
    hand: Hand, joints_m: np.ndarray, joint: str
):
    finger = joint.split("_")[0]
    vertices = hand.arrays["v_template"]
    bent = posed_rad(hand, one_joint(MANO16.index(joint), bend=1.4))
    moved = np.linalg.norm(bent - vertices, axis=1) > 1e-9
    assert moved.sum() > 100
    base, middle, *_ = HAND21.chain(finger)
    assert along(vertices[moved], joints_m[base], joints_m[middle]).min() > 0.5
    distances = bone_distances_m(hand, joints_m)
    others = np.min([distances[other] for other in FINGERS if other != finger], axis=0)
    assert (distances[finger] < others)[moved].all()
