"""Optimizers and learning rates as a recipe names them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from training.fitting.optimisation_fields import OptimisationFields

ParameterGroup = tuple[list[nn.Parameter], float]
"""Weights, and the factor of their learning rate."""


def build_optimizer(
    recipe: OptimisationFields, groups: Sequence[ParameterGroup]
) -> torch.optim.Optimizer:
    """The recipe's optimizer at its peak rate; what it does not name is as PyTorch has it."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    parameters = [{"params": weights, "lr": rate * factor} for weights, factor in groups]
    match recipe.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, rate, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, rate, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(parameters, rate, momentum=recipe.momentum, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate, weight_decay=decay)
        case "adagrad":
            return torch.optim.Adagrad(parameters, rate, weight_decay=decay)


def learning_rate_factor(recipe: OptimisationFields, step: int, steps_per_epoch: int) -> float:
    """Share of the peak learning rate.

    Args:
        recipe: Says how the rate rises and falls.
        step: Steps taken before this one.
        steps_per_epoch: Steps an epoch.
    """
    total = recipe.epochs * steps_per_epoch
    warmup = recipe.warmup_share * total
    rise = min(1.0, (step + 1) / (warmup + 1))
    match recipe.schedule:
        case "cosine":
            done = (step - warmup) / max(1.0, total - warmup)
            return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, done))))
        case "steps":
            drops = sum(step >= epoch * steps_per_epoch for epoch in recipe.drop_epochs)
            return rise * recipe.drop_factor**drops
        case "constant":
            return rise
