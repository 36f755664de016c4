"""What every model system is to the trainer and to prediction."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from torch import Tensor, nn

from training.config import TrainConfig
from training.fitting.optimisation import ParameterGroup
from training.samples.crops import Batch
from training.systems.registry import system_spec

Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Pose:
    """Decoded predictions.

    Attributes:
        joints_px: Continuous px of the crop, [B, J, 2].
        joints_cam_m: The crop's camera frame, metres, [B, J, 3]; only meaningful where the batch
            has a camera. None for a system without 3D.
    """

    joints_px: Tensor
    joints_cam_m: Tensor | None = None


class System(nn.Module):
    """Backbone, head, codec and losses of one model; statistics of the data are its buffers."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config

    def fit_statistics(self, labels: Batch) -> None:
        """Takes what it needs from the training labels before the first step.

        Args:
            labels: All training samples, cropped without jitter; `images` is empty.
        """

    def forward(self, images: Tensor) -> Outputs:
        """Runs the network.

        Args:
            images: RGB in 0..1, [B, 3, S, S].
        """
        raise NotImplementedError

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """What a training step minimises; a cascade that trains on simulated errors differs."""
        return self.loss(self(batch.images), batch)

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Weighted terms that are summed to the training loss, each a scalar."""
        raise NotImplementedError

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """Predictions from outputs; uses the geometry of the batch, never its labels."""
        raise NotImplementedError

    def parameter_groups(self) -> list[ParameterGroup]:
        """The weights and the factor of each group's learning rate; the first group's is 1."""
        return [(list(self.parameters()), 1.0)]

    def num_parameters(self) -> int:
        """Trained numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def build_system(config: TrainConfig) -> System:
    """Builds a system with fresh weights.

    Raises:
        InputError: The backbone is unknown or does not fit.
    """
    module, name = system_spec(config.system).target.split(":")
    return getattr(importlib.import_module(module), name)(config)
