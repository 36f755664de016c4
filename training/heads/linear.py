"""From features to numbers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class LinearHead(nn.Sequential):
    """Fully connected layers on a flattened feature map.

    Weights start as He et al. 2015 have it, the last layer's near zero: the first outputs are
    small whatever the input.

    Args:
        in_features: Numbers a sample, after flattening.
        hidden: Sizes of the layers before the last, each with ReLU and dropout.
        out_features: Numbers put out.
        dropout: Share of the hidden numbers that training sets to zero.
    """

    def __init__(
        self, in_features: int, hidden: Sequence[int], out_features: int, dropout: float = 0.0
    ) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        for size in hidden:
            layer = nn.Linear(in_features, size)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
            layers += [layer, nn.ReLU(inplace=True), nn.Dropout(dropout)]
            in_features = size
        last = nn.Linear(in_features, out_features)
        nn.init.normal_(last.weight, std=0.001)
        nn.init.zeros_(last.bias)
        super().__init__(*layers, last)

    def forward(self, input: Tensor) -> Tensor:
        """[B, ...] to [B, out_features]."""
        return super().forward(input)
