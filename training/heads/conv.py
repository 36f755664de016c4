"""From features of full resolution to maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvHead(nn.Sequential):
    """A 1x1 convolution to maps, after an optional 1x1 convolution with batch norm and ReLU.

    Args:
        in_channels: Of the features.
        out_channels: Number of maps.
        hidden_channels: Of the first convolution, as in HRNetV2 (Sun et al. 2019, section 3);
            without it when None.
        init_std: Standard deviation of the first weights; torch's own rule when None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int | None = None,
        init_std: float | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        if hidden_channels is not None:
            layers += [
                nn.Conv2d(in_channels, hidden_channels, 1),
                nn.BatchNorm2d(hidden_channels),
                nn.ReLU(inplace=True),
            ]
            in_channels = hidden_channels
        super().__init__(*layers, nn.Conv2d(in_channels, out_channels, 1))
        if init_std is not None:
            for layer in self:
                if isinstance(layer, nn.Conv2d):
                    nn.init.normal_(layer.weight, std=init_std)
                    assert layer.bias is not None
                    nn.init.zeros_(layer.bias)

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] to maps [B, out, H, W]."""
        return super().forward(input)


def upsample_concat(branches: Sequence[Tensor]) -> Tensor:
    """HRNetV2's neck: all branches, bilinearly, at the resolution of the first.

    Args:
        branches: [B, C_i, H_i, W_i], the finest first.

    Returns:
        [B, sum of C_i, H_1, W_1].
    """
    size = branches[0].shape[-2:]
    coarse = [
        F.interpolate(branch, size, mode="bilinear", align_corners=False) for branch in branches[1:]
    ]
    return torch.cat([branches[0], *coarse], 1)
