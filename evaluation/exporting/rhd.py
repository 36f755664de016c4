"""Hands in RHD's layout; see `evaluation.datasets.rhd`.

Every image has two hands in RHD. Here the other one is all zeros and not visible. The layout knows
no joint without a label, and of a joint that is not visible it does not say why.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.datasets.rhd import is_kept
from evaluation.exporting.exporter import Exporter, Hand, image_as, write_file
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import JointState

SIDES = ("left", "right")

# One hand's joints in the file: the wrist, then thumb to little, each from its tip to its base.
_ORDER = [
    HAND21.root,
    *(joint for finger in FINGERS for joint in reversed(HAND21.chain(finger))),
]


def write(hands: Iterator[Hand], root: Path, split: str) -> list[str]:
    """Writes images and the annotation pickle, one entry a hand with all its joints in space."""
    sample_ids, annotations = [], {}
    for hand in hands:
        if hand.camera_k is None or hand.joints_cam_m is None or hand.joints_px is None:
            continue
        visible = hand.joint_state == JointState.VISIBLE
        if hand.row["side"] not in SIDES or np.isnan(hand.joints_cam_m).any():
            continue
        if not is_kept(hand.joints_px, visible, *hand.size_px):
            continue
        number, half = len(sample_ids), SIDES.index(hand.row["side"])
        place = slice(half * HAND21.num_joints, (half + 1) * HAND21.num_joints)
        xyz_m, uv_vis = np.zeros((2, len(SIDES) * HAND21.num_joints, 3))
        xyz_m[place] = hand.joints_cam_m[_ORDER]
        uv_vis[place] = np.column_stack([hand.joints_px, visible])[_ORDER]
        write_file(root / split / "color" / f"{number:05d}.png", image_as(hand.image, "PNG"))
        annotations[number] = {"xyz": xyz_m, "uv_vis": uv_vis, "K": hand.camera_k}
        sample_ids.append(hand.sample_id)
    # Protocol 2, as RHD's own, which Python 2 wrote.
    content = pickle.dumps(annotations, protocol=2)
    write_file(root / split / f"anno_{split}.pickle", content)
    return sample_ids


RHD = Exporter(
    name="rhd",
    split="evaluation",
    holds="hands with K, all joints in space, and enough of them in the image",
    write=write,
)
