"""Resumption, reproducibility and faults of rendering, with real Blender processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mano_assets.errors import InputError
from render import locking
from render.dataset import RenderError, finish, prepare, render_dataset, render_part
from render.environments import builtin_folder
from render.manifest import Manifest, verify
from render.recipe import DatasetRecipe, LightRecipe

pytestmark = pytest.mark.blender


def files(root: str | Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(Path(root).rglob("*"))
        if path.is_file() and path.name != locking.LOCK_FILE
    }


def test_a_part_rendered_alone_has_the_same_rows_and_bytes(
    rendered: Manifest, recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path
):
    root = tmp_path / "alone"
    assert prepare(recipe, hand_folder, root) == [0, 1, 2]
    assert render_part(recipe, hand_folder, root, 1) == {"part": 1, "images": 8, "rendered": True}
    whole = files(rendered.root)
    for name in ("images/part-00001.tar", "manifest/part-00001.parquet"):
        assert (root / name).read_bytes() == whole[name]
    with pytest.raises(InputError, match="parts 0, 2 are missing"):
        finish(recipe, hand_folder, root)


def test_kill_9_in_mid_render_then_the_same_command_ends_in_the_same_data_set(
    rendered: Manifest, recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path
):
    root = tmp_path / "killed"
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    program = (
        "import sys; from pathlib import Path\n"
        "from render.dataset import render_dataset; from render.recipe import DatasetRecipe\n"
        "recipe = DatasetRecipe.model_validate_json(Path(sys.argv[1]).read_text())\n"
        "render_dataset(recipe, Path(sys.argv[2]), Path(sys.argv[3]), workers=1)\n"
    )
    command = [
        sys.executable, "-c", program, tmp_path / "recipe.json", hand_folder, root
    ]  # fmt: skip
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    # The first part is committed, the second is being written.
    while not (root / "manifest/part-00000.parquet").exists() or not any(
        path.stat().st_size for path in (root / "images").glob(".part-00001*")
    ):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=300)
    assert files(root) == files(rendered.root)


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


def test_two_runs_on_one_folder_at_once(
    recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(locking, "_PATIENCE_S", 0.3)
    with (
        locking.rendering(tmp_path / "data"),
        locking.rendering(tmp_path / "data"),
        pytest.raises(InputError, match="another run is rendering here"),
    ):
        prepare(recipe, hand_folder, tmp_path / "data")


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
            "light": LightRecipe(environments=folder).model_dump(),
        }
    )


@pytest.mark.parametrize("how", ["text", "truncated"])
def test_an_unreadable_environment_is_named(how: str, hand_folder: Path, tmp_path: Path):
    recipe = broken_environments(tmp_path / "environments", how)
    with pytest.raises(InputError, match=r"broken\.exr: unreadable environment, expected"):
        render_dataset(recipe, hand_folder, tmp_path / "data")


def test_a_folder_without_environments_is_named(hand_folder: Path, tmp_path: Path):
    recipe = DatasetRecipe.model_validate(
        {
            "name": "dark",
            "splits": [{"name": "train", "count": 2, "poses": {"rest": 1}}],
            "light": {"environments": str(tmp_path)},
        }
    )
    with pytest.raises(InputError, match=r"holds no image, expected \.exr or \.hdr files"):
        render_dataset(recipe, hand_folder, tmp_path / "data")


def test_a_failing_part_is_named_and_the_others_finish(
    recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path
):
    root = tmp_path / "data"
    prepare(recipe, hand_folder, root)
    # A folder in the way of part 1's manifest makes its last step fail, every time.
    (root / "manifest" / "part-00001.parquet").mkdir(parents=True)
    (root / "manifest" / "part-00001.parquet" / "obstacle").write_text("")
    with pytest.raises(RenderError, match=r"1 of 3 parts failed \(1\)"):
        render_dataset(recipe, hand_folder, root)
    committed = [path.stem for path in root.glob("manifest/*.parquet") if path.is_file()]
    assert sorted(committed) == ["part-00000", "part-00002"]


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
    assert files(copy) == files(rendered.root)


def test_the_background_is_what_blender_shows(tmp_path: Path, hand_folder: Path):
    script = Path(__file__).with_name("render_background.py")
    output = tmp_path / "background.npz"
    subprocess.run([sys.executable, script, hand_folder, output], check=True, timeout=120)
    with np.load(output) as found:
        # On the display's scale: a few pixels of sun would outweigh all others in radiance.
        ours, blenders = (found[name] / (1 + found[name]) for name in ("ours", "blenders"))
    assert ours.std() > 0.05
    assert np.abs(ours - blenders).mean() < 0.01
