"""Exported files against PyTorch, and against prediction from the image on."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from drawn_hands import drawn_samples, write_samples
from PIL import Image
from torch import Tensor

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.predictions import PredictionInfo, read_predictions
from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.export.agreement import compare_with_runtime, example_inputs
from training.export.onnx_file import _ClosedForms, decoded, export_model
from training.prediction.predict import predict, predict_images
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.registry import SYSTEMS, system_spec
from training.systems.system import Pose, build_system

README = Path(__file__).parents[2] / "README.md"

DECONV = {"deconv_channels": [16, 16, 16]}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "deeppose": ("deeppose", {"system_options": {"num_stages": 2, "width": 12}}),
    "cpm": ("cpm", {"system_options": {"num_stages": 2, "width": 16}}),
    "hourglass": ("hourglass", {"system_options": {"num_stacks": 2, "width": 16}}),
    "simplebaseline": ("simplebaseline", {"system_options": DECONV}),
    "simplebaseline-dark": ("simplebaseline", {"system_options": {**DECONV, "decoding": "dark"}}),
    "hrnet": ("hrnet", {"backbone": "hrnet_w18_small"}),
    "latent25d": ("latent25d", {"system_options": DECONV}),
    "latent25d-direct": (
        "latent25d", {"system_options": {**DECONV, "variant": "direct", "decoding": "dark"}}
    ),
    "latent25d-least-squares": (
        "latent25d", {"system_options": {**DECONV, "root_depth": "least_squares"}}
    ),
    "bmc": ("bmc", {}),
    "meanpose": ("meanpose", {}),
}  # fmt: skip
"""Small networks of every system, and every way of decoding."""

BACKBONES = {"simplebaseline", "latent25d", "bmc"}


def read_joints(
    path: Path,
) -> tuple[PredictionInfo, list[str], np.ndarray | None, np.ndarray | None]:
    found = read_predictions(path)
    return found.info, found.sample_ids, found.joints_2d, found.joints_3d


def checkpoint_of(name: str, hands: str, folder: Path, **changes: Any) -> Path:
    """A system with random weights, but the data's statistics."""
    system_name, fields = CASES[name]
    if system_name in BACKBONES:
        fields = {"backbone": "resnet10t", **fields}
    config = TrainConfig(
        **{"system": system_name, "input_size": 64, "accelerator": "cpu", **fields, **changes}
    )
    torch.manual_seed(1)
    system = build_system(config)
    source = DataSource.open(hands)
    system.fit_statistics(HandDataset([source], config, border=False).labels())
    save_checkpoint(folder / f"{name}.ckpt", system, [source])
    return folder / f"{name}.ckpt"


def test_every_system_has_a_case() -> None:
    assert {system for system, _ in CASES.values()} == set(SYSTEMS)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_system_gives_pytorchs_predictions(hands: str, tmp_path: Path, name: str) -> None:
    """From the manifest's rows on: crops made as the file says, results brought back likewise."""
    module = system_spec(CASES[name][0]).target.split(":")[0]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not written yet")
    checkpoint = checkpoint_of(name, hands, tmp_path)
    exported = export_model(checkpoint, tmp_path / "hand.onnx")
    assert exported.agreement.undecided < 0.05
    assert exported.agreement.compared_on == ("random images", "hands")
    session = onnxruntime.InferenceSession(exported.path)
    samples = drawn_samples(3)
    data = write_samples(tmp_path / "data", samples)
    found = read_joints(predict(checkpoint, data, tmp_path / "predictions.parquet"))
    _, _, expected_2d, expected_3d = found
    assert expected_2d is not None
    for rows in ([1], [0, 1, 2]):
        crops = [prepared(session, *samples[row]) for row in rows]
        fed = {"images": np.stack([crop[0] for crop in crops])}
        if expected_3d is not None:
            fed["camera_k"] = np.stack([crop[1] for crop in crops])
        answers = dict(
            zip([each.name for each in session.get_outputs()], session.run(None, fed), strict=True)
        )
        for at, row in enumerate(rows):
            joints_px = brought_back(answers["joints_px"][at], *crops[at][2:])
            # Where two cells of a map are nearly as high, either may be taken.
            off_px = np.abs(joints_px - expected_2d[row]).max(-1)
            assert np.mean(off_px > 0.05) <= 0.05
            if expected_3d is not None:
                mirror = [-1 if samples[row][0]["side"] == "left" else 1, 1, 1]
                joints_cam_m = answers["joints_cam_m"][at] * mirror
                off_m = np.abs(joints_cam_m - expected_3d[row]).max(-1)
                assert np.mean(off_m > 1e-3) <= 0.05


