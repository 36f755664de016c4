"""Random numbers that depend on nothing but the recipe's seed, a stream's name and the sample."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, name: str, index: int) -> np.random.Generator:
    """The generator of one stream of one sample.

    Philox is counter-based (Salmon et al., SC 2011): streams with different keys are independent,
    whichever worker draws from them and in whichever order.

    Args:
        seed: Of the recipe.
        name: What is drawn, such as "pose" or "light".
        index: Sample number.
    """
    digest = hashlib.sha256(f"{seed}/{name}/{index}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], "<u8")))
