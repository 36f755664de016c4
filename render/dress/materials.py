"""Colours and patterns of cloth, metal, leather and stones."""

from __future__ import annotations

import colorsys

import numpy as np

from render.solids import Colour, Material, Pattern

_METALS: dict[str, Colour] = {
    "gold": (1.0, 0.71, 0.29),
    "rose gold": (0.9, 0.55, 0.42),
    "silver": (0.91, 0.92, 0.92),
    "steel": (0.56, 0.57, 0.58),
    "dark": (0.09, 0.09, 0.1),
}
"""Reflectance at normal incidence, linear RGB: gold, silver and iron after Karis 2013, Real Shading
in Unreal Engine 4, table of metals; the others lie between."""
_LEATHERS: tuple[Colour, ...] = (
    (0.012, 0.01, 0.009),
    (0.09, 0.035, 0.015),
    (0.25, 0.11, 0.045),
    (0.03, 0.02, 0.015),
)
_STONES: tuple[Colour, ...] = (
    (0.85, 0.87, 0.9),
    (0.02, 0.05, 0.35),
    (0.35, 0.01, 0.03),
    (0.01, 0.2, 0.06),
    (0.02, 0.02, 0.02),
)
_PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "checks", "speckle")


def draw_cloth(
    rng: np.random.Generator,
    patterned_share: float,
    value: tuple[float, float],
    saturation: tuple[float, float],
) -> Material:
    """Cloth of any hue.

    Args:
        rng: Always draws the same count.
        patterned_share: How much cloth is not plain.
        value: Range of the lightest channel of its colours, as a screen shows it.
        saturation: Range of their saturation.
    """
    hues, values = rng.random(2), rng.uniform(*value, 2)
    saturations = rng.uniform(*saturation, 2)
    patterned, kind = rng.random() < patterned_share, int(rng.integers(1, len(_PATTERNS)))
    period, roughness = rng.uniform(0.004, 0.04), rng.uniform(0.65, 1.0)
    first, second = (
        _linear(colorsys.hsv_to_rgb(*hsv)) for hsv in zip(hues, saturations, values, strict=True)
    )
    return Material(
        colour=first,
        second_colour=second,
        pattern=_PATTERNS[kind] if patterned else "plain",
        period_m=float(period),
        roughness=float(roughness),
    )


def draw_metal(rng: np.random.Generator) -> Material:
    """A metal; always draws the same count."""
    colour = list(_METALS.values())[rng.integers(len(_METALS))]
    return Material(colour=colour, roughness=float(rng.uniform(0.1, 0.4)), metallic=1.0)


def draw_strap(rng: np.random.Generator) -> Material:
    """Leather or coloured rubber; always draws the same count."""
    leather = _LEATHERS[rng.integers(len(_LEATHERS))]
    hue, value, is_leather = rng.random(), rng.uniform(0.1, 0.9), rng.random() < 0.6
    rubber = _linear(colorsys.hsv_to_rgb(hue, 0.6, value))
    roughness = float(rng.uniform(0.4, 0.8))
    return Material(colour=leather if is_leather else rubber, roughness=roughness)


def draw_dial(rng: np.random.Generator) -> Material:
    """What lies under a watch's glass; always draws the same count."""
    grey = float(_linear((rng.choice([0.03, 0.08, 0.85, 0.95]),))[0])
    return Material(colour=(grey, grey, grey), roughness=0.08)


def draw_stone(rng: np.random.Generator) -> Material:
    """A polished stone; always draws the same count."""
    return Material(colour=_STONES[rng.integers(len(_STONES))], roughness=0.05)


def _linear(srgb: tuple[float, ...]) -> Colour:
    """Linear light of sRGB values (IEC 61966-2-1)."""
    values = np.array(srgb)
    low, high = values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    return tuple(np.where(values <= 0.04045, low, high).tolist())
