"""The skin's relief: creases, wrinkles, veins, tendons and grain; some of it differs by person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import KDTree

from mano_assets.skeleton import FINGERS
from mano_assets.skin_baking.random_field import random_field, ridges
from mano_assets.skin_baking.surface_points import SkinPoints
from mano_assets.skinning import segment_distance, smoothstep

FINGER_ROOT = 0.45
"""Where the fold at the root of a finger lies between its MCP and PIP joints."""

PALM_LINES = (
    # Distal palmar crease: from the little finger's edge to the gap of index and middle.
    (
        {"little_mcp": 1.08, "wrist": 0.12, "ring_mcp": -0.2},
        {"ring_mcp": 0.92, "wrist": 0.08},
        {"middle_mcp": 0.98, "wrist": 0.02},
        {"index_mcp": 0.6, "middle_mcp": 0.5, "wrist": -0.1},
    ),
    # Proximal palmar crease: from the index finger's edge down to the little finger's side.
    (
        {"index_mcp": 1.12, "middle_mcp": -0.2, "wrist": 0.08},
        {"middle_mcp": 0.78, "wrist": 0.22},
        {"ring_mcp": 0.6, "wrist": 0.4},
        {"little_mcp": 0.62, "wrist": 0.38},
    ),
    # Thenar crease: round the ball of the thumb to the middle of the wrist.
    (
        {"index_mcp": 1.12, "middle_mcp": -0.2, "wrist": 0.08},
        {"index_mcp": 0.4, "middle_mcp": 0.35, "wrist": 0.25},
        {"middle_mcp": 0.42, "wrist": 0.58},
        {"ring_mcp": 0.12, "wrist": 0.88},
    ),
    # Wrist crease.
    (
        {"wrist": 0.85, "thumb_mcp": 0.55, "little_mcp": -0.4},
        {"wrist": 0.95, "thumb_mcp": 0.25, "little_mcp": -0.2},
        {"wrist": 0.98, "little_mcp": 0.02},
        {"wrist": 0.95, "thumb_mcp": -0.3, "little_mcp": 0.35},
    ),
)
"""The palm's lines through places that are sums of joints, by eye."""

_LINE_M = 0.0006
_VEIN_M = 0.0018
_TENDON_M = 0.0022
_FOREARM_END_M = 0.2


def creases(points: SkinPoints, rng: np.random.Generator) -> np.ndarray:
    """Depth of flexion creases, palm lines and knuckle wrinkles, 0 to 1, [N]."""
    palm = points.palm
    waver = 0.0008 * random_field(rng, points.places_m, 0.008)
    fine = 0.0004 * random_field(rng, points.places_m, 0.0025)
    strength = np.clip(0.75 + 0.25 * random_field(rng, points.places_m, 0.006), 0.2, 1)
    found = np.zeros(len(palm))
    for number, finger in enumerate(FINGERS):
        own = np.flatnonzero(points.fingers[:, number] > 0.35)
        share = smoothstep(0.35, 0.6, points.fingers[own, number])
        places, pad, back = points.places_m[own], palm[own], (1 - palm[own]) ** 2
        deepest = np.zeros(len(own))
        for depth, along_m, across_m, kind in _finger_folds(points, finger, places):
            if kind == "palm":
                lines = np.exp(-(((along_m + waver[own]) / _LINE_M) ** 2)) * pad
            else:
                lines = _knuckle(along_m + fine[own], across_m, kind) * back
            deepest = np.maximum(deepest, depth * lines)
        found[own] = np.maximum(found[own], deepest * share)
    found = np.maximum(found, _palm_lines(points, rng, palm))
    net = ridges(random_field(rng, points.places_m, (0.009, 0.006, 0.004)), 0.1)
    net = np.maximum(net, ridges(random_field(rng, points.places_m, (0.004, 0.006, 0.010)), 0.08))
    found = np.maximum(found, (0.16 * palm + 0.10 * (1 - palm)) * net)
    return found * strength


