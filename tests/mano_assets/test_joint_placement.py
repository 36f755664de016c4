import numpy as np
import pytest
from winding import winding_numbers

from mano_assets.building.free_hand import _canonical_frame, _numbered_like_mano
from mano_assets.building.people import sample_arms
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16

INTERHAND_MM = {
    "thumb": ((33, 44), (32, 41), (29, 34), (27, 30)),
    "index": ((81, 92), (38, 44), (23, 27), (20, 23)),
    "middle": ((79, 89), (39, 48), (27, 31), (21, 24)),
}
"""Shortest and longest bones of six annotated adult hands of InterHand2.6M, wrist to tip."""


def flat_joints_mm(hand: Hand, betas: np.ndarray) -> np.ndarray:
    """hand21 joints of flat hands, [..., 21, 3]."""
    shape = betas.shape[:-1]
    zeros = np.zeros((*shape, 3))
    return 1000 * hand.posed(zeros, np.zeros((*shape, 45)), betas, zeros)[1]


def bones_mm(joints_mm: np.ndarray, finger: str) -> np.ndarray:
    """Lengths from the wrist to a fingertip, [..., 4]."""
    chain = [HAND21.root, *HAND21.chain(finger)]
    return np.linalg.norm(np.diff(joints_mm[..., chain, :], axis=-2), axis=-1)


def test_bones_are_those_of_annotated_hands(hand: Hand):
    joints = flat_joints_mm(hand, np.zeros(10))
    annotated = sum(np.mean(lengths) for lengths in INTERHAND_MM["middle"])
    scale = bones_mm(joints, "middle").sum() / annotated
    for finger, ranges in INTERHAND_MM.items():
        shortest, longest = np.transpose(ranges)
        lengths = bones_mm(joints, finger) / scale
        # Six hands don't reach the ends of what there is: a tenth beyond them is allowed.
        assert (lengths > 0.9 * shortest).all(), (finger, lengths)
        assert (lengths < 1.1 * longest).all(), (finger, lengths)


def test_joints_lie_deep_in_the_flesh_of_every_shape(hand: Hand):
    for betas in np.random.default_rng(0).normal(0, 1, (8, 10)):
        vertices, joints = hand.shaped(betas)
        # The forearm is open at the elbow, so that the surface winds a little less than once.
        assert winding_numbers(joints, vertices, hand.triangles).min() > 0.9
        depths = np.linalg.norm(vertices - joints[:, None], axis=-1).min(1)
        shallow = [name for name, depth in zip(MANO16.joints, depths, strict=True) if depth < 0.004]
        assert not shallow, "joints closer than 4 mm to the skin"


def test_hands_are_as_long_as_people_s(hand: Hand):
    betas = np.random.default_rng(0).normal(0, 1, (2000, 10))
    lengths = bones_mm(flat_joints_mm(hand, betas), "middle").sum(-1)
    low, high = np.percentile(lengths, [2.5, 97.5])
    # Adults: women's 5th percentile is 160 mm, men's 95th 205 mm (Pheasant, Bodyspace, 1996).
    assert 150 < low < 170
    assert 195 < high < 220


@pytest.mark.slow
def test_joints_are_found_on_people_outside_the_fit(hand: Hand):
    arms, joints21 = _canonical_frame(_numbered_like_mano(sample_arms(32, seed=123)), 123)
    found = hand.arrays["J_regressor"] @ arms.vertices
    placed = joints21[:, HAND21.indices(MANO16.joints)]
    errors_mm = 1000 * np.linalg.norm(found - placed, axis=-1)
    assert errors_mm.mean() < 1
    for finger in FINGERS:
        outer = MANO16.chain(finger)[1:]
        assert errors_mm[:, outer].max() < 2, finger
    assert errors_mm.max() < 3.5
