"""Metrics against numpy loops, scipy, closed forms and known answers."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from evaluation.averaging import per_sample
from evaluation.metrics import METRICS, Comparison, joint_errors
from evaluation.metrics.comparison import CHUNK, trapezoid_auc
from mano_assets.skeleton import HAND21, PENN13


def random_hands(seed: int, count: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (count, 21, 3)) + np.array([0, 0, 0.6])


def compare(
    predicted: np.ndarray, truth: np.ndarray, size_px: float = 100.0, head_px: float | None = None
) -> Comparison:
    valid = np.ones(truth.shape[:2], bool)
    heads = None if head_px is None else np.full(len(truth), head_px)
    return Comparison(predicted, truth, valid, np.full(len(truth), size_px), head_px=heads)


def value(metric: str, pair: Comparison) -> float:
    return METRICS[metric].value(pair)


# Known answers: mmpose's own functions on truths shifted by d px along x.
@pytest.mark.parametrize(("shift_px", "auc"), [(0.0, 0.95), (3.0, 0.85), (10.0, 0.65)])
def test_2d_metrics_of_a_shift(shift_px: float, auc: float) -> None:
    truth = np.random.default_rng(0).integers(0, 100, (4, 21, 2)).astype(float)
    pair = compare(truth + np.array([shift_px, 0]), truth, size_px=40.0, head_px=10.0)
    for name in ("epe_px", "epe_macro_px"):
        assert value(name, pair) == pytest.approx(shift_px)
    for name in ("nme", "nme_macro"):
        assert value(name, pair) == pytest.approx(shift_px / 40)
    assert value("auc_mmpose_0_30px", pair) == pytest.approx(auc)
    assert value("pckh_0.7", pair) == (1.0 if shift_px < 7 else 0.0)
    for threshold in (0.05, 0.1, 0.15, 0.2):
        expected = 1.0 if shift_px < threshold * 40 else 0.0
        assert value(f"pck_{threshold:g}", pair) == expected
        assert value(f"pck_sample_{threshold:g}", pair) == expected


def test_pck_at_the_threshold_itself() -> None:
    truth = np.zeros((1, 21, 2))
    at, below = (compare(truth + np.array([d, 0]), truth) for d in (20.0, 19.999))
    for name in ("pck_0.2", "pck_micro_0.2", "pck_sample_0.2"):
        assert (value(name, at), value(name, below)) == (0.0, 1.0)
    assert value("pck_penn_0.2", at) == 1.0
    for threshold, distance in ((0.05, 5.0), (0.1, 10.0), (0.15, 15.0)):
        pair = compare(truth + np.array([0, distance]), truth)
        assert value(f"pck_le_{threshold:g}", pair) == 1.0
        assert value(f"pck_{threshold:g}", pair) == 0.0
    at_head = compare(truth + np.array([14.0, 0]), truth, head_px=20.0)
    assert value("pckh_0.7", at_head) == 0.0


# Errors, size and head of each case are drawn; the references are plain loops over joints.
def partly_labelled(seed: int) -> tuple[Comparison, list[list[tuple[float, float, float]]]]:
    random = np.random.default_rng(seed)
    truth = random.uniform(0, 200, (7, 21, 2))
    predicted = truth + random.normal(0, 12, truth.shape)
    valid = random.uniform(size=(7, 21)) > 0.4
    size_px, head_px = random.uniform(30, 120, 7), random.uniform(20, 60, 7)
    pair = Comparison(predicted, truth, valid, size_px, head_px=head_px)
    rows = [
        [
            (float(np.hypot(*(predicted[i, j] - truth[i, j]))), size_px[i], head_px[i])
            if valid[i, j]
            else None
            for j in range(21)
        ]
        for i in range(7)
    ]
    return pair, rows


def macro(rows: list, score: Callable[..., float]) -> float:
    columns = [[score(*cell) for cell in column if cell] for column in zip(*rows, strict=True)]
    return float(np.mean([np.mean(column) for column in columns if column]))


def micro(rows: list, score: Callable[..., float]) -> float:
    return float(np.mean([score(*cell) for row in rows for cell in row if cell]))


def by_hand(rows: list, score: Callable[..., float]) -> float:
    return float(np.mean([np.mean([score(*cell) for cell in row if cell]) for row in rows]))


def curve_area(low: float, high: float, count: int) -> Callable[..., float]:
    thresholds = np.linspace(low, high, count)
    return lambda error, *_: float(
        np.trapz((error <= thresholds).astype(float), thresholds) / (high - low)
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("metric", "averaged", "score"),
    [
        ("epe_px", micro, lambda e, s, h: e),
        ("epe_macro_px", macro, lambda e, s, h: e),
        ("nme", micro, lambda e, s, h: e / s),
        ("nme_macro", macro, lambda e, s, h: e / s),
        ("pck_0.1", macro, lambda e, s, h: e / s < 0.1),
        ("pck_0.2", macro, lambda e, s, h: e / s < 0.2),
        ("pck_micro_0.2", micro, lambda e, s, h: e / s < 0.2),
        ("pck_sample_0.15", by_hand, lambda e, s, h: e / s < 0.15),
        ("pck_le_0.15", macro, lambda e, s, h: e <= 0.15 * s),
        ("pck_penn_0.2", micro, lambda e, s, h: e <= 0.2 * s),
        ("pckh_0.7", macro, lambda e, s, h: e / h < 0.7),
        ("auc_mmpose_0_30px", macro, lambda e, s, h: sum(e < 1.5 * i for i in range(20)) / 20),
        ("auc2d_0_30px_trapz20", macro, curve_area(0, 30, 20)),
    ],
)
def test_2d_metrics_equal_plain_loops(
    seed: int, metric: str, averaged: Callable, score: Callable
) -> None:
    pair, rows = partly_labelled(seed)
    assert value(metric, pair) == pytest.approx(averaged(rows, score), rel=1e-12)


def test_penn_action_is_scored_on_its_own_skeleton() -> None:
    # Two frames; one joint of the first is hidden, three of 25 miss by more than a fifth.
    truth = np.random.default_rng(0).integers(0, 300, (2, PENN13.num_joints, 2)).astype(float)
    predicted = truth + np.array([0.0, 20.0])
    predicted[0, [PENN13.index("left_wrist"), PENN13.index("head")]] += [0, 0.1]
    predicted[1, PENN13.index("right_knee")] += [300, 0]
    valid = np.ones((2, PENN13.num_joints), bool)
    valid[0, PENN13.index("right_ankle")] = False
    pair = Comparison(predicted, truth, valid, np.full(2, 100.0), PENN13, PENN13.root)
    assert value("pck_penn_0.2", pair) == pytest.approx(22 / 25)


def official_alignment(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    a, b = points - points.mean(0), target - target.mean(0)
    norm_a, norm_b = np.linalg.norm(a) + 1e-8, np.linalg.norm(b) + 1e-8
    matrix, scale = orthogonal_procrustes(b / norm_b, a / norm_a)
    return (a / norm_a) @ matrix.T * scale * norm_b + target.mean(0)


def test_freihand_metrics_equal_the_script_written_out() -> None:
    truth = random_hands(0, 12)
    predicted = truth * 1.1 + np.random.default_rng(1).normal(0, 0.02, truth.shape)
    pair = compare(predicted, truth)
    aligned = np.stack([official_alignment(*hand) for hand in zip(predicted, truth, strict=True)])
    thresholds = np.linspace(0.0, 0.05, 100)
    for points, mean, auc in (
        (predicted, "mpjpe_absolute_mm", "auc3d_absolute_0_50mm_trapz100"),
        (aligned, "pa_mpjpe_official_mm", "auc3d_pa_official_0_50mm_trapz100"),
    ):
        errors = np.linalg.norm(points - truth, axis=-1)
        assert value(mean, pair) == pytest.approx(1000 * errors.mean(0).mean(), rel=1e-9)
        areas = [
            np.trapz([(errors[:, j] <= t).mean() for t in thresholds], thresholds) / 0.05
            for j in range(21)
        ]
        assert value(auc, pair) == pytest.approx(np.mean(areas), rel=1e-9)


def test_a_mirrored_hand_scores_only_by_the_official_alignment() -> None:
    truth = random_hands(0)
    turn = Rotation.random(rng=np.random.default_rng(5)).as_matrix()
    mirrored = compare((truth * [-1, 1, 1]) @ turn.T, truth)
    assert value("pa_mpjpe_official_mm", mirrored) == pytest.approx(0.0, abs=1e-3)
    assert value("auc3d_pa_official_0_50mm_trapz100", mirrored) > 0.99
    assert value("pa_mpjpe_rigid_mm", mirrored) > 20.0


def test_mpjpe_is_root_relative_in_mm() -> None:
    truth = random_hands(0)
    predicted = truth + np.array([0.1, 0.2, -0.3])
    pair = compare(predicted, truth)
    assert value("mpjpe_mm", pair) == pytest.approx(0, abs=1e-9)
    assert value("mpjpe_absolute_mm", pair) == pytest.approx(1000 * np.sqrt(0.14))
    predicted[:, HAND21.index("index_tip")] += [0.0, 0.021, 0.0]
    for name in ("mpjpe_mm", "mpjpe_micro_mm"):
        assert value(name, compare(predicted, truth)) == pytest.approx(1.0)
    assert value("auc3d_0_50mm_trapz100", compare(truth, truth)) == pytest.approx(1.0)
    assert value("auc3d_20_50mm_trapz100", compare(truth, truth)) == pytest.approx(1.0)
    # One of 21 joints is 21 mm off: it scores from 21 mm on, up to half a step of the 100 points.
    moved = truth.copy()
    moved[:, HAND21.index("index_tip")] += [0.0, 0.021, 0.0]
    found = value("auc3d_0_50mm_trapz100", compare(moved, truth))
    assert found == pytest.approx((20 + 29 / 50) / 21, abs=0.5 / 99 / 21)


def test_3d_averages_differ_as_named() -> None:
    truth, random = random_hands(0), np.random.default_rng(1)
    predicted = truth + random.normal(0, 0.01, truth.shape)
    valid = random.uniform(size=(5, 21)) > 0.4
    valid[:, HAND21.root] = True
    pair = Comparison(predicted, truth, valid, np.full(5, 1.0))
    moved = (predicted - predicted[:, :1]) - (truth - truth[:, :1])
    errors = 1000 * np.linalg.norm(moved, axis=-1)
    assert value("mpjpe_micro_mm", pair) == pytest.approx(errors[valid].mean())
    per_joint = [errors[valid[:, j], j].mean() for j in range(21) if valid[:, j].any()]
    assert value("mpjpe_mm", pair) == pytest.approx(np.mean(per_joint))


def test_depth_error_sees_the_optical_axis_alone() -> None:
    truth = random_hands(0)
    predicted = truth + np.array([0.1, 0.2, -0.3])
    predicted[:, HAND21.index("index_tip")] += [0.5, -0.4, 0.021]
    predicted[:, HAND21.index("thumb_tip")] -= [0.5, -0.4, 0.042]
    assert value("depth_mm", compare(predicted, truth)) == pytest.approx(3.0)


def test_bone_scaled_errors_do_not_see_the_scale() -> None:
    truth = random_hands(0)
    pair = compare((truth - truth[:, :1]) * 0.4 + 3, truth)
    assert value("mpjpe_bone_scaled_mm", pair) == pytest.approx(0)
    assert value("auc3d_20_50mm_trapz100", pair) == pytest.approx(1)
    moved = truth.copy()
    moved[:, HAND21.index("wrist")] += [0.035, 0, 0]
    relative = moved - moved[:, :1]
    bones = [np.array([np.linalg.norm(h[c] - h[p]) for p, c in HAND21.bones]) for h in relative]
    true = [np.array([np.linalg.norm(h[c] - h[p]) for p, c in HAND21.bones]) for h in truth]
    scale = np.array([t.mean() / b.mean() for t, b in zip(true, bones, strict=True)])
    errors = np.linalg.norm(relative * scale[:, None, None] - (truth - truth[:, :1]), axis=-1)
    area = np.vectorize(curve_area(0.020, 0.050, 100))(errors).mean()
    assert value("auc3d_20_50mm_trapz100", compare(moved, truth)) == pytest.approx(area)
    assert value("mpjpe_bone_scaled_mm", compare(moved, truth)) == pytest.approx(
        1000 * errors.mean()
    )


@pytest.mark.parametrize(("low", "high", "count"), [(0, 50, 100), (0, 30, 20), (20, 50, 100)])
def test_the_area_is_the_trapezoid_rules(low: float, high: float, count: int) -> None:
    thresholds = np.linspace(low, high, count)
    random = np.random.default_rng(0)
    errors = np.concatenate([random.uniform(0, 60, 500), thresholds, [0.0, np.inf]])
    expected = np.trapz((errors[:, None] <= thresholds).astype(float), thresholds) / (high - low)
    np.testing.assert_allclose(trapezoid_auc(errors, low, high, count), expected, atol=1e-12)


def test_invalid_joints_take_no_part() -> None:
    truth, random = random_hands(0), np.random.default_rng(1)
    valid = random.uniform(size=(5, 21)) > 0.3
    valid[:, 0] = True
    size_px, head_px = np.full(5, 100.0), np.array([np.nan, 40, 50, 60, 70.0])
    predicted = truth + random.normal(0, 0.01, truth.shape)
    junk = np.where(valid[..., None], predicted, 1e6)
    nothing = np.where(valid[..., None], truth, np.nan)
    for metric in METRICS.values():
        axes = slice(0, metric.dimensions)
        clean = Comparison(predicted[..., axes], truth[..., axes], valid, size_px, head_px=head_px)
        dirty = Comparison(junk[..., axes], nothing[..., axes], valid, size_px, head_px=head_px)
        assert metric.value(dirty) == pytest.approx(metric.value(clean)), metric.id
        found = per_sample(metric.values(dirty), metric.valid(dirty))
        assert np.isfinite(found).tolist() == [metric.normaliser != "head", True, True, True, True]


def test_a_hand_without_a_size_has_only_errors_in_pixels() -> None:
    truth = np.random.default_rng(0).uniform(0, 99, (2, 21, 2))
    valid = np.ones((2, 21), bool)
    pair = Comparison(truth + np.array([3, 4]), truth, valid, np.array([0.0, 50.0]))
    assert METRICS["epe_px"].valid(pair).all()
    assert METRICS["nme"].valid(pair).any(-1).tolist() == [False, True]
    assert value("nme", pair) == pytest.approx(0.1)
    assert not METRICS["pckh_0.7"].valid(pair).any()
    assert np.isnan(value("pckh_0.7", pair))


def test_chunks_change_nothing() -> None:
    count = 2 * CHUNK + 5
    truth, random = random_hands(0, count), np.random.default_rng(1)
    predicted = truth + random.normal(0, 0.01, truth.shape)
    valid = random.uniform(size=(count, 21)) > 0.1
    valid[:, 0] = True
    pair = Comparison(predicted, truth, valid, random.uniform(10, 90, count))
    assert [len(chunk.truth) for chunk in pair.chunks] == [CHUNK, CHUNK, 5]
    for name in ("mpjpe_mm", "pa_mpjpe_rigid_mm", "mpjpe_bone_scaled_mm", "depth_mm"):
        whole = METRICS[name].per_joint(pair)
        np.testing.assert_allclose(METRICS[name].values(pair)[valid], whole[valid], rtol=1e-9)


def test_all_joints_in_one_point_do_not_divide_by_zero() -> None:
    truth = random_hands(0)
    pair = compare(np.zeros_like(truth), truth)
    spread = joint_errors(truth, truth.mean(1, keepdims=True)).mean() * 1000
    assert value("pa_mpjpe_rigid_mm", pair) == pytest.approx(spread)
    assert value("pa_mpjpe_official_mm", pair) == pytest.approx(spread)
    assert np.isfinite(value("mpjpe_bone_scaled_mm", pair))


def test_every_metric_says_what_it_is() -> None:
    over = {"micro": "over all counted joints", "joint": "for each joint", "sample": "each hand"}
    for name, metric in METRICS.items():
        assert metric.id == name
        assert metric.definition.endswith(".")
        text = metric.definition
        if "As " in text or name == "pa_mpjpe_rigid_mm":
            continue
        assert over[metric.averaging] in text, name
    assert len({metric.definition for metric in METRICS.values()}) == len(METRICS)
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
