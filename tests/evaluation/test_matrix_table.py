"""The matrix: rows, columns, the diagonal, the best and the ranks."""

from __future__ import annotations

from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_trials import prediction_info, real, rendered, stand_in, trial
from scipy.stats import rankdata

from evaluation.matrix import published_anchors
from evaluation.matrix.matrix import Matrix
from evaluation.matrix.sources import Source, any_same, learned_from, source_of, titles
from evaluation.matrix.table import Trial, build_matrix, shared_ranks

AUC = "auc3d_0_50mm_trapz100"


def built(metric: str, trials: list[Trial]) -> Matrix:
    matrix = build_matrix(metric, trials)
    assert matrix is not None
    return matrix


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.booleans())
def test_shared_ranks_are_scipys(values: list[int], higher: bool) -> None:
    signed = [-value if higher else value for value in values]
    assert shared_ranks(values, higher) == rankdata(signed, method="average").tolist()


def test_mean_ranks_follow_the_rule_of_freihands_table() -> None:
    """Its printed ranks: diagonal included, a missing cell left out."""
    printed = {
        "STB": 6.0, "RHD": 2.9, "GANerated": 5.4, "Panoptic": 3.0, "LSMV": 4.1, "FPA": 6.0,
        "HO-3D": 6.1, "FreiHAND": 2.2,
    }  # fmt: skip
    table = [
        anchor
        for anchor in published_anchors()
        if anchor.their_protocol == "FreiHAND paper, cross-data-set generalisation"
    ]
    trials = [trial(f"{each.train_data}", each.data, {AUC: each.value}) for each in table]
    matrix = built(AUC, trials)
    assert (len(matrix.rows), len(matrix.columns)) == (8, 8)
    found = {row.model: row.mean_rank for row in matrix.rows}
    # Python rounds 2.25 to the even 2.2, as printed.
    assert {name: round(rank or 0, 1) for name, rank in found.items()} == printed
    ho3d = next(row for row in matrix.rows if row.model == "HO-3D")
    assert ho3d.missing == ["ho3d test (handforge-2d3d v1)"]
    assert ho3d.num_ranked == 7


def test_rows_columns_and_best() -> None:
    matrix = built(
        "nme",
        [
            trial("a", "x", {"nme": 0.3}),
            trial("a", "y", {"nme": 0.9}, width=0.01),
            trial("b", "x", {"nme": 0.35, "mpjpe_mm": 9.0}),
            trial("b", "y", {"nme": 0.8}, width=0.01),
            trial("base", "x", {"nme": 0.05}, system="meanpose"),
            trial("c", "z", {"mpjpe_mm": 9.0}),
        ],
    )
    assert [row.model for row in matrix.rows] == ["a", "b", "base"]
    assert [column.title for column in matrix.columns] == ["x", "y"]
    values = [[cell and cell.value for cell in row.cells] for row in matrix.rows]
    assert values == [[0.3, 0.9], [0.35, 0.8], [0.05, None]]
    best = [[bool(cell and cell.is_best) for cell in row.cells] for row in matrix.rows]
    # The mean pose is no model, but a model that does not beat it is not the best either.
    assert best == [[False, False], [False, True], [True, False]]
    reach = [[cell and cell.reaches_best for cell in row.cells] for row in matrix.rows]
    assert reach == [[False, False], [False, True], [True, None]]
    assert [row.mean_rank for row in matrix.rows] == [1.5, 1.5, None]
    assert matrix.rows[2].missing == ["y test (handforge-2d3d v1)"]


def test_direction_of_the_metric_decides() -> None:
    trials = [trial("a", "x", {"pck_0.2": 0.3}), trial("b", "x", {"pck_0.2": 0.8})]
    matrix = built("pck_0.2", trials)
    assert [row.mean_rank for row in matrix.rows] == [2, 1]
    assert [row.cells[0] and row.cells[0].is_best for row in matrix.rows] == [False, True]


def test_overlap_with_the_best_is_of_intervals() -> None:
    matrix = built("nme", [trial("a", "x", {"nme": 0.3}), trial("b", "x", {"nme": 0.49})])
    assert [row.cells[0] and row.cells[0].reaches_best for row in matrix.rows] == [True, True]


