"""From features to maps."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class DeconvHead(nn.Sequential):
    """Deconvolutions that double the map's side, then a 1x1 convolution.

    SimpleBaseline's (Xiao et al. 2018, section 2): kernel 4, stride 2, batch norm, ReLU.

    Args:
        in_channels: Of the features.
        deconv_channels: Of each deconvolution.
        out_channels: Number of maps.
        init_std: Standard deviation of the first weights; torch's own rule when None.
    """

    def __init__(
        self,
        in_channels: int,
        deconv_channels: Sequence[int],
        out_channels: int,
        init_std: float | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        for channels in deconv_channels:
            layers += [
                nn.ConvTranspose2d(in_channels, channels, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            in_channels = channels
        super().__init__(*layers, nn.Conv2d(in_channels, out_channels, 1))
        self.upsampling = 2 ** len(deconv_channels)
        if init_std is not None:
            for layer in self:
                if isinstance(layer, nn.ConvTranspose2d | nn.Conv2d):
                    nn.init.normal_(layer.weight, std=init_std)
                    if layer.bias is not None:
                        nn.init.zeros_(layer.bias)

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] to maps [B, out, H * upsampling, W * upsampling]."""
        return super().forward(input)
