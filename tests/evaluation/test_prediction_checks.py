"""Mistakes in prediction files: made here on purpose, and named or told of."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from sketched_hands import CAMERA_K, SIZE_PX, pose_hand

from evaluation.joint_orders import JOINT_ORDERS
from evaluation.metrics import Comparison
from evaluation.prediction_checks import HandFacts, check_predictions, match_ids
from mano_assets.errors import InputError
from mano_assets.skeleton import FINGERS, HAND21, PENN13

FILE = Path("predictions.parquet")
NUM_HANDS = 24


def make_truth(seed: int = 0, count: int = NUM_HANDS) -> tuple[np.ndarray, np.ndarray, HandFacts]:
    """Joints in px and metres, and facts of hands of both sides in many poses."""
    random = np.random.default_rng(seed)
    hands, sides = [], []
    for number in range(count):
        side = ("right", "left")[number % 2]
        flexion = {finger: np.abs(random.normal(0.7, 0.3, 3)) for finger in FINGERS}
        turn = Rotation.from_euler("xyz", random.normal(0, 0.6, 3))
        hands.append(pose_hand(flexion, turn, side) + random.normal(0, [0.02, 0.02, 0.05]))
        sides.append(side)
    joints_m = np.stack(hands)
    joints_px = (joints_m @ CAMERA_K.T)[..., :2] / joints_m[..., 2:]
    low, high = joints_px.min(1) - 6, joints_px.max(1) + 6
    facts = HandFacts(
        np.full((count, 2), float(SIZE_PX)), np.concatenate([low, high - low], -1),
        np.array(sides, dtype=object),
    )  # fmt: skip
    return joints_px, joints_m, facts


JOINTS_PX, JOINTS_M, FACTS = make_truth()
NOISE = np.random.default_rng(9)
GOOD_PX = JOINTS_PX + NOISE.normal(0, 2, JOINTS_PX.shape)
GOOD_M = JOINTS_M + NOISE.normal(0, 0.004, JOINTS_M.shape)


def check(
    predicted: np.ndarray, facts: HandFacts = FACTS, valid: np.ndarray | None = None
) -> list[str]:
    truth = JOINTS_PX if predicted.shape[-1] == 2 else JOINTS_M
    truth = truth[: len(predicted)]
    if valid is None:
        valid = np.ones(truth.shape[:2], bool)
    size_px = np.full(len(truth), 80.0)
    pair = Comparison(predicted, np.where(valid[..., None], truth, np.nan), valid, size_px)
    few = HandFacts(
        *(each[: len(predicted)] for each in (facts.image_px, facts.box_px, facts.sides))
    )
    if facts.right_probability is not None:
        few = facts
    return check_predictions(FILE, {predicted.shape[-1]: pair}, few)


def refused(message: str, predicted: np.ndarray, **options) -> None:
    with pytest.raises(InputError, match=rf"^predictions\.parquet: .*{message}") as caught:
        check(predicted, **options)
    assert str(caught.value).count("\n") == 0


# What models may do: be exact, noisy, collapsed, untrained, the mean of all, or know no depth.
@pytest.mark.parametrize("seed", range(3))
def test_bad_models_are_not_mistaken_for_mistakes(seed: int) -> None:
    random = np.random.default_rng(seed)
    middle_px = FACTS.box_px[:, None, :2] + FACTS.box_px[:, None, 2:] / 2
    mean_pose = np.broadcast_to(JOINTS_M.mean(0), JOINTS_M.shape)
    for predicted in (
        JOINTS_PX, GOOD_PX,
        middle_px + random.normal(0, 25, JOINTS_PX.shape),
        np.broadcast_to(middle_px, JOINTS_PX.shape) + random.normal(0, 1, JOINTS_PX.shape),
        np.zeros_like(JOINTS_PX),
        random.uniform(0, SIZE_PX, JOINTS_PX.shape),
        JOINTS_M, GOOD_M, GOOD_M - GOOD_M[:, :1],
        random.normal(0, 0.05, JOINTS_M.shape),
        mean_pose, mean_pose - mean_pose[:, :1],
        np.zeros_like(JOINTS_M),
    ):  # fmt: skip
        check(predicted)
    assert check(GOOD_PX) == check(GOOD_M) == check(JOINTS_M - 0.3) == []
    # Collapsed by chance to a thousandth: tiny and shapeless.
    (told,) = check(random.normal(0, 5e-5, JOINTS_M.shape))
    assert told == "joints_3d of 24 of 24 hands have bones more than 3 times too long or too short."


@pytest.mark.parametrize(
    ("factor", "unit"),
    [
        (1000, "millimetres"),
        (100, "centimetres"),
        (10, "decimetres"),
        (0.001, "kilometres"),
        (0.01, "hectometres"),
    ],
)
@pytest.mark.parametrize("root_relative", [False, True])
def test_other_units_are_named(factor: float, unit: str, root_relative: bool) -> None:
    predicted = GOOD_M - GOOD_M[:, :1] if root_relative else GOOD_M
    refused(
        rf"joints_3d look like {unit} \(bones .* times .*\), expected metres\.",
        1.2 * factor * predicted,
    )


def test_a_few_hands_of_odd_size_are_told_of() -> None:
    predicted = GOOD_M.copy()
    predicted[[3, 5]] *= 1000
    assert check(predicted) == [
        "joints_3d of 2 of 24 hands have bones more than 3 times too long or too short."
    ]


@pytest.mark.parametrize("low", [0, -1])
def test_normalised_coordinates_are_refused(low: float) -> None:
    refused(
        r"joints_2d look normalised \(they lie between .*\), expected pixels of the whole image",
        low + (1 - low) * GOOD_PX / SIZE_PX,
    )
    box = FACTS.box_px[:, None]
    refused("joints_2d look normalised", low + (1 - low) * (GOOD_PX - box[..., :2]) / box[..., 2:])


def test_pixels_of_the_crop_are_refused() -> None:
    box = FACTS.box_px[:, None]
    side = box[..., 2:].max(-1, keepdims=True)
    crop = (GOOD_PX - box[..., :2]) / side * 256
    refused("joints_2d look like pixels of a crop .*, expected pixels of the whole image", crop)


@pytest.mark.parametrize("order", JOINT_ORDERS)
@pytest.mark.parametrize("good", [GOOD_PX, GOOD_M, GOOD_M - GOOD_M[:, :1]], ids=["px", "m", "root"])
def test_other_joint_orders_are_named(order: str, good: np.ndarray) -> None:
    stored = np.stack([good[:, HAND21.index(joint)] for joint in JOINT_ORDERS[order]], 1)
    refused(f"look like another joint order, {re.escape(order)}: read so, the median", stored)


# A bad model whose errors merely fall when its joints are read in another order.
def test_an_order_that_leaves_most_unexplained_is_not_named() -> None:
    random = np.random.default_rng(4)
    order = next(iter(JOINT_ORDERS.values()))
    sizes_px = np.ptp(JOINTS_PX, axis=1).max(-1)[:, None, None]
    for noise, named in ((0.02, True), (0.16, False)):
        bad = JOINTS_PX + noise * sizes_px * random.normal(size=JOINTS_PX.shape)
        stored = np.stack([bad[:, HAND21.index(joint)] for joint in order], 1)
        if named:
            refused("another joint order", stored)
        else:
            assert check(stored) == []


@pytest.mark.parametrize(
    ("undo", "name"),
    [
        ([1, -1, -1], r"y up and z to the viewer \(OpenGL's\)"),
        ([-1, -1, 1], r"x to the left and y up \(PyTorch3D's\)"),
        ([-1, 1, -1], "x to the left and z to the viewer"),
    ],
)
@pytest.mark.parametrize("root_relative", [False, True])
def test_other_axes_in_space_are_named(undo: list[int], name: str, root_relative: bool) -> None:
    predicted = GOOD_M - GOOD_M[:, :1] if root_relative else GOOD_M
    refused(
        f"joints_3d look like another frame, {name}: read so, the median error falls from 0.* "
        r"expected x to the right, y down and z away from the camera\.",
        predicted * undo,
    )


def test_other_axes_in_the_image_are_named() -> None:
    refused(r"joints_2d look like another frame, \(row, column\): read so", GOOD_PX[..., ::-1])
    for height in (SIZE_PX, 0):
        refused(
            "joints_2d look like another frame, y up: .* with y down",
            [0, height] + GOOD_PX * [1, -1],
        )


def test_orders_hold_every_joint_once_and_are_those_of_the_data_sets() -> None:
    for order in JOINT_ORDERS.values():
        assert sorted(order) == sorted(HAND21.joints)
    # InterHand2.6M's skeleton.txt: thumb4 to thumb1, ..., the wrist last.
    expected = [20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16]
    (interhand,) = (order for name, order in JOINT_ORDERS.items() if "InterHand" in name)
    assert HAND21.order_from(interhand) == expected
    (mano,) = (order for name, order in JOINT_ORDERS.items() if "16 joints" in name)
    assert mano[13:17] == ("thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip")


def test_an_order_is_found_with_joints_missing() -> None:
    valid = np.random.default_rng(0).uniform(size=(NUM_HANDS, 21)) > 0.5
    order = next(iter(JOINT_ORDERS))
    stored = np.stack([GOOD_PX[:, HAND21.index(joint)] for joint in JOINT_ORDERS[order]], 1)
    refused("another joint order, MANO's 16", stored, valid=valid)
    assert check(GOOD_PX, valid=valid) == []


def test_hands_all_mirrored_in_space_are_refused() -> None:
    refused(
        r"joints_3d of 2\d of 24 hands fit the truth at least twice as well mirrored \(left and "
        "right mixed up",
        GOOD_M * [-1, 1, 1],
    )
    refused("twice as well mirrored", (GOOD_M - GOOD_M[:, :1]) * [1, 1, -1])


def test_flat_right_hands_that_are_mirrored_are_not_another_order() -> None:
    """Mirrored, an open hand is nearly one whose fingers are counted from the other side."""
    random = np.random.default_rng(1)
    hands = [
        pose_hand({f: np.abs(random.normal(0, 0.05, 3)) for f in FINGERS},
                  Rotation.from_euler("xyz", random.normal(0, 0.1, 3)), "right")
        for _ in range(NUM_HANDS)
    ]  # fmt: skip
    truth_m = np.stack(hands)
    truth_px = (truth_m @ CAMERA_K.T)[..., :2] / truth_m[..., 2:]
    facts = HandFacts(
        FACTS.image_px, np.full((NUM_HANDS, 4), np.nan), np.full(NUM_HANDS, "right", dtype=object)
    )
    valid, size_px = np.ones((NUM_HANDS, 21), bool), np.full(NUM_HANDS, 80.0)
    for truth, predicted in (
        (truth_m, truth_m * [-1, 1, 1]),
        (truth_px, [SIZE_PX, 0] + truth_px * [-1, 1]),
        (truth_px, truth_px * [-1, 1]),
    ):
        pair = Comparison(predicted, truth, valid, size_px)
        with pytest.raises(InputError, match=r"of 24 of 24 hands fit the truth .* well mirrored"):
            check_predictions(FILE, {truth.shape[-1]: pair}, facts)


def test_left_hands_that_were_not_mirrored_back_are_told_of() -> None:
    left = FACTS.sides == "left"
    in_space, in_image, in_crop = GOOD_M.copy(), GOOD_PX.copy(), GOOD_PX.copy()
    in_space[left, :, 0] *= -1
    in_image[left, :, 0] = SIZE_PX - in_image[left, :, 0]
    middle = FACTS.box_px[:, 0] + FACTS.box_px[:, 2] / 2
    in_crop[left, :, 0] = 2 * middle[left, None] - in_crop[left, :, 0]
    for predicted in (in_space, in_image, in_crop):
        (told,) = check(predicted)
        assert re.fullmatch(
            r"joints_[23]d of (12|11|10|9|8|7) of 12 left hands fit the truth at least twice as "
            r"well mirrored \(not mirrored back, or by a model that does not know this side\?\)\.",
            told,
        )


# It scores badly on left hands, but no file is wrong.
def test_a_mean_pose_of_right_hands_is_scored_on_both_sides() -> None:
    right = FACTS.sides == "right"
    _, upright_m, facts = make_truth(3)
    mean_m = (upright_m[right] - upright_m[right].mean(1, keepdims=True)).mean(0)
    predicted = mean_m + JOINTS_M.mean(1, keepdims=True)
    check(predicted)
    # All of them in one pose, its left hands mirrored.
    truth = predicted.copy()
    truth[~right] = truth[~right] * [-1, 1, 1]
    valid, size_px = np.ones((NUM_HANDS, 21), bool), np.full(NUM_HANDS, 80.0)
    (told,) = check_predictions(FILE, {3: Comparison(predicted, truth, valid, size_px)}, facts)
    assert told.startswith("joints_3d of 12 of 12 left hands fit")
    # Where there are left hands alone.
    pair = Comparison(predicted[~right], truth[~right], valid[~right], size_px[~right])
    lefts = HandFacts(facts.image_px[~right], facts.box_px[~right], facts.sides[~right])
    (told,) = check_predictions(FILE, {3: pair}, lefts)
    assert told.startswith("joints_3d of 12 of 12 left hands fit")


def test_a_few_hands_of_the_other_side_do_not_speak_for_a_mirrored_file() -> None:
    predicted = GOOD_M * [-1, 1, 1]
    sides = np.full(NUM_HANDS, "right", dtype=object)
    sides[:2], predicted[:2] = "left", GOOD_M[:2]
    facts = HandFacts(FACTS.image_px, FACTS.box_px, sides)
    refused("of 24 hands fit the truth at least twice as well mirrored", predicted, facts=facts)


def test_one_pose_for_all_hands_is_no_sign_of_another_frame() -> None:
    predicted = np.broadcast_to(JOINTS_M[0], JOINTS_M.shape)
    truth = predicted * [-1, -1, 1] + NOISE.normal(0, 0.003, JOINTS_M.shape)
    valid, size_px = np.ones((NUM_HANDS, 21), bool), np.full(NUM_HANDS, 80.0)
    (told,) = check_predictions(FILE, {3: Comparison(predicted, truth, valid, size_px)}, FACTS)
    assert told.startswith("joints_3d look like another frame, x to the left and y up")
    assert told.endswith("(of one pose for all 24 hands: it may be chance).")


def test_single_mirrored_hands_are_counted() -> None:
    predicted = JOINTS_M.copy()
    predicted[[2, 4, 7], :, 0] *= -1
    assert check(predicted) == [
        "joints_3d of 3 of 24 hands fit the truth at least twice as well mirrored."
    ]


def test_hands_of_other_skeletons_have_no_chirality_or_order() -> None:
    truth = np.random.default_rng(0).uniform(0, 300, (9, PENN13.num_joints, 2))
    valid = np.ones(truth.shape[:2], bool)
    flipped = truth.copy()
    flipped[..., 0] = 300 - flipped[..., 0]
    pair = Comparison(flipped, truth, valid, np.full(9, 90.0), PENN13, PENN13.root)
    sides = np.full(9, None, dtype=object)
    facts = HandFacts(np.full((9, 2), 300.0), np.full((9, 4), np.nan), sides)
    assert check_predictions(FILE, {2: pair}, facts) == []


def test_few_hands_are_only_warned_about() -> None:
    (told,) = check(GOOD_M[:4] * 1000)
    assert re.match(r"joints_3d look like millimetres .* \(of 4 hands: it may be chance\)\.$", told)
    refused("millimetres", GOOD_M[:5] * 1000)


def test_sides_that_were_not_recognised_are_counted() -> None:
    right = np.where(FACTS.sides == "right", 0.9, 0.2)
    facts = HandFacts(FACTS.image_px, FACTS.box_px, FACTS.sides, right)
    assert check(GOOD_PX, facts) == []
    right[[0, 1, 5]] = 1 - right[[0, 1, 5]]
    right[7] = np.nan
    sides = FACTS.sides.copy()
    sides[9] = None
    facts = HandFacts(FACTS.image_px, FACTS.box_px, sides, right)
    assert check(GOOD_PX, facts) == ["right_probability says the other side for 3 of 22 hands."]


def test_both_dimensions_are_checked() -> None:
    valid, size_px = np.ones((NUM_HANDS, 21), bool), np.full(NUM_HANDS, 80.0)
    pairs = {
        2: Comparison(GOOD_PX, JOINTS_PX, valid, size_px),
        3: Comparison(GOOD_M * 1000, JOINTS_M, valid, size_px),
    }
    with pytest.raises(InputError, match="joints_3d look like millimetres"):
        check_predictions(FILE, pairs, FACTS)


def test_ids_are_matched_in_any_order() -> None:
    assert match_ids(FILE, "data", ["c", "a", "b"], ["a", "b", "c"]) == [1, 2, 0]
    with pytest.raises(InputError, match="1980 of the 3960 samples of data have no prediction"):
        match_ids(FILE, "data", [str(i) for i in range(1980)], [str(i) for i in range(3960)])
