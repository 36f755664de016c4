"""How a hand compares with people: sizes, bone lengths, what bending costs in volume.

The numbers are stored beside every built hand (`hand.json`) and printed by `handforge assets`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.geometry.surface import enclosed_volume
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16

PEOPLE_MM = {"hand_length": (160.0, 205.0), "hand_breadth": (70.0, 95.0)}
"""From the 5th percentile of women to the 95th of men, British adults of 19 to 65 years (Pheasant
and Haslegrave, Bodyspace, 3rd ed. 2005, rounded to 5 mm; length: wrist crease to middle fingertip,
breadth: across the heads of the metacarpals)."""

REAL_BONES_MM = {
    "thumb": ((33, 44), (32, 41), (29, 34), (27, 30)),
    "index": ((81, 92), (38, 44), (23, 27), (20, 23)),
    "middle": ((79, 89), (39, 48), (27, 31), (21, 24)),
    "ring": ((75, 86), None, None, None),
    "little": ((71, 86), None, None, None),
}
"""Ranges over six annotated adult hands of InterHand2.6M: wrist to base, then the finger's three
bones. Outer bones of ring and little were not measured."""

BENDS_DEG = (90.0, 110.0)
_SHAPES = 1000


def hand_measures(hand: Hand) -> dict[str, Any]:
    """Measures a hand.

    Args:
        hand: Any; `shape_variance_explained` only of the free hand.

    Returns:
        Percentiles over shapes drawn from N(0, 1), mm; bone lengths of the mean shape, mm; share
        of a finger's volume that a bent PIP joint (thumb: IP) loses, with the pose correctives.
    """
    shapes = np.random.default_rng(0).normal(size=(_SHAPES, 10))
    lengths, breadths = _sizes(hand, shapes)
    _, joints = hand.posed(np.zeros(3), np.zeros(45), np.zeros(10), np.zeros(3))
    measures: dict[str, Any] = {
        "hand_length_mm": _percentiles(lengths),
        "hand_breadth_mm": _percentiles(breadths),
        "bones_mm": {
            finger: np.round(
                np.linalg.norm(
                    np.diff(joints[[HAND21.root, *HAND21.chain(finger)]], axis=0), axis=1
                )
                * 1000,
                1,
            ).tolist()
            for finger in FINGERS
        },
        "volume_lost": {finger: _volume_lost(hand, finger) for finger in FINGERS},
    }
    if "shape_variance_explained" in hand.arrays:
        explained = hand.arrays["shape_variance_explained"]
        measures["shape_variance_explained"] = np.round(explained, 4).tolist()
    return measures


def read_measures(folder: Path) -> dict[str, Any]:
    """The measures stored with a built hand."""
    return json.loads((folder / "hand.json").read_text())["measures"]


def described(measures: dict[str, Any]) -> list[str]:
    """The measures beside people's, a line each."""
    lines = []
    for name, (low, high) in PEOPLE_MM.items():
        ours = measures[f"{name}_mm"]
        lines.append(
            f"{name.replace('_', ' ')}: 5% {ours['p5']:.0f}, median {ours['p50']:.0f}, "
            f"95% {ours['p95']:.0f} mm; people {low:.0f} to {high:.0f} mm"
        )
    for finger, lengths in measures["bones_mm"].items():
        pairs = zip(lengths, REAL_BONES_MM[finger], strict=True)
        shown = [
            f"{length:.0f}" + (f" ({real[0]}-{real[1]})" if real else "") for length, real in pairs
        ]
        lines.append(f"{finger} bones, mm (six real hands): {', '.join(shown)}")
    lost = ", ".join(
        f"{finger} {100 * values['90_deg']:.1f}%"
        for finger, values in measures["volume_lost"].items()
    )
    lines.append(f"volume of the finger lost at 90 degrees: {lost}")
    if "shape_variance_explained" in measures:
        explained = measures["shape_variance_explained"][-1]
        lines.append(f"variance between people explained by 10 components: {explained:.2%}")
    return lines


def _percentiles(values_m: np.ndarray) -> dict[str, float]:
    marks = np.percentile(values_m * 1000, [5, 50, 95])
    return dict(zip(("p5", "p50", "p95"), np.round(marks, 1).tolist(), strict=True))


def _sizes(hand: Hand, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Length from wrist to middle fingertip and breadth at the knuckles, metres, [N] each."""
    vertices, joints = hand.shaped(shapes)
    tip = vertices[:, hand.tip_vertices[FINGERS.index("middle")]]
    lengths = np.linalg.norm(tip - joints[:, MANO16.root], axis=-1)
    index, little = (joints[:, MANO16.index(f"{name}_mcp")] for name in ("index", "little"))
    across = (index - little) / np.linalg.norm(index - little, axis=-1, keepdims=True)
    thumb = hand.arrays["weights"][:, MANO16.chain("thumb")].sum(1) > 0.05
    # A slab around the line of the knuckles, in every shape its own.
    middle = (index + little) / 2
    along = joints[:, MANO16.root] - middle
    along -= (along * across).sum(-1, keepdims=True) * across
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    offset = vertices - middle[:, None]
    inside = (np.abs(np.einsum("pvc,pc->pv", offset, along)) < 0.008) & ~thumb
    place = np.einsum("pvc,pc->pv", offset, across)
    breadths = np.where(inside, place, -np.inf).max(1) - np.where(inside, place, np.inf).min(1)
    return lengths, breadths


def _volume_lost(hand: Hand, finger: str) -> dict[str, float]:
    chain = MANO16.chain(finger)
    hinge = chain[2] if finger == "thumb" else chain[1]
    frames = joint_frames(hand.arrays["J"])
    flat = hand.arrays["v_template"]
    whole = _finger_volume(hand, flat, chain)
    lost = {}
    for bend in BENDS_DEG:
        angles = np.zeros((16, 3))
        angles[hinge, 0] = np.deg2rad(bend)
        pose = angles_to_pose(angles, frames)[3:]
        bent, _ = hand.posed(np.zeros(3), pose, np.zeros(10), np.zeros(3))
        # Nothing but this finger moves, and the open rim at the arm does not.
        change = enclosed_volume(flat, hand.triangles) - enclosed_volume(bent, hand.triangles)
        lost[f"{bend:.0f}_deg"] = round(change / whole, 4)
    return lost


def _finger_volume(hand: Hand, vertices: np.ndarray, chain: list[int]) -> float:
    """Of the finger beyond its base, closed by a fan at the middle of its rim, cubic metres."""
    own = hand.arrays["weights"][:, chain].sum(1) > 0.5
    inside = hand.triangles[own[hand.triangles].all(1)]
    edges = np.sort(np.concatenate([inside[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))]), 1)
    kinds, counts = np.unique(edges, axis=0, return_counts=True)
    rim = np.unique(kinds[counts == 1])
    return enclosed_volume(vertices - vertices[rim].mean(0), inside)
