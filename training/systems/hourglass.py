"""Stacked Hourglass: heatmaps refined by one hourglass after the other.

Newell, Yang, Deng: Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016. Targets are
placed at the joint's exact position, not rounded to a cell. Joints without a label do not count;
the authors' code trains them towards empty maps. The maps start near zero, as SimpleBaseline's do;
with torch's own rule, as in the authors' code, a small network was at 8.6 px instead of 1.2 px
after 80 steps on 32 hands.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from mano_assets.skeleton import HAND21
from training.backbones.hourglass import Hourglass, HourglassStem, Residual
from training.codecs import GaussianHeatmap, inside
from training.config import TrainConfig
from training.heads.conv import ConvHead
from training.heads.refine_loop import RefineLoop, step_losses
from training.samples.crops import Batch
from training.systems.options import HourglassOptions
from training.systems.system import Outputs, Pose, System

DEPTH = 4
"""Of each hourglass: 64 cells to 4 (section 3.1)."""


class StackStep(nn.Module):
    """One hourglass with its maps, which are brought back among the features for the next one.

    Args:
        channels: Of the features.
        num_maps: One a joint.
        is_last: No features are made for a next one.
    """

    def __init__(self, channels: int, num_maps: int, is_last: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Hourglass(DEPTH, channels),
            Residual(channels, channels),
            nn.Conv2d(channels, channels, 1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.maps = ConvHead(channels, num_maps, init_std=0.001)
        self.remap_features = None if is_last else nn.Conv2d(channels, channels, 1)
        self.remap_maps = None if is_last else nn.Conv2d(num_maps, channels, 1)

    def forward(self, state: Tensor) -> tuple[Tensor | None, Tensor]:
        """Features [B, C, H, W] to the next ones, None after the last, and maps [B, J, H, W]."""
        features = self.features(state)
        maps = self.maps(features)
        if self.remap_features is None or self.remap_maps is None:
            return None, maps
        return state + self.remap_features(features) + self.remap_maps(maps), maps


class StackedHourglass(System):
    """Outputs: `heatmaps` [B, T, J, S / 4, S / 4] of each of T stacks, the last the best."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(HourglassOptions, config.options())
        stacks = options.num_stacks
        self.stem = HourglassStem(options.width)
        self.loop = RefineLoop(
            StackStep(options.width, HAND21.num_joints, is_last=number == stacks - 1)
            for number in range(stacks)
        )
        map_size = config.input_size // self.stem.stride
        sigma = options.heatmap_sigma * map_size
        self.codec = GaussianHeatmap(map_size, self.stem.stride, sigma, options.decoding)

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        return {"heatmaps": self.loop(self.stem(images))}

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Mean squared difference over the maps of labelled joints in the crop, for each stack."""
        weights = batch.weights * inside(batch.joints_px, self.config.input_size)
        targets = self.codec.encode(batch.joints_px)
        losses = step_losses(outputs["heatmaps"], targets, weights)
        return {f"stack_{number}": loss for number, loss in enumerate(losses, 1)}

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`."""
        return Pose(self.codec.decode(outputs["heatmaps"][:, -1]))
