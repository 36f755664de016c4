"""Valid poses by sample number, whoever draws them and in whichever order."""

import numpy as np
import pytest
from scipy import stats

from mano_assets.hand import Hand
from mano_assets.joint_limits import violation
from mano_assets.skeleton import MANO16
from render.poses.distributions import HandshapePoses, RangePoses
from render.poses.ranges import NUM_RANGE_UNIFORMS, range_angles
from render.poses.sampler import DrawnPose, PoseSampler
from render.randomness import stream

MIXTURE = {"tight_fist": 1.0, "functional": 2.0, "mano_pca": 1.0, "clips": 0.5, "counting": 0.0}


def draw(sampler: PoseSampler, index: int) -> DrawnPose:
    betas = stream(4, "shape", index).normal(0, 0.5, 10)
    return sampler.draw(MIXTURE, stream(4, "pose", index), betas)


def test_a_sample_is_the_same_whoever_draws_it_and_after_whatever(hand: Hand, sampler: PoseSampler):
    forward = [draw(sampler, index) for index in range(24)]
    other = PoseSampler(hand, {}, 0)
    for index in np.random.default_rng(0).permutation(24):
        again, first = draw(other, int(index)), forward[index]
        assert (again.family, again.num_draws) == (first.family, first.num_draws)
        np.testing.assert_array_equal(again.angles_rad, first.angles_rad)
        np.testing.assert_array_equal(again.vertices_m, first.vertices_m)
    assert len({pose.angles_rad.tobytes() for pose in forward}) == 24


def test_distributions_come_by_weight(sampler: PoseSampler):
    weights = {"five": 5.0, "flat": 2.0, "claw": 1.0, "rest": 0.0}
    drawn = [
        sampler.draw(weights, stream(0, "pose", index), np.zeros(10)).distribution
        for index in range(400)
    ]
    assert "rest" not in drawn
    counts = [drawn.count(name) for name in ("five", "flat", "claw")]
    assert stats.chisquare(counts, np.array([5, 2, 1]) / 8 * 400).pvalue > 1e-3


def test_a_later_draw_of_a_sample_goes_on_where_the_first_ended(sampler: PoseSampler):
    def of_one_stream() -> list[DrawnPose]:
        rng = stream(0, "pose", 0)
        return [sampler.draw({"functional": 1.0}, rng, np.zeros(10)) for _ in range(3)]

    first, again = of_one_stream(), of_one_stream()
    assert len({pose.angles_rad.tobytes() for pose in first}) == 3
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.angles_rad, other.angles_rad)


def test_invalid_poses_are_drawn_again_and_counted(sampler: PoseSampler, hand: Hand):
    poses = [
        sampler.draw({"crossed_fingers": 1.0}, stream(0, "pose", index), np.zeros(10))
        for index in range(40)
    ]
    draws = np.array([pose.num_draws for pose in poses])
    assert (draws >= 1).all()
    assert draws.max() > 2


def test_the_shape_decides_what_is_valid(sampler: PoseSampler):
    thin_and_thick = [
        [
            sampler.draw({"crossed_fingers": 1.0}, stream(0, "pose", index), betas).num_draws
            for index in range(30)
        ]
        for betas in (np.zeros(10), np.array([-2.0, 2, 2, -2, 2, 0, 0, 0, 0, 0]))
    ]
    assert thin_and_thick[0] != thin_and_thick[1]


def test_an_even_point_makes_the_pose_if_it_is_valid(sampler: PoseSampler):
    used = 0
    for index in range(20):
        point = stream(0, "point", index).random(NUM_RANGE_UNIFORMS)
        drawn = sampler.draw(
            {"functional": 1.0}, stream(0, "pose", index), np.zeros(10), even=point
        )
        wished = range_angles("functional", point)
        is_wished = bool(np.abs(drawn.angles_rad - wished)[:, 0].max() < 1e-9)
        # Neighbouring knuckles may have been drawn together by their coupling.
        knuckle = MANO16.index("index_pip")
        same_pip = drawn.angles_rad[knuckle, 0] == pytest.approx(wished[knuckle, 0])
        assert same_pip == (drawn.num_draws == 1)
        used += is_wished
    assert used > 5


def test_angles_outside_the_active_range_are_clamped(hand: Hand, prepared: None):
    far = HandshapePoses(
        kind="handshape",
        thumb=(0, 0, 0), index=(-80, 0, 0), middle=(0, 0, 0), ring=(0, 200, 0), little=(0, 0, 0),
        jitter_deg=0,
    )  # fmt: skip
    drawn = PoseSampler(hand, {"far": far}, 0).draw(
        {"far": 1.0}, stream(0, "pose", 0), np.zeros(10)
    )
    assert violation(drawn.angles_rad, "active").max() == 0
    bend = np.rad2deg(drawn.angles_rad[:, 0])
    assert bend[MANO16.index("index_mcp")] == pytest.approx(-25)
    # The DIP joint follows.
    assert bend[MANO16.index("ring_pip")] == pytest.approx(105)
    assert bend[MANO16.index("ring_dip")] == pytest.approx(0.3 * 105 - 27)


def test_a_wrist_that_the_distribution_bends_stays_and_one_that_it_leaves_out_rests(
    hand: Hand, prepared: None
):
    own = {"anywhere": RangePoses(kind="range", range="active")}
    sampler = PoseSampler(hand, own, 0)
    wrists = {
        name: np.rad2deg(
            [
                sampler.draw({name: 1.0}, stream(0, name, index), np.zeros(10)).angles_rad[0]
                for index in range(60)
            ]
        )
        for name in ("anywhere", "five")
    }
    assert wrists["anywhere"][:, 0].std() > 30
    assert wrists["five"][:, 0].std() < 16
    assert (np.abs(wrists["five"][:, :2]).max(1) > 0).all()
    assert not wrists["five"][:, 2].any()
