"""In which order do these joints stand? Told from the distances that no pose changes.

Bones keep their lengths in a fist as in a flat hand, and so do the distances among the knuckles and
the thumb's base. These 30 distances are compared with those of a mean hand for the order that is
claimed and for the orders that data sets and hand models use. The right order fits best, whatever
the hands do; a wrong one takes a palm for a finger or a fingertip for a knuckle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, pairwise, permutations

import numpy as np

from evaluation.joint_orders import JOINT_ORDERS
from mano_assets.skeleton import FINGERS, HAND21

MEAN_PALM_MM = {
    "wrist": (0, 0, 0), "thumb_cmc": (25, 9, -27), "index_mcp": (81, 3, -23),
    "middle_mcp": (84, -1, 0), "ring_mcp": (76, 0, 18), "little_mcp": (66, 3, 36),
}  # fmt: skip
"""Where the rigid joints of the free hand's mean shape stand, in any frame."""

MEAN_PHALANGES_MM = {
    "thumb": (35, 30, 29), "index": (40, 27, 24), "middle": (44, 31, 22), "ring": (41, 31, 25),
    "little": (32, 19, 18),
}  # fmt: skip
"""Its finger bones' lengths, base to tip."""

BETTER_FIT = 0.75
"""Another order is believed when its misfit is below this share of the claimed one's."""

LARGEST_MISFIT = 0.35
"""Mean difference of log distances beyond which joints are in no order of a hand. Measured: 0.01
for the free hand in any pose and shape, 0.06 for six hands of InterHand2.6M."""

MIN_FLAT_HANDS = 50
"""In two dimensions foreshortening hides lengths: fewer hands than this are not judged."""


@cache
def _rigid_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Pairs of hand21's joints, [P, 2], and the log of their distance in the mean hand, [P]."""
    pairs, lengths = [], []
    for first, second in combinations(MEAN_PALM_MM, 2):
        pairs.append((HAND21.index(first), HAND21.index(second)))
        lengths.append(np.linalg.norm(np.subtract(MEAN_PALM_MM[first], MEAN_PALM_MM[second])))
    for finger in FINGERS:
        chain = HAND21.chain(finger)
        pairs += pairwise(chain)
        lengths += MEAN_PHALANGES_MM[finger]
    return np.array(pairs), np.log(lengths)


@cache
def _orders() -> tuple[tuple[str, ...], np.ndarray]:
    """Descriptions of the orders, hand21's first, and what brings them into it, [O, 21]."""
    names, orders = zip(*_named_orders(), strict=True)
    return names, np.array([HAND21.order_from(order) for order in orders])


def _named_orders() -> Iterator[tuple[str, Sequence[str]]]:
    """Orders in use, fingers in any sequence, either way, the wrist first or last, and by rows."""
    yield "hand21's", HAND21.joints
    yield from JOINT_ORDERS.items()
    chains, wrist = dict(HAND21.chains), [HAND21.joints[HAND21.root]]
    for fingers in permutations(FINGERS):
        for way, step in (("base to tip", 1), ("tip to base", -1)):
            listed = [joint for finger in fingers for joint in chains[finger][::step]]
            yield f"wrist, then {', '.join(fingers)}, each {way}", wrist + listed
            yield f"{', '.join(fingers)}, each {way}, then wrist", listed + wrist
    for way, step in (("bases to tips", 1), ("tips to bases", -1)):
        rows = list(zip(*(chains[finger][::step] for finger in FINGERS), strict=True))
        yield f"wrist, then row by row from {way}", wrist + [joint for row in rows for joint in row]


def order_problem(joints: np.ndarray) -> str | None:
    """Is another order than hand21's meant?

    Args:
        joints: Joints that are claimed to be in hand21's order, NaN where there is none; in space,
            in one unit, [N, 21, 3], or in images, [N, 21, 2].

    Returns:
        What is wrong and what was expected, or None; also None where too little can be seen.
    """
    is_flat = joints.shape[-1] == 2
    if is_flat and len(joints) < MIN_FLAT_HANDS:
        return None
    misfits = _misfits(_median_log_distances(joints, is_flat))
    claimed, best = misfits[0], int(np.argmin(misfits))
    if np.isnan(claimed):
        return None
    expected = "expected wrist, then thumb to little, each base to tip"
    if misfits[best] < BETTER_FIT * claimed:
        return f"the joints' distances fit another order, {_orders()[0][best]}, {expected}"
    if not is_flat and claimed > LARGEST_MISFIT:
        return (
            "the joints' distances are none of a hand's: bones and palm differ from a mean hand's "
            f"by a factor of {np.exp(claimed):.2g} on average, {expected}"
        )
    return None


def _median_log_distances(joints: np.ndarray, is_flat: bool) -> np.ndarray:
    """Over the hands, [21, 21]; NaN where two joints are never labelled together."""
    squares = np.square(joints[:, :, None] - joints[:, None]).sum(-1)
    squares[:, np.eye(HAND21.num_joints, dtype=bool)] = np.nan
    if is_flat:
        # Hands near and far; the mean over all pairs depends on no order.
        squares /= _nan_mean(squares.reshape(len(squares), -1))[:, None, None]
    with np.errstate(divide="ignore"):
        logs = 0.5 * np.log(squares)
    logs[~np.isfinite(logs)] = np.nan
    known = ~np.isnan(logs).all(0)
    medians = np.full(logs.shape[1:], np.nan)
    medians[known] = np.nanmedian(logs[:, known], axis=0)
    return medians


def _nan_mean(values: np.ndarray) -> np.ndarray:
    counts = (~np.isnan(values)).sum(-1)
    return np.nansum(values, -1) / np.where(counts == 0, np.nan, counts)


def _misfits(logs: np.ndarray) -> np.ndarray:
    """Mean absolute difference of log distances from the mean hand's, its size left out, [O].

    All NaN where too few of the distances are known: a few bones alone fit many orders.
    """
    pairs, expected = _rigid_pairs()
    _, orders = _orders()
    first, second = pairs.T
    differences = logs[orders[:, first], orders[:, second]] - expected
    if np.isnan(differences).sum(1).max() > len(pairs) / 2:
        return np.full(len(orders), np.nan)
    return np.nanmean(np.abs(differences - np.nanmedian(differences, axis=1)[:, None]), axis=1)
