"""HRNet: heatmaps from branches of several resolutions that exchange their features.

Sun, Xiao, Liu, Wang: Deep High-Resolution Representation Learning for Human Pose Estimation,
CVPR 2019; the V2 head is that of Sun et al., High-Resolution Representations for Labeling Pixels
and Regions, 2019. Targets are placed at the joint's exact position, not rounded to a cell.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor

from mano_assets.skeleton import HAND21
from training.backbones.hrnet import HRNetTrunk
from training.codecs import GaussianHeatmap
from training.config import TrainConfig
from training.heads.conv import ConvHead, upsample_concat
from training.systems.heatmap_system import HeatmapSystem
from training.systems.options import HRNetOptions
from training.systems.system import Outputs


class HRNet(HeatmapSystem):
    """Outputs: `heatmaps` [B, J, S / 4, S / 4]."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(HRNetOptions, config.options())
        assert config.backbone is not None
        self.trunk = HRNetTrunk(
            config.backbone, config.pretrained, finest_only=options.head == "v1"
        )
        channels = sum(self.trunk.channels)
        # The paper's code starts the head from N(0, 0.001).
        self.head = ConvHead(
            channels,
            HAND21.num_joints,
            hidden_channels=channels if options.head == "v2" else None,
            init_std=0.001,
        )
        map_size = config.input_size // self.trunk.stride
        sigma = options.heatmap_sigma * map_size
        self.codec = GaussianHeatmap(map_size, self.trunk.stride, sigma, options.decoding)

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        return {"heatmaps": self.head(upsample_concat(self.trunk(images)))}