def prepared(
    session: onnxruntime.InferenceSession, row: dict[str, Any], image: Image.Image
) -> tuple[np.ndarray, np.ndarray, float, tuple[float, float], int, bool]:
    """A crop by the words of the file's `preprocessing` and `camera_k`, without our own code."""
    about = session.get_modelmeta().custom_metadata_map
    size, left_hand = int(about["input_size_px"]), row["side"] == "left"
    x, y, width, height = row["box"]
    side = float(about["crop_padding"]) * max(width, height)
    centre_x, centre_y = x + width / 2, y + height / 2
    left, top = centre_x - side / 2, centre_y - side / 2
    first_x, first_y = math.floor(left), math.floor(top)
    part = image.crop((first_x, first_y, math.ceil(left + side), math.ceil(top + side)))
    square = (left - first_x, top - first_y, left - first_x + side, top - first_y + side)
    crop = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR, square))
    scale = size / side
    a = np.array(
        [
            [scale, 0, size / 2 - scale * centre_x],
            [0, scale, size / 2 - scale * centre_y],
            [0, 0, 1],
        ]
    )
    camera_k = a @ np.reshape(row["camera_k"], (3, 3))
    if left_hand:
        crop = crop[:, ::-1]
        a[0] = -scale, 0, size / 2 + scale * centre_x
        camera_k = a @ np.reshape(row["camera_k"], (3, 3)) @ np.diag([-1, 1, 1])
    pixels = crop.transpose(2, 0, 1).astype(np.float32) / 255
    return pixels, camera_k.astype(np.float32), scale, (centre_x, centre_y), size, left_hand


def brought_back(
    joints_px: np.ndarray, scale: float, centre: tuple[float, float], size: int, left_hand: bool
) -> np.ndarray:
    """Crop px to image px by the words of `postprocessing`."""
    offset = (joints_px - size / 2) / scale
    return np.array(centre) + offset * [-1 if left_hand else 1, 1]


@pytest.fixture(scope="module")
def exported(hands: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkpoint of the latent 2.5D system, and its file."""
    folder = tmp_path_factory.mktemp("exported")
    checkpoint = checkpoint_of("latent25d", hands, folder)
    return checkpoint, export_model(checkpoint, folder / "hand.onnx").path


def test_the_file_describes_itself(exported: tuple[Path, Path], hands: str) -> None:
    checkpoint, path = exported
    proto = onnx.load(path, load_external_data=False)
    about = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(about["joint_names"]) == list(HAND21.joints)
    assert json.loads(about["bones"]) == [list(bone) for bone in HAND21.bones]
    assert TrainConfig.model_validate_json(about["recipe"]).system == "latent25d"
    assert about["checkpoint_sha256"] == file_sha256(checkpoint)
    assert json.loads(about["training_data"]) == [hands]
    assert (about["system"], about["input_size_px"], about["crop"]) == ("latent25d", "64", "box")
    assert float(about["crop_padding"]) == 1.25
    for key, words in {
        "images": "RGB, row 0 on top, 0 to 1",
        "preprocessing": "crop_padding * max(width, height)",
        "postprocessing": "metres in the camera frame",
        "camera_k": "intrinsics of the crop",
        "difference_from_pytorch": "on random images, hands",
    }.items():
        assert words in about[key]
    # One file, that says nothing of the machine's folders but where the data was.
    assert [each.name for each in path.parent.glob("hand*")] == ["hand.onnx"]
    assert str(Path(__file__).parents[2]).encode() not in path.read_bytes()
    session = onnxruntime.InferenceSession(path)
    shapes = {each.name: each.shape for each in (*session.get_inputs(), *session.get_outputs())}
    assert shapes == {
        "images": ["batch", 3, 64, 64], "camera_k": ["batch", 3, 3],
        "joints_px": ["batch", 21, 2], "joints_cam_m": ["batch", 21, 3],
    }  # fmt: skip


def test_the_example_of_the_readme_works(
    exported: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its box, on an image of our own, must give what `handforge predict` gives."""
    checkpoint, path = exported
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "onnxruntime" in block]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hand.onnx").write_bytes(path.read_bytes())
    drawn_samples(2)[1][1].resize((640, 480)).save(tmp_path / "photo.jpg", quality=95)
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    (tmp_path / "boxes.csv").write_text(
        "image,x,y,width,height,side,fx\n"
        f"photo.jpg,{','.join(map(str, names['box']))},right,{names['K'][0][0]}\n"
    )
    out = tmp_path / "out.parquet"
    predict_images(checkpoint, tmp_path / "photo.jpg", out, tmp_path / "boxes.csv")
    _, _, joints_2d, joints_3d = read_joints(out)
    assert joints_2d is not None
    assert joints_3d is not None
    np.testing.assert_allclose(names["joints_px"], joints_2d[0], atol=0.05)
    np.testing.assert_allclose(names["joints_cam_m"], joints_3d[0], atol=1e-3)


