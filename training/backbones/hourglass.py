"""The parts of Stacked Hourglass.

Newell, Yang, Deng: Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016, section 3.
Sizes that the paper leaves open are those of the authors' code.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Bottleneck, batch norm and ReLU before each convolution; projects where widths differ."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        middle = out_channels // 2
        self.layers = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, middle, 1),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, middle, 3, padding=1),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, out_channels, 1),
        )
        same = in_channels == out_channels
        self.skip = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """[B, C_in, H, W] to [B, C_out, H, W]."""
        return self.layers(features) + self.skip(features)


class Hourglass(nn.Module):
    """Down to a few cells and up again, with a residual block at every scale on either way.

    Args:
        depth: How often the side is halved.
        channels: At every scale.
    """

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        self.beside = Residual(channels, channels)
        self.down = Residual(channels, channels)
        self.inner = Hourglass(depth - 1, channels) if depth > 1 else Residual(channels, channels)
        self.up = Residual(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, H, W] to the same shape; H and W are multiples of 2^depth."""
        low = self.up(self.inner(self.down(F.max_pool2d(features, 2))))
        return self.beside(features) + F.interpolate(low, scale_factor=2, mode="nearest")


class HourglassStem(nn.Sequential):
    """From the image to features of a quarter of its side.

    Args:
        channels: Of the features, 256 in the paper; the layers before have a quarter and half.
    """

    stride = 4

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(3, channels // 4, 7, stride=2, padding=3),
            nn.BatchNorm2d(channels // 4),
            nn.ReLU(inplace=True),
            Residual(channels // 4, channels // 2),
            nn.MaxPool2d(2),
            Residual(channels // 2, channels // 2),
            Residual(channels // 2, channels),
        )

    def forward(self, input: Tensor) -> Tensor:
        """[B, 3, S, S] to [B, C, S / 4, S / 4]."""
        return super().forward(input)
