"""From a room's size and a seed to everything in it."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, field

import numpy as np

from render.factors.setting import Room
from render.settings.rooms.model import CEILING, FLOOR, NUM_WALLS, Pattern, RoomModel, wall_axes

_ELBOW_ROOM_M = 0.45
"""Nothing stands nearer to the camera than that."""

_WALL_PATTERNS = (
    (Pattern.PLAIN, 0.52),
    (Pattern.STRIPES, 0.1),
    (Pattern.DOTS, 0.08),
    (Pattern.TILES, 0.1),
    (Pattern.BRICKS, 0.1),
    (Pattern.PLANKS, 0.1),
)
_FLOOR_PATTERNS = ((Pattern.PLANKS, 0.45), (Pattern.TILES, 0.25), (Pattern.CARPET, 0.3))
_BOX_PATTERNS = ((Pattern.PLAIN, 0.4), (Pattern.PLANKS, 0.3), (Pattern.BOOKS, 0.2),
                 (Pattern.CARPET, 0.1))  # fmt: skip
_PICTURES = (0, 7)
_PERIODS_M = {
    Pattern.STRIPES: (0.04, 0.3),
    Pattern.DOTS: (0.05, 0.25),
    Pattern.TILES: (0.08, 0.5),
    Pattern.BRICKS: (0.18, 0.3),
    Pattern.PLANKS: (0.08, 0.22),
    Pattern.BOOKS: (0.22, 0.38),
    Pattern.CURTAIN: (0.08, 0.2),
}

_DAY_RADIANCE = (8.0, 30.0)
_NIGHT_RADIANCE = (0.01, 0.1)
_LAMP_RADIANCE = (15.0, 60.0)
"""Albedos are 1 at most, so these are in units of a white wall's own: windows and lamps burn out
in a picture that shows the wall well."""


def _blackbody(kelvin: float) -> np.ndarray:
    """Linear RGB of a light of a colour temperature, its green 1.

    A fit of ours through the linear sRGB of Planck's curve at 2500, 4000, 6500 and 10000 K.
    """
    inverse = 6500.0 / kelvin
    red = 1 + 0.95 * (inverse - 1) * (0.55 + 0.15 * inverse)
    return np.array([max(red, 0.75), 1.0, float(np.clip(1.9 - 0.9 * inverse, 0.12, 1.5))])


def paint(rng: np.random.Generator, most_saturation: float, value: tuple[float, float]):
    """A colour as paint has it: seldom saturated, any hue, linear RGB."""
    hue, saturation = rng.random(), most_saturation * rng.random() ** 1.7
    display = colorsys.hsv_to_rgb(hue, saturation, rng.uniform(*value))
    return np.array(display) ** 2.2


def wood(rng: np.random.Generator) -> np.ndarray:
    """A wood's colour, from wenge to birch, linear RGB."""
    display = colorsys.hsv_to_rgb(
        rng.uniform(0.05, 0.11), rng.uniform(0.25, 0.65), rng.uniform(0.25, 0.85)
    )
    return np.array(display) ** 2.2


@dataclass
class _Surfaces:
    rng: np.random.Generator
    patterns: list[int] = field(default_factory=list)
    colours: list[np.ndarray] = field(default_factory=list)
    periods_m: list[float] = field(default_factory=list)

    def add(self, pattern: Pattern, first: np.ndarray, second: np.ndarray) -> None:
        self.patterns.append(int(pattern))
        self.colours.append(np.concatenate([first, second]))
        self.periods_m.append(self.rng.uniform(*_PERIODS_M.get(pattern, (0.1, 0.2))))

    def choose(
        self, choices: tuple[tuple[Pattern, float], ...], light: float, saturation: float
    ) -> None:
        """A surface of one of several patterns, from a least value to a largest saturation."""
        rng = self.rng
        shares = np.array([share for _, share in choices])
        pattern = choices[rng.choice(len(choices), p=shares / shares.sum())][0]
        first = paint(rng, saturation, (light, 0.97))
        second = np.clip(first * rng.uniform(0.45, 1.3), 0, 0.9)
        if pattern == Pattern.PLANKS and rng.random() < 0.75:
            first = wood(rng)
            second = first * rng.uniform(0.5, 0.85)
        if pattern == Pattern.BRICKS and rng.random() < 0.6:
            first = np.array([0.35, 0.13, 0.08]) * rng.uniform(0.5, 1.6)
            second = np.full(3, rng.uniform(0.2, 0.6))
        self.add(pattern, first, second)


