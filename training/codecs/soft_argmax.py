"""Joints as expectations under maps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_PROBABILITY = 1e-30
"""Of a cell without a share, so that its score is finite; far below float32's rounding of one."""


def expected_position(probabilities: Tensor, stride: float) -> Tensor:
    """Mean position under a map, the differentiable counterpart of its maximum.

    Args:
        probabilities: Each map sums to one, [B, J, H, W].
        stride: Crop px a cell.

    Returns:
        Crop px, [B, J, 2].
    """
    height, width = probabilities.shape[-2:]
    xs = torch.arange(width, dtype=probabilities.dtype, device=probabilities.device) + 0.5
    ys = torch.arange(height, dtype=probabilities.dtype, device=probabilities.device) + 0.5
    x = (probabilities.sum(-2) * xs).sum(-1)
    y = (probabilities.sum(-1) * ys).sum(-1)
    return torch.stack([x, y], -1) * stride


@dataclass(frozen=True)
class SoftArgmax:
    """A joint as the expectation under the softmax of scores (Sun et al. 2018, section 2).

    Attributes:
        map_size: Side of the square map, cells.
        stride: Crop px a cell.
        beta: Factor on the scores before the softmax, an inverse temperature: the larger it is, the
            nearer the expectation to the highest cell.
    """

    map_size: int
    stride: float
    beta: float = 1.0

    def encode(self, joints_px: Tensor) -> Tensor:
        """Crop px [B, J, 2] to scores [B, J, H, W] that decode to the very same joints.

        All probability lies on the four cells around a joint, in the shares of bilinear
        interpolation. A joint beyond the centres of the outermost cells, where no expectation can
        lie, is moved to them.
        """
        last = self.map_size - 1
        cells = (joints_px / self.stride - 0.5).clamp(0, last)
        grid = torch.arange(self.map_size, dtype=cells.dtype, device=cells.device)
        share = (1 - (grid - cells[..., None]).abs()).clamp(min=0)
        probabilities = share[..., 1, :, None] * share[..., 0, None, :]
        return probabilities.clamp(min=LEAST_PROBABILITY).log() / self.beta

    def probabilities(self, scores: Tensor) -> Tensor:
        """Scores [B, J, H, W] to maps that sum to one."""
        return (self.beta * scores).flatten(2).softmax(-1).reshape(scores.shape)

    def decode(self, scores: Tensor) -> Tensor:
        """Scores [B, J, H, W] to crop px [B, J, 2]; differentiable."""
        return expected_position(self.probabilities(scores), self.stride)
