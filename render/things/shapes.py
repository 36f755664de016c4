"""The shape of each kind of thing, from its measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from render.things.surfaces import (
    Mesh,
    box,
    cylinder,
    dome,
    joined,
    lathe,
    pill,
    rounded_rectangle,
    sheet,
    tube,
)

Form = Literal["compact", "long", "flat"]


@dataclass(frozen=True)
class Shape:
    """A thing in its own frame: z along its length, x across its thinnest side, origin in the grip.

    Attributes:
        parts: Its surfaces, one a material.
        form: How a hand grips it: compact from all sides, long around its length, flat across x.
        radius_m: Half its thickness where it is gripped.
        reach_m: Half the length of what is gripped along z; of a flat thing, how far below the
            origin fingers pinch it.
        smooth: Whether it is shaded as one surface.
        closed: Whether it has an inside.
        pieces: A vertex of the whole in each piece that hangs together.
    """

    parts: tuple[Mesh, ...]
    form: Form
    radius_m: float
    reach_m: float
    smooth: bool = True
    closed: bool = True
    pieces: tuple[int, ...] = (0,)

    @cached_property
    def whole(self) -> Mesh:
        """All parts as one."""
        return joined(self.parts)


def ball(size: Mapping[str, float]) -> Shape:
    """A ball."""
    radius = size["radius_m"]
    profile = dome(radius, radius, 0.0, False)[:-1] + dome(radius, radius, 0.0, True)
    return Shape((lathe(profile),), "compact", radius, 0.6 * radius)


def apple(size: Mapping[str, float]) -> Shape:
    """An apple with its stalk."""
    radius = size["radius_m"]
    angles = np.linspace(-np.pi, 0.0, 12)
    # A circle that dents towards the axis: a cardioid's cousin.
    reach = 1.0 + 0.25 * np.sin(-angles / 2.0)
    outline = radius * np.stack(
        [-np.sin(angles) * reach, np.cos(angles) * (0.72 + 0.22 * np.sin(-angles))], axis=1
    )
    outline[[0, -1], 0] = 0.0
    outline[:, 1] *= 0.95
    flesh = lathe([(r * 0.85, z) for r, z in outline])
    top = float(outline[-1, 1])
    stalk = lathe(
        [(0, top - 0.3 * radius), (0.05 * radius, top - 0.3 * radius)],
        [(0.05 * radius, top - 0.3 * radius), (0.04 * radius, top + 0.3 * radius)],
        [(0.04 * radius, top + 0.3 * radius), (0, top + 0.3 * radius)],
        sections=6,
    )
    return Shape((flesh, stalk), "compact", radius, 0.6 * radius)


def block(size: Mapping[str, float]) -> Shape:
    """A box."""
    x, y, z = sorted((size["thickness_m"], size["width_m"], size["length_m"]))
    return Shape((box(x, y, z),), "compact", x / 2, 0.4 * z, smooth=False)


def can(size: Mapping[str, float]) -> Shape:
    """A can with its lid's rim."""
    radius, half = size["radius_m"], size["length_m"] / 2
    neck = 0.87 * radius
    body = lathe(
        [(0, -half), (neck, -half)],
        [(neck, -half), (radius, -half + 0.007), (radius, half - 0.009), (neck, half)],
        [(neck, half), (0, half)],
        sections=24,
    )
    lid = lathe(
        [(0, half - 0.001), (neck, half - 0.001)],
        [(neck, half - 0.001), (neck, half + 0.002)],
        [(neck, half + 0.002), (0.93 * neck, half + 0.002)],
        [(0.93 * neck, half + 0.002), (0.9 * neck, half + 0.0005), (0, half + 0.0005)],
        sections=24,
    )
    return Shape((body, lid), "long", radius, 0.7 * half)


def rod(size: Mapping[str, float]) -> Shape:
    """A cylinder that is held anywhere about its middle."""
    half = size["length_m"] / 2
    shift = size["held_at"] * size["length_m"]
    mesh = cylinder(size["radius_m"], -half - shift, half - shift, 20)
    return Shape((mesh,), "long", size["radius_m"], min(0.045, half - abs(shift)))


def capsule(size: Mapping[str, float]) -> Shape:
    """A cylinder with round ends."""
    half = size["length_m"] / 2
    return Shape((pill(size["radius_m"], -half, half, 20),), "long", size["radius_m"], 0.6 * half)


def bottle(size: Mapping[str, float]) -> Shape:
    """A bottle with a cap, held around its body."""
    radius, length = size["radius_m"], size["length_m"]
    neck = size["neck"] * radius
    low, high = -0.35 * length, 0.65 * length
    shoulder, throat = 0.28 * length, 0.48 * length
    bend = [
        (radius + (neck - radius) * share, shoulder + (throat - shoulder) * height)
        for share, height in ((0.1, 0.2), (0.35, 0.48), (0.75, 0.78))
    ]
    rim = [(neck, throat), (neck, high - 0.016)]
    body = lathe(
        [(0, low), (0.85 * radius, low)],
        [(0.85 * radius, low), (radius, low + 0.006), (radius, shoulder), *bend, *rim],
        [(neck, high - 0.016), (0, high - 0.016)],
        sections=22,
    )
    cap = cylinder(1.15 * neck, high - 0.022, high, 18)
    return Shape((body, cap), "long", radius, 0.2 * length)


