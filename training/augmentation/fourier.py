"""Amplitude spectra mixed towards another picture's: its light, colours and texture, our shapes."""

from __future__ import annotations

import torch
from torch import Tensor

NUM_DRAWS = 1


def mix_amplitudes(images: Tensor, styles: Tensor, share: Tensor, band: float) -> Tensor:
    """Mixes low-frequency amplitudes and keeps every phase.

    The amplitudes (1 - share) A + share A' inside a square of low frequencies come from two
    sources. Yang and Soatto: FDA, Fourier Domain Adaptation for Semantic Segmentation, CVPR 2020,
    section 3.1, replaces them (share 1) in a square of half-side beta. Xu, Zhang, Zhang, Wang and
    Tian: A Fourier-based Framework for Domain Generalization, CVPR 2021 (FACT), section 3.2
    "amplitude mix", interpolates the whole spectrum (band 0.5) with share uniform in 0..eta.
    For hands: Zhao et al., CVPR 2025, found amplitude spectra to be one of the gaps between
    rendered and real images.

    Args:
        images: [N, C, S, S].
        styles: [N, C, S, S].
        share: Of the style's amplitudes, 0..1, [N].
        band: Largest frequency changed along x and y, cycles a pixel.

    Returns:
        May leave 0..1, [N, C, S, S].
    """
    size = images.shape[-1]
    reach = int(band * size)
    # Real pictures: columns of negative frequencies mirror the positive ones.
    columns = slice(reach + 1)
    rows = torch.fft.fftfreq(size, 1 / size, device=images.device).abs() <= reach
    spectrum = torch.fft.rfft2(images)
    ours = spectrum[..., columns].abs()
    theirs = torch.fft.rfft2(styles)[..., columns].abs()
    mixed = torch.lerp(ours, theirs, share[:, None, None, None])
    # A component without amplitude has no phase: it stays without.
    gain = torch.where(ours > 0, mixed / ours.clamp(min=torch.finfo(ours.dtype).tiny), 1.0)
    spectrum[..., columns] *= torch.where(rows[:, None], gain, 1.0)
    return torch.fft.irfft2(spectrum, s=(size, size))