def furnished(room: Room, seed: int) -> RoomModel:
    """Furnishes a room.

    Args:
        room: Size, camera and counts.
        seed: Of everything else.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    size, camera = np.array(room.size_m), np.array(room.camera_m)
    surfaces = _Surfaces(rng)
    alike = rng.random() < 0.6
    for wall in range(NUM_WALLS):
        if alike and 0 < wall < FLOOR:
            for part in (surfaces.patterns, surfaces.colours, surfaces.periods_m):
                part.append(part[0])  # type: ignore[arg-type]
        elif wall == CEILING:
            white = np.full(3, rng.uniform(0.6, 0.85))
            surfaces.add(Pattern.PLAIN if rng.random() < 0.85 else Pattern.PLANKS, white, white)
        else:
            surfaces.choose(_FLOOR_PATTERNS if wall == FLOOR else _WALL_PATTERNS, 0.3, 0.5)
    panels, lights = _on_walls(room, size, surfaces)
    boxes = _furniture(room, size, camera, surfaces)
    colours = np.array(surfaces.colours)
    area = 2 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    flux = np.pi * (lights[:, 6:7] * lights[:, 7:]).sum(0)
    reflected = np.clip(colours[:NUM_WALLS, :3].mean(0), 0.05, 0.8)
    single = np.float32
    return RoomModel(
        size_m=size.astype(single),
        camera_m=camera.astype(single),
        panels_m=panels.astype(single),
        boxes_m=boxes.astype(single),
        patterns=np.array(surfaces.patterns),
        colours=colours.astype(single),
        periods_m=np.array(surfaces.periods_m, dtype=single),
        places=rng.random((len(colours), 2)).astype(single),
        lights=lights.astype(single),
        # An integrating sphere's: light after all its reflections, spread evenly over the walls.
        ambient=(flux * reflected / (area * (1 - reflected))).astype(single),
    )


def _on_walls(room: Room, size: np.ndarray, surfaces: _Surfaces) -> tuple[np.ndarray, np.ndarray]:
    """Doors, pictures, windows with curtains and lamps: panels, and the lights among them."""
    rng = surfaces.rng
    panels: list[list[float]] = []
    lights: list[np.ndarray] = []
    dark = np.full(3, 0.05)

    def hang(wall: int, along: tuple[float, float], up: tuple[float, float]) -> None:
        panels.append([wall, *along, *up])

    def shine(radiance: np.ndarray) -> None:
        wall, a, b, c, d = panels[-1]
        normal, first, second = wall_axes(int(wall))
        centre, facing = np.zeros(3), np.zeros(3)
        centre[first], centre[second] = (a + b) / 2, (c + d) / 2
        centre[normal] = size[normal] * (wall % 2)
        facing[normal] = 1 - 2 * (wall % 2)
        lights.append(np.concatenate([centre, facing, [(b - a) * (d - c)], radiance]))

    def span(wall: int, width: float) -> tuple[float, float]:
        length = size[wall_axes(wall)[1]]
        start = rng.uniform(0, max(length - width, 0))
        return start, min(start + width, length)

    for _ in range(rng.integers(*_PICTURES)):
        wall, width = int(rng.integers(4)), rng.uniform(0.25, 1.4)
        low = rng.uniform(0.8, 1.6)
        hang(wall, span(wall, width), (low, min(low + width * rng.uniform(0.6, 1.5), size[2])))
        surfaces.add(Pattern.PICTURE, paint(rng, 0.9, (0.1, 1)), paint(rng, 0.9, (0.1, 1)))
    wall = int(rng.integers(4))
    hang(wall, span(wall, rng.uniform(0.75, 1.0)), (0.0, min(2.05, size[2])))
    surfaces.add(Pattern.DOOR, wood(rng) if rng.random() < 0.5 else np.full(3, 0.7), dark)
    sky = _blackbody(rng.uniform(5500, 12000))
    outside = rng.uniform(*(_DAY_RADIANCE if room.by_day else _NIGHT_RADIANCE)) * sky
    for _ in range(room.num_windows):
        wall, width = int(rng.integers(4)), rng.uniform(0.6, 2.4)
        low = rng.uniform(0.1, 1.1)
        along, up = span(wall, width), (low, min(low + rng.uniform(0.8, 1.6), size[2] - 0.1))
        hang(wall, along, up)
        surfaces.add(Pattern.WINDOW, outside, np.full(3, rng.uniform(0.3, 0.8)))
        shine(outside * 0.6)
        if rng.random() < 0.5:
            cloth = paint(rng, 0.8, (0.3, 1))
            for side in along:
                wide = rng.uniform(0.15, 0.5)
                hang(wall, (side - wide / 2, side + wide / 2), (0.05, size[2] - 0.1))
                surfaces.add(Pattern.CURTAIN, cloth, cloth * 0.3)
    needed = not (room.by_day and room.num_windows)
    for _ in range(int(rng.integers(1 if needed else 0, 4))):
        radiance = rng.uniform(*_LAMP_RADIANCE) * _blackbody(rng.uniform(2500, 6000))
        ceiling = rng.random() < 0.8
        wall = CEILING if ceiling else int(rng.integers(4))
        first, second = wall_axes(wall)[1:]
        wide, high = rng.uniform(0.2, 0.7), rng.uniform(0.15, 0.7)
        low = rng.uniform(0.1, 0.8) * (size[second] - high) if ceiling else 1.6
        start = rng.uniform(0.1, 0.8) * (size[first] - wide)
        hang(wall, (start, start + wide), (low, low + high))
        surfaces.add(Pattern.LAMP, radiance, radiance)
        shine(radiance)
    return np.array(panels), np.array(lights)


def _furniture(room: Room, size: np.ndarray, camera: np.ndarray, surfaces: _Surfaces) -> np.ndarray:
    """Boxes on the floor, on walls and on one another, clear of the camera."""
    rng = surfaces.rng
    boxes: list[np.ndarray] = []
    for _ in range(room.num_furniture):
        stack = bool(boxes) and rng.random() < 0.5
        wide, deep = rng.uniform(0.3, 1.6), rng.uniform(0.25, 0.7)
        extent = np.array([wide, deep, rng.uniform(0.35, 2.0)])
        if rng.random() < 0.5:
            extent[:2] = extent[1::-1]
        place = rng.random(3)
        low = np.zeros(3)
        low[:2] = place[:2] * (size[:2] - extent[:2])
        if rng.random() < 0.75:
            axis = int(rng.integers(2))
            low[axis] = 0.0 if place[axis] < 0.5 else size[axis] - extent[axis]
        if stack:
            below = boxes[int(rng.integers(len(boxes)))]
            extent = np.minimum(extent * rng.uniform(0.15, 0.5), [*(below[3:5] - below[:2]), 1.0])
            room_left = np.maximum(below[3:5] - below[:2] - extent[:2], 0)
            low[:2] = below[:2] + place[:2] * room_left
            low[2] = below[5]
        high = np.minimum(low + extent, size - 0.02)
        nearest = np.clip(camera, low, high)
        surfaces.choose(_BOX_PATTERNS, 0.15, 0.85)
        if np.linalg.norm(nearest - camera) < _ELBOW_ROOM_M or (high <= low).any():
            for part in (surfaces.patterns, surfaces.colours, surfaces.periods_m):
                part.pop()
            continue
        boxes.append(np.concatenate([low, high]))
    return np.array(boxes).reshape(-1, 6)