def test_column_of_a_single_model_ranks_nobody() -> None:
    matrix = built(
        "nme",
        [
            trial("a", "x", {"nme": 0.3}),
            trial("b", "x", {"nme": 0.2}),
            trial("a", "y", {"nme": 0.1}),
        ],
    )
    assert [(row.mean_rank, row.num_ranked) for row in matrix.rows] == [(2, 1), (1, 1)]
    alone = matrix.rows[0].cells[1]
    assert alone is not None
    assert (alone.is_best, alone.reaches_best) == (False, None)


def test_stand_ins_and_few_hands_rank_nobody() -> None:
    def of(name: str, n: int) -> list[Trial]:
        return [trial(model, name, {"nme": v}, n=n) for model, v in (("a", 0.1), ("b", 0.2))]

    turned = [trial("a", "full", {"nme": 0.9}, n=30), trial("b", "full", {"nme": 0.1}, n=30)]
    matrix = built("nme", [*of("freihand-stand-in", 500), *of("small", 29), *turned])
    assert [(row.mean_rank, row.num_ranked) for row in matrix.rows] == [(2, 1), (1, 1)]
    none = built("nme", [*of("freihand-stand-in", 500), *of("small", 29)])
    assert [(row.mean_rank, row.num_ranked) for row in none.rows] == [(None, 0)] * 2


def test_repeats_share_a_row_with_mean_and_spread() -> None:
    values = [0.3, 0.5, 0.7]
    trials = [trial("a", "x", {"nme": value}) for value in values]
    matrix = built("nme", [*trials, trials[0], trial("b", "x", {"nme": 0.45})])
    (row, other) = matrix.rows
    cell = row.cells[0]
    assert cell is not None
    # The same predictions twice are no repeat.
    assert row.num_seeds == 3
    assert cell.value == pytest.approx(mean(values))
    assert cell.deviation == pytest.approx(stdev(values))
    assert (cell.low, cell.high, cell.reaches_best) == (None, None, None)
    assert (row.mean_rank, other.mean_rank) == (2, 1)


def test_splits_protocols_and_contents_make_columns() -> None:
    value = {"nme": 0.1}
    matrix = built(
        "nme",
        [
            trial("a", "x", value, split="s"),
            trial("a", "x", value, split=None),
            trial("a", "x", value, split="s", protocol="coco-wholebody"),
            trial("a", "x", value, split="s", digest="another"),
        ],
    )
    heads = [(column.title, column.split, column.protocol) for column in matrix.columns]
    assert heads == [
        ("x digest o", "s", "handforge-2d3d v1"),
        ("x digest o", None, "handforge-2d3d v1"),
        ("x digest o", "s", "coco-wholebody v1"),
        ("x another", "s", "handforge-2d3d v1"),
    ]
    assert matrix.columns[2].size != matrix.columns[0].size


def test_models_stand_together_by_what_they_learned_from() -> None:
    demo = rendered()
    easy, hard = source_of(demo, "train_easy"), source_of(demo, "test_hard")
    trials = [
        trial("base", "x", {"nme": 1.0}, learned=(easy,), system="meanpose"),
        trial("a", "x", {"nme": 0.3}, learned=(easy,)),
        trial("b", "x", {"nme": 0.3}, learned=(easy, hard)),
        trial("c", "x", {"nme": 0.3}, learned=(easy,)),
        trial("d", "x", {"nme": 0.3}, learned=(hard, easy)),
    ]
    matrix = built("nme", trials)
    assert [(row.model, row.trained_on) for row in matrix.rows] == [
        ("a", "demo: train_easy"), ("c", "demo: train_easy"),
        ("b", "demo: train_easy, test_hard"), ("d", "demo: test_hard, train_easy"),
        ("base", "demo: train_easy"),
    ]  # fmt: skip


def test_nothing_scored_makes_no_matrix() -> None:
    assert build_matrix("mpjpe_mm", [trial("a", "x", {"nme": 0.1})]) is None