def test_a_file_that_differs_is_not_written(
    hands: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = checkpoint_of("meanpose", hands, tmp_path)

    def shifted(*given: Any) -> Pose:
        pose = decoded(*given)
        return Pose(pose.joints_px + 0.002 * 64, pose.joints_cam_m)

    monkeypatch.setattr("training.export.onnx_file.decoded", shifted)
    monkeypatch.setattr("training.export.onnx_file._Graph.forward", straight)
    with pytest.raises(InputError) as caught:
        export_model(checkpoint, tmp_path / "hand.onnx")
    assert str(caught.value).startswith(
        f"{tmp_path / 'hand.onnx'}: not written, since ONNX Runtime is 2.0e-03 of the crop's side"
    )
    assert not (tmp_path / "hand.onnx").exists()


def straight(graph: Any, images: Tensor, camera_k: Tensor) -> tuple[Tensor, ...]:
    joints_px = graph.system(images)["joints_px"]
    return joints_px, joints_px.new_zeros(images.shape[0], HAND21.num_joints, 3)


def test_joints_that_pytorch_cannot_decide_do_not_count(exported: tuple[Path, Path]) -> None:
    """A joint that jumps when pixels change by a rounding error is left out, others are not."""
    checkpoint, path = exported
    inputs = example_inputs(load_checkpoint(checkpoint), None)[:2]
    session = onnxruntime.InferenceSession(path)
    calls = 0

    def decode(images: Tensor, camera_k: Tensor) -> Pose:
        nonlocal calls
        calls += 1
        fed = {"images": images.numpy(), "camera_k": camera_k.numpy()}
        joints_px, joints_cam_m = map(torch.from_numpy, session.run(None, fed))
        joints_px[:, 0] += 5 * (calls % 2)
        return Pose(joints_px, joints_cam_m)

    agreement = compare_with_runtime(path.read_bytes(), decode, inputs)
    assert agreement.holds
    assert agreement.undecided == pytest.approx(1 / 21)


def test_real_crops_are_those_that_are_asked_for(
    exported: tuple[Path, Path], hands: str, tmp_path: Path
) -> None:
    model = load_checkpoint(exported[0])
    other = write_samples(tmp_path / "other", drawn_samples(4, seed=9))
    given = {each.what: each for each in example_inputs(model, other)}
    assert list(given) == ["random images", "other"]
    assert [len(each.images) for each in example_inputs(model, None)] == [1, 3, 1, 3]
    with pytest.raises(InputError, match=r"nowhere: not a data set"):
        example_inputs(model, "nowhere")
    lost = dataclasses.replace(model.data[0], root=str(tmp_path / "lost"))
    without = example_inputs(dataclasses.replace(model, data=[lost]), None)
    assert {each.what for each in without} == {"random images"}


@pytest.mark.parametrize("shape", [(3, 3), (5, 3, 3)])
def test_closed_forms_are_the_inverse(shape: tuple[int, ...]) -> None:
    matrix = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    vector, columns = torch.randn(shape[:-1]).double(), torch.randn(*shape[:-1], 4).double()
    expected = [
        torch.linalg.inv(matrix), torch.linalg.solve(matrix, vector),
        torch.linalg.solve(matrix, columns),
    ]  # fmt: skip
    with _ClosedForms():
        found = [
            torch.linalg.inv(matrix), torch.linalg.solve(matrix, vector),
            torch.linalg.solve(matrix, columns),
        ]  # fmt: skip
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert not torch.equal(ours, theirs)
