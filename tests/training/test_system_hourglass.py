from __future__ import annotations

import re

import pytest
import torch
from heatmap_checks import (
    assert_perfect_outputs_lose_nothing,
    assert_unlabelled_joints_do_not_count,
    handful,
    overfitted_errors_px,
)
from references import as_if_trained, reference_module

from training.config import TrainConfig
from training.systems.system import build_system

SMALL = {"width": 16, "num_stacks": 2, "heatmap_sigma": 1 / 16}


def recipe(**options) -> TrainConfig:
    return TrainConfig(system="hourglass", input_size=64, system_options={**SMALL, **options})


@pytest.mark.parametrize(("stacks", "count"), [(1, 3_427_733), (2, 6_574_250), (8, 25_453_352)])
def test_has_the_published_size(stacks: int, count: int) -> None:
    """Parameters in use of princeton-vl/pytorch_stacked_hourglass with 21 joints."""
    config = TrainConfig(system="hourglass", system_options={"num_stacks": stacks})
    with torch.device("meta"):
        system = build_system(config)
    assert system.num_parameters() == count


def test_recipe_is_the_papers() -> None:
    config = TrainConfig(system="hourglass")
    assert (config.input_size, config.batch_size, config.optimizer) == (256, 6, "rmsprop")
    assert config.learning_rate == 2.5e-4
    assert config.system_options["num_stacks"] == 8
    assert config.system_options["heatmap_sigma"] * 64 == 1


def test_every_stack_has_maps_a_quarter_of_the_input() -> None:
    outputs = build_system(recipe(num_stacks=3))(torch.zeros(1, 3, 128, 64))
    assert outputs["heatmaps"].shape == (1, 3, 21, 32, 16)


def test_is_perfect_on_its_own_targets(hands: str) -> None:
    system = build_system(recipe())
    batch = handful(hands, system.config)
    maps = system.codec.encode(batch.joints_px)
    assert_perfect_outputs_lose_nothing(system, {"heatmaps": torch.stack([maps] * 2, 1)}, batch)


def test_every_stack_is_supervised_and_the_last_is_decoded(hands: str) -> None:
    system = build_system(recipe())
    batch = handful(hands, system.config)
    maps = system.codec.encode(batch.joints_px)
    for wrong in range(2):
        stacks = [maps, maps]
        stacks[wrong] = maps.flip(-1)
        outputs = {"heatmaps": torch.stack(stacks, 1)}
        losses = list(system.loss(outputs, batch).values())
        assert [bool(loss > 0) for loss in losses] == [wrong == 0, wrong == 1]
        decoded = system.decode(outputs, batch).joints_px
        assert torch.equal(decoded, system.codec.decode(stacks[-1]))


def test_unlabelled_joints_do_not_count(hands: str) -> None:
    system = build_system(recipe())
    assert_unlabelled_joints_do_not_count(system, handful(hands, system.config))


def test_the_next_stack_sees_the_maps_before() -> None:
    torch.manual_seed(0)
    system = build_system(recipe()).eval()
    images = torch.rand(1, 3, 64, 64)
    first, second = system(images)["heatmaps"][0]
    with torch.no_grad():
        system.loop.steps[0].maps[0].bias += 1
    changed_first, changed_second = system(images)["heatmaps"][0]
    torch.testing.assert_close(changed_first, first + 1)
    assert (changed_second - second).abs().max() > 1e-4


RESIDUAL = {
    "bn1": "layers.0",
    "conv1.conv": "layers.2",
    "bn2": "layers.3",
    "conv2.conv": "layers.5",
    "bn3": "layers.6",
    "conv3.conv": "layers.8",
    "skip_layer.conv": "skip",
}
PARTS = {
    r"^pre\.0\.conv": "stem.0",
    r"^pre\.0\.bn": "stem.1",
    r"^pre\.1\.": "stem.3.",
    r"^pre\.3\.": "stem.5.",
    r"^pre\.4\.": "stem.6.",
    r"^hgs\.(\d+)\.0\.": r"loop.steps.\1.features.0.",
    r"^features\.(\d+)\.0\.": r"loop.steps.\1.features.1.",
    r"^features\.(\d+)\.1\.conv": r"loop.steps.\1.features.2",
    r"^features\.(\d+)\.1\.bn": r"loop.steps.\1.features.3",
    r"^outs\.(\d+)\.conv": r"loop.steps.\1.maps.0",
    r"^merge_features\.(\d+)\.conv\.conv": r"loop.steps.\1.remap_features",
    r"^merge_preds\.(\d+)\.conv\.conv": r"loop.steps.\1.remap_maps",
    r"\bup1\b": "beside",
    r"\blow1\b": "down",
    r"\blow2\b": "inner",
    r"\blow3\b": "up",
    **{rf"(?<=\.){re.escape(theirs)}\b": ours for theirs, ours in RESIDUAL.items()},
}


def our_name(name: str) -> str:
    for theirs, ours in PARTS.items():
        name = re.sub(theirs, ours, name)
    return name


def test_equals_the_reference_with_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference has projections that it does not use; ours has only those in use."""
    folder = "pytorch_stacked_hourglass"
    path = f"{folder}/models/posenet.py"
    layers = reference_module(f"{folder}/models/layers.py")
    monkeypatch.syspath_prepend(str(layers.__file__).removesuffix("/models/layers.py"))
    source = reference_module(path)
    torch.manual_seed(0)
    reference = as_if_trained(source.PoseNet(nstack=2, inp_dim=256, oup_dim=21))
    config = TrainConfig(system="hourglass", system_options={"num_stacks": 2})
    system = build_system(config).eval().double()
    weights = {our_name(name): value for name, value in reference.state_dict().items()}
    needed = system.state_dict().keys()
    assert {name.rsplit(".", 2)[1] for name in weights.keys() - needed} == {"skip"}
    system.load_state_dict({name: weights[name] for name in needed})
    images = torch.rand(1, 3, 128, 64, dtype=torch.float64)
    with torch.inference_mode():
        expected = reference(images.permute(0, 2, 3, 1))
        found = system(images)["heatmaps"]
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * expected.std().item())


@pytest.mark.slow
def test_overfits_a_handful(hands: str) -> None:
    config = recipe(width=32)
    error_px, floor_px = overfitted_errors_px(config, handful(hands, config), 100, 1e-2)
    assert error_px < floor_px + 0.5
