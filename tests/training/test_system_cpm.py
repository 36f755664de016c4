from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from mano_assets.skeleton import HAND21
from training.backbones.cpm_trunk import CPMTrunk
from training.config import TrainConfig
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.cpm import ConvolutionalPoseMachine
from training.systems.system import build_system

TINY = {"width": 8, "num_stages": 3, "dropout": 0.0, "heatmap_sigma": 0.1}
STEPS = 100


def recipe(**options) -> TrainConfig:
    return TrainConfig(system="cpm", input_size=64, system_options={**TINY, **options})


def build(config: TrainConfig) -> ConvolutionalPoseMachine:
    system = build_system(config)
    assert isinstance(system, ConvolutionalPoseMachine)
    return system


@pytest.fixture
def batch(hands: str) -> Batch:
    dataset = HandDataset([DataSource.open(hands)], recipe(), border=False)
    return centre_crop(dataset.__getitems__(range(8)), 64)


def test_has_the_published_sizes() -> None:
    """mmpose's CPM with 21 maps; the release's layout with MPII's 14 joints and background."""
    assert build(TrainConfig(system="cpm")).num_parameters() == 31_618_558
    paper = CPMTrunk(15, batch_norm=False, centre_map=True)
    convolutions = [
        # Both image branches: kernel, in, out.
        *([(9, 3, 128), (9, 128, 128), (9, 128, 128)] * 2),
        *[(5, 128, 32), (9, 32, 512), (1, 512, 512), (1, 512, 15)],
        *([(5, 128, 32), (11, 48, 128), (11, 128, 128), (11, 128, 128)] * 5),
        *([(1, 128, 128), (1, 128, 15)] * 5),
    ]
    expected = sum(k * k * i * o + o for k, i, o in convolutions)
    assert sum(parameter.numel() for parameter in paper.parameters()) == expected
    assert round(expected / 1e6, 2) == 31.22


def test_recipe_is_the_papers() -> None:
    config = TrainConfig(system="cpm")
    assert (config.input_size, config.batch_size, config.optimizer) == (368, 16, "sgd")


@pytest.mark.parametrize(
    ("options", "maps"),
    [({}, 21), ({"background": True}, 22), ({"centre_map": True, "batch_norm": False}, 21)],
)
def test_every_stage_has_maps_an_eighth_of_the_input(options: dict, maps: int) -> None:
    system = build(recipe(**options)).eval()
    assert system(torch.zeros(2, 3, 64, 64))["heatmaps"].shape == (2, 3, maps, 8, 8)


@pytest.mark.parametrize("background", [False, True])
def test_is_perfect_on_its_own_targets(batch: Batch, background: bool) -> None:
    system = build(recipe(background=background))
    maps = system.codec.encode(batch.joints_px)
    if background:
        maps = torch.cat([maps, 1 - maps.max(1, keepdim=True).values], 1)
    outputs = {"heatmaps": torch.stack([maps] * 3, 1)}
    losses = system.loss(outputs, batch)
    assert len(losses) == 3
    assert sum(losses.values()) == 0
    # A cell is 8 px: the quarter shift leaves a quarter of it, but half of it at the map's edge.
    error_px = (system.decode(outputs, batch).joints_px - batch.joints_px).abs().amax(-1)
    off_edge = ((batch.joints_px > 8) & (batch.joints_px < 56)).all(-1)
    assert error_px[off_edge].max() <= 2.01
    assert error_px.max() <= 4.01


def test_loss_is_half_the_sum_over_cells_and_maps(batch: Batch) -> None:
    """What Caffe's Euclidean loss gives with all joints labelled, as the release trains."""
    system = build(recipe()).eval()
    whole = batch.replace(joints_px=batch.joints_px.clamp(1, 63))
    whole = whole.replace(weights=torch.ones_like(whole.weights))
    outputs = system(whole.images)
    targets = system.codec.encode(whole.joints_px)
    for stage, loss in enumerate(system.loss(outputs, whole).values()):
        difference = outputs["heatmaps"][:, stage] - targets
        expected = difference.square().sum() / (2 * len(whole))
        torch.testing.assert_close(loss, expected)


def test_unlabelled_joints_do_not_count(batch: Batch) -> None:
    system = build(recipe(background=True)).eval()
    outputs = system(batch.images)
    assert sum(system.loss(outputs, batch).values()) > 0
    blind = batch.replace(weights=torch.zeros_like(batch.weights))
    assert sum(system.loss(outputs, blind).values()) == 0

    tip = HAND21.index("index_tip")
    weights = batch.weights.clone()
    weights[:, tip] = 0
    moved = batch.joints_px.clone()
    moved[:, tip] += 20
    unlabelled = batch.replace(weights=weights)
    before = system.loss(outputs, unlabelled)
    assert before == system.loss(outputs, unlabelled.replace(joints_px=moved))
    # The background's map is unknown where a joint is, so it is left out.
    changed = outputs["heatmaps"].clone()
    changed[:, :, -1] += 1
    assert before == system.loss({"heatmaps": changed}, unlabelled)


def test_only_the_first_stage_learns_faster() -> None:
    system = build(recipe(first_stage_rate=3))
    (others, one), (first, factor) = system.parameter_groups()
    assert (one, factor) == (1, 3)
    names = {id(weights): name for name, weights in system.named_parameters()}
    assert {names[id(weights)].startswith("trunk.loop.steps.0.") for weights in first} == {True}
    assert not any(names[id(weights)].startswith("trunk.loop.steps.0.") for weights in others)
    assert len(others) + len(first) == len(names)


