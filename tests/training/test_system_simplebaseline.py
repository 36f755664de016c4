from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from heatmap_checks import (
    assert_maps_are_the_references,
    assert_perfect_outputs_lose_nothing,
    assert_unlabelled_joints_do_not_count,
    handful,
    overfitted_errors_px,
)
from references import as_if_trained, reference_module

from training.config import TrainConfig
from training.systems.system import build_system

SMALL = {"deconv_channels": [16, 16, 16], "heatmap_sigma": 1 / 16}


def recipe(**options) -> TrainConfig:
    return TrainConfig(
        system="simplebaseline",
        backbone="resnet10t",
        input_size=64,
        system_options={**SMALL, **options},
    )


@pytest.mark.parametrize(
    ("backbone", "count"),
    [
        ("resnet18", 15_377_749),
        ("resnet50", 34_000_725),
        ("resnet101", 52_992_853),
        ("resnet152", 68_636_501),
    ],
)
def test_has_the_published_size(backbone: str, count: int) -> None:
    """Parameters of microsoft/human-pose-estimation.pytorch with 21 joints."""
    with torch.device("meta"):
        system = build_system(TrainConfig(system="simplebaseline", backbone=backbone))
    assert system.num_parameters() == count


def test_recipe_is_the_papers() -> None:
    config = TrainConfig(system="simplebaseline")
    assert (config.backbone, config.input_size, config.optimizer) == ("resnet50", 256, "adam")
    assert (config.epochs, config.drop_epochs, config.drop_factor) == (140, (90, 120), 0.1)
    assert config.system_options["heatmap_sigma"] * 64 == 2


def test_maps_are_a_quarter_of_the_input() -> None:
    outputs = build_system(recipe())(torch.zeros(1, 3, 128, 96))
    assert outputs["heatmaps"].shape == (1, 21, 32, 24)


@pytest.mark.parametrize("decoding", ["quarter", "dark"])
def test_is_perfect_on_its_own_targets(hands: str, decoding: str) -> None:
    system = build_system(recipe(decoding=decoding))
    batch = handful(hands, system.config)
    outputs = {"heatmaps": system.codec.encode(batch.joints_px)}
    assert_perfect_outputs_lose_nothing(system, outputs, batch)


def test_unlabelled_joints_do_not_count(hands: str) -> None:
    system = build_system(recipe())
    assert_unlabelled_joints_do_not_count(system, handful(hands, system.config))


def test_loss_is_that_of_the_reference(hands: str) -> None:
    """With all joints labelled: half the mean over images, joints and cells."""
    system = build_system(recipe()).eval()
    batch = handful(hands, system.config)
    batch = batch.replace(joints_px=batch.joints_px.clamp(0, 64))
    maps = system(batch.images)["heatmaps"]
    expected = 0.5 * torch.nn.functional.mse_loss(maps, system.codec.encode(batch.joints_px))
    loss = system.loss({"heatmaps": maps}, batch)["heatmaps"]
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize(("backbone", "layers"), [("resnet18", 18), ("resnet50", 50)])
def test_equals_the_reference_with_its_weights(backbone: str, layers: int) -> None:
    """Names differ in the head only."""
    source = reference_module("human-pose-estimation.pytorch/lib/models/pose_resnet.py")
    torch.manual_seed(0)
    extra = SimpleNamespace(
        NUM_LAYERS=layers,
        DECONV_WITH_BIAS=False,
        NUM_DECONV_LAYERS=3,
        NUM_DECONV_FILTERS=[256, 256, 256],
        NUM_DECONV_KERNELS=[4, 4, 4],
        FINAL_CONV_KERNEL=1,
    )
    model = SimpleNamespace(EXTRA=extra, NUM_JOINTS=21, STYLE="pytorch", INIT_WEIGHTS=False)
    reference = as_if_trained(source.get_pose_net(SimpleNamespace(MODEL=model), is_train=False))
    weights = {}
    for name, value in reference.state_dict().items():
        first, rest = name.split(".", 1)
        ours = {"deconv_layers": "head", "final_layer": "head.9"}.get(first, f"trunk.model.{first}")
        weights[f"{ours}.{rest}"] = value
    system = build_system(TrainConfig(system="simplebaseline", backbone=backbone)).eval().double()
    system.load_state_dict(weights)
    images = torch.rand(2, 3, 96, 64, dtype=torch.float64)
    assert_maps_are_the_references(system, reference, images)


@pytest.mark.slow
@pytest.mark.parametrize("decoding", ["quarter", "dark"])
def test_overfits_a_handful(hands: str, decoding: str) -> None:
    config = recipe(decoding=decoding, deconv_channels=[64, 64, 64])
    error_px, floor_px = overfitted_errors_px(config, handful(hands, config), 80, 4e-3)
    assert error_px < floor_px + 0.5
