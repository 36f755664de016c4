"""Plans: reproducible, uniform where they say so, and their picture's geometry is their scene's."""

import itertools

import numpy as np
import pytest
from drawn_poses import Planning, recipe_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.geometry.finger_gap import finger_gap_m, finger_surfaces
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.skeleton import HAND21, MANO16
from render.manifest import project
from render.placement import CLEARANCE_M, NEAREST_JOINT_M
from render.planning import ScenePlanner
from render.poses.hardness import range_exceedance, rarity
from render.poses.sampler import PoseSampler
from render.randomness import stream
from render.scene import Scene, pose_scene
from render.visibility import hidden_joints

UNIFORM = {"prior": "uniform"}


@pytest.fixture(scope="module")
def planner(planning: Planning) -> ScenePlanner:
    return planning(
        {"left_share": 0.5}, poses={"hard": 1.0, "handshapes": 1.0, "functional": 1.0}, view=UNIFORM
    )


def as_right(vectors: list[float], side: str) -> np.ndarray:
    """Axis-angle vectors of a side as those of a right hand, [N, 3]."""
    return np.reshape(vectors, (-1, 3)) * (MIRROR_AXIS_ANGLE if side == "left" else 1)


def test_the_scene_alone_gives_the_planned_geometry(planner: ScenePlanner, hand: Hand):
    seen, most_bent = set(), 0.0
    for index in range(24):
        plan = planner.plan(index)
        again = pose_scene(Scene.model_validate_json(plan.scene.model_dump_json()), hand)
        np.testing.assert_allclose(
            again.vertices_cam_m, plan.geometry.vertices_cam_m, rtol=0, atol=1e-9
        )
        np.testing.assert_allclose(
            again.joints_cam_m, plan.geometry.joints_cam_m, rtol=0, atol=1e-9
        )
        hidden = hidden_joints(again.vertices_cam_m, again.joints_cam_m, hand, plan.scene.side)
        np.testing.assert_array_equal(hidden, plan.hidden)
        seen.add(plan.scene.side)
        most_bent = max(most_bent, float(np.linalg.norm(plan.scene.wrist)))
    assert seen == {"left", "right"}
    assert most_bent > 0.8


def test_a_scene_survives_its_own_json(planner: ScenePlanner):
    for index in range(5):
        scene = planner.plan(index).scene
        assert Scene.model_validate_json(scene.model_dump_json()) == scene


def test_a_sample_alone_is_the_same_as_in_a_sequence(planner: ScenePlanner, planning: Planning):
    in_order = [planner.plan(index) for index in range(10)]
    for index in (9, 4, 0):
        alone = planning(
            {"left_share": 0.5},
            poses={"hard": 1.0, "handshapes": 1.0, "functional": 1.0},
            view=UNIFORM,
        ).plan(index)
        assert alone.scene == in_order[index].scene
        assert alone.hardness == in_order[index].hardness
        assert alone.num_draws == in_order[index].num_draws


def test_samples_differ_in_everything_that_is_drawn(planner: ScenePlanner):
    scenes = [planner.plan(index).scene for index in range(8)]
    for field in (
        "pose", "wrist", "global_orient", "betas", "camera", "camera_k", "translation_m", "setting",
        "skin", "arm", "sensor", "seed",
    ):  # fmt: skip
        assert len({str(getattr(scene, field)) for scene in scenes}) == 8


def test_the_stored_pose_is_the_drawn_one_for_either_side(planner: ScenePlanner, hand: Hand):
    sampler = PoseSampler(hand, {}, 5)
    weights = {"hard": 1.0, "handshapes": 1.0, "functional": 1.0}
    frames = joint_frames(hand.arrays["J"])
    for index in range(12):
        scene = planner.plan(index).scene
        drawn = sampler.draw(weights, stream(5, "pose", index), np.array(scene.betas))
        assert (scene.distribution, scene.family) == (drawn.distribution, drawn.family)
        vectors = [as_right(part, scene.side) for part in (scene.wrist, scene.pose)]
        angles = pose_to_angles(np.concatenate(vectors).ravel(), frames)
        np.testing.assert_allclose(angles, drawn.angles_rad, atol=1e-9)