def test_later_stages_see_the_maps_before_and_the_centre() -> None:
    torch.manual_seed(0)
    system = build(recipe(centre_map=True, width=16)).eval()
    images = torch.rand(1, 3, 64, 64)
    first, second, _ = system(images)["heatmaps"][0]
    with torch.no_grad():
        system.trunk.get_parameter("loop.steps.0.layers.23.bias").add_(1)
    changed_first, changed_second, _ = system(images)["heatmaps"][0]
    torch.testing.assert_close(changed_first, first + 1)
    assert (changed_second - second).abs().max() > 0
    with torch.no_grad():
        # The last of the second stage's input channels is the centre map.
        system.trunk.get_parameter("loop.steps.1.layers.0.weight")[:, -1] = 0
    assert (system(images)["heatmaps"][0, 1] - changed_second).abs().max() > 0


def reference_cpm() -> type[nn.Module]:
    """mmpose's module (Apache-2.0), with stand-ins for the parts of mmcv that it needs."""
    root = os.environ.get("HANDFORGE_REFERENCES")
    path = Path(root or "") / "mmpose/mmpose/models/backbones/cpm.py"
    if not root or not path.is_file():
        pytest.skip("HANDFORGE_REFERENCES holds no clone of mmpose")

    class ConvModule(nn.Sequential):
        def __init__(self, inward, outward, kernel, padding=0, norm_cfg=None, act_cfg=True) -> None:
            super().__init__()
            bias = norm_cfg is None
            self.add_module("conv", nn.Conv2d(inward, outward, kernel, padding=padding, bias=bias))
            if norm_cfg is not None:
                self.add_module("bn", nn.BatchNorm2d(outward))
            if act_cfg is not None:
                self.add_module("activate", nn.ReLU())

    class BaseModule(nn.Module):
        def __init__(self, init_cfg=None) -> None:
            super().__init__()

    class Registry:
        def register_module(self):
            return lambda module: module

    parts = {
        "mmcv": {},
        "mmcv.cnn": {"ConvModule": ConvModule},
        "mmengine": {},
        "mmengine.model": {"BaseModule": BaseModule},
        "mmpose": {},
        "mmpose.registry": {"MODELS": Registry()},
        "mmpose.models": {},
        "mmpose.models.backbones": {"__path__": []},
        "mmpose.models.backbones.base_backbone": {"BaseBackbone": BaseModule},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, contents in parts.items():
            module = ModuleType(name)
            vars(module).update(contents)
            patch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location("mmpose.models.backbones.cpm", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module.CPM


def names_in_reference(num_stages: int) -> dict[str, str]:
    """Our layers, convolution or norm, by the reference's names for them."""
    image = {"0.conv": 0, "0.bn": 1, "2.conv": 4, "2.bn": 5, "4.conv": 8, "4.bn": 9}
    stem = {"6.conv": 12, "6.bn": 13, "7.conv": 15, "7.bn": 16, "8.conv": 19, "8.bn": 20}
    names = {f"middle.{theirs}": f"features.{ours}" for theirs, ours in image.items()}
    for theirs, ours in {**image, **stem, "9.conv": 23}.items():
        names[f"stem.{theirs}"] = f"loop.steps.0.layers.{ours}"
    for stage in range(num_stages - 1):
        step = f"loop.steps.{stage + 1}"
        names[f"middle_conv.{stage}.0.conv"] = f"{step}.own_features.0"
        names[f"middle_conv.{stage}.0.bn"] = f"{step}.own_features.1"
        for layer in range(3):
            names[f"cpm_stages.{stage}.model.{layer}.conv"] = f"{step}.layers.{3 * layer}"
            names[f"cpm_stages.{stage}.model.{layer}.bn"] = f"{step}.layers.{3 * layer + 1}"
        names[f"out_convs.{stage}.0.conv"] = f"{step}.layers.9"
        names[f"out_convs.{stage}.0.bn"] = f"{step}.layers.10"
        names[f"out_convs.{stage}.1.conv"] = f"{step}.layers.12"
    return names


def test_equals_mmpose_with_its_weights() -> None:
    torch.manual_seed(0)
    reference = reference_cpm()(3, 21).eval()
    # Statistics and gains as of a trained network, so that every number takes part.
    for module in reference.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    names = names_in_reference(6)
    ours = CPMTrunk(21).eval()
    weights = {}
    for name, value in reference.state_dict().items():
        layer, kind = name.rsplit(".", 1)
        weights[f"{names[layer]}.{kind}"] = value
    ours.load_state_dict(weights)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = torch.stack(reference(images - 0.5), 1)
        found = ours(images)
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_overfits_a_handful(hands: str) -> None:
    torch.manual_seed(0)
    dataset = HandDataset([DataSource.open(hands)], recipe(), border=False)
    batch = centre_crop(dataset.__getitems__(range(32)), 64)
    system = build(recipe(width=16, num_stages=2))
    optimizer = torch.optim.Adam(system.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.stack(list(system.training_loss(batch).values())).sum().backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        pose = system.decode(system.eval()(batch.images), batch)
    # A map cell is 8 px: decoding perfect maps leaves 1.5 px.
    perfect_px = system.codec.decode(system.codec.encode(batch.joints_px))
    floor_px = (perfect_px - batch.joints_px).norm(dim=-1).mean()
    error_px = (pose.joints_px - batch.joints_px).norm(dim=-1).mean()
    assert error_px < floor_px + 1
