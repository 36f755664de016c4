"""Joints as Gaussians on maps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

LOG_FLOOR = 1e-10
"""Least value of which a logarithm is taken, as in the code released with DARK."""
STENCIL = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (2, 0), (-2, 0), (0, 2), (0, -2)]
STENCIL += [(1, 1), (-1, -1), (1, -1), (-1, 1)]
REACH = 2
"""Of the stencil, cells."""


@dataclass(frozen=True)
class GaussianHeatmap:
    """A joint as a Gaussian of peak 1 on a map (Xiao et al. 2018, section 3).

    Attributes:
        map_size: Side of the square map, cells.
        stride: Crop px a cell.
        sigma: Standard deviation, cells.
        decoding: `quarter` moves the highest cell a quarter of a cell towards its higher neighbour
            along each axis. `dark` finds the maximum of the Gaussian that the map looks like
            (Zhang et al. 2020, section 3.2).
    """

    map_size: int
    stride: float
    sigma: float
    decoding: Literal["quarter", "dark"] = "quarter"

    def encode(self, joints_px: Tensor) -> Tensor:
        """Crop px [B, J, 2] to maps [B, J, H, W]; of a joint outside, what reaches inside.

        The Gaussian stands at the joint's exact position, not at a cell's centre: DARK's unbiased
        encoding (Zhang et al. 2020, section 3.3).
        """
        cells = torch.arange(self.map_size, dtype=joints_px.dtype, device=joints_px.device) + 0.5
        distance = cells - (joints_px / self.stride)[..., None]
        profile = torch.exp(-0.5 * (distance / self.sigma) ** 2)
        return profile[..., 1, :, None] * profile[..., 0, None, :]

    def decode(self, maps: Tensor) -> Tensor:
        """Maps [B, J, H, W] to crop px [B, J, 2].

        Of a Gaussian, `quarter` is within a quarter of a cell along each axis and `dark` within a
        hundredth. At the map's edge `quarter` is within half a cell. `dark` moves inwards where
        part of the Gaussian lies outside.
        """
        width = maps.shape[-1]
        best = maps.flatten(2).argmax(-1)
        best = torch.stack([best % width, best // width], -1)
        shift = _quarter_shift(maps, best)
        if self.decoding == "dark":
            shift = self._dark_shift(maps, best, shift)
        return (best + 0.5 + shift) * self.stride

    def _dark_shift(self, maps: Tensor, best: Tensor, otherwise: Tensor) -> Tensor:
        """Cells [B, J, 2] from the highest cell to the maximum, by one Newton step on the log.

        The map is first smoothed with the Gaussian of the targets, so that a network's several
        peaks become one. Where the log is no dome, or the step's differences do not fit on the map
        or it leaves the cells around, the other shift is taken.
        """
        maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
        kernel = 2 * math.ceil(3 * self.sigma) + 1
        smooth = gaussian_blur2d(
            maps, (kernel, kernel), (self.sigma, self.sigma), border_type="constant"
        )
        at = _values_around(smooth.clamp(min=LOG_FLOOR).log(), best)
        # Central differences; the second ones are those of the first, hence two cells wide.
        slope_x, slope_y = (at[1, 0] - at[-1, 0]) / 2, (at[0, 1] - at[0, -1]) / 2
        curve_xx = (at[2, 0] - 2 * at[0, 0] + at[-2, 0]) / 4
        curve_yy = (at[0, 2] - 2 * at[0, 0] + at[0, -2]) / 4
        curve_xy = (at[1, 1] + at[-1, -1] - at[1, -1] - at[-1, 1]) / 4
        determinant = curve_xx * curve_yy - curve_xy**2
        dome = (determinant > 0) & (curve_xx < 0)
        safe = determinant.where(dome, 1)
        step_x = (curve_xy * slope_y - curve_yy * slope_x) / safe
        step_y = (curve_xy * slope_x - curve_xx * slope_y) / safe
        step = torch.stack([step_x, step_y], -1)
        size = torch.tensor([maps.shape[-1], maps.shape[-2]], device=maps.device)
        fits = ((best >= REACH) & (best < size - REACH)).all(-1)
        usable = dome & fits & (step.abs() <= 1).all(-1)
        return step.where(usable[..., None], otherwise.to(step.dtype))


def _quarter_shift(maps: Tensor, best: Tensor) -> Tensor:
    """A quarter of a cell towards the higher neighbours [B, J, 2]; none at the map's edge."""
    # Reflected, so that the neighbours of a cell at the edge are equal.
    padded = F.pad(maps, (1, 1, 1, 1), mode="reflect")
    at = {offset: _gather(padded, best + 1, offset) for offset in STENCIL[1:5]}
    shift_x = torch.sign(at[1, 0] - at[-1, 0])
    shift_y = torch.sign(at[0, 1] - at[0, -1])
    return 0.25 * torch.stack([shift_x, shift_y], -1)


def _values_around(maps: Tensor, best: Tensor) -> dict[tuple[int, int], Tensor]:
    """Values [B, J] at the offsets (columns, rows) of the stencil from cells [B, J, 2]."""
    padded = F.pad(maps, (REACH,) * 4, mode="replicate")
    return {offset: _gather(padded, best + REACH, offset) for offset in STENCIL}


def _gather(maps: Tensor, cells: Tensor, offset: tuple[int, int]) -> Tensor:
    column, row = cells[..., 0] + offset[0], cells[..., 1] + offset[1]
    return maps.flatten(2).gather(2, (row * maps.shape[-1] + column)[..., None])[..., 0]
