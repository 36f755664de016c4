"""What geometry refuses and what it lets pass: units, orders, sides, frames; the free hand's poses.

The oracle of the sides is the hand model, whose right and left are defined by its file; that of
orders are the joints' names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from public_trees import RIGHT_HAND_MM
from scipy.spatial.transform import Rotation
from sketched_hands import Drawn

from evaluation.datasets import check_manifest
from evaluation.datasets.geometry import (
    Hands,
    bend_sign,
    check_geometry,
    check_reprojection,
    geometry_problems,
)
from evaluation.datasets.rigid_distances import MIN_FLAT_HANDS, order_problem
from mano_assets.errors import InputError
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import DatasetInfo, JointState, Manifest, project, write_dataset
from render.poses.sampler import PoseSampler
from render.randomness import stream

CAMERA_K = np.array([[300.0, 0, 128], [0, 300.0, 128], [0, 0, 1]])
NUM_POSES = 52


def random_turn(seed: int) -> Rotation:
    return Rotation.from_quat(np.random.default_rng(seed).normal(size=4))


@pytest.fixture(scope="module")
def posed(hand: Hand) -> dict[str, np.ndarray]:
    """Joints of the free hand in valid poses, metres, by distribution; even rows are right."""
    sampler = PoseSampler(hand, {}, 0)
    found = {}
    for distribution in ("hard", "letters"):
        joints = []
        for index in range(NUM_POSES):
            random = stream(0, distribution, index)
            betas = np.clip(random.normal(0, 0.9, 10), -2.5, 2.5)
            pose = sampler.draw({distribution: 1.0}, random, betas).pose[3:]
            side = ("right", "left")[index % 2]
            if side == "left":
                pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
            turn = random_turn(index).as_rotvec()
            place = np.array([0.02, -0.01, 0.6])
            joints.append(hand.posed(turn, pose, betas, place, side)[1])
        found[distribution] = np.array(joints)
    return found


SIDES = ["right", "left"] * (NUM_POSES // 2)


def problems(joints_cam_m: np.ndarray, sides: list[str] | None = None) -> list[str]:
    sides = SIDES if sides is None else sides
    joints_px = project(joints_cam_m, CAMERA_K)
    count = len(joints_px)
    boxes_px = np.full((count, 4), np.nan)
    hands = Hands(joints_px, joints_cam_m, sides, np.full((count, 2), 256.0), boxes_px)
    return list(geometry_problems(hands))


@pytest.mark.parametrize("distribution", ["hard", "letters"])
def test_true_hands_pass(posed: dict[str, np.ndarray], distribution: str) -> None:
    assert problems(posed[distribution]) == []
    assert order_problem(project(posed[distribution], CAMERA_K)) is None


def test_every_clearly_bent_hand_tells_its_side(posed: dict[str, np.ndarray]) -> None:
    for joints in posed.values():
        signs = bend_sign(joints) * np.where(np.array(SIDES) == "right", 1, -1)
        assert (signs > -0.1).all()
        assert np.median(signs) > 0.25


@given(turn=st.integers(0, 10_000), scale=st.floats(0.5, 1.5), index=st.integers(0, NUM_POSES - 1))
@settings(deadline=None, max_examples=40)
def test_the_side_does_not_depend_on_view_or_size(
    posed: dict[str, np.ndarray], turn: int, scale: float, index: int
) -> None:
    joints = posed["hard"][[index]]
    turned = random_turn(turn).apply(joints[0])[None] * scale
    np.testing.assert_allclose(bend_sign(turned), bend_sign(joints), atol=1e-9)
    np.testing.assert_allclose(bend_sign(turned * (1, -1, 1)), -bend_sign(joints), atol=1e-9)


@pytest.mark.parametrize(
    ("factor", "hint"),
    [
        (1000.0, r"looks like millimetres, joints_3d is in metres"),
        (100.0, "looks like centimetres, "),
        (0.001, "looks like metres taken for millimetres"),
        (10.0, "looks like millimetres taken for centimetres"),
        (0.1, "looks like centimetres taken for millimetres"),
        (1e7, "no unit of length makes it one"),
    ],
)
def test_units_are_told(posed: dict[str, np.ndarray], factor: float, hint: str) -> None:
    (problem,) = problems(posed["hard"] * factor)
    assert hint in problem
    assert "expected 0.04 to 0.3 m" in problem


def by_finger(fingers: tuple[str, ...], *, from_tip: bool, wrist_last: bool) -> list[str]:
    chains, listed = dict(HAND21.chains), []
    for finger in fingers:
        listed += chains[finger][::-1] if from_tip else chains[finger]
    return [*listed, "wrist"] if wrist_last else ["wrist", *listed]


MANO_WITH_TIPS = [
    "wrist", *(f"{finger}_{joint}" for finger in ("index", "middle", "little", "ring")
               for joint in ("mcp", "pip", "dip")), "thumb_cmc", "thumb_mcp", "thumb_ip",
    "thumb_tip", "index_tip", "middle_tip", "ring_tip", "little_tip",
]  # fmt: skip
BY_ROWS = [
    "wrist", "thumb_cmc", "index_mcp", "middle_mcp", "ring_mcp", "little_mcp",
    "thumb_mcp", "index_pip", "middle_pip", "ring_pip", "little_pip",
    "thumb_ip", "index_dip", "middle_dip", "ring_dip", "little_dip",
    "thumb_tip", "index_tip", "middle_tip", "ring_tip", "little_tip",
]  # fmt: skip
ORDERS = {
    "RHD's": by_finger(FINGERS, from_tip=True, wrist_last=False),
    "InterHand2.6M's": by_finger(FINGERS, from_tip=True, wrist_last=True),
    "MANO's": MANO_WITH_TIPS,
    "row by row": BY_ROWS,
    "little finger to thumb": by_finger(FINGERS[::-1], from_tip=False, wrist_last=False),
    "thumb, middle, index, ring": by_finger(
        ("thumb", "middle", "index", "ring", "little"), from_tip=False, wrist_last=False
    ),
    "thumb, index, middle, little, ring": by_finger(
        ("thumb", "index", "middle", "little", "ring"), from_tip=False, wrist_last=False
    ),
}


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("distribution", ["hard", "letters"])
def test_other_orders_are_named(posed: dict[str, np.ndarray], name: str, distribution: str) -> None:
    filed = posed[distribution][:, HAND21.indices(ORDERS[name])]
    (problem,) = problems(filed)
    assert "fit another order" in problem
    assert name in problem
    # In two dimensions as well, from enough hands on.
    flat = order_problem(project(filed, CAMERA_K))
    assert flat is not None
    assert name in flat
    assert order_problem(project(filed, CAMERA_K)[: MIN_FLAT_HANDS - 1]) is None


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_shuffled_joints_are_refused(posed: dict[str, np.ndarray], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(HAND21.num_joints)
    assert problems(posed["hard"][:20, order], SIDES[:20])


def test_mirrored_hands_and_swapped_sides_are_refused(posed: dict[str, np.ndarray]) -> None:
    joints = posed["letters"]
    for axis in ((-1, 1, 1), (1, -1, 1)):
        found = problems(joints * axis)
        assert len(found) == 2
        assert "of the clearly bent right hands bend as only left hands can" in found[0]
        assert "of the clearly bent left hands bend as only right hands can" in found[1]
    swapped = [SIDES[1 - SIDES.index(side)] for side in SIDES]
    assert len(problems(joints, swapped)) == 2
    (one,) = problems(joints, ["right"] * NUM_POSES)
    assert "expected at most 33% (sides swapped" in one


def test_a_few_wrong_labels_pass(posed: dict[str, np.ndarray]) -> None:
    joints = posed["hard"].copy()
    joints[:4] *= 1000
    joints[4:10] = joints[4:10] * (-1, 1, 1)
    joints[10:14] = joints[10:14, ::-1]
    joints[14:20, 3:9] = np.nan
    assert problems(joints) == []


def test_a_hand_behind_the_camera_is_refused(posed: dict[str, np.ndarray]) -> None:
    (problem,) = problems(posed["hard"] - np.array([0, 0, 2]))
    assert "expected camera coordinates with z forward" in problem


def test_no_hand_and_no_side_and_straight_fingers() -> None:
    with pytest.raises(InputError, match=r"a\.json: holds no hand that can be used"):
        check_geometry(Path("a.json"), [])
    joints = RIGHT_HAND_MM[None] / 1000 + np.array([0, 0, 0.5])
    assert problems(joints * (-1, 1, 1), ["left"]) == []
    assert len(problems(joints * (-1, 1, 1), ["right"])) == 1
    straight = joints.copy()
    for finger in FINGERS:
        chain = HAND21.chain(finger)
        steps = np.linspace(0, 1, 4)[:, None]
        straight[0, chain] = straight[0, chain[0]] + steps * (
            straight[0, chain[2]] - straight[0, chain[0]]
        )
    assert problems(straight * (-1, 1, 1), ["right"]) == []


def test_reprojection_is_compared(posed: dict[str, np.ndarray]) -> None:
    joints = posed["hard"]
    cameras = np.broadcast_to(CAMERA_K, (len(joints), 3, 3))
    joints_px = project(joints, CAMERA_K)
    check_reprojection(Path("a.json"), joints_px + 0.5, joints, cameras)
    with pytest.raises(InputError, match=r"a\.json: the 3-D joints project 3 px from the 2-D one"):
        check_reprojection(Path("a.json"), joints_px + np.array([3, 0]), joints, cameras)
    with pytest.raises(InputError, match="expected at most 1 px"):
        check_reprojection(Path("a.json"), joints_px * np.nan, joints, cameras)


def own_problems(root: Path, drawn: Drawn, change: Callable[[dict], dict]) -> list[str]:
    """What is said of a set of one's own, made of drawn hands that were changed."""
    held = Manifest.open(str(drawn.root))
    samples = []
    for row in held.table("train").to_pylist():
        image = held.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
        samples.append(({**row, "joints_3d": None, **change(row)}, image))
    write_dataset(root, DatasetInfo(name="mine", kind="real", state="rendering"), samples)
    return check_manifest(str(root))


