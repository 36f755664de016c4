"""The shapes of tools and cutlery: a handle, and what is at its end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from render.things.shapes import Shape
from render.things.surfaces import Mesh, cylinder, dome, joined, lathe, pill, sheet, tube


def knife(size: Mapping[str, float]) -> Shape:
    """A knife, held by its handle."""
    radius, half = size["radius_m"], size["handle_m"] / 2
    blade, width = size["blade_m"], size["width_m"]
    handle = pill(radius, -half, half, 12).scaled(0.75, 1.2, 1.0)
    belly = np.array(
        [[-0.5, -0.02], [0.5, -0.02], [0.5, 0.6], [0.3, 0.82], [-0.1, 0.96], [-0.5, 1]]
    )
    outline = np.stack([belly[:, 0] * width, half - 0.008 + belly[:, 1] * blade], axis=1)
    return Shape((handle, sheet(outline, 0.002)), "long", radius, 0.8 * half)


def spoon(size: Mapping[str, float]) -> Shape:
    """A spoon, held by its handle."""
    length, bowl = size["length_m"], size["bowl_m"]
    share = np.linspace(0, 1, 9)
    low = -0.35 * length
    path = np.stack([0.006 * np.sin(np.pi * share), low + 0.78 * length * share], axis=1)
    radii = size["radius_m"] * np.stack([1.25 - 0.7 * share, 0.42 + 0.1 * share], axis=1)
    handle = tube(path, radii, sections=8)
    # A cup: the lower half of an ellipsoid, its inside a little smaller.
    profile = [(r * bowl, z * 0.5 * bowl) for r, z in dome(1.0, 1.0, 0.0, False)]
    inner = [(0.9 * r, 0.8 * z) for r, z in reversed(profile)]
    cup = lathe(profile, [profile[-1], inner[0]], inner, sections=16)
    # From around z to around x, and longer than broad.
    cup = Mesh(cup.vertices[:, [2, 0, 1]] * np.array([1.0, 1.0, 1.4]), cup.triangles)
    cup = cup.moved(0, 0, low + 0.76 * length + 1.3 * bowl)
    return Shape((joined([handle, cup]),), "long", 0.7 * size["radius_m"], 0.2 * length)


def hammer(size: Mapping[str, float]) -> Shape:
    """A hammer, held near the end of its handle; its head lies along y."""
    radius, length = size["radius_m"], size["length_m"]
    head, thick = size["head_m"], size["head_radius_m"]
    low = -0.28 * length
    high = low + length
    handle = lathe(
        [(0, low), (0.9 * radius, low)],
        [(0.9 * radius, low), (radius, low + 0.01), (radius, 0.1 * length), (0.7 * radius, high)],
        [(0.7 * radius, high), (0, high)],
        sections=12,
    )
    poll = cylinder(thick, -0.55 * head, -0.1 * head)
    neck = cylinder(0.75 * thick, -0.15 * head, 0.2 * head)
    claw = sheet(np.array([[-0.8, 0.1], [0.8, 0.1], [0.9, 0.3], [-0.9, 0.3]]), 1.2 * thick)
    claw = Mesh(claw.vertices * np.array([1.0, thick, head * 1.5]), claw.triangles)
    top = joined([poll, neck, claw])
    top = Mesh(top.vertices[:, [1, 2, 0]], top.triangles).moved(0, 0, high - 0.9 * thick)
    return Shape((handle, top), "long", radius, 0.2 * length)


def screwdriver(size: Mapping[str, float]) -> Shape:
    """A screwdriver, held by its handle."""
    radius, half = size["radius_m"], size["handle_m"] / 2
    shaft, thin = size["shaft_m"], size["shaft_radius_m"]
    outline = np.array(
        [[0, -1], [0.6, -1], [0.95, -0.87], [1, -0.3], [0.85, 0.5], [0.95, 0.75], [0.45, 1], [0, 1]]
    )
    handle = lathe(
        [(r, z) for r, z in outline * [radius, half]],
        sections=14,
    )
    end = half - 0.005 + shaft
    blade = lathe(
        [(0, half - 0.005), (thin, half - 0.005)],
        [(thin, half - 0.005), (thin, end - 0.01), (0.5 * thin, end)],
        [(0.5 * thin, end), (0, end)],
        sections=10,
    )
    return Shape((handle, blade), "long", radius, 0.8 * half)
