"""How bright the surfaces of a room are."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

_CORNER_M, _CORNER_SHARE = np.float32(0.3), np.float32(0.45)
_CONTACT_M, _CONTACT_SHARE = np.float32(0.1), np.float32(0.75)
"""Light of the surroundings falls off towards a corner and a thing that stands near."""

_FAR_M2 = np.float32(0.36)
_LEAST = np.float32(0.4)
_ZERO, _ONE, _PI = np.float32(0), np.float32(1), np.float32(np.pi)


@kernel
def shade(
    surfaces, points_m, facings, albedo, shines, size_m, boxes_m, near, first_box, lights, ambient
):
    """Turns albedo into radiance, in place: Lambert's law under the room's lights.

    A light is a point with its facing and area, which is right from a few of its widths away;
    nearer, its area in the denominator keeps it finite. The rest is `RoomModel.ambient`, less
    towards corners and beside furniture. Nothing throws a shadow.

    Args:
        surfaces: Of each point, see `first_hits`, [N].
        points_m: Room frame, [N, 3].
        facings: See `first_hits`, [N].
        albedo: RGB, [N, 3].
        shines: Where it is already radiance, [N].
        size_m: Of the room, [3].
        boxes_m: See `RoomModel`, [B, 6].
        near: Numbers of the boxes that darken what they stand by, [K].
        first_box: Number of the surface of the first box.
        lights: See `RoomModel`, [L, 10].
        ambient: Irradiance, RGB, [3].
    """
    for i in range(len(points_m)):
        if shines[i]:
            continue
        axis = facings[i] // 2
        sign = _ONE if facings[i] % 2 else -_ONE
        open_share = _ONE
        for other in range(3):
            if other != axis:
                gap = min(points_m[i, other], size_m[other] - points_m[i, other])
                open_share *= _ONE - _CORNER_SHARE / (_ONE + (gap / _CORNER_M) ** 2)
        for b in near:
            if surfaces[i] == first_box + b:
                continue
            square = _ZERO
            for other in range(3):
                beyond = max(
                    boxes_m[b, other] - points_m[i, other],
                    points_m[i, other] - boxes_m[b, other + 3],
                )
                if beyond > 0.0:
                    square += beyond * beyond
            if square < _FAR_M2:
                open_share *= _ONE - _CONTACT_SHARE / (_ONE + square / _CONTACT_M**2)
        red, green, blue = open_share * ambient[0], open_share * ambient[1], open_share * ambient[2]
        for k in range(len(lights)):
            x = lights[k, 0] - points_m[i, 0]
            y = lights[k, 1] - points_m[i, 1]
            z = lights[k, 2] - points_m[i, 2]
            away = (x, y, z)[axis] * sign
            towards = -(x * lights[k, 3] + y * lights[k, 4] + z * lights[k, 5])
            if away > 0.0 and towards > 0.0:
                square = x * x + y * y + z * z
                share = away * towards * lights[k, 6] / (square * (square + lights[k, 6]))
                share *= _LEAST + (_ONE - _LEAST) * open_share
                red += share * lights[k, 7]
                green += share * lights[k, 8]
                blue += share * lights[k, 9]
        albedo[i, 0] *= red / _PI
        albedo[i, 1] *= green / _PI
        albedo[i, 2] *= blue / _PI
