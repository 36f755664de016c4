"""Rows of the manifest: every column says what was planned."""

import numpy as np
import pytest
from drawn_poses import Planning

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import violation
from mano_assets.skeleton import FINGERS
from render.factors.arm import ArmMesh
from render.labels import joint_box, joint_states, label_row, sample_id
from render.manifest import JointState, Manifest, project
from render.manifest.reading import column_array
from render.planning import Plan
from render.poses.hardness import Hardness
from render.poses.pose_sets import read_pose_set
from render.scene import Scene, pose_scene

NO_RINGS = dict.fromkeys(FINGERS, 0)


@pytest.fixture(scope="module")
def plans(planning: Planning) -> list[Plan]:
    clips = {"name": "moving", "count": 6, "poses": {"clips": 1.0}, "clip_frames": 4}
    single = {"name": "single", "count": 10, "poses": {"hard": 1.0}, "view": {"prior": "uniform"}}
    alone = {"things": {"held_share": 0, "near_share": 0}, "second_hand": {"share": 0}}
    alone |= {"dress": {"sleeve": {"share": 0}, "bracelet_share": 0, "rings": NO_RINGS}}
    planner = planning({"splits": [clips, single], "left_share": 0.5, **alone})
    return [planner.plan(index) for index in range(16)]


@pytest.fixture(scope="module")
def rows(plans: list[Plan], hand: Hand) -> list[dict]:
    arm_mesh = ArmMesh(hand)
    return [label_row(plan, joint_states(plan, arm_mesh), "mine", "engine-1") for plan in plans]


def test_rows_name_their_sample_clip_and_frame(plans: list[Plan], rows: list[dict]):
    found = [
        (row["sample_id"], row["index"], row["split"], row["sequence"], row["frame"])
        for row in rows
    ]
    assert found[0] == ("mine-0000000", 0, "moving", "moving-000000", 0)
    # The split ends within a clip.
    assert found[5] == ("mine-0000005", 5, "moving", "moving-000001", 1)
    assert found[6] == ("mine-0000006", 6, "single", None, None)
    assert sample_id("mine", 123) == "mine-0000123"


def test_rows_hold_the_pose_the_wrist_and_what_makes_it_hard(
    plans: list[Plan], rows: list[dict], hand: Hand
):
    frames = joint_frames(hand.arrays["J"])
    sides = set()
    for plan, row in zip(plans, rows, strict=True):
        sign = MIRROR_AXIS_ANGLE if row["side"] == "left" else np.ones(3)
        vectors = np.reshape([*row["wrist_pose"], *row["mano_pose"]], (16, 3)) * sign
        angles = pose_to_angles(vectors.ravel(), frames)
        assert violation(angles, "active").max() < 1e-9
        vertices, joints = hand.posed(
            *(
                np.array(row[f"mano_{name}"])
                for name in ("global_orient", "pose", "betas", "trans")
            ),
            row["side"],
            wrist=np.array(row["wrist_pose"]),
        )
        np.testing.assert_allclose(joints.ravel(), row["joints_3d"], atol=1e-9)
        np.testing.assert_allclose(vertices, plan.geometry.vertices_cam_m, atol=1e-9)
        assert row["hardness"] == Hardness(**row["hardness_parts"]).total == plan.hardness.total
        assert row["pose_distribution"] in ("clips", "hard")
        assert Scene.model_validate_json(row["scene"]) == plan.scene
        sides.add(row["side"])
    assert sides == {"left", "right"}


def test_joints_are_seen_hidden_or_outside(plans: list[Plan], rows: list[dict]):
    for plan, row in zip(plans, rows, strict=True):
        pixels = project(plan.geometry.joints_cam_m, np.array(plan.scene.camera_k))
        np.testing.assert_allclose(pixels.ravel(), row["joints_2d"])
        for place, hidden, state in zip(pixels, plan.hidden, row["joint_state"], strict=True):
            inside = 0 <= place[0] <= plan.scene.size and 0 <= place[1] <= plan.scene.size
            if not inside:
                assert state == JointState.OUTSIDE
            elif hidden:
                assert state == JointState.SELF_OCCLUDED
            else:
                # The upper arm may be in the way of what the hand alone would show.
                assert state in (JointState.VISIBLE, JointState.SELF_OCCLUDED)


def test_the_box_is_a_fifth_larger_than_that_of_the_joints():
    box = joint_box(np.array([[10.0, 20.0], [30.0, 25.0], [15.0, 60.0]]))
    np.testing.assert_allclose(box, [8.0, 16.0, 24.0, 48.0])


@pytest.mark.blender
def test_the_rendered_data_set_has_the_new_columns(rendered: Manifest, hand: Hand):
    table = rendered.table()
    split = np.array(table["split"].to_pylist())
    clips = table.filter(split == "clips")
    assert clips["sequence"].to_pylist() == ["clips-000000"] * 3 + ["clips-000001"] * 3
    assert clips["frame"].to_pylist() == [0, 1, 2] * 2
    others = table.filter(split != "clips")
    assert others["sequence"].null_count == others["frame"].null_count == others.num_rows
    for row in table.select(["hardness", "hardness_parts"]).to_pylist():
        assert row["hardness"] == Hardness(**row["hardness_parts"]).total
    wrists = column_array(table, "wrist_pose", 3)
    assert np.isfinite(wrists).all()
    assert np.linalg.norm(wrists, axis=1).min() > 0.01
    # Each row is enough to pose the hand again, forearm and all.
    for row, joints in zip(
        table["scene"].to_pylist(), column_array(table, "joints_3d", 21, 3), strict=True
    ):
        geometry = pose_scene(Scene.model_validate_json(row), hand)
        np.testing.assert_allclose(geometry.joints_cam_m, joints, atol=1e-9)


@pytest.mark.blender
def test_a_rendered_data_set_is_a_set_of_poses_within_the_limits(rendered: Manifest, hand: Hand):
    """Left hands among them: their wrists and fingers are mirrored both ways."""
    poses = read_pose_set(rendered.root, hand)
    assert poses.has_wrist
    assert len(poses.angles_rad) == 24
    assert violation(poses.angles_rad, "active").max() < 1e-9