def test_hardness_is_that_of_the_pose_from_the_view(planner: ScenePlanner, hand: Hand):
    surfaces, frames = finger_surfaces(hand), joint_frames(hand.arrays["J"])
    for index in range(8):
        plan = planner.plan(index)
        vectors = [as_right(part, plan.scene.side) for part in (plan.scene.wrist, plan.scene.pose)]
        angles = pose_to_angles(np.concatenate(vectors).ravel(), frames)
        assert plan.hardness.range_exceedance == pytest.approx(range_exceedance(angles))
        assert plan.hardness.rarity == pytest.approx(rarity(angles), abs=1e-6)
        assert plan.hardness.self_occluded_fraction == plan.hidden.sum() / HAND21.num_joints
        gap = finger_gap_m(surfaces, plan.geometry.vertices_cam_m)
        assert plan.hardness.finger_gap_m == pytest.approx(gap, abs=1e-9)


def test_uniform_views_are_uniform_over_rotations_for_either_side(planning: Planning):
    planner = planning({"left_share": 0.5}, poses={"five": 1.0}, view=UNIFORM)
    turns: dict[str, list[np.ndarray]] = {"left": [], "right": []}
    for index in range(1200):
        scene = planner.plan(index).scene
        turns[scene.side].append(as_right(scene.global_orient, scene.side)[0])
    for vectors in turns.values():
        rotation = Rotation.from_rotvec(vectors)
        # Haar measure: every entry of the matrix is uniform on [-1, 1] (Archimedes).
        values = [
            stats.kstest((entry + 1) / 2, "uniform").pvalue
            for entry in rotation.as_matrix().reshape(-1, 9).T
        ]
        # The angle's density is (1 - cos t) / pi (Miles, Biometrika 52(3/4), 1965).
        angles = rotation.magnitude()
        values.append(stats.kstest(angles, lambda t: (t - np.sin(t)) / np.pi).pvalue)
        assert min(values) * len(values) > 1e-3
    # Left hands are not the mirror images of the right ones: each has a view of its own.
    assert stats.binomtest(len(turns["left"]), 1200, 0.5).pvalue > 1e-3


def test_a_forearm_s_prior_turns_the_forearm_and_the_hand_bends_against_it(planning: Planning):
    """Hanging arms only: the forearm's axis is down whatever the wrist does."""
    on_axis = {"camera": {"frame_share": 0.0}}
    hanging = {
        "prior": "third_person",
        "raised_share": 0.0,
        "hanging_heading_deg": [180, 0],
        "away_range_deg": [0, 0],
    }
    planner = planning(on_axis, poses={"wrist_extremes": 1.0}, view=hanging)
    bends = []
    for index in range(12):
        scene = planner.plan(index).scene
        hand_turn = Rotation.from_rotvec(as_right(scene.global_orient, scene.side)[0])
        wrist = Rotation.from_rotvec(as_right(scene.wrist, scene.side)[0])
        # MANO's fingers point along -x.
        forearm = (hand_turn * wrist.inv()).apply([-1, 0, 0])
        np.testing.assert_allclose(forearm, [0, 1, 0], atol=1e-9)
        bends.append(np.linalg.norm(hand_turn.apply([-1, 0, 0]) - forearm))
    assert max(bends) > 0.5


