"""The network of Convolutional Pose Machines."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from training.codecs import GaussianHeatmap
from training.heads.refine_loop import RefineLoop

STRIDE = 8
"""Input px a cell of the maps."""

PAPER_WIDTH = 128
"""Channels of the paper's feature extractors."""

PAPER_INPUT_PX = 368
"""Side of the paper's input."""

CENTRE_SIGMA_PX = 21.0
"""Of the centre map, px of the paper's input (from memory)."""

State = tuple[Tensor, Tensor]


class CPMTrunk(nn.Module):
    """A sequence of predictors with large kernels (Wei et al. 2016, figure 2 and section 3).

    The first stage sees the image alone. Each later one sees the maps of the stage before, the
    image's features, which all later stages share up to their own last layer, and the centre map.
    Layers are those of the release, shihenw/convolutional-pose-machines-release, with the poolings
    padded as in mmpose: 31.6 M numbers for 21 maps.

    Args:
        num_maps: Maps a stage.
        num_stages: At least 2.
        width: Channels of the paper's 128; others in proportion.
        batch_norm: After every convolution but a stage's last, in place of its bias.
        centre_map: Whether later stages are told where the hand is: at the image's centre.
        dropout: Around the first stage's last hidden layer.
    """

    def __init__(
        self,
        num_maps: int,
        num_stages: int = 6,
        width: int = PAPER_WIDTH,
        batch_norm: bool = True,
        centre_map: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.centre_map = centre_map
        self.features = nn.Sequential(*_image_features(width, batch_norm))
        later_stages = (
            LaterStage(num_maps, width, batch_norm, centre_map) for _ in range(num_stages - 1)
        )
        self.loop = RefineLoop([FirstStage(num_maps, width, batch_norm, dropout), *later_stages])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # The release's 0.01, kept in proportion to what a narrower layer sums up.
                nn.init.normal_(module.weight, std=0.01 * (PAPER_WIDTH / width) ** 0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """RGB in 0..1, [B, 3, S, S], to the maps of all stages, [B, T, num_maps, S / 8, S / 8]."""
        # The release's pixels lie between -0.5 and 0.5.
        images = images - 0.5
        features = self.features(images)
        if self.centre_map:
            features = torch.cat([features, _centre_map(features)], 1)
        return self.loop((images, features))


class FirstStage(nn.Module):
    """Maps from the image alone; a step of the loop."""

    def __init__(self, num_maps: int, width: int, batch_norm: bool, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_image_features(width, batch_norm),
            *_convolution(width, width // 4, 5, batch_norm),
            *_convolution(width // 4, width * 4, 9, batch_norm),
            nn.Dropout(dropout),
            *_convolution(width * 4, width * 4, 1, batch_norm),
            nn.Dropout(dropout),
            nn.Conv2d(width * 4, num_maps, 1),
        )

    def forward(self, state: State) -> tuple[State, Tensor]:
        """(images, shared features) to ((maps, shared features), maps)."""
        images, features = state
        maps = self.layers(images)
        return (maps, features), maps


class LaterStage(nn.Module):
    """Maps from maps and the image's features; a step of the loop."""

    def __init__(self, num_maps: int, width: int, batch_norm: bool, centre_map: bool) -> None:
        super().__init__()
        self.num_features = width
        self.own_features = nn.Sequential(*_convolution(width, width // 4, 5, batch_norm))
        seen = (num_maps + width // 4 + int(centre_map), width, width, width)
        self.layers = nn.Sequential(
            *(layer for ends in pairwise(seen) for layer in _convolution(*ends, 11, batch_norm)),
            *_convolution(width, width, 1, batch_norm),
            nn.Conv2d(width, num_maps, 1),
        )

    def forward(self, state: State) -> tuple[State, Tensor]:
        """(maps, shared features) to ((better maps, shared features), better maps)."""
        maps, shared = state
        features = self.own_features(shared[:, : self.num_features])
        centre = shared[:, self.num_features :]
        maps = self.layers(torch.cat([maps, features, centre], 1))
        return (maps, shared), maps


def _image_features(width: int, batch_norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for in_channels in (3, width, width):
        layers += [*_convolution(in_channels, width, 9, batch_norm), nn.MaxPool2d(3, 2, padding=1)]
    return layers


def _convolution(
    in_channels: int, out_channels: int, kernel: int, batch_norm: bool
) -> list[nn.Module]:
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=not batch_norm)
    ]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out_channels))
    return [*layers, nn.ReLU(inplace=True)]


def _centre_map(features: Tensor) -> Tensor:
    """A Gaussian at the centre of the maps, [B, 1, H, W]; H and W are equal."""
    count, _, side, _ = features.shape
    sigma = CENTRE_SIGMA_PX / PAPER_INPUT_PX * side
    centre = features.new_full((1, 1, 2), side / 2)
    return GaussianHeatmap(side, 1, sigma).encode(centre).expand(count, -1, -1, -1)