def _finger_folds(
    points: SkinPoints, finger: str, places_m: np.ndarray
) -> Iterator[tuple[float, np.ndarray, np.ndarray, str]]:
    """Depth, distance along and across the finger, and kind of each fold."""
    joints, palmar = points.bones(finger)
    for position in (0, 1, 2):
        after = joints[position + 1] - joints[position]
        bone_m = float(np.linalg.norm(after))
        axis = after / bone_m
        if position:
            before = joints[position] - joints[position - 1]
            axis = axis + before / np.linalg.norm(before)
            axis /= np.linalg.norm(axis)
        side = np.cross(axis, palmar)
        side /= np.linalg.norm(side)
        offset = places_m - joints[position]
        along_m, across_m = offset @ axis, offset @ side
        if position == 0:
            if finger != "thumb":
                # The fold at the root of the finger lies well beyond its knuckle.
                root_m = along_m - FINGER_ROOT * bone_m
                yield 1.0, root_m - 0.0008, across_m, "palm"
                yield 0.6, root_m + 0.0016, across_m, "palm"
            yield 0.45, along_m, across_m, "mcp"
        elif position == 1:
            yield 1.0, along_m - 0.0012, across_m, "palm"
            yield 0.8, along_m + 0.0014, across_m, "palm"
            yield 0.3, along_m - 0.0045, across_m, "palm"
            yield 0.75, along_m, across_m, "mcp" if finger == "thumb" else "pip"
        else:
            yield 1.0, along_m, across_m, "palm"
            yield 0.45, along_m + 0.0022, across_m, "palm"
            yield 0.6, along_m, across_m, "pip" if finger == "thumb" else "dip"


_KNUCKLES = {"mcp": (0.008, 0.0030), "pip": (0.0060, 0.0023), "dip": (0.0035, 0.0017)}
"""Reach along the finger and distance of the wrinkles, metres."""

_KNUCKLE_HALF_M = 0.011


def _knuckle(along_m: np.ndarray, across_m: np.ndarray, kind: str) -> np.ndarray:
    """Wrinkles across a knuckle, that come together at its sides, [N]."""
    reach_m, period_m = _KNUCKLES[kind]
    spread = 1 - 0.6 * np.minimum((across_m / _KNUCKLE_HALF_M) ** 2, 1)
    phase = along_m / (period_m * spread)
    from_line = np.abs(phase % 1 - 0.5) * period_m * spread
    return np.exp(-((from_line / 0.00045) ** 2) - (along_m / reach_m) ** 2)


def _palm_lines(points: SkinPoints, rng: np.random.Generator, palm: np.ndarray) -> np.ndarray:
    lines = np.zeros(len(palm))
    near = np.flatnonzero((palm > 0.05) & (points.fingers.max(1) < 0.97))
    places = points.places_m[near]
    warp = np.stack([random_field(rng, places, 0.03), random_field(rng, places, 0.012)])
    flat = places[:, [0, 2]] + (warp * [[0.0016], [0.0007]]).sum(0)[:, None]
    own = smoothstep(0.8, 0.4, points.fingers[near].max(1))
    for number, line in enumerate(PALM_LINES):
        corners = np.array(
            [sum(share * points.joint(name) for name, share in corner.items()) for corner in line]
        )[:, [0, 2]]
        corners = corners + rng.normal(0, 0.0015, corners.shape)
        curve = _curve(corners)
        apart_m, sample = KDTree(curve).query(flat, distance_upper_bound=0.006)
        share = sample / len(curve)
        taper = np.minimum(1, 0.35 + 4 * np.minimum(share, 1 - share))
        depth = (1.0, 0.95, 1.0, 0.6)[number] * taper
        found = depth * np.exp(-((apart_m / (1.3 * _LINE_M)) ** 2))
        lines[near] = np.maximum(lines[near], np.where(sample < len(curve), found, 0) * own)
    return lines * palm


def _curve(corners: np.ndarray) -> np.ndarray:
    """Points every 0.2 mm or so on a smooth curve through corners, [n, d]."""
    steps = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    spline = CubicSpline(steps, corners, bc_type="natural")
    return spline(np.linspace(0, steps[-1], max(int(steps[-1] / 0.0002), 2)))


