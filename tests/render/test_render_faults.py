"""What may go wrong in a run of three days, each time with real Blender processes.

After every fault the same command ends in the same bytes.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from data_set_files import assert_same

from mano_assets.errors import InputError
from render import locking
from render.dataset import RenderError, render_dataset
from render.manifest import Manifest
from render.recipe import DatasetRecipe

pytestmark = pytest.mark.blender

PROGRAM = """
import sys
from pathlib import Path
from mano_assets.errors import InputError
from render.dataset import render_dataset
from render.recipe import DatasetRecipe
recipe = DatasetRecipe.model_validate_json(Path(sys.argv[1]).read_text())
try:
    render_dataset(recipe, Path(sys.argv[2]), Path(sys.argv[3]), workers=1)
except InputError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


@pytest.fixture
def command(recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path) -> list[str]:
    """Renders the recipe of the shared fixture in a process of its own."""
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    arguments = [tmp_path / "recipe.json", hand_folder, tmp_path / "data"]
    return [sys.executable, "-c", PROGRAM, *map(str, arguments)]


def blender_of(parent: int) -> int | None:
    """The process that a run has started to render."""
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            status, line = path.read_text(), (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if f"\nPPid:\t{parent}\n" in status and b"render.blender.worker" in line:
            return int(path.parent.name)
    return None


def wait_for(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def being_written(root: Path, part: int) -> bool:
    return any(
        path.exists() and path.stat().st_size
        for path in (root / "images").glob(f".part-{part:05d}*")
    )


def test_kill_9_of_the_run(rendered: Manifest, command: list[str], tmp_path: Path):
    root = tmp_path / "data"
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(lambda: being_written(root, 1), run)
    run.send_signal(signal.SIGKILL)
    run.wait()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=300)
    assert_same(root, rendered.root)


@pytest.mark.parametrize("moment", ["starting", "writing"])
def test_kill_9_of_blender(moment: str, rendered: Manifest, command: list[str], tmp_path: Path):
    root = tmp_path / "data"
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: moment == "starting" or being_written(root, 1), run)
    wait_for(lambda: blender_of(run.pid) is not None, run)
    blender = blender_of(run.pid)
    assert blender is not None
    os.kill(blender, signal.SIGKILL)
    _, told = run.communicate(timeout=300)
    assert run.returncode == 1
    assert f"1 of {rendered.info.num_parts} parts failed" in told
    assert "Blender ended with code -9" in told
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=300)
    assert_same(root, rendered.root)


def test_a_full_disk(recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path):
    """No file may grow beyond a frame of floats: parts of twenty small images are larger."""
    small = recipe.model_copy(
        update={
            "image": recipe.image.model_copy(update={"size": 64}),
            "splits": (recipe.splits[0].model_copy(update={"count": 40}),),
            "images_per_part": 20,
        }
    )
    (tmp_path / "small.json").write_text(small.model_dump_json())
    command = [sys.executable, "-c", PROGRAM, tmp_path / "small.json", hand_folder]
    limit = 64 * 64 * 16 + 4096

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    run = subprocess.run(
        [*command, tmp_path / "data"],
        preexec_fn=small_disk,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 2
    assert "images: cannot be written (File too large), expected free disk space" in run.stderr
    for folder in ("data", "never full"):
        subprocess.run(
            [*command, tmp_path / folder], check=True, stderr=subprocess.DEVNULL, timeout=300
        )
    assert_same(tmp_path / "data", tmp_path / "never full")
    tars = list((tmp_path / "data" / "images").glob("*.tar"))
    assert min(path.stat().st_size for path in tars) > limit


def test_two_runs_on_one_folder(
    rendered: Manifest,
    command: list[str],
    recipe: DatasetRecipe,
    hand_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(locking, "_PATIENCE_S", 0.3)
    root = tmp_path / "data"
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(lambda: being_written(root, 0), run)
    with pytest.raises(InputError, match="another run is rendering here"):
        render_dataset(recipe, hand_folder, root)
    assert run.wait(timeout=300) == 0
    assert_same(root, rendered.root)


def test_a_part_that_fails_every_time_is_named_and_the_others_finish(
    rendered: Manifest, recipe: DatasetRecipe, hand_folder: Path, tmp_path: Path
):
    root = tmp_path / "data"
    obstacle = root / "manifest" / "part-00001.parquet"

    def put_in_the_way() -> None:
        while not (root / "dataset.json").exists():
            time.sleep(0.01)
        # A folder in the place of a part's manifest makes its last step fail.
        obstacle.mkdir(parents=True)
        (obstacle / "obstacle").write_text("")

    thread = threading.Thread(target=put_in_the_way)
    thread.start()
    with pytest.raises(RenderError, match=r"1 of 3 parts failed \(1\)"):
        render_dataset(recipe, hand_folder, root)
    thread.join()
    committed = [path.stem for path in root.glob("manifest/*.parquet") if path.is_file()]
    assert sorted(committed) == ["part-00000", "part-00002"]
    (obstacle / "obstacle").unlink()
    obstacle.rmdir()
    render_dataset(recipe, hand_folder, root)
    assert_same(root, rendered.root)
