"""The command line from outside: exit codes, one sentence for the user, no traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stand_ins import TINY, Told, write_tiny_dataset

from flows.cli import main
from render.dataset import RenderError
from training.export.agreement import Agreement
from training.export.onnx_file import ExportedModel
from training.prediction.predict import PredictSettings


def handforge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("handforge")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_help_lists_the_verbs() -> None:
    done = handforge("--help")
    assert done.returncode == 0
    for verb in (
        "run", "assets", "poses", "coverage", "render", "verify", "import", "systems", "train",
        "predict", "evaluate", "matrix", "export-model", "report", "bench",
    ):  # fmt: skip
        assert f" {verb} " in done.stdout


def test_help_loads_no_heavy_room() -> None:
    heavy = ("torch", "prefect", "bpy", "matplotlib", "pyarrow", "numpy", "pydantic")
    code = f"""
import sys
from flows.cli import main
sys.argv = ["handforge", "--help"]
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


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
            "name: unknown field, expected one of ",
        ),
        (
            ("predict", "--checkpoint", "OUT", "--data", "OCCUPIED", "--out", "OUT"),
            "no such file, expected a checkpoint",
        ),
        (
            ("predict", "--checkpoint", "x", "--images", "i", "--device", "abacus", "--out", "OUT"),
            "device: is 'abacus', expected one of auto, cpu, gpu",
        ),
        (
            ("export-model", "--checkpoint", "OUT", "--out", "OUT"),
            "no such file, expected a checkpoint",
        ),
        (
            ("export-model", "--checkpoint", "OUT", "--out", "OUT", "--opset", "7"),
            "opset: is 7, expected a number from 18 to ",
        ),
        (
            ("evaluate", "--predictions", "OUT", "--data", "OCCUPIED"),
            "no such file, expected predictions",
        ),
        (
            ("render", "--out", "OUT", "--vary", "forearm"),
            "vary: 'forearm', expected FACTOR=VALUE such as forearm=off",
        ),
        (("render", "--out", "OUT", "--vary", "forearm=on"), "forearm is 'on', expected 'off'"),
        (
            ("render", "--out", "OUT", "--device", "abacus"),
            "device: is 'abacus', expected one of auto, cpu, cuda",
        ),
        (("report", "OCCUPIED", "--out", "OUT"), "not a run, expected a folder with recipe.yaml"),
    ],
)  # fmt: skip
def test_wrong_input_ends_in_one_sentence(
    tmp_path: Path, call: Callable[..., Told], arguments: tuple[str, ...], expected: str
) -> None:
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "holiday.jpg").write_text("")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: mine")
    places = {"OCCUPIED": occupied, "RECIPE": recipe, "OUT": tmp_path / "out"}
    code, _, error = call(*(places.get(each, each) for each in arguments))
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
        (
            ("predict", "--checkpoint", "x", "--out", "y", "--data", "d", "--boxes", "b"),
            "expected --boxes and --focal-px only with --images",
        ),
    ],
)
def test_wrong_usage_exits_with_2(
    call: Callable[..., Told], arguments: tuple[str, ...], expected: str
) -> None:
    code, _, error = call(*arguments)
    assert code == 2
    assert expected in " ".join(error.split())


def test_user_sees_no_traceback() -> None:
    done = handforge("run", "--recipe", "nope")
    assert (done.returncode, done.stdout) == (2, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("handforge: recipe 'nope' is unknown, expected one of demo, full")
    assert sentence.endswith(" or a YAML file.")


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (RenderError("part 3: Blender ended with code 1."), 1, "part 3: Blender ended with code 1"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_failed_rendering_and_interruption_are_told_without_traceback(
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., Told],
    tmp_path: Path,
    raised: BaseException,
    code: int,
    told: str,
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("flows.run.run", fail)
    found = call("run", "--recipe", TINY, "--out", tmp_path / "run")
    assert (found.code, found.error) == (code, f"handforge: {told}.\n")


def test_other_failures_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("flows.run.run", fail)
    monkeypatch.setattr(sys, "argv", ["handforge", "run", "--recipe", str(TINY)])
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        main()


def test_options_of_predict_are_passed_on(
    monkeypatch: pytest.MonkeyPatch, call: Callable[..., Told]
) -> None:
    given = []
    for name in ("predict", "predict_images"):
        monkeypatch.setattr(f"training.prediction.predict.{name}", lambda *each: given.append(each))
    shared = ("predict", "--checkpoint", "m", "--out", "o")
    assert call(*shared, "--images", "i").code == 0
    options = (
        "--boxes", "b.csv", "--side", "left", "--focal-px", "900.5", "--overlays", "v",
        "--num-overlays", "3", "--batch-size", "8", "--device", "cpu", "--precision", "bf16",
    )  # fmt: skip
    assert call(*shared, "--images", "i", *options).code == 0
    assert call(*shared, "--data", "d:test", "--overlays", "v").code == 0
    model, out = Path("m"), Path("o")
    chosen = PredictSettings(8, "cpu", "bf16", Path("v"), 3)
    assert given == [
        (model, Path("i"), out, None, "right", None, PredictSettings()),
        (model, Path("i"), out, Path("b.csv"), "left", 900.5, chosen),
        (model, "d:test", out, PredictSettings(overlays=Path("v"))),
    ]


def test_export_says_how_near_it_is(
    monkeypatch: pytest.MonkeyPatch, call: Callable[..., Told]
) -> None:
    given = []

    def export_model(*each: object) -> ExportedModel:
        given.append(each)
        return ExportedModel(Path("o"), Agreement(1e-6, 2e-7, 0.0, ("random images", "mine")))

    monkeypatch.setattr("training.export.onnx_file.export_model", export_model)
    told = call("export-model", "--checkpoint", "m", "--out", "o", "--opset", "20", "--data", "d")
    assert given == [(Path("m"), Path("o"), 20, "d")]
    assert told.code == 0
    assert told.out == (
        "1.0e-06 of the crop's side and 2.0e-07 m from PyTorch, compared on random images, mine\n"
        "o\n"
    )


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
