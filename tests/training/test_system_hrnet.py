from __future__ import annotations

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

from mano_assets.errors import InputError
from training.config import TrainConfig
from training.systems.system import build_system


def recipe(**options) -> TrainConfig:
    return TrainConfig(
        system="hrnet",
        backbone="hrnet_w18_small",
        input_size=64,
        system_options={"heatmap_sigma": 1 / 16, **options},
    )


@pytest.mark.parametrize(
    ("backbone", "count"),
    [("hrnet_w18", 9_318_291), ("hrnet_w32", 28_536_245), ("hrnet_w48", 63_595_941)],
)
def test_has_the_published_size(backbone: str, count: int) -> None:
    """Parameters of leoxiaobin/deep-high-resolution-net.pytorch with 21 joints."""
    with torch.device("meta"):
        system = build_system(TrainConfig(system="hrnet", backbone=backbone))
    assert system.num_parameters() == count


def test_v2_has_the_size_of_its_layers() -> None:
    """W18's whole trunk, as in mmpose's models of hands, and a head on 270 channels."""
    config = TrainConfig(system="hrnet", backbone="hrnet_w18", system_options={"head": "v2"})
    with torch.device("meta"):
        system = build_system(config)
    channels = 18 + 36 + 72 + 144
    head = channels * channels + channels + 2 * channels + channels * 21 + 21
    assert system.num_parameters() == 9_562_260 + head


def test_recipe_is_the_papers() -> None:
    config = TrainConfig(system="hrnet")
    assert (config.backbone, config.input_size, config.optimizer) == ("hrnet_w32", 256, "adam")
    assert (config.epochs, config.drop_epochs, config.drop_factor) == (210, (170, 200), 0.1)
    assert config.system_options["heatmap_sigma"] * 64 == 2


@pytest.mark.parametrize("head", ["v1", "v2"])
def test_maps_are_a_quarter_of_the_input(head: str) -> None:
    outputs = build_system(recipe(head=head))(torch.zeros(1, 3, 128, 96))
    assert outputs["heatmaps"].shape == (1, 21, 32, 24)


@pytest.mark.parametrize("head", ["v1", "v2"])
def test_every_weight_is_in_use(head: str) -> None:
    """None is left of the layers that lead to branches nobody reads."""
    system = build_system(recipe(head=head))
    system(torch.rand(2, 3, 64, 64))["heatmaps"].square().sum().backward()
    assert all(parameter.grad is not None for parameter in system.parameters())


def test_is_perfect_on_its_own_targets(hands: str) -> None:
    system = build_system(recipe())
    batch = handful(hands, system.config)
    outputs = {"heatmaps": system.codec.encode(batch.joints_px)}
    assert_perfect_outputs_lose_nothing(system, outputs, batch)


def test_unlabelled_joints_do_not_count(hands: str) -> None:
    system = build_system(recipe())
    assert_unlabelled_joints_do_not_count(system, handful(hands, system.config))


def test_another_kind_of_backbone() -> None:
    with pytest.raises(InputError, match=r"^backbone: 'resnet18' is not an HRNet, expected one of"):
        build_system(TrainConfig(system="hrnet", backbone="resnet18"))


@pytest.mark.parametrize("width", [18, 32])
def test_equals_the_reference_with_its_weights(width: int) -> None:
    """Names differ in the head only."""
    source = reference_module("deep-high-resolution-net.pytorch/lib/models/pose_hrnet.py")
    extra = {"FINAL_CONV_KERNEL": 1, "PRETRAINED_LAYERS": ["*"]}
    for branches, modules in [(2, 1), (3, 4), (4, 3)]:
        extra[f"STAGE{branches}"] = {
            "NUM_MODULES": modules,
            "NUM_BRANCHES": branches,
            "BLOCK": "BASIC",
            "NUM_BLOCKS": [4] * branches,
            "NUM_CHANNELS": [width * 2**branch for branch in range(branches)],
            "FUSE_METHOD": "SUM",
        }
    torch.manual_seed(0)
    settings = {"MODEL": {"EXTRA": extra, "NUM_JOINTS": 21}}
    reference = as_if_trained(source.PoseHighResolutionNet(settings))
    weights = {}
    for name, value in reference.state_dict().items():
        first, rest = name.split(".", 1)
        ours = "head.0" if first == "final_layer" else f"trunk.model.{first}"
        weights[f"{ours}.{rest}"] = value
    system = build_system(TrainConfig(system="hrnet", backbone=f"hrnet_w{width}")).eval().double()
    system.load_state_dict(weights)
    images = torch.rand(1, 3, 96, 64, dtype=torch.float64)
    assert_maps_are_the_references(system, reference, images)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["v1", "v2"])
def test_overfits_a_handful(hands: str, head: str) -> None:
    config = recipe(head=head)
    error_px, floor_px = overfitted_errors_px(config, handful(hands, config), 90, 5e-3)
    assert error_px < floor_px + 0.6
