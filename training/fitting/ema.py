"""The moving average of a model's weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """An exponential moving average of parameters and buffers, on the device of the module.

    The decay of step t is at most (1 + t) / (10 + t), so that the random weights of the start are
    soon forgotten: the rule of TensorFlow's `ExponentialMovingAverage`.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Starts at the weights that the module has; it must not change its device later."""
        self.decay = decay
        self.num_updates = 0
        self._current = module.state_dict()
        self._average = {name: tensor.clone() for name, tensor in self._current.items()}
        names = [name for name, tensor in self._current.items() if tensor.is_floating_point()]
        self._floats = [self._average[name] for name in names], [self._current[n] for n in names]
        self._others = [name for name in self._current if name not in set(names)]

    @torch.no_grad()
    def update(self) -> None:
        """Moves towards the weights of now; what is not a float is taken over."""
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        get_ema_multi_avg_fn(decay)(*self._floats, self.num_updates)
        for name in self._others:
            self._average[name].copy_(self._current[name])
        self.num_updates += 1

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the average with the module's weights."""
        for name, current in self._current.items():
            kept = current.clone()
            current.copy_(self._average[name])
            self._average[name].copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"num_updates": self.num_updates, "weights": dict(self._average)}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Counterpart of `state_dict`."""
        weights: dict[str, Tensor] = state["weights"]
        self.num_updates = state["num_updates"]
        for name, average in self._average.items():
            average.copy_(weights[name])
