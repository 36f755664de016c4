"""What models cost, against published and independently counted figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from training.checkpoints import save_checkpoint
from training.config import TrainConfig
from training.measuring.model_figures import forward_rate, model_size, write_figures
from training.systems.system import build_system


# ../shared/reference/models.md, sections 2 to 5: J = 21, 256 px; counted there by hooks.
@pytest.mark.parametrize(
    ("system", "fields", "num_parameters", "gmacs"),
    [
        ("simplebaseline", {"backbone": "resnet18"}, 15_377_749, 3.87),
        ("simplebaseline", {"backbone": "resnet50"}, 34_000_725, 7.24),
        ("simplebaseline", {"backbone": "resnet101"}, 52_992_853, 12.09),
        ("hrnet", {"backbone": "hrnet_w18"}, 9_318_291, 4.25),
        ("hrnet", {"backbone": "hrnet_w32"}, 28_536_245, 10.19),
        ("hourglass", {"system_options": {"num_stacks": 1}}, 3_427_733, 5.16),
        ("hourglass", {"system_options": {"num_stacks": 2}}, 6_574_250, 8.35),
        ("cpm", {"input_size": 256}, 31_618_558, 85.3),
        ("meanpose", {}, 0, 0.0),
    ],
)
def test_size_is_as_published(system: str, fields: dict, num_parameters: int, gmacs: float) -> None:
    size = model_size(TrainConfig(**{"system": system, "input_size": 256, **fields}))
    assert size.num_parameters == num_parameters
    assert size.gmacs == pytest.approx(gmacs, rel=0.01)


def macs_by_hooks(network: nn.Module, images: torch.Tensor) -> int:
    """Every output number of a convolution or linear layer, times the weights that make it."""
    total = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        if isinstance(layer, nn.ConvTranspose2d):
            total += inputs[0].shape[2:].numel() * weight.numel()
        elif isinstance(layer, nn.Conv2d):
            total += output.shape[2:].numel() * weight.numel()
        else:
            total += output.numel() // output.shape[-1] * weight.numel()

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(images)
    return total


@pytest.mark.parametrize("system", ["simplebaseline", "latent25d"])
def test_multiply_accumulates_are_those_of_the_layers(tiny, system: str) -> None:
    config = tiny(system)
    network = build_system(config)
    assert model_size(config).gmacs * 1e9 == macs_by_hooks(network, torch.zeros(1, 3, 32, 32))


def test_size_needs_no_download_and_no_memory() -> None:
    config = TrainConfig(system="simplebaseline", backbone="resnet50", pretrained=True)
    assert model_size(config).num_parameters == 34_000_725


def test_figures_lie_beside_the_checkpoint(tiny, run_folder: Path) -> None:
    system = build_system(tiny("simplebaseline"))
    run_folder.mkdir()
    save_checkpoint(run_folder / "model.ckpt", system, [])
    path = write_figures(run_folder / "model.ckpt")
    figures = json.loads(path.read_text())
    assert path == run_folder / "figures.json"
    assert figures["num_parameters"] == sum(each.numel() for each in system.parameters())
    assert figures["cpu_images_per_s"] > 0
    assert (figures["gpu_images_per_s"] is None) == (not torch.cuda.is_available())


def test_model_without_weights_has_no_rate(tiny, run_folder: Path) -> None:
    run_folder.mkdir()
    save_checkpoint(run_folder / "model.ckpt", build_system(tiny("meanpose")), [])
    figures = json.loads(write_figures(run_folder / "model.ckpt").read_text())
    assert (figures["num_parameters"], figures["cpu_images_per_s"]) == (0, None)


def test_rate_leaves_the_weights_alone(tiny) -> None:
    system = build_system(tiny("simplebaseline")).train()
    before = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    assert forward_rate(system, torch.device("cpu"), batch_size=2, seconds=0) > 0
    after = system.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
