"""The verbs about poses, and a recipe with a pose family of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from stand_ins import TINY, Told

from flows.recipes import load_recipe
from mano_assets.hand import Hand, load_hand
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import MANO16
from render.dataset import dataset_digest
from render.poses.pose_sets import read_pose_set

KNUCKLE = MANO16.index("middle_mcp")
POINTING = """
import numpy as np
from mano_assets.skeleton import MANO16

def draw(rng):
    angles = np.zeros((16, 3))
    angles[MANO16.index("middle_mcp"), 0] = {bend_rad}
    return angles
"""


def family_recipe(folder: Path, text: str, name: str = "mine.py", **dataset: Any) -> Path:
    """The tiny recipe with all poses from a family in a file."""
    (folder / name).write_text(text)
    values = yaml.safe_load(TINY.read_text())
    values["dataset"]["distributions"] = {"mine": {"kind": "family", "file": str(folder / name)}}
    for split in values["dataset"]["splits"]:
        split["poses"] = {"mine": 1.0}
    values["dataset"] |= dataset
    recipe = folder / f"{name}.yaml"
    recipe.write_text(yaml.safe_dump(values))
    return recipe


def pointing(bend_rad: float = 0.5) -> str:
    return POINTING.format(bend_rad=bend_rad)


def test_poses_are_written_drawn_and_told_of(tmp_path: Path, call: Callable[..., Told]) -> None:
    out, preview = tmp_path / "poses.parquet", tmp_path / "poses.png"
    told = call(
        "poses", "--recipe", TINY, "-n", "6", "--workers", "1", "--out", out, "--preview", preview
    )
    assert told.code == 0, told.error
    *families, last = told.out.splitlines()
    assert last == f"{out}: 6 poses"
    table = pq.read_table(out)
    assert table["split"].to_pylist() == ["train"] * 4 + ["easy", "hard"]
    assert [line.split()[0] for line in families] == sorted(set(table["family"].to_pylist()))
    assert all(line.endswith("% of the draws were valid") for line in families)
    with Image.open(preview) as picture:
        assert picture.format == "PNG"
        assert np.unique(np.asarray(picture.convert("L"))).size > 50


def test_poses_follow_distribution_and_seed(tmp_path: Path, call: Callable[..., Told]) -> None:
    def sampled(name: str, *options: str) -> list[Any]:
        out = tmp_path / name
        told = call("poses", "--recipe", TINY, "-n", "4", "--workers", "1", "--out", out, *options)
        assert told.code == 0, told.error
        table = pq.read_table(out)
        if "claw" in options:
            assert set(table["family"].to_pylist()) == {"claw"}
        return table["mano_pose"].to_pylist()

    claws = sampled("a.parquet", "--pose-distribution", "claw")
    assert sampled("b.parquet", "--pose-distribution", "claw") == claws
    assert sampled("c.parquet", "--pose-distribution", "claw", "--seed", "3") != claws
    assert sampled("d.parquet") != claws


def test_bench_tells_figures_on_its_last_line(call: Callable[..., Told]) -> None:
    told = call("bench", "poses", "-n", "20", "--workers", "1")
    assert told.code == 0, told.error
    figures = json.loads(told.out.splitlines()[-1])
    assert set(figures) == {
        "poses_per_s", "minutes_for_880000", "acceptance", "acceptance_by_family", "num_poses",
        "workers", "cpu_cores",
    }  # fmt: skip
    assert (figures["num_poses"], figures["workers"]) == (20, 1)
    assert figures["poses_per_s"] > 0
    minutes = 880_000 / figures["poses_per_s"] / 60
    assert figures["minutes_for_880000"] == pytest.approx(minutes, rel=0.01)
    shares = [figures["acceptance"], *figures["acceptance_by_family"].values()]
    assert all(0 < share <= 1 for share in shares)


def test_assets_tells_how_the_hand_measures(hand_folder: Path, call: Callable[..., Told]) -> None:
    told = call("assets")
    assert told.code == 0, told.error
    *measures, last = told.out.splitlines()
    assert last == f"{load_hand(hand_folder).digest}  {hand_folder}"
    for expected in ("hand length", "hand breadth", "middle bones", "volume", "variance"):
        assert sum(line.startswith(expected) for line in measures) == 1, expected


@pytest.fixture
def two_tables(tmp_path: Path, call: Callable[..., Told]) -> tuple[Path, Path]:
    """Poses near the flat hand, and those with some more from far away."""
    near, wide = tmp_path / "near.parquet", tmp_path / "wide.parquet"
    for out, distribution, number in ((near, "flat", 30), (wide, "counting", 60)):
        told = call(
            "poses", "--recipe", TINY, "-n", str(number), "--pose-distribution", distribution,
            "--workers", "1", "--out", out,
        )  # fmt: skip
        assert told.code == 0, told.error
    return near, wide


def test_coverage_of_two_tables(
    tmp_path: Path, call: Callable[..., Told], two_tables: tuple[Path, Path], hand: Hand
) -> None:
    near, wide = two_tables
    out = tmp_path / "page"
    told = call("coverage", near, wide, "--out", out, "--radius-deg", "12")
    assert told.code == 0, told.error
    sentence, page = told.out.splitlines()
    assert page == str(out / "index.html")
    assert "near" in Path(page).read_text()
    one, other = (read_pose_set(str(path), hand).angles_rad for path in (near, wide))
    numbers = json.loads((out / "coverage.json").read_text())
    assert numbers["share_of_b_covered_by_a"] == pytest.approx(
        share_within(one, other, 12), abs=1e-9
    )
    assert sentence == (
        f"{near} covers {share_within(one, other, 12):.1%} of {wide} within 12 degrees RMS; "
        f"the other way {share_within(other, one, 12):.1%}"
    )


def share_within(covering: np.ndarray, covered: np.ndarray, radius_deg: float) -> float:
    """By brute force: the root mean square over all bends and the splays that a hand can move."""
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    moves = (upper > lower) & [True, True, False]
    apart = [
        min(np.sqrt(((pose - other)[moves] ** 2).mean()) for other in covering) for pose in covered
    ]
    return float((np.rad2deg(apart) <= radius_deg).mean())


def test_what_covers_itself_covers_all_of_it(
    tmp_path: Path, call: Callable[..., Told], two_tables: tuple[Path, Path]
) -> None:
    near, _ = two_tables
    told = call("coverage", near, near, "--out", tmp_path / "page")
    assert told.out.startswith(f"{near} covers 100.0% of {near} within 15 degrees RMS; ")
    assert told.out.splitlines()[0].endswith("the other way 100.0%")


def test_poses_of_one_s_own_family(tmp_path: Path, call: Callable[..., Told], hand: Hand) -> None:
    recipe = family_recipe(tmp_path, pointing(0.5))
    told = call("poses", "-r", recipe, "-n", "3", "--workers", "1", "-o", tmp_path / "out.parquet")
    assert told.code == 0, told.error
    assert told.out.startswith("mine                 100.0% of the draws were valid\n")
    found = read_pose_set(str(tmp_path / "out.parquet"), hand).angles_rad
    assert np.rad2deg(found[:, KNUCKLE, 0]) == pytest.approx([np.rad2deg(0.5)] * 3, abs=1e-3)


def test_another_file_is_another_data_set_wherever_it_lies(
    tmp_path: Path, hand_folder: Path
) -> None:
    def digest(folder: str, text: str, name: str = "mine.py") -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        recipe = load_recipe(family_recipe(tmp_path / folder, text, name))
        return dataset_digest(recipe.dataset, hand_folder)

    first = digest("here", pointing(0.5))
    assert digest("there", pointing(0.5)) == first
    assert digest("there", pointing(0.5), "ours.py") == first
    assert digest("here", pointing(0.6)) != first
    assert digest("here", pointing(0.5)) == first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "mine.py: no such file, expected a pose family with draw(rng)."),
        ("def paint(rng): ...", "mine.py: has no function draw, expected "),
        ("import nothing_of_that_name", "mine.py: cannot be run, expected a pose family ("),
        ("def draw(rng): return [0.0] * 45", "pose family 'mine': draw returned shape [45], exp"),
        ("def draw(rng): return 1 / 0", "pose family 'mine': draw failed, expected angles [16, 3]"),
    ],
)
def test_unusable_family_ends_in_one_sentence(
    tmp_path: Path, call: Callable[..., Told], text: str | None, expected: str
) -> None:
    recipe = family_recipe(tmp_path, text or "")
    if text is None:
        (tmp_path / "mine.py").unlink()
    out = tmp_path / "out.parquet"
    told = call("poses", "-r", recipe, "-n", "3", "--workers", "1", "-o", out)
    assert told.code == 2
    assert "Traceback" not in told.error
    last = told.error.splitlines()[-1]
    assert last.startswith("handforge: ")
    assert expected in last
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("poses", "-r", TINY, "--pose-distribution", "mine", "-o", "OUT"),
            "pose_distribution: pose distribution 'mine' is unknown, expected one of active_range",
        ),
        (("coverage", "A.parquet", "B", "-o", "OUT"), "handforge: A.parquet: cannot be read, exp"),
        (("coverage", "A.npz", "B", "-o", "OUT"), "handforge: A.npz: cannot be read, expected a f"),
        (("coverage", "A", "B", "-o", "OUT"), "handforge: A: not a data set, expected a folder"),
        (("poses", "-r", "FAMILY", "-n", "2", "-o", "OUT"), "num_images: is 2, expected at least"),
    ],
)  # fmt: skip
def test_wrong_poses_end_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., Told],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    family = family_recipe(tmp_path, pointing())
    told = call(*(str(family) if each == "FAMILY" else each for each in arguments))
    assert told.code == 2
    assert "Traceback" not in told.error
    assert expected in told.error
    assert not (tmp_path / "OUT").exists()


@pytest.mark.blender
def test_rendering_with_one_s_own_family(
    tmp_path: Path, call: Callable[..., Told], hand: Hand
) -> None:
    recipe = family_recipe(tmp_path, pointing(0.5), images_per_part=3)
    render = ("render", "-r", recipe, "-n", "3", "--workers", "1", "-o", tmp_path / "data")
    told = call(*render)
    assert told.code == 0, told.error
    rows = pq.read_table(tmp_path / "data" / "manifest").to_pylist()
    assert {(row["pose_distribution"], row["pose_family"]) for row in rows} == {("mine", "mine")}
    found = read_pose_set(str(tmp_path / "data"), hand).angles_rad
    assert np.rad2deg(found[:, KNUCKLE, 0]) == pytest.approx([np.rad2deg(0.5)] * 3, abs=1e-3)

    again = call(*render)
    assert (again.code, again.out) == (0, told.out)
    family_recipe(tmp_path, pointing(0.6), images_per_part=3)
    refused = call(*render)
    assert refused.code == 2
    assert "belongs to another set of environments or files of poses" in refused.error
    moved = family_recipe(tmp_path, pointing(0.5), "moved.py", images_per_part=3)
    (tmp_path / "mine.py").unlink()
    assert call(*render[:2], moved, *render[3:])[:2] == (0, told.out)


@pytest.mark.blender
def test_family_that_fails_inside_blender_ends_in_one_sentence(
    tmp_path: Path, call: Callable[..., Told]
) -> None:
    recipe = family_recipe(tmp_path, "def draw(rng): return [0.0] * 45")
    told = call("render", "-r", recipe, "--workers", "2", "-o", tmp_path / "data")
    assert told.code == 2
    assert "Traceback" not in told.error
    assert told.error.splitlines()[-1] == (
        "handforge: pose family 'mine': draw returned shape [45], expected finite angles [16, 3]."
    )
