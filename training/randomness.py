"""Random numbers that depend only on what they are for, so that a resumed run repeats them."""

from __future__ import annotations

import numpy as np
import torch

STREAMS = ("weights", "order", "layers", "augmentation", "mixture")


def generator(seed: int, stream: str, *counters: int) -> torch.Generator:
    """A CPU generator for one purpose.

    Args:
        seed: Seed of the recipe.
        stream: One of `STREAMS`.
        *counters: Such as epoch, batch and rank; trailing zeros make no difference.
    """
    key = np.random.SeedSequence([seed, STREAMS.index(stream), *counters])
    return torch.Generator().manual_seed(int(key.generate_state(1, np.uint64)[0] >> np.uint64(1)))
