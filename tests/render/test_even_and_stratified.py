"""What a split can ask of its samples: even coverage, and a histogram of hardness."""

import numpy as np
import pytest
from drawn_poses import Planning, bends_deg, recipe_of
from scipy import stats
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16
from render import viewing
from render.planning import Plan, ScenePlanner

UNIFORM = {"prior": "uniform"}


def vectors(plan: Plan) -> np.ndarray:
    """Orientation, wrist and fingers as those of a right hand, [17, 3]."""
    scene = plan.scene
    rows = np.reshape([*scene.global_orient, *scene.wrist, *scene.pose], (-1, 3))
    return rows * (MIRROR_AXIS_ANGLE if scene.side == "left" else 1)


def orientations(planner: ScenePlanner, indices: range) -> np.ndarray:
    turns = [vectors(planner.plan(index))[0] for index in indices]
    return Rotation.from_rotvec(turns).as_matrix()


def unevenness(matrices: np.ndarray) -> float:
    """Variance of how many lie within 60 degrees of one orientation, over that of chance."""
    centres = Rotation.random(400, rng=0).as_matrix().reshape(-1, 9)
    angle = np.deg2rad(60)
    # The trace of A'B is 1 + 2 cos of the angle between A and B.
    near = (centres @ matrices.reshape(-1, 9).T > 1 + 2 * np.cos(angle)).sum(1)
    share = (angle - np.sin(angle)) / np.pi
    return float(np.var(near) / (len(matrices) * share * (1 - share)))


def test_even_views_are_evener_than_chance(planning: Planning):
    planner = planning(poses={"five": 1.0}, view=UNIFORM, even=True)
    assert unevenness(orientations(planner, range(256))) < 0.6
    planner = planning(poses={"five": 1.0}, view=UNIFORM)
    assert unevenness(orientations(planner, range(256))) > 0.65


def test_even_views_are_even_in_every_split_and_for_clips(planning: Planning):
    """A stride of eight through a Sobol sequence would see an eighth of the first coordinate."""
    waves = {"kind": "trajectory", "through": ["five"], "seconds": 0.03}
    first = {"name": "first", "count": 77, "poses": {"five": 1.0}}
    clips = {
        "name": "clips", "count": 8 * 256, "poses": {"waves": 1.0}, "clip_frames": 8,
        "view": UNIFORM, "even": True,
    }  # fmt: skip
    planner = planning({"distributions": {"waves": waves}, "splits": [first, clips]})
    assert unevenness(orientations(planner, range(77, 77 + 8 * 256, 8))) < 0.6


def test_even_poses_of_a_range_fill_it_more_evenly_than_chance(planning: Planning, hand: Hand):
    frames = joint_frames(hand.arrays["J"])
    lower, upper = np.rad2deg(limits_rad("functional")[MANO16.index("index_pip"), 0])

    def distance(even: bool) -> float:
        planner = planning(poses={"functional": 1.0}, even=even)
        angles = pose_to_angles(
            np.array([vectors(planner.plan(index))[1:].ravel() for index in range(512)]), frames
        )
        found = [
            stats.kstest((bends_deg(angles, joint)[:, 0] - lower) / (upper - lower), "uniform")
            for joint in ("index_pip", "middle_pip", "ring_pip", "little_pip")
        ]
        return float(np.mean([one.statistic for one in found]))

    # Points that run into themselves are replaced by chance: evenness is not that of Sobol alone.
    assert distance(even=True) < 0.8 * distance(even=False)


def test_the_first_2_to_the_k_even_views_are_balanced(planning: Planning):
    on_axis = {"camera": {"frame_share": 0.0}}
    cone = {"prior": "cone", "roll_spread_deg": 0}
    planner = planning(on_axis, poses={"five": 1.0}, view=cone, even=True)
    matrices = orientations(planner, range(64))
    # The cone's tilt comes from the first coordinate: each 64th of the cap holds one view.
    height = matrices[:, 2, 1]
    low = np.cos(np.deg2rad(35))
    cells = np.floor((np.abs(height) - low) / (1 - low) * 64 - 1e-9)
    np.testing.assert_array_equal(np.sort(cells), np.arange(64))


EDGES, SHARES = (0.0, 0.2, 0.35, 1.0), (1.0, 2.0, 1.0)


@pytest.fixture(scope="module")
def stratified(planning: Planning) -> list[Plan]:
    planner = planning(
        poses={"hard": 1.0, "handshapes": 1.0},
        view=UNIFORM,
        hardness={"edges": EDGES, "shares": SHARES},
    )
    return [planner.plan(index) for index in range(240)]


def test_hardness_has_the_histogram_that_was_asked_for(stratified: list[Plan]):
    totals = np.array([plan.hardness.total for plan in stratified])
    counts, _ = np.histogram(totals, EDGES)
    assert counts.sum() == 240
    assert stats.chisquare(counts, np.array(SHARES) / sum(SHARES) * 240).pvalue > 1e-3
    # As it comes it would be another.
    assert not 0.35 < np.mean(totals < 0.2) < 1


def test_without_a_histogram_hardness_is_as_it_comes(planning: Planning, stratified: list[Plan]):
    planner = planning(poses={"hard": 1.0, "handshapes": 1.0}, view=UNIFORM)
    free = [planner.plan(index) for index in range(240)]
    counts, _ = np.histogram([plan.hardness.total for plan in free], EDGES)
    assert stats.chisquare(counts, np.array(SHARES) / sum(SHARES) * 240).pvalue < 1e-6
    # What was in its bin at once is the same sample.
    same = [one.scene == other.scene for one, other in zip(free, stratified, strict=True)]
    assert 0.1 < np.mean(same) < 0.9


def test_a_stratified_sample_is_the_same_alone(planning: Planning, stratified: list[Plan]):
    planner = planning(
        poses={"hard": 1.0, "handshapes": 1.0},
        view=UNIFORM,
        hardness={"edges": EDGES, "shares": SHARES},
    )
    for index in (200, 3, 77):
        assert planner.plan(index).scene == stratified[index].scene


def test_a_bin_that_nothing_reaches_takes_what_comes_nearest(
    planning: Planning, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(viewing, "MAX_HARDNESS_DRAWS", 25)
    wish = {"edges": [0.97, 1.0], "shares": [1]}
    planner = planning(poses={"rest": 1.0}, hardness=wish)
    found = [planner.plan(index).hardness.total for index in range(6)]
    free = [planning(poses={"rest": 1.0}).plan(index).hardness.total for index in range(60)]
    assert max(found) < 0.97
    # The hardest of 25 draws, so harder than nearly all.
    assert np.median(found) > np.quantile(free, 0.9)


def test_an_even_split_may_have_a_histogram_too(planning: Planning):
    planner = planning(
        poses={"functional": 1.0}, even=True, hardness={"edges": [0.1, 0.15], "shares": [1]}
    )
    assert all(0.1 <= planner.plan(index).hardness.total <= 0.15 for index in range(20))
    assert recipe_of(even=True).splits[0].even