@settings(max_examples=60, deadline=None)
@given(index=st.integers(0, 4095))
def test_the_hand_fills_the_asked_share_of_the_image(planner: ScenePlanner, index: int):
    plan = planner.plan(index)
    scene, joints = plan.scene, plan.geometry.joints_cam_m
    pixels = project(joints, np.array(scene.camera_k)) / scene.size
    assert joints[:, 2].min() > NEAREST_JOINT_M - 1e-9
    assert plan.geometry.vertices_cam_m[:, 2].min() > CLEARANCE_M - 1e-9
    share, frame = np.ptp(pixels, axis=0).max(), scene.camera_k[0][0] / scene.size
    # A crop of all of the camera's frame may show the hand larger than asked.
    whole_frame = abs(frame - scene.camera.focal_over_frame) < 1e-9
    assert abs(share - scene.camera.hand_share) < 1e-9 or (
        share > scene.camera.hand_share and whole_frame
    )
    centre = (pixels.min(0) + pixels.max(0)) / 2 - 0.5
    np.testing.assert_allclose(centre, scene.camera.jitter, atol=1e-9)


def test_palms_face_the_camera_without_spread(planning: Planning):
    still = {"prior": "cone", "view_spread_deg": 0, "roll_spread_deg": 0}
    planner = planning({"left_share": 0.5}, poses={"rest": 1.0}, view=still)
    joints = HAND21.indices(["wrist", "middle_mcp", "thumb_tip"])
    sides = set()
    for index in range(8):
        plan = planner.plan(index)
        wrist, middle, thumb = plan.geometry.joints_cam_m[joints]
        assert middle[1] < wrist[1]
        # Palm to the camera: the thumb of a right hand is on the right of the image.
        assert (thumb[0] > wrist[0]) == (plan.scene.side == "right")
        sides.add(plan.scene.side)
    assert sides == {"left", "right"}


@pytest.mark.parametrize(("pitch", "roll"), [(20, 0), (-35, 0), (0, 15), (25, -40)])
def test_the_camera_is_pitched_up_and_rolled_about_its_axis(
    planning: Planning, pitch: float, roll: float
):
    camera = {"pitch_deg": [pitch, pitch], "roll_deg": [roll, roll]}
    scene = planning({"camera": camera}).plan(0).scene
    right, down, forward = np.array(scene.cam_from_world)[:, :3]
    np.testing.assert_allclose(np.cross(right, down), forward, atol=1e-12)
    assert forward[0] == pytest.approx(0, abs=1e-12)
    assert np.rad2deg(np.arcsin(forward[2])) == pytest.approx(pitch)
    # A camera turned clockwise about its axis sees the horizon turned.
    assert np.rad2deg(np.arcsin(abs(right[2]))) == pytest.approx(
        abs(np.rad2deg(np.arcsin(np.cos(np.deg2rad(pitch)) * np.sin(np.deg2rad(roll)))))
    )
    assert not np.array(scene.cam_from_world)[:, 3].any()


def test_a_family_that_asks_for_views_is_seen_from_where_it_hides_the_most(
    planning: Planning, monkeypatch: pytest.MonkeyPatch
):
    def shares() -> list[float]:
        planner = planning(poses={"self_occluded": 1.0}, view=UNIFORM)
        return [planner.plan(i).hardness.self_occluded_fraction for i in range(40)]

    of_twelve = shares()
    monkeypatch.setattr("render.poses.families.self_occluded.VIEWS", 1)
    of_one = shares()
    assert all(many >= one for many, one in zip(of_twelve, of_one, strict=True))
    assert np.mean(of_twelve) > np.mean(of_one) + 0.2


