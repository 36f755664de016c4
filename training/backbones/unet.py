"""The encoder-decoder of the latent 2.5D heatmaps: maps at the resolution of the image.

Iqbal et al. 2018, section 4: skip connections, as many channels (256) in every layer. How many
layers there are, and their order, is from memory: one 3x3 convolution a resolution and direction,
five halvings, 128 px to 4.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NUM_HALVINGS = 5


class UNet(nn.Module):
    """Convolutions down to 1 / 32 of the side and back, each decoder level beside its encoder's.

    Args:
        in_channels: Of the input.
        width: Channels of every layer.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(
            _convolution(width if level else in_channels, width)
            for level in range(NUM_HALVINGS + 1)
        )
        self.decoder = nn.ModuleList(_convolution(2 * width, width) for _ in range(NUM_HALVINGS))

    def forward(self, features: Tensor) -> Tensor:
        """[B, in, S, S] to [B, width, S, S], S a multiple of 32."""
        levels: list[Tensor] = []
        for block in self.encoder:
            features = block(F.max_pool2d(levels[-1], 2) if levels else features)
            levels.append(features)
        features = levels.pop()
        for block in self.decoder:
            larger = F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([larger, levels.pop()], 1))
        return features


class UNetStages(nn.Module):
    """One or more encoder-decoders; a later one sees the features and maps of the one before.

    Args:
        out_channels: Number of maps.
        width: Channels of every layer.
        num_stages: Encoder-decoders.
        init_std: Standard deviation of the maps' first weights; torch's own rule when None.
    """

    def __init__(
        self, out_channels: int, width: int, num_stages: int, init_std: float | None = None
    ) -> None:
        super().__init__()
        self.networks = nn.ModuleList(
            UNet(width + out_channels if stage else 3, width) for stage in range(num_stages)
        )
        self.heads = nn.ModuleList()
        for _ in range(num_stages):
            head = nn.Conv2d(width, out_channels, 1)
            if init_std is not None:
                nn.init.normal_(head.weight, std=init_std)
                nn.init.zeros_(cast(nn.Parameter, head.bias))
            self.heads.append(head)

    def forward(self, images: Tensor) -> list[Tensor]:
        """RGB in 0..1, [B, 3, S, S], to the maps of every stage, each [B, out, S, S]."""
        given, stages = images - 0.5, []
        for network, head in zip(self.networks, self.heads, strict=True):
            features = network(given)
            stages.append(head(features))
            given = torch.cat([features, stages[-1]], 1)
        return stages


def _convolution(in_channels: int, out_channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
