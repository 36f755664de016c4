"""The colours of skin: a tone along the Monk scale, and what palm, blood and nails make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MONK_SRGB = (
    "292420", "3a312a", "604134", "825c43", "a07e56",
    "d7bd96", "eadaba", "f7ead0", "f3e7db", "f6ede4",
)  # fmt: skip
"""The ten tones of the Monk Skin Tone scale (Monk 2022, skintone.google), dark to light."""

SKIN_LIGHTNESS = (25.0, 70.0)
"""CIE L* of the darkest and lightest skin. The scale's swatches run from 14 to 94: they tell tones
apart and are not reflectances. Measured skin of four ethnic groups lies between about 30 and 75
(Xiao et al., Skin Res. Technol. 23(1), 2017)."""

MEAN_SKIN_AB = np.array([11.5, 16.5])
"""CIE a* and b* of measured skin, about their means in the same paper."""

_SWATCH_SHARE = 0.3
"""How much of a swatch's own hue is kept."""

_WARM = np.array([0.0, -1.8, 2.6])
_COOL = np.array([0.0, 1.8, -3.0])
"""L*, a*, b* at the ends of the undertone."""

_XYZ_FROM_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175],
     [0.0193339, 0.119192, 0.9503041]]
)  # fmt: skip
"""IEC 61966-2-1, white D65."""

_CIE_EDGE = 6 / 29


@dataclass(frozen=True)
class SkinColours:
    """Linear RGB albedos, each [3].

    Attributes:
        back: Of the back of the hand.
        palm: Little melanin reaches the palm: the darker the skin, the lighter the palm beside it.
        blood: Where blood shows: knuckles, fingertips, mottling.
        vein: Over veins.
        dark: Of freckles and hairs, and at the bottom of creases.
        nail: Of the nail's bed.
        nail_pale: Of the nail's free edge and lunula.
    """

    back: np.ndarray
    palm: np.ndarray
    blood: np.ndarray
    vein: np.ndarray
    dark: np.ndarray
    nail: np.ndarray
    nail_pale: np.ndarray


def monk_lab() -> np.ndarray:
    """CIE L*, a*, b* of the Monk scale's swatches, [10, 3]."""
    srgb = np.array([list(bytes.fromhex(code)) for code in MONK_SRGB]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return lab_from_rgb(linear)


def skin_colours(tone: float, undertone: float = 0.0) -> SkinColours:
    """The colours of one person's skin; how they depend on each other is by eye.

    Args:
        tone: 0 darkest to 1 lightest along the Monk scale.
        undertone: -1 cool (pink) to 1 warm (yellow).
    """
    back = _tone_lab(tone) + (max(undertone, 0) * _WARM + max(-undertone, 0) * _COOL)
    darkness = np.clip((SKIN_LIGHTNESS[1] - back[0]) / np.ptp(SKIN_LIGHTNESS), 0, 1)
    palm = back + np.array([18 * darkness**1.3, 4.5 - darkness, -1.0 + darkness])
    # Blood reddens light skin; the knuckles of dark skin are darker instead.
    blood = back + np.array([-7 + 2 * darkness, 15 - 10 * darkness, 2 - darkness])
    vein = back + np.array([-6 + 2 * darkness, -6.5 + 3 * darkness, -8 + 4 * darkness])
    dark = back * [0.58, 1.0, 0.9] + np.array([0, 8 - 7 * darkness, 2])
    nail = 0.6 * palm + 0.4 * np.array([60.0, 20.0, 13.0])
    pale = 0.3 * nail + 0.7 * np.array([82.0, 3.0, 9.0])
    return SkinColours(*rgb_from_lab(np.stack([back, palm, blood, vein, dark, nail, pale])))


def _tone_lab(tone: float) -> np.ndarray:
    swatches = monk_lab()
    position = np.clip(tone, 0, 1) * (len(swatches) - 1)
    steps = np.arange(len(swatches))
    hue = np.array([np.interp(position, steps, swatches[:, axis]) for axis in (1, 2)])
    # The three lightest swatches differ in hue more than in lightness, hence evenly by number
    # there and by the swatches' own lightness below.
    lightness = np.maximum.accumulate(swatches[:, 0] + 0.5 * steps)
    share = (np.interp(position, steps, lightness) - lightness[0]) / np.ptp(lightness)
    low, high = SKIN_LIGHTNESS
    # Skin that reflects little has little colour to show.
    chroma = 0.6 + 0.4 * min(1.0, share / 0.35)
    mixed = _SWATCH_SHARE * hue + (1 - _SWATCH_SHARE) * MEAN_SKIN_AB * chroma
    return np.array([low + share * (high - low), *mixed])


def lab_from_rgb(linear: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* (white D65) of linear sRGB, [..., 3]."""
    ratios = linear @ _XYZ_FROM_SRGB.T / _XYZ_FROM_SRGB.sum(1)
    bent = np.where(ratios > _CIE_EDGE**3, np.cbrt(ratios), ratios / (3 * _CIE_EDGE**2) + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def rgb_from_lab(lab: np.ndarray) -> np.ndarray:
    """Inverse of `lab_from_rgb`, clipped to what sRGB can show, [..., 3]."""
    lightness, green_red, blue_yellow = np.moveaxis(np.asarray(lab, dtype=float), -1, 0)
    y = (lightness + 16) / 116
    bent = np.stack([y + green_red / 500, y, y - blue_yellow / 200], -1)
    ratios = np.where(bent > _CIE_EDGE, bent**3, 3 * _CIE_EDGE**2 * (bent - 4 / 29))
    xyz = ratios * _XYZ_FROM_SRGB.sum(1)
    return np.clip(xyz @ np.linalg.inv(_XYZ_FROM_SRGB).T, 0, 1)
