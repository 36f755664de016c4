from __future__ import annotations

import torch
from torch import nn

from training.fitting.ema import WeightAverage


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def walk(module: nn.Module) -> None:
    """Changes every number, also those of the buffers."""
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.add_(1 if not tensor.is_floating_point() else torch.rand(tensor.shape))


def test_the_average_is_the_weighted_sum_of_what_was_seen() -> None:
    module, decay = model(), 0.3
    average = WeightAverage(module, decay)
    expected = {name: tensor.double() for name, tensor in module.state_dict().items()}
    for update in range(5):
        walk(module)
        average.update()
        kept = min(decay, (1 + update) / (10 + update))
        for name, tensor in module.state_dict().items():
            expected[name] = kept * expected[name] + (1 - kept) * tensor.double()
    found = average.state_dict()["weights"]
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(found[name].double(), expected[name], rtol=1e-6, atol=1e-6)
        else:
            assert torch.equal(found[name], tensor)


def test_swapping_twice_changes_nothing() -> None:
    module = model()
    average = WeightAverage(module, 0.9)
    walk(module)
    average.update()
    walk(module)
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    averaged = {name: tensor.clone() for name, tensor in average.state_dict()["weights"].items()}
    average.swap()
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, averaged[name])
    average.swap()
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_a_loaded_average_goes_on() -> None:
    modules = [model(), model()]
    average = WeightAverage(modules[0], 0.9)
    for _ in range(3):
        torch.manual_seed(5)
        walk(modules[0])
        average.update()
    modules[1].load_state_dict(modules[0].state_dict())
    other = WeightAverage(modules[1], 0.9)
    other.load_state_dict(average.state_dict())
    for module, each in zip(modules, (average, other), strict=True):
        torch.manual_seed(6)
        walk(module)
        each.update()
    for name, tensor in average.state_dict()["weights"].items():
        assert torch.equal(tensor, other.state_dict()["weights"][name])