def veins(points: SkinPoints, rng: np.random.Generator) -> np.ndarray:
    """Height of the veins: the net on the back of the hand, and along the forearm, 0 to 1, [N].

    From each gap between the knuckles a vein runs towards the wrist; some join on the way (the
    dorsal venous network).
    """
    palm = points.palm
    wrist = points.joint("wrist")
    heads = [points.joint(f"{finger}_mcp") for finger in FINGERS[1:]]
    gaps = [(a + b) / 2 for a, b in pairwise(heads)]
    gaps.append(heads[-1] + 0.35 * (heads[-1] - heads[-2]))
    breadth_m = abs(heads[0] - heads[-1])[2]
    curves = []
    for number, gap in enumerate(gaps):
        side = (number / (len(gaps) - 1) - 0.5) * 0.75
        # Offsets from the wrist along the forearm and towards the thumb.
        beyond = breadth_m * side * np.array([[0, -1], [0, -0.9], [0, -0.7], [0, -0.9]])
        beyond[:, 0] = 0, 0.05, 0.11, _FOREARM_END_M
        on_hand = gap + np.array([[-0.12], [0.15], [0.5]]) * (wrist - gap)
        targets = np.concatenate([on_hand[:, [0, 2]], wrist[[0, 2]] + beyond])
        jitter = rng.normal(0, [0.002, 0.0045], targets.shape)
        jitter[0] = 0
        curves.append(_curve(targets + jitter))
    bridges = []
    for first, second in pairwise(curves):
        start, end = rng.uniform(0.05, 0.35, 2)
        bridges.append(
            _curve(np.stack([first[int(start * len(first))], second[int(end * len(second))]]))
        )
    on_back = np.flatnonzero((palm < 0.5) | (points.places_m[:, 0] > 0.01))
    places = points.places_m[on_back]
    bend = [random_field(rng, places, 0.02), random_field(rng, places, 0.007)]
    flat = places[:, [0, 2]] + (0.0022 * bend[0] + 0.0003 * bend[1])[:, None] * [0.3, 1.0]
    shown = smoothstep(-1.2, 0.6, random_field(rng, places, 0.03))
    apart_m = KDTree(np.concatenate(curves)).query(flat, distance_upper_bound=0.008)[0]
    found = np.exp(-((apart_m / _VEIN_M) ** 2))
    apart_m = KDTree(np.concatenate(bridges)).query(flat, distance_upper_bound=0.008)[0]
    found = np.maximum(found, 0.8 * np.exp(-((apart_m / (0.8 * _VEIN_M)) ** 2)))
    away = smoothstep(_FOREARM_END_M, 0.5 * _FOREARM_END_M, places[:, 0])
    heights = np.zeros(len(palm))
    slack = smoothstep(0.5, 0.1, points.fingers[on_back].sum(1))
    # A flank is seen edge on here: lines would smear over it.
    level = smoothstep(0.3, 0.7, np.abs(points.normals[on_back, 1]))
    heights[on_back] = found * shown * away * slack * level * (1 - palm[on_back])
    return heights


def tendons(points: SkinPoints) -> np.ndarray:
    """Height of the extensor tendons on the back of the hand, 0 to 1, [N]."""
    palm = points.palm
    wrist = points.joint("wrist")
    heights = np.zeros(len(palm))
    flat = points.places_m[:, [0, 2]]
    for finger in FINGERS[1:]:
        head = points.joint(f"{finger}_mcp")
        middle = wrist + 0.3 * (head - wrist) * [0.5, 0, 1]
        ends = np.stack([head, middle])[:, [0, 2]]
        apart_m = segment_distance(flat, *ends)
        along = np.clip(
            (flat - ends[1]) @ (ends[0] - ends[1]) / ((ends[0] - ends[1]) ** 2).sum(), 0, 1
        )
        ridge = np.exp(-((apart_m / _TENDON_M) ** 2)) * (0.25 + 0.75 * smoothstep(0.0, 0.7, along))
        heights = np.maximum(heights, ridge)
    return heights * (1 - palm) ** 2


def grain(points: SkinPoints, rng: np.random.Generator) -> np.ndarray:
    """Height of the skin's fine grain with its pores, -1 to 1, [N]."""
    mixed = 0.5 * random_field(rng, points.places_m, 0.0022) + random_field(
        rng, points.places_m, 0.0011
    )
    # Pores are pits: the grain's lows are deeper than its tops are high.
    return np.clip(0.3 * mixed - 0.3 * np.maximum(-mixed - 0.8, 0), -1, 1)
