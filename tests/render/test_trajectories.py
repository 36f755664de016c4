"""Clips: smooth ways from key pose to key pose, the same in whatever order they are asked for."""

import sys

import numpy as np
import pytest
from drawn_poses import bends_deg
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BPoly

from mano_assets.errors import InputError
from mano_assets.geometry.self_intersection import SelfIntersection
from mano_assets.hand import Hand
from mano_assets.joint_limits import coupling_violation, violation
from render.poses.distributions import TrajectoryPoses, draw_from, leaves
from render.poses.sampler import DrawnPose, PoseSampler
from render.poses.trajectories import between
from render.randomness import stream

SHAPE = np.linspace(-1, 1, 10)
FRAMES_PER_MOVE = 12
OWN = {
    "counted": TrajectoryPoses(
        kind="trajectory", through=("counting",), seconds=0.5, frames_per_second=24.0
    ),
    "made_of_clips": TrajectoryPoses(kind="trajectory", through=("counted", "claw"), seconds=0.2),
}


def fresh(hand: Hand, seed: int = 11) -> PoseSampler:
    return PoseSampler(hand, OWN, seed)


def clip_of(
    sampler: PoseSampler, clip: int, count: int, name: str = "counted", betas: np.ndarray = SHAPE
) -> list[DrawnPose]:
    return [sampler.frame({name: 1.0}, clip, frame, betas) for frame in range(count)]


def angles_of(frames: list[DrawnPose]) -> np.ndarray:
    return np.array([frame.angles_rad for frame in frames])


@pytest.fixture(scope="module")
def clips(hand: Hand, prepared: None) -> list[list[DrawnPose]]:
    """Four clips of three moves and the key pose after them."""
    sampler = fresh(hand)
    return [clip_of(sampler, clip, 3 * FRAMES_PER_MOVE + 1) for clip in range(4)]


def test_the_way_is_the_path_of_least_jerk():
    # The only polynomial of degree five that is at rest at both ends (Flash and Hogan 1985).
    oracle = BPoly.from_derivatives([0, 1], [[0, 0, 0], [1, 0, 0]])
    start, end = np.random.default_rng(0).normal(size=(2, 16, 3))
    for time in np.linspace(0, 1, 21):
        expected = start + oracle(time) * (end - start)
        np.testing.assert_allclose(between(start, end, time), expected, atol=1e-12)


@given(st.floats(0, 1))
def test_between_two_poses_nothing_overshoots(time: float):
    start, end = np.random.default_rng(0).normal(size=(2, 16, 3))
    pose = between(start, end, time)
    assert (pose >= np.minimum(start, end) - 1e-12).all()
    assert (pose <= np.maximum(start, end) + 1e-12).all()
    np.testing.assert_allclose(between(end, start, 1 - time), pose, atol=1e-12)


def test_every_frame_is_valid(clips: list[list[DrawnPose]], intersection: SelfIntersection):
    for frames in clips:
        angles = angles_of(frames)
        assert violation(angles, "active").max() < 1e-9
        assert coupling_violation(angles, "active").max() < 1e-9
        assert not any(intersection.intersects(frame.vertices_m) for frame in frames)


def test_a_clip_rests_at_its_key_poses_and_moves_smoothly_between(clips: list[list[DrawnPose]]):
    ways = []
    for frames in clips:
        angles = angles_of(frames)
        way = np.abs(np.diff(angles[::FRAMES_PER_MOVE], axis=0))
        ways.append(way.max())
        # On the path of least jerk speed is at most 15/8 and acceleration 10 / sqrt(3).
        steps = np.diff(angles, axis=0).reshape(-1, FRAMES_PER_MOVE, 16, 3)
        assert (np.abs(steps) <= 15 / 8 / FRAMES_PER_MOVE * way[:, None] + 1e-12).all()
        turns = np.abs(np.diff(angles, 2, axis=0))
        assert turns.max() <= 10 / np.sqrt(3) / FRAMES_PER_MOVE**2 * way.max()
        # Through a key pose the speed is continuous: nearly none on either side.
        assert (np.abs(steps[:, [0, -1]]) <= 0.01 * way[:, None] + 1e-12).all()
    assert max(ways) > np.deg2rad(60)


