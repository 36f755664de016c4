"""Coverage of one pose set by another, against exhaustive search and sets with known answers."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from mano_assets.errors import InputError
from mano_assets.hand import Hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16
from render.poses import coverage_page, pose_space
from render.poses.coverage import compare, furthest, histogram, left_out_rad, outside, project
from render.poses.coverage_page import write_coverage
from render.poses.pose_sets import PoseSet
from render.poses.pose_space import compared_angles, features_of, nearest, share_within

INDEX_PIP, RING_DIP = MANO16.index("index_pip"), MANO16.index("ring_dip")


def random_set(name: str, count: int, seed: int, has_wrist: bool = False) -> PoseSet:
    """Uniform in the active range."""
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    angles = np.random.default_rng(seed).uniform(lower, upper, (count, 16, 3))
    if not has_wrist:
        angles[:, MANO16.root] = 0
    return PoseSet(name, angles, has_wrist, f"{name}: made up")


def moved(poses: PoseSet, name: str, **bends_deg: float) -> PoseSet:
    """The same set with some joints bent further."""
    angles = poses.angles_rad.copy()
    for joint, bend in bends_deg.items():
        angles[:, MANO16.index(joint), 0] += np.deg2rad(bend)
    return PoseSet(name, angles, poses.has_wrist, f"{name}: made up")


def rms_deg(first: PoseSet, second: PoseSet) -> np.ndarray:
    """All distances the long way, over the twenty angles named here one by one, [n, m]."""
    long = ("index", "middle", "ring", "little")
    bends = [f"{finger}_{joint}" for finger in long for joint in ("mcp", "pip", "dip")]
    bends += ["thumb_cmc", "thumb_mcp", "thumb_ip"]
    splays = [*(f"{finger}_mcp" for finger in long), "thumb_cmc"]
    mine, other = (
        np.concatenate([part[:, MANO16.indices(bends), 0], part[:, MANO16.indices(splays), 1]], 1)
        for part in (first.angles_rad, second.angles_rad)
    )
    return np.rad2deg(cdist(mine, other) / np.sqrt(20))


def test_distances_and_shares_are_those_of_exhaustive_search(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pose_space, "_BLOCK_ELEMENTS", 1000)
    a, b = random_set("a", 130, 0), random_set("b", 70, 1)
    found = compare(a, b, radius_deg=22)
    between = rms_deg(b, a)
    np.testing.assert_allclose(np.rad2deg(found.b_to_a_rad), between.min(1))
    np.testing.assert_array_equal(found.nearest_in_a, between.argmin(1))
    np.testing.assert_allclose(np.rad2deg(found.a_to_b_rad), between.min(0))
    for part, within in ((a, found.within_a_rad), (b, found.within_b_rad)):
        own = rms_deg(part, part)
        np.fill_diagonal(own, np.inf)
        np.testing.assert_allclose(np.rad2deg(within), own.min(1))
    assert 0 < found.share_of_b < 1
    assert found.share_of_b == (between.min(1) <= 22).mean()
    assert found.share_of_a == (between.min(0) <= 22).mean()
    sizes, shares = zip(*found.share_by_size, strict=True)
    assert sizes == (16, 32, 65, 130)
    assert list(shares) == sorted(shares)
    assert shares[-1] == found.share_of_b


def test_a_set_covers_its_parts_and_nothing_far():
    a = random_set("a", 60, 0)
    part = PoseSet("part", a.angles_rad[::3], False, "part")
    assert compare(a, part, radius_deg=0.001).share_of_b == 1
    # 90 degrees in one of twenty angles: 20.1 degrees.
    far = moved(part, "far", index_pip=90 + 105)
    found = compare(a, far, radius_deg=20)
    assert found.share_of_b == found.share_of_a == 0
    shifted = compare(
        part, moved(part, "shifted", index_pip=90), radius_deg=90 / np.sqrt(20) + 1e-9
    )
    assert shifted.share_of_b == 1


def test_the_wrist_counts_only_if_both_sets_know_it():
    with_wrist = random_set("a", 20, 0, has_wrist=True)
    straight = PoseSet("b", with_wrist.angles_rad * 1.0, False, "b")
    straight.angles_rad[:, MANO16.root] = 0
    assert compare(with_wrist, straight).b_to_a_rad.max() < 1e-7
    known = PoseSet("c", straight.angles_rad, True, "c")
    found = compare(with_wrist, known)
    assert found.b_to_a_rad.max() > 0.01
    assert [angle.label for angle in found.angles if angle.joint == "wrist"] == [
        "wrist bend",
        "wrist splay",
    ]


@settings(deadline=None, max_examples=50)
@given(
    distances=st.lists(st.floats(0, 3), min_size=1, max_size=30),
    radii=st.lists(st.floats(0, 4), min_size=2, max_size=20),
)
def test_the_share_grows_with_the_radius(distances: list[float], radii: list[float]):
    shares = share_within(np.array(distances), np.array(sorted(radii)))
    assert (np.diff(shares) >= 0).all()
    expected = [np.mean([d <= radius for d in distances]) for radius in sorted(radii)]
    np.testing.assert_allclose(shares, expected)


def test_a_lone_pose_has_no_neighbour_and_twins_have_each_other():
    features = features_of(random_set("a", 3, 0).angles_rad, compared_angles(with_wrist=False))
    assert np.isinf(nearest(features[:1])[0]).all()
    assert nearest(np.repeat(features[:1], 2, 0))[0].max() < 1e-7


def test_large_sets_are_thinned_the_same_way_every_time():
    a, b = random_set("a", 300, 0), random_set("b", 50, 1)
    first, second = (compare(a, b, most_poses=100) for _ in range(2))
    assert len(first.a.rows) == len(set(first.a.rows)) == 100
    np.testing.assert_array_equal(first.a.rows, second.a.rows)
    np.testing.assert_array_equal(first.b.rows, np.arange(50))
    np.testing.assert_array_equal(
        first.a.features_rad, features_of(a.angles_rad[first.a.rows], first.angles)
    )


def test_what_lies_outside_the_limits_is_found_but_not_what_lies_on_them():
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    # Through axis-angle and back, angles change by rounding.
    angles = np.stack([lower - 1e-9, upper + 1e-9, upper, np.zeros((16, 3))])
    angles[2, INDEX_PIP, 0] += 0.01
    part = compare(PoseSet("a", angles, False, "a"), random_set("b", 5, 0)).a
    kinds = compared_angles(with_wrist=False)
    beyond = outside(part, kinds, "active")
    row, column = np.argwhere(beyond)[0]
    assert beyond.sum() == 1
    assert (row, kinds[column].label) == (2, "index pip bend")
    assert outside(part, kinds, "functional").any(1).tolist() == [True, True, True, False]


def test_angles_that_are_not_compared_are_measured():
    angles = np.zeros((4, 16, 3))
    kinds = compared_angles(with_wrist=False)
    angles[:, RING_DIP] = [0.5, 0.1, -0.2]
    part = compare(PoseSet("a", angles, False, "a"), random_set("b", 5, 0)).a
    assert left_out_rad(part, kinds) == pytest.approx(np.sqrt((0.1**2 + 0.2**2) / (45 - 20)))


def test_histograms_hold_every_pose():
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    clamped = PoseSet("a", np.stack([lower - 1e-9, upper + 1e-9]), False, "a")
    found = compare(clamped, moved(random_set("b", 40, 1), "b", index_pip=60))
    for number, angle in enumerate(found.angles):
        edges, of_a, of_b = histogram(found, number)
        assert of_a.sum() == pytest.approx(1)
        assert of_b.sum() == pytest.approx(1)
        lower, upper = np.rad2deg(angle.active_rad)
        assert edges[0] <= lower + 1e-6
        assert edges[-1] >= upper - 1e-6
        width = edges[1] - edges[0]
        assert angle.label == "index pip bend" or edges[-1] - upper < width - 1e-6


def test_the_furthest_are_one_of_each_kind():
    a = random_set("a", 40, 0)
    near = a.angles_rad[:10]
    kinds = [moved(a, "b", index_pip=300), moved(a, "b", little_mcp=250)]
    many = np.repeat(kinds[0].angles_rad[:1], 5, 0)
    many[2, INDEX_PIP, 0] += 0.05
    few = np.repeat(kinds[1].angles_rad[:1], 2, 0)
    b = PoseSet("b", np.concatenate([near, many, few]), False, "b")
    found = compare(a, b, radius_deg=10)
    assert [(one.row, one.num_alike) for one in furthest(found, 5)] == [(12, 5), (15, 2)]
    assert [one.row for one in furthest(found, 1)] == [12]
    first = furthest(found, 1)[0]
    assert first.distance_rad == pytest.approx(np.deg2rad(rms_deg(b, a)[12].min()))
    assert first.nearest_row == rms_deg(b, a)[12].argmin()
    covered = compare(a, PoseSet("near", near, False, "near"))
    assert furthest(covered, 3)


def test_the_map_keeps_the_most_variance_whatever_the_sets_sizes():
    a, b = random_set("a", 400, 0), moved(random_set("b", 40, 1), "b", ring_pip=80)
    found = project(compare(a, b))
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(2), atol=1e-9)
    # Ten copies of the small set weigh as much as the large one.
    kinds = compared_angles(with_wrist=False)
    all_of = np.concatenate(
        [features_of(a.angles_rad, kinds)] + 10 * [features_of(b.angles_rad, kinds)]
    )
    singular = np.linalg.svd(all_of - all_of.mean(0), compute_uv=False) ** 2
    np.testing.assert_allclose(found.explained, singular[:2] / singular.sum())
    np.testing.assert_allclose(
        np.concatenate([found.a] + 10 * [found.b]).var(0), singular[:2] / len(all_of)
    )


def test_a_radius_that_is_none_is_refused():
    a = random_set("a", 3, 0)
    for radius in (0.0, -1.0, float("nan"), 200.0):
        with pytest.raises(InputError, match="radius_deg"):
            compare(a, a, radius_deg=radius)


def test_the_page_is_one_file_and_its_numbers_are_those_of_the_comparison(
    hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(coverage_page, "_FIGURE_DPI", 20)
    monkeypatch.setattr(coverage_page, "MOST_HANDS", 4)
    a = random_set("some & more", 80, 0, has_wrist=True)
    b = moved(random_set("b", 30, 1, has_wrist=True), "others", index_pip=40)
    b = replace(b, num_left_out=31, rows=np.arange(30) * 2 + 1)
    found = compare(a, b, radius_deg=25)
    page = write_coverage(found, hand, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "coverage.json",
        "index.html",
    ]
    text = page.read_text()
    headline = re.search("<h1>(.*)</h1>", text)
    assert headline is not None
    assert headline[1] == f"some &amp; more covers {found.share_of_b:.0%} of others within 25° RMS"
    assert set(re.findall(r'(?:src|srcset|href)="([a-z:/]*)', text)) == {"data:image/png"}
    numbers = json.loads((tmp_path / "out" / "coverage.json").read_text())
    assert numbers["share_of_b_covered_by_a"] == found.share_of_b
    assert numbers["hand_digest"] == hand.digest
    curve = dict(zip(numbers["curve"]["radius_deg"], numbers["curve"]["b_to_a"], strict=True))
    assert curve[25.0] == found.share_of_b
    beyond = {angle["label"]: angle["share_outside"]["b"]["active"] for angle in numbers["angles"]}
    upper = limits_rad("active")[INDEX_PIP, 0, 1]
    assert beyond["index pip bend"] == (b.angles_rad[:, INDEX_PIP, 0] > upper).mean() > 0
    first = numbers["furthest"][0]
    assert first["distance_deg"] == pytest.approx(np.rad2deg(found.b_to_a_rad.max()))
    assert first["row_of_b"] % 2 == 1
    pose = np.deg2rad(list(first["angles_deg"].values()))
    np.testing.assert_allclose(
        pose, features_of(b.angles_rad[first["row_of_b"] // 2], found.angles), atol=1e-12
    )


def test_a_set_of_one_pose_has_a_page(hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(coverage_page, "_FIGURE_DPI", 20)
    one = random_set("one", 1, 0)
    page = write_coverage(compare(one, one), hand, tmp_path)
    assert "covers 100% of one" in page.read_text()
    numbers = json.loads((tmp_path / "coverage.json").read_text())
    assert numbers["distances_deg"]["within_a"]["p50"] is None
