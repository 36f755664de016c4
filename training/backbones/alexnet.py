"""The trunk of AlexNet, as DeepPose uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mano_assets.errors import InputError

MIN_INPUT_PX = 60
"""The smallest input of which three poolings leave a cell."""

PAPER_WIDTH = 96
"""Channels of the paper's first layer."""


class AlexNet(nn.Module):
    """Five convolutions with local response norms (Krizhevsky et al. 2012, section 3).

    The layout is DeepPose's (Toshev and Szegedy 2014, section 3.1): no channel groups, a 220 px
    input whose side the first convolution divides by exactly 4. Maps of 55, 27, 13 and 6 cells
    follow; the convolutions hold 3.75 M numbers.

    Args:
        input_size: Side of the square images, px, a multiple of 4.
        width: Channels of the first layer; those of the others stay in proportion to it.

    Attributes:
        num_features: Numbers of the flattened last map; 9216 for the paper's sizes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, input_size: int = 220, width: int = PAPER_WIDTH) -> None:
        super().__init__()
        if input_size < MIN_INPUT_PX:
            raise InputError(
                f"input_size: is {input_size}, expected at least {MIN_INPUT_PX} for AlexNet."
            )
        first, second, third, fourth, fifth = (
            round(channels * width / PAPER_WIDTH) for channels in (96, 256, 384, 384, 256)
        )
        self.layers = nn.Sequential(
            # 4 cells of padding make S / 4 cells of S px; the paper's map has 55 of 220.
            *_convolution(3, first, 11, stride=4, padding=4),
            _response_norm(),
            nn.MaxPool2d(3, stride=2),
            *_convolution(first, second, 5),
            _response_norm(),
            nn.MaxPool2d(3, stride=2),
            *_convolution(second, third, 3),
            *_convolution(third, fourth, 3),
            *_convolution(fourth, fifth, 3),
            nn.MaxPool2d(3, stride=2),
        )
        side = input_size // 4
        for _ in range(3):
            side = (side - 3) // 2 + 1
        self.num_features = fifth * side**2
        # Of ImageNet, as in the trunks of timm.
        for moment, values in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            self.register_buffer(moment, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """RGB in 0..1, [B, 3, S, S], to features [B, 256, 6, 6] for the paper's sizes."""
        return self.layers((images - self.mean) / self.std)


def _convolution(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int | None = None
) -> tuple[nn.Module, nn.Module]:
    padding = kernel // 2 if padding is None else padding
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride, padding)
    # He et al. 2015: small first weights would leave nothing of the signal without batch norm.
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer, nn.ReLU(inplace=True)


def _response_norm() -> nn.Module:
    # The paper's alpha is 1e-4 for each of 5 neighbours; torch divides its alpha by their number.
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
