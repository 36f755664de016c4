"""What things are made of: plausible materials, a judgement."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from render.solids import Colour, Material, Pattern

Stuff = Literal[
    "plastic", "rubber", "wood", "metal", "paper", "pages", "ceramic", "fruit", "banana", "screen"
]

NUM_UNIFORMS = 9
"""Numbers that a material is drawn with."""

_Range = tuple[float, float]


@dataclass(frozen=True)
class _Look:
    """Ranges: hue from 0 to 1 and on around the circle, saturation and value of sRGB."""

    hue: _Range
    saturation: _Range
    value: _Range
    roughness: _Range
    metallic: float = 0.0
    patterns: tuple[Pattern, ...] = ("plain",)
    period_m: _Range = (0.005, 0.03)
    contrast: float = 1.0


_LOOKS: dict[Stuff, _Look] = {
    "plastic": _Look(
        (0, 1), (0.0, 0.95), (0.06, 0.95), (0.15, 0.6), 0.0, ("plain", "plain", "plain", "stripes")
    ),
    "rubber": _Look(
        (0, 1), (0.0, 0.8), (0.05, 0.8), (0.6, 0.95), 0.0, ("plain", "plain", "checks")
    ),
    "wood": _Look(
        (0.055, 0.1), (0.35, 0.7), (0.3, 0.8), (0.45, 0.8), 0.0, ("stripes", "speckle", "plain"),
        (0.003, 0.012), 0.25,
    ),
    "metal": _Look((0.05, 0.15), (0.0, 0.12), (0.5, 0.9), (0.12, 0.5), 1.0),
    "paper": _Look(
        (0, 1), (0.0, 0.75), (0.35, 0.97), (0.4, 0.9), 0.0,
        ("plain", "plain", "stripes", "checks", "speckle"),
    ),
    "pages": _Look(
        (0.08, 0.15), (0.02, 0.15), (0.8, 0.95), (0.8, 0.95), 0.0, ("stripes",), (0.001, 0.002), 0.1
    ),
    "ceramic": _Look(
        (0, 1), (0.0, 0.7), (0.3, 0.97), (0.08, 0.35), 0.0, ("plain", "plain", "stripes", "speckle")
    ),
    "fruit": _Look(
        (-0.03, 0.3), (0.55, 0.9), (0.45, 0.85), (0.25, 0.5), 0.0, ("speckle", "plain"),
        (0.004, 0.012), 0.3,
    ),
    "banana": _Look(
        (0.11, 0.17), (0.65, 0.9), (0.7, 0.95), (0.4, 0.65), 0.0, ("plain", "speckle"),
        (0.006, 0.02), 0.35,
    ),
    "screen": _Look((0.5, 0.75), (0.0, 0.6), (0.01, 0.25), (0.03, 0.15)),
}  # fmt: skip


def draw_material(stuff: Stuff, uniforms: np.ndarray) -> Material:
    """A material.

    Args:
        stuff: What it is made of.
        uniforms: Within [0, 1), [NUM_UNIFORMS].
    """
    look = _LOOKS[stuff]
    hue, saturation, value, roughness, kind, period, other_hue, other_value, other = uniforms
    first = (_at(look.hue, hue), _at(look.saturation, saturation), _at(look.value, value))
    second = (
        first[0] + look.contrast * (_at(look.hue, other_hue) - first[0]),
        first[1] + look.contrast * (_at(look.saturation, other) - first[1]),
        first[2] * (1 - look.contrast)
        + look.contrast * _at((0.1, 0.95), other_value) * (1.0 if look.contrast == 1.0 else 0.5),
    )
    return Material(
        colour=_linear(*first),
        second_colour=_linear(*second),
        pattern=look.patterns[int(kind * len(look.patterns))],
        period_m=_at(look.period_m, period),
        roughness=_at(look.roughness, roughness),
        metallic=look.metallic,
    )


def _at(limits: _Range, share: float) -> float:
    return float(limits[0] + (limits[1] - limits[0]) * share)


def _linear(hue: float, saturation: float, value: float) -> Colour:
    """Linear RGB (the transfer function of IEC 61966-2-1)."""
    srgb = np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return (float(linear[0]), float(linear[1]), float(linear[2]))
