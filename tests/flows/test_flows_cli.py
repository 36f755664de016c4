"""The command line from outside: exit codes, one sentence for the user, no traceback."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from stand_ins import TINY, write_tiny_dataset

from flows.cli import main


def handforge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("handforge")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """The same in this process, where torch is loaded once: exit code and standard error."""

    def in_process(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["handforge", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        assert isinstance(caught.value.code, int)
        return caught.value.code, capsys.readouterr().err

    return in_process


def test_help_lists_the_verbs_and_is_quick() -> None:
    handforge("--help")
    start = time.monotonic()
    done = handforge("--help")
    assert time.monotonic() - start < 3
    assert done.returncode == 0
    for verb in (
        "run", "assets", "poses", "render", "verify", "import", "systems", "train", "predict",
        "evaluate", "report", "bench",
    ):  # fmt: skip
        assert f" {verb} " in done.stdout


def test_help_loads_no_heavy_room() -> None:
    code = (
        "import sys, flows.cli; print([m for m in ('torch', 'pyarrow', 'prefect', 'numpy', "
        "'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_systems_are_listed() -> None:
    done = handforge("systems")
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert {"simplebaseline", "latent25d", "meanpose"} <= set(names)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "--recipe", "nope"), "recipe 'nope' is unknown, expected one of demo, full"),
        (("run", "--recipe", "RECIPE"), "dataset: missing"),
        (("run", "--pose-distribution", "yoga"), "pose distribution 'yoga' is unknown"),
        (("render", "--out", "OCCUPIED", "--recipe", TINY), "is not empty and not a data set"),
        (("run", "--out", "OCCUPIED", "--recipe", TINY), "not a run, expected a new or empty"),
        (("verify", "OCCUPIED"), "not a data set, expected a folder with dataset.json"),
        (("assets", "--mano-dir", "OCCUPIED"), "MANO_RIGHT.pkl: no such file"),
        (
            ("import", "coco", "--root", ".", "--split", "val", "--out", "OUT"),
            "data set 'coco' is unknown, expected one of ",
        ),
        (
            ("train", "--system", "vgg", "--data", "OCCUPIED", "--out", "OUT"),
            "system: unknown 'vgg'",
        ),
        (("train", "--data", "OCCUPIED", "--out", "OUT"), "system: missing, expected a value"),
        (
            ("train", "--system", "meanpose", "--data", "OCCUPIED", "--out", "OUT"),
            "not a data set, expected a folder with dataset.json",
        ),
        (
            ("train", "--config", "RECIPE", "--data", "OCCUPIED", "--out", "OUT"),
            "name: unknown field, expected one of system, label",
        ),
        (
            ("predict", "--checkpoint", "OUT", "--data", "OCCUPIED", "--out", "OUT"),
            "no such file, expected a checkpoint",
        ),
        (
            ("evaluate", "--predictions", "OUT", "--data", "OCCUPIED"),
            "no such file, expected predictions",
        ),
        (("report", "OCCUPIED", "--out", "OUT"), "not a run, expected a folder with recipe.yaml"),
    ],
)  # fmt: skip
def test_wrong_input_ends_in_one_sentence(
    tmp_path: Path, call: Callable[..., tuple[int, str]], arguments: tuple[str, ...], expected: str
) -> None:
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "holiday.jpg").write_text("")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: mine")
    places = {"OCCUPIED": occupied, "RECIPE": recipe, "OUT": tmp_path / "out"}
    code, error = call(*(places.get(each, each) for each in arguments))
    assert code == 2
    assert "Traceback" not in error
    last = error.splitlines()[-1]
    assert last.startswith("handforge: ")
    assert expected in last
    assert [path.name for path in occupied.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("fly",), "No such command 'fly'"),
        (("run", "--num-images", "0"), "should be greater than or"),
        (("train", "--system", "meanpose"), "Missing option '--data'"),
        (("predict", "--checkpoint", "x", "--out", "y"), "expected either --data or --images"),
    ],
)
def test_wrong_usage_exits_with_2(
    call: Callable[..., tuple[int, str]], arguments: tuple[str, ...], expected: str
) -> None:
    code, error = call(*arguments)
    assert code == 2
    assert expected in " ".join(error.split())


def test_user_sees_no_traceback() -> None:
    done = handforge("run", "--recipe", "nope")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "handforge: recipe 'nope' is unknown, expected one of demo, full or a YAML file.\n"
    )


def test_poses_are_written_and_drawn(tmp_path: Path, hand_folder: Path) -> None:
    out, preview = tmp_path / "poses.parquet", tmp_path / "poses.png"
    done = handforge("poses", "--recipe", TINY, "-n", "6", "--out", out, "--preview", preview)
    assert (done.returncode, done.stdout) == (0, f"{out}: 6 poses\n"), done.stderr
    assert pq.read_table(out)["split"].to_pylist() == ["train"] * 4 + ["easy", "hard"]
    assert preview.read_bytes().startswith(b"\x89PNG")


def test_verify_tells_whole_from_damaged(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path, {"train": 3})
    done = handforge("verify", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}: whole and true.\n")
    shard = tmp_path / "images" / "part-00000.tar"
    shard.write_bytes(shard.read_bytes()[:1000])
    done = handforge("verify", tmp_path)
    assert done.returncode == 1
    assert "part-00000.tar: truncated" in done.stdout
    assert "Traceback" not in done.stderr
