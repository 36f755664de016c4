"""The orders in which other software stores a hand's 21 joints.

The names are hand21's, so a file in such an order is read right by `HAND21.order_from(order)`.
"""

from __future__ import annotations

import numpy as np

from mano_assets.skeleton import FINGERS, HAND21, MANO16

_WRIST = HAND21.joints[HAND21.root]
_CHAINS = dict(HAND21.chains)
_TIPS = tuple(_CHAINS[finger][-1] for finger in FINGERS)


def _fingers(names: tuple[str, ...], *, from_tip: bool = False) -> tuple[str, ...]:
    step = -1 if from_tip else 1
    return tuple(joint for finger in names for joint in _CHAINS[finger][::step])


JOINT_ORDERS: dict[str, tuple[str, ...]] = {
    "MANO's 16 joints and then the five tips": (*MANO16.joints, *_TIPS),
    "MANO's order of fingers (index, middle, little, ring, thumb)": (
        _WRIST, *_fingers(tuple(finger for finger, _ in MANO16.chains)),
    ),
    "InterHand2.6M's (tip to base, the wrist last)": (*_fingers(FINGERS, from_tip=True), _WRIST),
    "RHD's (the wrist, then tip to base)": (_WRIST, *_fingers(FINGERS, from_tip=True)),
    "base to tip with the wrist last": (*_fingers(FINGERS), _WRIST),
    "little finger to thumb": (_WRIST, *_fingers(FINGERS[::-1])),
}  # fmt: skip
"""What the order is called in messages, to its joints.

InterHand2.6M's is annotations/skeleton.txt's, RHD's mmpose's (configs/_base_/datasets/rhd2d.py).
That smplx appends MANO's tips from thumb to little is from memory.
"""


def centred_errors(predicted: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean distance over the counted joints once their means lie together.

    Args:
        predicted: [N, J, D].
        truth: [N, J, D].
        valid: Joints that count, [N, J].

    Returns:
        [N], in the joints' unit.
    """
    count = np.maximum(valid.sum(-1), 1)
    difference = np.where(valid[..., None], predicted - truth, 0.0)
    difference = difference - (difference.sum(1) / count[:, None])[:, None]
    distance = np.sqrt(np.einsum("njd,njd->nj", difference, difference))
    return np.where(valid, distance, 0.0).sum(-1) / count
