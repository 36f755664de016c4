"""Other backgrounds around the hand, composed through its mask."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.augmentation.fields import clouds
from training.augmentation.pictures import CUT_DRAWS, Pictures

NUM_DRAWS = 2 + max(CUT_DRAWS, 9)


def swap_background(images: Tensor, masks: Tensor, backgrounds: Tensor) -> Tensor:
    """Puts hands on other backgrounds; where the mask is 1 no pixel changes.

    Args:
        images: 0..1, [N, 3, S, S].
        masks: 0..1, [N, 1, S, S].
        backgrounds: 0..1, [N, 3, S, S].
    """
    # Pixels at the edge show some of the old background, a rim of another colour on the new one:
    # they take the colour of the hand beside them, and fade outwards over one pixel.
    surely = masks.square().square()
    nearby = _mean_around(torch.cat([images * surely, surely], 1))
    skin = nearby[:, :3] / nearby[:, 3:].clamp(min=1e-6)
    hands = torch.where(masks == 1, images, skin)
    return torch.lerp(backgrounds, hands, torch.maximum(masks, _mean_around(masks)))


def _mean_around(field: Tensor) -> Tensor:
    return F.avg_pool2d(field, 3, stride=1, padding=1, count_include_pad=False)


def picture_backgrounds(pictures: Pictures, draws: Tensor, size: int) -> Tensor:
    """Cuts of a folder's pictures, [N, 3, S, S]; draws uniform in 0..1, [N, NUM_DRAWS]."""
    return pictures.cut(draws[:, 2 : 2 + CUT_DRAWS], size)


def made_backgrounds(others: Tensor, other_masks: Tensor, known: Tensor, draws: Tensor) -> Tensor:
    """Backgrounds without a folder: of other samples, or coloured clouds.

    Hands in other samples are painted over with clouds, as they would be second hands without
    labels; a sample whose mask is not known gives no background.

    Args:
        others: Other samples' pixels, 0..1, [N, 3, S, S].
        other_masks: Their hands, 0..1, [N, 1, S, S].
        known: Whether these masks are known, [N].
        draws: Uniform in 0..1, [N, NUM_DRAWS].
    """
    pick, seed, colours = draws[:, 0], draws[:, 1], draws[:, 2:11]
    size = others.shape[-1]
    ground, light, tint = (part[..., None, None] for part in colours.split([3, 3, 3], 1))
    lightness, tinting = clouds(seed, 2, size).split([1, 1], 1)
    painted = torch.lerp(torch.lerp(ground, light, lightness), tint, 0.7 * tinting)
    # Two pixels more than the hand, so that no rim of it is left.
    borrowed = torch.lerp(others, painted, F.max_pool2d(other_masks, 5, stride=1, padding=2))
    use_other = known & (pick < 0.5)
    return torch.where(use_other[:, None, None, None], borrowed, painted)
