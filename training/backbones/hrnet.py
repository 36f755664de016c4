"""HRNet's branches: timm's implementation without its classifier's layers.

Sun, Xiao, Liu, Wang: Deep High-Resolution Representation Learning for Human Pose Estimation,
CVPR 2019.
"""

from __future__ import annotations

from pathlib import Path

import timm
from torch import Tensor, nn

from mano_assets.errors import InputError
from training.backbones.trunk import Normalise, timm_features


class HRNetTrunk(nn.Module):
    """Feature maps of several resolutions.

    Args:
        name: One of timm's hrnet models.
        pretrained: Whether to download timm's ImageNet weights, or a file of them.
        finest_only: As in the network for poses, the last exchange then leads to the finest branch
            only. The weights that lead to the others are not there.

    Attributes:
        channels: Of each branch, the finest first.
        stride: Input px a cell of the finest branch.
    """

    def __init__(self, name: str, pretrained: bool | Path, finest_only: bool) -> None:
        super().__init__()
        known = timm.list_models("hrnet_*")
        if name not in known:
            raise InputError(
                f"backbone: {name!r} is not an HRNet, expected one of {', '.join(known)}."
            )
        # feature_location leaves out the layers that widen the branches for classification.
        self.model = timm_features(name, pretrained, feature_location="", out_indices=(1, 2, 3, 4))
        count = 1 if finest_only else 4
        if finest_only:
            del self.model.stage4[-1].fuse_layers[1:]
        self.channels: list[int] = self.model.feature_info.channels()[:count]
        self.stride: int = self.model.feature_info.reduction()[0]
        self.normalise = Normalise(name)

    def forward(self, images: Tensor) -> list[Tensor]:
        """RGB in 0..1, [B, 3, S, S], to [B, C, S / 4, S / 4] and on, each half the one before."""
        return self.model(self.normalise(images))
