"""Feature extractors from timm."""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.models import PretrainedCfg
from torch import Tensor, nn

from mano_assets.errors import InputError


class Trunk(nn.Module):
    """The last feature map of a timm model, with the normalisation its weights expect.

    Attributes:
        channels: Of the feature map.
        stride: Input px a cell of the feature map.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        if not timm.is_model(name):
            close = ", ".join(timm.list_models(f"*{name[:6]}*")[:5]) or "resnet18, resnet50"
            raise InputError(f"backbone: timm has no model {name!r}, expected one such as {close}.")
        try:
            model: Any = timm.create_model(
                name, pretrained=pretrained, features_only=True, out_indices=(-1,)
            )
        except (OSError, RuntimeError, AttributeError) as error:
            wanted = "its pretrained weights" if pretrained else "a model with feature maps"
            raise InputError(f"backbone: {name!r} cannot give {wanted} ({error}).") from error
        self.model = model
        self.channels: int = model.feature_info.channels()[-1]
        self.stride: int = model.feature_info.reduction()[-1]
        weights = timm.models.get_pretrained_cfg(name) or PretrainedCfg()
        for moment in ("mean", "std"):
            values = torch.tensor(getattr(weights, moment))[:, None, None]
            self.register_buffer(moment, values, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """RGB in 0..1, [B, 3, S, S], to features [B, C, S / stride, S / stride]."""
        return self.model((images - self.mean) / self.std)[-1]
