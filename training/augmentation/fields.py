"""Random fields that follow from one number a sample, the same on every device.

A CPU generator gives each sample a seed; the device hashes seed and position to a number for every
pixel. A generator of the device's own would draw other numbers on another device, and drawing
every pixel on the CPU would keep a GPU waiting.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BITS = 24
"""Of a uniform number: as many as float32 holds exactly."""


def _mixed(values: Tensor) -> Tensor:
    """A hash of 32-bit integers; the upper bits are the good ones. Overwrites its input.

    The constants are of C. Wellons' published search for hash functions ("lowbias32", public
    domain), whose last step, for the lower bits, is left out.
    """
    # The shift of a signed number fills with its sign: the mask makes it a shift of bits.
    values ^= (values >> 16).bitwise_and_(0xFFFF)
    values *= 0x7FEB352D
    values ^= (values >> 15).bitwise_and_(0x1FFFF)
    values *= 0x846CA68B - 2**32
    return values


def white_uniform(draws: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Independent uniform numbers.

    Args:
        draws: Uniform in 0..1, one a sample, [N].
        shape: Of a sample.

    Returns:
        In 0..1 without 0 and 1, [N, *shape].
    """
    seeds = _mixed((draws * 2**BITS).to(torch.int32))
    position = torch.arange(math.prod(shape), dtype=torch.int32, device=draws.device)
    hashed = _mixed(seeds[:, None] ^ position)
    uniform = (hashed >> (32 - BITS)).float().add_(2 ** (BITS - 1) + 0.5).mul_(2**-BITS)
    return uniform.reshape(len(draws), *shape)


def white_normal(draws: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Independent standard normal numbers, [N, *shape]; see `white_uniform`."""
    return white_uniform(draws, shape).mul_(2).sub_(1).erfinv_().mul_(math.sqrt(2))


def clouds(draws: Tensor, channels: int, size: int) -> Tensor:
    """Smooth noise with detail at every scale, its amplitude falling as 1/f like a photograph's.

    The fall of natural images' amplitudes: Field, Relations between the statistics of natural
    images and the response properties of cortical cells, JOSA A 1987.

    Args:
        draws: Uniform in 0..1, one a sample, [N].
        channels: Independent fields a sample.
        size: Side, px.

    Returns:
        In 0..1, nearly all of it used in each field, [N, channels, size, size].
    """
    sides = [side for octave in range(1, 16) if (side := -(-size // 2**octave)) >= 2][::-1]
    total = torch.zeros(len(draws), channels, 1, 1, device=draws.device)
    for octave, side in enumerate(sides):
        # An octave has a seed of its own: the fractional part walks through the interval.
        detail = white_uniform((draws + 0.618 * octave) % 1, (channels, side, side))
        total = _enlarged(total, side) + (detail - 0.5) / 2**octave
    low, high = total.amin((-2, -1), keepdim=True), total.amax((-2, -1), keepdim=True)
    return _enlarged((total - low) / (high - low).clamp(min=1e-6), size)


def _enlarged(field: Tensor, side: int) -> Tensor:
    return F.interpolate(field, (side, side), mode="bilinear", align_corners=True)