def test_frames_of_a_clip_share_all_but_the_pose(planning: Planning):
    dataset = {"left_share": 0.5, "seed": 8}
    split = {"poses": {"clips": 1.0}, "clip_frames": 6, "view": UNIFORM, "count": 48}
    planner = planning(dataset, **split)
    scenes = [planner.plan(index).scene for index in range(48)]
    moving = {"index", "frame", "pose", "wrist", "translation_m", "seed"}
    for number, frames in itertools.groupby(scenes, key=lambda scene: scene.index // 6):
        clip = list(frames)
        assert {scene.sequence for scene in clip} == {f"train-{number:06d}"}
        assert [scene.frame for scene in clip] == list(range(6))
        still = [
            scene.model_copy(update={"sensor": scene.sensor.model_copy(update={"noise_seed": 0})})
            for scene in clip
        ]
        assert len({str(scene.model_dump(exclude=moving)) for scene in still}) == 1
        assert len({scene.sensor.noise_seed for scene in clip}) == 6
        assert len({scene.seed for scene in clip}) == 6
        steps = np.abs(np.diff([scene.pose for scene in clip], axis=0)).max(1)
        assert 0 < steps.max() < 0.4
    assert len({scene.side for scene in scenes}) == 2
    # A frame planned alone, its clip unknown.
    assert planning(dataset, **split).plan(16).scene == scenes[16]


def test_the_wrist_of_a_clip_stands_still_and_its_hand_stays_in_the_picture(planning: Planning):
    planner = planning(poses={"clips": 1.0}, clip_frames=10, view=UNIFORM, count=400)
    still = 0
    for clip in range(20):
        plans = [planner.plan(10 * clip + frame) for frame in range(0, 10, 3)]
        wrists = np.array([plan.geometry.joints_cam_m[HAND21.root] for plan in plans])
        np.testing.assert_allclose(wrists[:, :2], wrists[:1, :2].repeat(len(wrists), 0))
        still += bool(np.ptp(wrists[:, 2]) < 1e-9)
        for plan, wrist in zip(plans, wrists, strict=True):
            joints, vertices = plan.geometry.joints_cam_m, plan.geometry.vertices_cam_m
            room = min(joints[:, 2].min() - NEAREST_JOINT_M, vertices[:, 2].min() - CLEARANCE_M)
            assert room > -1e-9
            # Only an arm that would reach through the camera drives the hand back.
            assert wrist[2] == pytest.approx(wrists[:, 2].min()) or room < 1e-9
            pixels = project(joints, np.array(plan.scene.camera_k))
            assert (pixels >= -0.1 * plan.scene.size).all()
            assert (pixels <= 1.1 * plan.scene.size).all()
    assert still > 10


def test_clips_of_two_splits_move_differently(planning: Planning):
    split = {"poses": {"clips": 1.0}, "clip_frames": 4, "count": 8}
    planner = planning(
        {"splits": [{"name": "train", **split}, {"name": "test", **split}], "shape_std": 0}
    )
    poses = np.array([planner.plan(index).scene.pose for index in range(16)])
    sides = [planner.plan(index).scene.side for index in range(16)]
    right = np.array([as_right(pose, side) for pose, side in zip(poses, sides, strict=True)])
    train, test = right[:8], right[8:]
    assert np.abs(train - test).max((1, 2)).min() > 0.01


def test_samples_of_a_split_do_not_depend_on_the_splits_after_it(planning: Planning):
    first = {"name": "a", "count": 5, "poses": {"hard": 1.0}}
    alone = planning({"splits": [first]}).plan(4).scene
    before = planning({"splits": [first, {"name": "b", "count": 9, "poses": {"rest": 1.0}}]})
    assert before.plan(4).scene == alone
    assert before.plan(5).scene.split == "b"
    assert recipe_of({"splits": [first]}).num_images == 5
    with pytest.raises(IndexError):
        planning({"splits": [first]}).plan(5)


def test_left_hands_and_shapes_come_as_asked(planning: Planning):
    planner = planning({"left_share": 0.3, "shape_std": 0.5}, poses={"five": 1.0})
    scenes = [planner.plan(index).scene for index in range(500)]
    lefts = sum(scene.side == "left" for scene in scenes)
    assert stats.binomtest(lefts, 500, 0.3).pvalue > 1e-3
    betas = np.array([scene.betas for scene in scenes])
    assert stats.kstest(betas.ravel() / 0.5, "norm").pvalue > 1e-3
    assert MANO16.num_joints * 3 - 3 == len(scenes[0].pose)
    assert not np.any(planning({"shape_std": 0}).plan(0).scene.betas)