def mug(size: Mapping[str, float]) -> Shape:
    """A mug with a handle along y, held around its body."""
    radius, half = size["radius_m"], size["length_m"] / 2
    wall = 0.0035
    inner = radius - wall
    body = lathe(
        [(0, -half), (0.94 * radius, -half)],
        [(0.94 * radius, -half), (radius, -half + 0.004), (radius, half - 0.001)],
        [(radius, half - 0.001), (radius - wall / 2, half), (inner, half - 0.001)],
        [(inner, half - 0.001), (inner, -half + wall)],
        [(inner, -half + wall), (0, -half + wall)],
        sections=24,
    )
    angles = np.linspace(np.pi / 2, -np.pi / 2, 10)
    path = np.stack(
        [radius - wall / 2 + 0.03 * np.cos(angles), 0.6 * half * np.sin(angles)], axis=1
    )
    handle = tube(path, np.tile([0.006, 0.0035], (len(path), 1)), sections=8)
    # From the xz-plane into the yz-plane.
    turned = Mesh(handle.vertices[:, [1, 0, 2]] * np.array([-1, 1, 1]), handle.triangles)
    return Shape((joined([body, turned]),), "long", radius, 0.6 * half)


def pen(size: Mapping[str, float]) -> Shape:
    """A pen, held near its tip, which points down z."""
    radius, length = size["radius_m"], size["length_m"]
    low = -length / 2 - size["held_at"] * length
    high = low + length
    body = lathe(
        [(0, low + 0.011), (0.75 * radius, low + 0.011)],
        [(0.75 * radius, low + 0.011), (radius, low + 0.02), (radius, high - 0.002)],
        [(radius, high - 0.002), (0.7 * radius, high), (0, high)],
        sections=10,
    )
    tip = lathe(
        [(0, low), (0.12 * radius, low), (0.72 * radius, low + 0.0115)],
        [(0.72 * radius, low + 0.0115), (0, low + 0.0115)],
        sections=10,
    )
    return Shape((body, tip), "long", radius, 0.012)


def phone(size: Mapping[str, float]) -> Shape:
    """A telephone with its screen towards x."""
    thickness, width, length = (size[f"{name}_m"] for name in ("thickness", "width", "length"))
    body = sheet(rounded_rectangle(width, length, 0.009), thickness)
    screen = sheet(rounded_rectangle(width - 0.006, length - 0.008, 0.007), 0.0006)
    return Shape(
        (body, screen.moved(thickness / 2, 0, 0)), "flat", thickness / 2, 0.5 * length - 0.025
    )


def card(size: Mapping[str, float]) -> Shape:
    """A card or a small sheet of paper."""
    outline = rounded_rectangle(size["width_m"], size["length_m"], 0.003)
    half = size["thickness_m"] / 2
    return Shape((sheet(outline, 2 * half),), "flat", half, 0.5 * size["length_m"] - 0.018)


def book(size: Mapping[str, float]) -> Shape:
    """A book: two boards and a spine around its pages."""
    thickness, width, length = (size[f"{name}_m"] for name in ("thickness", "width", "length"))
    board = min(0.002, thickness / 5)
    cover = [
        box(board, width, length).moved(side * (thickness - board) / 2, 0, 0) for side in (-1, 1)
    ]
    spine = box(thickness, board, length).moved(0, (board - width) / 2, 0)
    pages = box(thickness - board, width - 0.006, length - 0.008).moved(0, -0.002, 0)
    return Shape(
        (joined([*cover, spine]), pages), "flat", thickness / 2, 0.5 * length - 0.03, smooth=False
    )


def banana(size: Mapping[str, float]) -> Shape:
    """A banana, bent about y."""
    radius, bend = size["radius_m"], size["bend_rad"]
    share = np.linspace(-1, 1, 15)
    round_m = size["length_m"] / bend
    angles = share * bend / 2
    path = round_m * np.stack([np.cos(angles) - 1.0, np.sin(angles)], axis=1)
    thick = np.where(share > 0.75, 0.3, np.sqrt(np.clip(1.0 - np.abs(share) ** 3.5, 0.03, 1)))
    radii = radius * np.stack([thick, 0.95 * thick], axis=1)
    return Shape((tube(path, radii, sections=9),), "long", radius, 0.25 * size["length_m"])


def ring(size: Mapping[str, float]) -> Shape:
    """A ring around x, like a bracelet or a roll of tape."""
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    thin = min(size["tube_m"], 0.6 * size["radius_m"])
    path = size["radius_m"] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    torus = tube(path, np.full((len(path), 2), thin), sections=10, closed=True)
    # From around y to around x; an odd change of axes, so one is mirrored.
    turned = Mesh(torus.vertices[:, [1, 0, 2]] * np.array([-1, 1, 1]), torus.triangles)
    return Shape((turned,), "flat", thin, size["radius_m"])
