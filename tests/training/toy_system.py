"""The smallest model system: a linear map from a coarse image, without batch statistics."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mano_assets.skeleton import HAND21
from training.samples.crops import Batch
from training.systems.options import SystemOptions
from training.systems.registry import SystemSpec
from training.systems.system import Outputs, Pose, System

SPEC = SystemSpec(
    summary="", options=SystemOptions, target="toy_system:Toy", backbone=None, size_multiple=4
)


class Toy(System):
    def __init__(self, config) -> None:
        super().__init__(config)
        self.net = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 2 * HAND21.num_joints)
        )

    def forward(self, images: Tensor) -> Outputs:
        return {"shares": self.net(images).unflatten(1, (-1, 2))}

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        errors = outputs["shares"] - batch.joints_px / self.config.input_size
        return {"square": errors.square().mean(), "absolute": 0.1 * errors.abs().mean()}

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        return Pose(outputs["shares"] * self.config.input_size)


class Faulty(Toy):
    """Its loss is not a number in the fourth batch."""

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        self.calls = getattr(self, "calls", 0) + 1
        factor = torch.nan if self.calls == 4 else 1.0
        return {name: term * factor for name, term in super().training_loss(batch).items()}


class Steep(Toy):
    """Its loss is finite where its gradient is not: in the second batch."""

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        self.calls = getattr(self, "calls", 0) + 1
        terms = super().training_loss(batch)
        weight = next(self.parameters())
        wall = (weight - weight.detach()).square().sum().sqrt()
        return terms | {"wall": wall} if self.calls == 2 else terms