def test_same_look_is_the_diagonal() -> None:
    demo = rendered()
    easy = source_of(demo, "train_easy")
    assert easy.is_same(source_of(demo, "test_easy")) is True
    assert easy.is_same(source_of(demo, "test_hard")) is False
    assert easy.is_same(source_of(demo, None)) is True
    other_seed = rendered(digest="d2", seed=9, images_per_part=3)
    assert easy.is_same(source_of(other_seed, "test_easy")) is True
    other_camera = rendered(digest="d3", camera={"focal": 2})
    assert easy.is_same(source_of(other_camera, "test_easy")) is False
    masks = rendered(digest="d4", image={"size": 128, "label_images": []})
    assert easy.is_same(source_of(masks, "test_easy")) is True
    smaller = rendered(digest="d5", image={"size": 64, "label_images": []})
    assert easy.is_same(source_of(smaller, "test_easy")) is False


def test_weights_of_poses_count_up_to_a_factor() -> None:
    def mixed(poses: dict[str, float], digest: str) -> Source:
        split = {"name": "s", "count": 3, "poses": poses, "view": {}}
        return source_of(rendered(digest=digest, splits=[split]), "s")

    one = mixed({"handshapes": 3, "hard": 1}, "d1")
    assert one.is_same(mixed({"hard": 0.25, "handshapes": 0.75, "claw": 0}, "d2")) is True
    assert one.is_same(mixed({"hard": 0.3, "handshapes": 0.7}, "d3")) is False


def test_public_data_set_is_its_own_diagonal() -> None:
    train, test = source_of(real("freihand", "r1"), "training"), real("freihand", "r2")
    assert train.is_same(source_of(test, "evaluation")) is True
    assert train.is_same(source_of(real("mmpose-freihand"), "test")) is True
    assert train.is_same(source_of(real("rhd"), "evaluation")) is False
    assert train.is_same(source_of(rendered(), "test_easy")) is False


def test_stand_in_is_never_the_public_data_set() -> None:
    demo = rendered()
    found = source_of(stand_in("freihand", demo, "test_hard"), "evaluation", [demo])
    assert found.title == "freihand stand-in: evaluation"
    assert found.is_same(source_of(real("freihand"), "evaluation")) is False
    assert found.is_same(source_of(demo, "test_hard")) is True
    assert found.is_same(source_of(demo, "train_easy")) is False
    # Of renders that are not at hand nothing is known.
    unknown = source_of(stand_in("freihand", demo, "test_hard"), "evaluation")
    assert unknown.is_same(source_of(demo, "train_easy")) is None


def test_what_is_not_known_stays_so() -> None:
    demo, made = rendered(), rendered(digest="d2")
    bare = source_of(made.model_copy(update={"recipe": {"seed": 3}}), "test_easy")
    easy = source_of(demo, "train_easy")
    assert easy.is_same(bare) is None
    assert easy.is_same(Source("gone", "train")) is None
    assert bare.is_same(bare) is True
    tested = source_of(demo, "test_easy")
    hard = source_of(demo, "test_hard")
    assert any_same([], tested) is None
    assert any_same([hard], tested) is False
    assert any_same([hard, bare], tested) is None
    assert any_same([hard, bare, easy], tested) is True


def test_what_a_model_learned_from_is_found_by_digest() -> None:
    demo, public = rendered(), real("rhd")
    info = prediction_info(
        train_data=["away/demo:train_easy", "away/rhd", "away/demo:train_easy"],
        digests=["d1", "r1", "d1"],
    )
    assert learned_from(info, [demo, public]) == (
        source_of(demo, "train_easy"), source_of(public, None),
    )  # fmt: skip
    assert titles(learned_from(info, [demo, public])) == "demo: train_easy; rhd: all"
    unknown = learned_from(info, [])
    assert [(source.name, source.kind) for source in unknown] == [("demo", None), ("rhd", None)]
    # Without a digest for each, which belongs to which is not guessed.
    (bare,) = learned_from(prediction_info(train_data=["away/demo:train_easy"]), [demo])
    assert (bare.kind, bare.digest) == (None, None)
