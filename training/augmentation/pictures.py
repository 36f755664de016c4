"""Folders of pictures kept in memory, from which backgrounds and styles are cut at random."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from mano_assets.errors import InputError
from training.prediction.image_folder import IMAGE_SUFFIXES

ROOM = 1.5
"""Side of a kept picture over that of a crop: what is cut is at most so much larger."""

CUT_DRAWS = 5


@dataclass(frozen=True)
class Pictures:
    """Square pictures, RGB uint8, [N, 3, P, P]."""

    pixels: Tensor

    def to(self, device: torch.device) -> Pictures:
        """The pictures on a device."""
        return Pictures(self.pixels.to(device))

    def cut(self, draws: Tensor, size: int) -> Tensor:
        """Cuts squares of random pictures, places and sizes, half of them mirrored.

        Args:
            draws: Uniform in 0..1, [N, CUT_DRAWS].
            size: Side, px.

        Returns:
            0..1, [N, 3, size, size].
        """
        which, zoom, x, y, flip = draws.unbind(1)
        chosen = self.pixels[(which * len(self.pixels)).long()].float() / 255
        # The share of the picture's side that is cut, and where in what is left.
        share = (1 + zoom * (ROOM - 1)) / ROOM
        theta = torch.zeros(len(draws), 2, 3, device=draws.device)
        theta[:, 0, 0] = torch.where(flip < 0.5, -share, share)
        theta[:, 1, 1] = share
        theta[:, :, 2] = torch.stack([x, y], -1).mul(2).sub(1) * (1 - share)[:, None]
        grid = F.affine_grid(theta, [len(draws), 3, size, size], align_corners=False)
        return F.grid_sample(chosen, grid, padding_mode="border", align_corners=False)


def picture_paths(folder: Path, field: str) -> list[Path]:
    """Pictures in a folder and below, sorted.

    Raises:
        InputError: There is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise InputError(f"{field}: no folder {folder}, expected a folder of pictures.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise InputError(
            f"{field}: {folder} holds no picture, expected files of {', '.join(IMAGE_SUFFIXES)}."
        )
    return paths


def load_pictures(folder: Path, field: str, size: int, limit: int) -> Pictures:
    """Reads the central squares of a folder's pictures, ready for crops of a size.

    Args:
        folder: What to read.
        field: Recipe field that named it, for messages.
        size: Side of the crops, px.
        limit: Most pictures kept; of more, every n-th is read.

    Raises:
        InputError: No folder, no picture, or one that cannot be decoded.
    """
    paths = picture_paths(folder, field)
    kept = paths[:: -(-len(paths) // limit)]
    side = round(ROOM * size)
    pixels = torch.empty(len(kept), 3, side, side, dtype=torch.uint8)
    for number, path in enumerate(tqdm(kept, desc=field, unit="img", leave=False)):
        try:
            with Image.open(path) as image:
                image.draft("RGB", (2 * side, 2 * side))
                square = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BILINEAR)
        except OSError as error:
            raise InputError(f"{field}: {path} cannot be decoded ({error}).") from error
        pixels[number] = torch.from_numpy(np.array(square).transpose(2, 0, 1))
    return Pictures(pixels)
