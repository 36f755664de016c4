"""One loop for networks that predict, look again and predict better.

Convolutional Pose Machines and Stacked Hourglass differ in their step alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class RefineLoop(nn.Module):
    """Runs steps that each take a state and give the next state and their maps.

    A step is `step(state) -> (next_state, maps)`, maps [B, J, H, W] of one shape for all steps.
    What a state is only the steps know: a tensor, or a tuple of tensors. The last step's next
    state is dropped; it may be None.

    Args:
        steps: In order; each has weights of its own.
    """

    def __init__(self, steps: Iterable[nn.Module]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, state: Any) -> Tensor:
        """The first state to the maps of all steps, [B, T, J, H, W], the last the best."""
        maps = []
        for step in self.steps:
            state, step_maps = step(state)
            maps.append(step_maps)
        return torch.stack(maps, 1)


def step_losses(maps: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Squared difference of every step's maps, for supervision of each of them.

    Args:
        maps: [B, T, J, H, W].
        targets: [B, J, H, W].
        weights: Of the joints, [B, J].

    Returns:
        Mean over the cells and the joints that have weight, [T]; zero where none has.
    """
    per_joint = (maps - targets[:, None]).square().mean((-2, -1))
    weights = weights[:, None]
    return (per_joint * weights).sum((0, 2)) / weights.sum().clamp(min=1)
