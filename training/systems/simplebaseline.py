"""SimpleBaseline: heatmaps from a trunk and deconvolutions.

Xiao, Wu, Wei: Simple Baselines for Human Pose Estimation and Tracking, ECCV 2018. With a ResNet,
three deconvolutions of 256 channels and 256 px input it is the paper's network. Targets are placed
at the joint's exact position, not rounded to a cell.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor

from mano_assets.skeleton import HAND21
from training.backbones.trunk import Trunk
from training.codecs import GaussianHeatmap
from training.config import TrainConfig
from training.heads.deconv import DeconvHead
from training.systems.heatmap_system import HeatmapSystem
from training.systems.options import SimpleBaselineOptions
from training.systems.system import Outputs


class SimpleBaseline(HeatmapSystem):
    """Outputs: `heatmaps` [B, J, S / 4, S / 4] with a ResNet and three deconvolutions."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(SimpleBaselineOptions, config.options())
        assert config.backbone is not None
        self.trunk = Trunk(config.backbone, config.pretrained)
        # The paper's code starts the head from N(0, 0.001).
        self.head = DeconvHead(
            self.trunk.channels, options.deconv_channels, HAND21.num_joints, init_std=0.001
        )
        stride = self.trunk.stride / self.head.upsampling
        map_size = round(config.input_size / stride)
        sigma = options.heatmap_sigma * map_size
        self.codec = GaussianHeatmap(map_size, stride, sigma, options.decoding)

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        return {"heatmaps": self.head(self.trunk(images))}
