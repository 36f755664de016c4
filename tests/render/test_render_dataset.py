"""Resumption, reproducibility and faults of rendering, with real Blender processes."""

import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from data_set_files import assert_same

from mano_assets.errors import InputError
from render.dataset import finish, prepare, render_dataset, render_part
from render.environments import builtin_folder
from render.manifest import Manifest, verify
from render.recipe import DatasetRecipe

pytestmark = pytest.mark.blender


def test_a_part_rendered_alone_has_the_same_rows_and_bytes(
    rendered: Manifest, recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path
):
    root = tmp_path / "alone"
    assert prepare(recipe, hand_folder, root) == [0, 1, 2]
    found = render_part(recipe, hand_folder, root, 1)
    assert (found["part"], found["images"], found["rendered"]) == (1, 8, True)
    assert len(found["rss_mb"]) == 8
    assert set(found["stages_ms"]) > {"plan", "render", "develop", "encode", "label"}
    for name in ("images/part-00001.tar", "manifest/part-00001.parquet"):
        assert (root / name).read_bytes() == (Path(rendered.root) / name).read_bytes()
    with pytest.raises(InputError, match="parts 0, 2 are missing"):
        finish(recipe, hand_folder, root)


def test_the_second_run_renders_nothing(
    rendered: Manifest, recipe: DatasetRecipe, hand_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_process(*args: object, **kwargs: object) -> None:
        raise AssertionError("a Blender process was started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    assert render_dataset(recipe, hand_folder, Path(rendered.root)) == rendered.info


def test_a_folder_of_another_recipe_is_refused(
    rendered: Manifest, recipe: DatasetRecipe, hand_folder: Path
):
    other = recipe.model_copy(update={"seed": recipe.seed + 1})
    with pytest.raises(InputError, match=r"belongs to another recipe \(tiny, digest \w{12}\)"):
        render_dataset(other, hand_folder, Path(rendered.root))
    assert verify(rendered.root) == []


def test_a_folder_that_holds_something_else_is_refused(
    recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path
):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="is not empty and not a data set, expected a new folder"):
        prepare(recipe, hand_folder, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def broken_environments(folder: Path, how: str) -> DatasetRecipe:
    folder.mkdir()
    good = sorted(builtin_folder().glob("*.exr"))[0]
    shutil.copy(good, folder / "good.exr")
    content = good.read_bytes()
    broken = {"text": b"not an image", "truncated": content[: len(content) // 3]}[how]
    (folder / "broken.exr").write_bytes(broken)
    return DatasetRecipe.model_validate(
        {
            "name": "broken",
            "splits": [{"name": "train", "count": 2, "poses": {"rest": 1}}],
            "setting": {"environments": str(folder)},
        }
    )


@pytest.mark.parametrize("how", ["text", "truncated"])
def test_an_unreadable_environment_is_named(how: str, hand_folder: Path, tmp_path: Path):
    recipe = broken_environments(tmp_path / "environments", how)
    with pytest.raises(InputError, match=r"broken\.exr: unreadable environment, expected"):
        render_dataset(recipe, hand_folder, tmp_path / "data")
    # Found before anything was rendered.
    assert not (tmp_path / "data").exists()


def test_a_folder_without_environments_is_named(hand_folder: Path, tmp_path: Path):
    recipe = DatasetRecipe.model_validate(
        {
            "name": "dark",
            "splits": [{"name": "train", "count": 2, "poses": {"rest": 1}}],
            "setting": {"environments": str(tmp_path)},
        }
    )
    with pytest.raises(InputError, match=r"holds no image, expected \.exr or \.hdr files"):
        render_dataset(recipe, hand_folder, tmp_path / "data")


@pytest.fixture
def copy(rendered: Manifest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered.root, tmp_path / "copy"))


def test_a_truncated_tar_is_found(copy: Path):
    os.truncate(copy / "images/part-00001.tar", 30_000)
    assert any(
        "images/part-00001.tar: truncated, expected" in problem for problem in verify(str(copy))
    )
    manifest = Manifest.open(str(copy))
    last = manifest.table().slice(15, 1).to_pylist()[0]
    with pytest.raises(InputError, match=r"part-00001\.tar: truncated"):
        manifest.read_bytes(last["image_shard"], last["image_offset"], last["image_size"])


def test_a_truncated_parquet_part_is_found(copy: Path):
    os.truncate(copy / "manifest/part-00002.parquet", 1000)
    assert any("manifest/part-00002.parquet: damaged" in problem for problem in verify(str(copy)))
    with pytest.raises(InputError, match=r"part-00002\.parquet: damaged, expected"):
        Manifest.open(str(copy)).table()


def test_a_changed_label_is_found(copy: Path):
    path = copy / "manifest/part-00000.parquet"
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    rows[2]["joints_2d"][7] += 0.01
    pq.write_table(table.from_pylist(rows, table.schema), path)
    assert any("joints_3d projects 0.01 px" in problem for problem in verify(str(copy)))


def test_deleted_parts_are_rendered_again(
    copy: Path, recipe: DatasetRecipe, hand_folder: Path, rendered: Manifest
):
    (copy / "manifest/part-00002.parquet").unlink()
    render_dataset(recipe, hand_folder, copy)
    assert_same(copy, rendered.root)
