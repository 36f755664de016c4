import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pytest
from drawn_poses import Planning
from pydantic import ValidationError
from two_hands_crossing import edges_pass, run_into_each_other

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.geometry.mesh_crossing import meshes_cross
from mano_assets.geometry.self_intersection import SelfIntersection
from mano_assets.hand import MIRROR, MIRROR_AXIS_ANGLE, Hand
from mano_assets.joint_limits import coupling_violation, violation
from mano_assets.skeleton import HAND21
from render.factors.second_hand import (
    SecondHand,
    SecondHandRecipe,
    draw_second_hand,
    second_hand_geometry,
)
from render.placement import CLEARANCE_M
from render.planning import Plan
from render.posed_hand import PosedHand
from render.poses.sampler import PoseSampler
from render.randomness import stream
from render.two_hands import hands as two_hands
from render.two_hands.hands import triangles_of
from render.two_hands.ways import Relation

RELATIONS: tuple[Relation, ...] = get_args(Relation)
NUM_PLANS = 16


class Pair(NamedTuple):
    plan: Plan
    second: SecondHand
    geometry: PosedHand


DrawIt = Callable[..., SecondHand | None]


@pytest.fixture(scope="module")
def plans(planning: Planning) -> list[Plan]:
    planner = planning({"left_share": 0.5}, view={"prior": "uniform"})
    return [planner.plan(index) for index in range(NUM_PLANS)]


@pytest.fixture(scope="module")
def draw(hand: Hand, sampler: PoseSampler, intersection: SelfIntersection) -> DrawIt:
    def one(plan: Plan, seed: int = 0, **recipe: object) -> SecondHand | None:
        scene = plan.scene
        return draw_second_hand(
            SecondHandRecipe.model_validate({"share": 1.0, **recipe}),
            stream(seed, "second hand", scene.index),
            plan.geometry,
            hand,
            scene.side,
            np.array(scene.betas),
            lambda rng, betas: sampler.draw({"handshapes": 1.0}, rng, betas).pose,
            np.array(scene.camera_k),
            scene.size,
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_hands, "self_intersection_test", lambda _: intersection)
        two_hands.hand_parts(hand)
    return one


@pytest.fixture(scope="module")
def pairs(hand: Hand, plans: list[Plan], draw: DrawIt) -> dict[Relation, list[Pair]]:
    """By the relation that was asked for and found."""
    found: dict[Relation, list[Pair]] = {}
    for relation in RELATIONS:
        drawn = [(plan, draw(plan, relations={relation: 1.0})) for plan in plans]
        found[relation] = [
            Pair(plan, second, second_hand_geometry(second, hand))
            for plan, second in drawn
            if second is not None and second.relation == relation
        ]
    return found


@pytest.fixture(scope="module")
def every(pairs: dict[Relation, list[Pair]]) -> list[Pair]:
    return [pair for relation in RELATIONS for pair in pairs[relation]]