def test_key_poses_are_drawn_from_the_distributions_named(clips: list[list[DrawnPose]]):
    """Counting: each finger of a key pose is about stretched, half bent or curled."""
    poses = np.concatenate([angles_of(frames)[::FRAMES_PER_MOVE] for frames in clips])
    middle = bends_deg(poses, "pip")
    assert ((middle < 25) | (middle > 45)).all()
    assert len({pose.tobytes() for pose in poses}) == len(poses)
    assert (middle < 25).any()
    assert (middle > 75).any()


def test_clips_reach_hands_that_only_touch_themselves(hand: Hand, prepared: None):
    """Fists among the key poses: drawn as they are, each would run into itself."""
    sampler = fresh(hand)
    keys = angles_of(
        [
            sampler.frame({"counted": 1.0}, clip, move * FRAMES_PER_MOVE, np.zeros(10))
            for clip in range(12)
            for move in range(2)
        ]
    )
    curled = (bends_deg(keys, "pip") > 70).sum(1)
    # One of seven is a fist; three of the other hands curl two or three fingers.
    assert (curled == 4).any()
    assert (curled == 3).any()


def test_a_frame_is_the_same_whatever_was_asked_before(hand: Hand, clips: list[list[DrawnPose]]):
    last = 3 * FRAMES_PER_MOVE
    order = [(2, last), (0, 5), (2, 3), (1, FRAMES_PER_MOVE), (0, last - 1), (2, last), (3, 0)]
    sampler = fresh(hand)
    for clip, frame in order:
        found = sampler.frame({"counted": 1.0}, clip, frame, SHAPE)
        expected = clips[clip][frame]
        np.testing.assert_array_equal(found.angles_rad, expected.angles_rad)
        np.testing.assert_array_equal(found.vertices_m, expected.vertices_m)
        assert found.num_draws == expected.num_draws


def test_clips_of_another_number_shape_or_seed_move_otherwise(
    hand: Hand, clips: list[list[DrawnPose]]
):
    first = angles_of(clips[0][:3])
    for other in (
        angles_of(clips[1][:3]),
        angles_of(clip_of(fresh(hand, seed=12), 0, 3)),
    ):
        assert np.abs(first - other).max() > 0.05


def test_a_clip_may_have_more_moves_than_calls_can_be_nested(hand: Hand, prepared: None):
    quick = {"quick": TrajectoryPoses(kind="trajectory", through=("five",), seconds=0.01)}
    sampler = PoseSampler(hand, quick, 0)
    moves = sys.getrecursionlimit() + 1
    assert sampler.frame({"quick": 1.0}, 0, moves, np.zeros(10)).family == "quick"


def test_single_poses_of_a_trajectory_lie_on_a_way(hand: Hand, prepared: None):
    only = TrajectoryPoses(kind="trajectory", through=("five", "rest"))
    ((family, leaf),) = leaves("way", {"way": only}, hand).items()
    assert family == "way"
    drawn = np.array([leaf.draw(stream(0, "pose", index), None) for index in range(400)])
    bend = bends_deg(drawn, "little_pip")[:, 0]
    # Key poses bend it by 4 or 27 degrees, give or take 6; in between a way spends little time.
    assert -15 < bend.min() < 4
    assert 27 < bend.max() < 50
    assert 0.1 < ((bend > 12) & (bend < 20)).mean() < 0.4


def test_a_trajectory_may_go_through_another(hand: Hand, prepared: None):
    frames = clip_of(fresh(hand), 0, 7, "made_of_clips")
    assert {frame.family for frame in frames} == {"made_of_clips"}
    members = leaves("made_of_clips", OWN, hand)
    assert draw_from(members, stream(0, "family", 0))[0] == "made_of_clips"


def test_key_poses_with_no_way_between_them_are_told(
    hand: Hand, prepared: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("render.poses.sampler.MAX_DRAWS", 5)
    monkeypatch.setattr(SelfIntersection, "intersects", lambda self, vertices: True)
    with pytest.raises(InputError, match="'counted': in 5 draws every pose ran into itself"):
        fresh(hand).frame({"counted": 1.0}, 0, 0, SHAPE)
