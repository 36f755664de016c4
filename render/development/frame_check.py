"""Frames that show nothing of the hand, to be rendered again."""

from __future__ import annotations

import numpy as np

DARKEST_MEAN, BRIGHTEST_MEAN = 5.0, 250.0
BURNT_LEVEL, MOST_BURNT = 254, 0.6
LEAST_CONTRAST = 1.0
"""Standard deviation of the hand's pixels and of the whole frame, of 255: less is one colour."""

_MOST_JUDGED = 4096
"""Pixels of the hand."""


def flawed(rgb: np.ndarray, linear: np.ndarray, mask: np.ndarray) -> str | None:
    """What is wrong with a frame, if anything.

    Args:
        rgb: The developed image, uint8, [H, W, 3].
        linear: Linear radiance that was developed, [H, W, C].
        mask: Pixels of the labelled hand, [H, W] bool.

    Returns:
        One word or two, or None for a sound frame.
    """
    if not np.isfinite(linear).all():
        return "not finite"
    hand = rgb[mask]
    if not len(hand):
        return "no hand"
    # Whole frames would take longer to judge than to develop.
    hand = hand[:: 1 + len(hand) // _MOST_JUDGED]
    mean = hand.mean()
    if mean < DARKEST_MEAN:
        return "black"
    if mean > BRIGHTEST_MEAN or (hand >= BURNT_LEVEL).all(-1).mean() > MOST_BURNT:
        return "burnt out"
    if hand.std(0).max() < LEAST_CONTRAST or rgb[::4, ::4].std((0, 1)).max() < LEAST_CONTRAST:
        return "no contrast"
    return None
