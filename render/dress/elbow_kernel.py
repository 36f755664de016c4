"""The map from the straight arm to the bent one, compiled."""

from __future__ import annotations

import math

import numpy as np

from mano_assets.geometry.compiled import kernel


@kernel
def bend(
    points: np.ndarray,
    stretch: np.ndarray,
    start_m: float,
    radius_m: float,
    flexion_rad: float,
    azimuth_rad: float,
    crook: np.ndarray,
    point: float,
) -> np.ndarray:
    """Stretches points along the third axis and winds them round an elbow.

    Args:
        points: [P, 3].
        stretch: Where it sets in, over which length, and how much a metre in the end, [3].
        start_m: Where the centre line starts to turn.
        radius_m: Of the turn.
        flexion_rad: Of the turn.
        azimuth_rad: Its side.
        crook: How near to the bend's centre flesh comes, with which power it is pressed, over
            which length that sets in, and how much, [4].
        point: How far the elbow's point stands out, in distances from the centre line.

    Returns:
        [P, 3].
    """
    moved = np.empty_like(points)
    cosine, sine = math.cos(azimuth_rad), math.sin(azimuth_rad)
    bent_cosine, bent_sine = math.cos(flexion_rad), math.sin(flexion_rad)
    arc = flexion_rad * radius_m
    for row in range(len(points)):
        across, through, along = points[row]
        into = max(along - stretch[0], 0.0)
        # The integral of a slope that grows linearly over the fade, then stays.
        if into < stretch[1]:
            along += stretch[2] * into * into / (2 * stretch[1])
        else:
            along += stretch[2] * (into - stretch[1] / 2)
        inward = across * cosine + through * sine
        sideward = through * cosine - across * sine
        past = along - start_m
        if inward > 0:
            near = min(max(1 + past / crook[2], 0.0), 1.0)
            far = min(max((past - arc) / crook[2], 0.0), 1.0)
            share = crook[3] * near * near * (3 - 2 * near) * (1 - far * far * (3 - 2 * far))
            limited = inward / (1 + (inward / crook[0]) ** crook[1]) ** (1 / crook[1])
            inward += share * (limited - inward)
        elif 0 < past < arc:
            inward *= 1 + point * math.sin(math.pi * past / arc) ** 2
        if past > 0:
            angle = min(past, arc) / radius_m
            beyond = max(past - arc, 0.0)
            along = start_m + (radius_m - inward) * math.sin(angle) + beyond * bent_cosine
            inward = radius_m - (radius_m - inward) * math.cos(angle) + beyond * bent_sine
        moved[row, 0] = inward * cosine - sideward * sine
        moved[row, 1] = inward * sine + sideward * cosine
        moved[row, 2] = along
    return moved