def faces(hand: Hand, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    first, second = (
        triangles_of(hand.triangles, side) for side in (pair.plan.scene.side, pair.second.side)
    )
    return first, second


def test_every_relation_finds_room(pairs: dict[Relation, list[Pair]]):
    for relation, least in zip(RELATIONS, (0.8, 0.7, 0.7, 0.7, 0.3), strict=True):
        assert len(pairs[relation]) >= least * NUM_PLANS, relation


def test_hands_do_not_cross(hand: Hand, pairs: dict[Relation, list[Pair]]):
    for relation in RELATIONS:
        for pair in pairs[relation][:2]:
            first, second = faces(hand, pair)
            meshes = pair.plan.geometry.vertices_cam_m, first, pair.geometry.vertices_cam_m, second
            assert not run_into_each_other(*meshes), relation


def test_the_oracle_sees_a_hand_pushed_into_the_other(hand: Hand, every: list[Pair]):
    pair = every[0]
    first, second = faces(hand, pair)
    joints = pair.plan.geometry.joints_cam_m, pair.geometry.joints_cam_m
    towards = (joints[0] - joints[1])[HAND21.index("middle_mcp")]
    pushed = pair.geometry.vertices_cam_m + 0.5 * towards
    assert run_into_each_other(pair.plan.geometry.vertices_cam_m, first, pushed, second)


@pytest.mark.blender
def test_blender_finds_no_overlap_and_gaps_as_wished(
    hand: Hand, pairs: dict[Relation, list[Pair]], tmp_path: Path
):
    every = [pair for relation in RELATIONS for pair in pairs[relation]]
    both = [faces(hand, pair) for pair in every]
    np.savez(
        tmp_path / "pairs.npz",
        first=[pair.plan.geometry.vertices_cam_m for pair in every],
        faces=[first for first, _ in both],
        second=[pair.geometry.vertices_cam_m for pair in every],
        others=[second for _, second in both],
    )
    script = Path(__file__).with_name("two_hands_overlap.py")
    paths = [str(tmp_path / "pairs.npz"), str(tmp_path / "out.npz")]
    subprocess.run([sys.executable, str(script), *paths], check=True, capture_output=True)
    out = np.load(tmp_path / "out.npz")
    assert not out["overlaps"].any()
    relation = np.array([pair.second.relation for pair in every])
    for touching in ("touching", "clasping"):
        gaps_m = out["gaps_m"][relation == touching]
        # The gap between samples is a little larger than that of the surfaces.
        assert np.mean(gaps_m <= 0.0015) >= 0.9, gaps_m
    assert (out["gaps_m"][relation == "beside"] > 0.0005).all()


def test_joints_keep_their_limits(hand: Hand, every: list[Pair]):
    frames = joint_frames(hand.arrays["J"])
    for _, second, _ in every:
        sign = MIRROR_AXIS_ANGLE if second.side == "left" else np.ones(3)
        pose = (np.array([*second.wrist, *second.pose]).reshape(-1, 3) * sign).ravel()
        angles = pose_to_angles(pose, frames)
        assert violation(angles).max() < 1e-6
        assert coupling_violation(angles).max() < 1e-6


def test_no_hand_runs_into_itself(every: list[Pair], intersection: SelfIntersection):
    for pair in every:
        sign = MIRROR if pair.second.side == "left" else np.ones(3)
        assert not intersection.intersects(pair.geometry.vertices_cam_m * sign)


def test_a_clasping_hand_is_closed(hand: Hand, pairs: dict[Relation, list[Pair]]):
    # Of a flat hand the middle fingertip is as far from the wrist as the finger allows.
    reach = []
    for pair in pairs["clasping"]:
        wrist, knuckle, joint, tip = pair.geometry.joints_cam_m[
            HAND21.indices(["wrist", "middle_mcp", "middle_pip", "middle_tip"])
        ]
        bones = ((wrist, knuckle), (knuckle, joint), (joint, tip))
        reach.append(np.linalg.norm(tip - wrist) / sum(np.linalg.norm(b - a) for a, b in bones))
    assert np.median(reach) < 0.92


def test_a_second_hand_stays_clear_of_the_camera_and_in_the_image(every: list[Pair]):
    for plan, _, geometry in every:
        assert geometry.vertices_cam_m[:, 2].min() >= CLEARANCE_M
        pixels = geometry.joints_cam_m @ np.array(plan.scene.camera_k).T
        pixels = pixels[:, :2] / pixels[:, 2:]
        assert ((pixels > 0) & (pixels < plan.scene.size)).all(1).sum() >= 4


def test_depth_is_as_the_relation_says(pairs: dict[Relation, list[Pair]]):
    joints = HAND21.indices(["wrist", "middle_mcp", "middle_pip"])
    for sign, found in ((1, pairs["behind"]), (-1, pairs["before"])):
        for plan, _, geometry in found:
            wrist, knuckle, far = plan.geometry.joints_cam_m[joints]
            ray = wrist + 0.7 * (far - wrist)
            assert sign * (geometry.joints_cam_m[joints[1]] - knuckle) @ ray > 0


@pytest.mark.parametrize("most_hidden", [0.0, 0.6])
def test_the_labelled_hand_is_not_hidden(
    hand: Hand, plans: list[Plan], draw: DrawIt, most_hidden: float
):
    shares = []
    for plan in plans:
        second = draw(plan, relations={"before": 1.0}, most_hidden=most_hidden)
        if second is None:
            continue
        scene, joints = plan.scene, plan.geometry.joints_cam_m
        pixels = joints @ np.array(scene.camera_k).T
        pixels = pixels[:, :2] / pixels[:, 2:]
        seen = ~plan.hidden & ((pixels > 0) & (pixels < scene.size)).all(1)
        triangles = triangles_of(hand.triangles, second.side)
        corners = second_hand_geometry(second, hand).vertices_cam_m[triangles]
        points = np.stack([np.zeros_like(joints), joints], 1).reshape(-1, 3)
        covered = [
            edges_pass(points, np.array([[2 * joint, 2 * joint + 1]]), corners)
            for joint in np.flatnonzero(seen)
        ]
        shares.append(np.mean(covered) if covered else 0.0)
    assert len(shares) > NUM_PLANS / 2
    assert max(shares) <= most_hidden
    assert most_hidden == 0.0 or max(shares) > 0.1


def test_a_person_s_other_hand_has_its_shape(plans: list[Plan], draw: DrawIt):
    sides = set()
    for plan in plans[:6]:
        second = draw(plan, relations={"touching": 1.0}, same_side_share=0.0)
        assert second is not None
        assert second.side != plan.scene.side
        assert second.betas == plan.scene.betas
        sides.add(second.side)
    assert sides == {"left", "right"}


def test_another_person_s_hand_has_its_own(plans: list[Plan], draw: DrawIt):
    for plan in plans[:6]:
        second = draw(plan, relations={"touching": 1.0}, same_side_share=1.0)
        assert second is not None
        assert second.side == plan.scene.side
        assert not np.allclose(second.betas, plan.scene.betas)


def test_a_left_hand_s_second_is_the_mirror_image(hand: Hand, plans: list[Plan], draw: DrawIt):
    """Everything mirrored in the camera's x, the hand drawn beside it is geometrically as good."""
    left = next(plan for plan in plans if plan.scene.side == "left")
    second = draw(left, relations={"clasping": 1.0}, same_side_share=0.0)
    assert second is not None
    assert second.side == "right"
    geometry = second_hand_geometry(second, hand)
    flipped = SecondHand(
        side="left",
        global_orient=(np.array(second.global_orient) * MIRROR_AXIS_ANGLE).tolist(),
        pose=(np.array(second.pose).reshape(-1, 3) * MIRROR_AXIS_ANGLE).ravel().tolist(),
        wrist=(np.array(second.wrist) * MIRROR_AXIS_ANGLE).tolist(),
        betas=second.betas,
        translation_m=(np.array(second.translation_m) * MIRROR).tolist(),
        relation=second.relation,
    )
    mirrored = second_hand_geometry(flipped, hand)
    np.testing.assert_allclose(mirrored.vertices_cam_m, geometry.vertices_cam_m * MIRROR, atol=1e-9)
    assert not meshes_cross(
        left.geometry.vertices_cam_m * MIRROR,
        triangles_of(hand.triangles, "right"),
        mirrored.vertices_cam_m,
        triangles_of(hand.triangles, "left"),
    )


def test_the_same_numbers_give_the_same_hand(plans: list[Plan], draw: DrawIt):
    for plan in plans[:4]:
        assert draw(plan) == draw(plan)
    assert draw(plans[0]) != draw(plans[0], seed=1)


def test_a_hand_survives_json(hand: Hand, every: list[Pair]):
    for _, second, geometry in every[::7]:
        again = SecondHand.model_validate_json(second.model_dump_json())
        assert again == second
        copy = second_hand_geometry(again, hand)
        np.testing.assert_array_equal(copy.vertices_cam_m, geometry.vertices_cam_m)


def test_the_share_is_that_of_the_recipe(plans: list[Plan], draw: DrawIt):
    assert all(draw(plan, share=0.0) is None for plan in plans)
    present = [draw(plans[0], seed, share=0.25) is not None for seed in range(80)]
    # Four standard deviations of a binomial distribution.
    assert abs(np.mean(present) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 80)


@pytest.mark.parametrize(
    "wrong",
    [
        {"relations": {}},
        {"relations": {"touching": 0.0}},
        {"relations": {"waving": 1.0}},
        {"relations": {"touching": -1.0}},
        {"share": 1.5},
        {"hands": 2},
    ],
)
def test_a_wrong_recipe_is_told(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        SecondHandRecipe.model_validate(wrong)
