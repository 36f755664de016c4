from __future__ import annotations

import math

import pytest
import torch

from training.fitting.optimisation import build_optimizer, learning_rate_factor
from training.fitting.optimisation_fields import OptimisationFields


def factors(**fields) -> list[float]:
    recipe = OptimisationFields(epochs=10, **fields)
    return [learning_rate_factor(recipe, step, steps_per_epoch=10) for step in range(101)]


def test_cosine_rises_and_falls() -> None:
    found = factors(warmup_share=0.1)
    assert 0 < found[0] < 0.2
    assert found[:10] == sorted(found[:10])
    assert max(found) == found[10] == 1.0
    assert found[55] == pytest.approx(0.5)
    assert found[100] == pytest.approx(0.0)


def test_steps_fall_after_their_epochs() -> None:
    found = factors(schedule="steps", drop_epochs=[4, 7], drop_factor=0.5, warmup_share=0)
    assert found == [1.0] * 40 + [0.5] * 30 + [0.25] * 31


def test_constant_only_rises() -> None:
    found = factors(schedule="constant", warmup_share=0.2)
    assert found[20:] == [1.0] * 81
    assert found[:21] == pytest.approx([(step + 1) / 21 for step in range(21)])


def by_hand(name: str, weight: float, gradients: list[float], rate: float, decay: float) -> float:
    """The rules as they are written in the papers, one number at a time."""
    first = second = 0.0
    for step, loss_gradient in enumerate(gradients, start=1):
        gradient = loss_gradient + (0 if name == "adamw" else decay * weight)
        if name in ("adam", "adamw"):
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            if name == "adamw":
                weight -= rate * decay * weight
            hat = math.sqrt(second / (1 - 0.999**step)) + 1e-8
            weight -= rate * first / (1 - 0.9**step) / hat
        elif name == "sgd":
            first = 0.8 * first + gradient
            weight -= rate * first
        elif name == "rmsprop":
            second = 0.99 * second + 0.01 * gradient**2
            weight -= rate * gradient / (math.sqrt(second) + 1e-8)
        else:
            second += gradient**2
            weight -= rate * gradient / (math.sqrt(second) + 1e-10)
    return weight


def test_groups_keep_their_share_of_the_rate() -> None:
    slow, fast = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    recipe = OptimisationFields(optimizer="sgd", learning_rate=0.1, momentum=0)
    optimizer = build_optimizer(recipe, [([slow], 1.0), ([fast], 5.0)])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    slow.grad, fast.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    schedule.step()
    assert (slow.item(), fast.item()) == pytest.approx((-0.05, -0.25))


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop", "adagrad"])
def test_optimizers_step_by_their_rules(name: str) -> None:
    recipe = OptimisationFields(optimizer=name, learning_rate=0.1, weight_decay=0.2, momentum=0.8)
    parameter = torch.nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
    optimizer = build_optimizer(recipe, [([parameter], 1.0)])
    gradients = [0.3, -1.2, 0.7]
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    assert parameter.item() == pytest.approx(by_hand(name, 1.5, gradients, 0.1, 0.2), rel=1e-9)