@pytest.mark.parametrize("states", [None, [int(JointState.UNKNOWN)] * 21])
def test_coordinates_tell_what_is_outside(
    drawn: Drawn, tmp_path: Path, states: list[int] | None
) -> None:
    def enlarged(row: dict) -> dict:
        joints_px = (np.array(row["joints_2d"]) * 8 + 500).tolist()
        box = (np.array(row["box"]) * 8 + [500, 500, 0, 0]).tolist()
        return {"joints_2d": joints_px, "box": box, "joint_state": states}

    assert own_problems(tmp_path / "right", drawn, lambda _: {"joint_state": states}) == []
    (problem,) = own_problems(tmp_path / "wrong", drawn, enlarged)
    assert "100% of the joints lie outside their images" in problem


def test_joints_are_looked_for_in_their_boxes(drawn: Drawn, tmp_path: Path) -> None:
    def moved(share: float) -> Callable[[dict], dict]:
        def change(row: dict) -> dict:
            x, y, width, height = row["box"]
            return {"box": [x + share * width, y, width, height]}

        return change

    for share in (0.0, 0.2):
        assert own_problems(tmp_path / "near", drawn, moved(share)) == []
    (problem,) = own_problems(tmp_path / "away", drawn, moved(1.0))
    assert "of the joints lie in their hands' boxes, expected at least 50%" in problem
    assert own_problems(tmp_path / "none", drawn, lambda _: {"box": None}) == []


def test_a_manifest_of_ones_own_is_checked(drawn: Drawn, tmp_path: Path) -> None:
    assert check_manifest(str(drawn.root)) == []
    held = Manifest.open(str(drawn.root))
    rows = held.table("train").to_pylist()
    samples = [
        (
            {**row, "side": ("right", "left")[row["side"] == "right"]},
            held.read_bytes(row["image_shard"], row["image_offset"], row["image_size"]),
        )
        for row in rows
    ]
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    write_dataset(tmp_path / "mine", info, samples)
    found = check_manifest(str(tmp_path / "mine"))
    assert len(found) == 2
    assert found[0].startswith("split train: ")
    assert "sides swapped" in found[0]
    (tmp_path / "mine/manifest/part-00000.parquet").write_bytes(b"")
    assert "damaged" in check_manifest(str(tmp_path / "mine"))[0]
