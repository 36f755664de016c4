"""Correction of the root's depth by a small network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ZRootRefine(nn.Module):
    """Adds to a root depth what the whole pose says about it.

    Spurr et al. 2020 (Z-root refinement): the relative depths, the rays and the first estimate,
    64 numbers for 21 joints, through two hidden layers of 128 with batch norm and leaky ReLU.
    """

    def __init__(self, num_joints: int, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3 * num_joints + 1, width),
            nn.BatchNorm1d(width),
            nn.LeakyReLU(),
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.LeakyReLU(),
            nn.Linear(width, 1),
        )

    def forward(self, depth: Tensor, rays: Tensor, root_depth: Tensor) -> Tensor:
        """A better root depth.

        Args:
            depth: Root-relative, in reference bones, [B, J].
            rays: Normalised coordinates, [B, J, 2].
            root_depth: First estimate, in reference bones, [B].

        Returns:
            [B].
        """
        given = torch.cat([depth, rays.flatten(1), root_depth[:, None]], -1)
        return root_depth + self.layers(given)[:, 0]
