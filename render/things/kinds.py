"""The kinds of things and their measures.

The ranges are those of things in a kitchen, on a desk and in a tool box; a judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from render.things import shapes, tools
from render.things.materials import Stuff
from render.things.shapes import Shape

KindName = Literal[
    "ball", "apple", "box", "can", "rod", "capsule", "bottle", "mug", "pen", "phone", "card",
    "book", "knife", "spoon", "hammer", "screwdriver", "banana", "ring",
]  # fmt: skip

Dimensions = Mapping[str, float]
_FREE = (-0.3, 0.3)


@dataclass(frozen=True)
class Kind:
    """A family of shapes.

    Attributes:
        build: From its measures to a shape.
        ranges: Lower and upper end of each measure: metres where the name ends in `_m`.
        stretch: By how much it may be scaled to fit a grasp.
        stuff: What its parts may be made of, one a part.
    """

    build: Callable[[Dimensions], Shape]
    ranges: dict[str, tuple[float, float]]
    stretch: tuple[float, float]
    stuff: tuple[tuple[Stuff, ...], ...]

    def dimensions(self, uniforms: np.ndarray, factor: float) -> dict[str, float]:
        """Measures drawn evenly from their ranges.

        Args:
            uniforms: At least one a measure, within [0, 1).
            factor: On all lengths.
        """
        return {
            name: float(low + (high - low) * uniforms[number])
            * (factor if name.endswith("_m") else 1.0)
            for number, (name, (low, high)) in enumerate(self.ranges.items())
        }


_PLAIN: tuple[Stuff, ...] = ("plastic", "plastic", "wood", "metal", "rubber")
_HANDLE: tuple[Stuff, ...] = ("plastic", "wood", "rubber")

KINDS: dict[KindName, Kind] = {
    "ball": Kind(
        shapes.ball, {"radius_m": (0.014, 0.045)}, (0.5, 1.3), (("rubber", "plastic", "wood"),)
    ),
    "apple": Kind(shapes.apple, {"radius_m": (0.031, 0.042)}, (0.8, 1.15), (("fruit",), ("wood",))),
    "box": Kind(
        shapes.block,
        {"thickness_m": (0.012, 0.05), "width_m": (0.03, 0.08), "length_m": (0.04, 0.14)},
        (0.5, 1.4),
        (("paper", "paper", "plastic", "wood"),),
    ),
    "can": Kind(
        shapes.can,
        {"radius_m": (0.026, 0.036), "length_m": (0.085, 0.16)},
        (0.7, 1.1),
        (("metal", "plastic", "paper"), ("metal",)),
    ),
    "rod": Kind(
        shapes.rod,
        {"radius_m": (0.006, 0.02), "length_m": (0.1, 0.35), "held_at": _FREE},
        (0.6, 1.6),
        (_PLAIN,),
    ),
    "capsule": Kind(
        shapes.capsule,
        {"radius_m": (0.008, 0.024), "length_m": (0.06, 0.13)},
        (0.6, 1.5),
        (_PLAIN,),
    ),
    "bottle": Kind(
        shapes.bottle,
        {"radius_m": (0.026, 0.04), "length_m": (0.17, 0.27), "neck": (0.35, 0.5)},
        (0.75, 1.15),
        (("plastic", "ceramic", "metal"), ("plastic", "metal")),
    ),
    "mug": Kind(
        shapes.mug,
        {"radius_m": (0.034, 0.045), "length_m": (0.08, 0.11)},
        (0.8, 1.1),
        (("ceramic", "ceramic", "metal"),),
    ),
    "pen": Kind(
        shapes.pen,
        {"radius_m": (0.0035, 0.006), "length_m": (0.12, 0.16), "held_at": (-0.38, -0.2)},
        (0.7, 1.5),
        (("plastic", "plastic", "metal", "wood"), ("metal", "plastic")),
    ),
    "phone": Kind(
        shapes.phone,
        {"thickness_m": (0.007, 0.011), "width_m": (0.062, 0.078), "length_m": (0.13, 0.165)},
        (0.9, 1.2),
        (("plastic", "metal"), ("screen",)),
    ),
    "card": Kind(
        shapes.card,
        {"thickness_m": (0.0004, 0.001), "width_m": (0.05, 0.1), "length_m": (0.08, 0.15)},
        (0.5, 1.5),
        (("paper", "paper", "plastic"),),
    ),
    "book": Kind(
        shapes.book,
        {"thickness_m": (0.01, 0.03), "width_m": (0.09, 0.14), "length_m": (0.14, 0.21)},
        (0.6, 1.5),
        (("paper",), ("pages",)),
    ),
    "knife": Kind(
        tools.knife,
        {
            "radius_m": (0.009, 0.013),
            "handle_m": (0.09, 0.12),
            "blade_m": (0.1, 0.2),
            "width_m": (0.02, 0.04),
        },
        (0.7, 1.3),
        (_HANDLE, ("metal",)),
    ),
    "spoon": Kind(
        tools.spoon,
        {"radius_m": (0.003, 0.006), "length_m": (0.14, 0.22), "bowl_m": (0.015, 0.024)},
        (0.8, 1.5),
        (("metal", "metal", "wood", "plastic"),),
    ),
    "hammer": Kind(
        tools.hammer,
        {
            "radius_m": (0.011, 0.016),
            "length_m": (0.22, 0.32),
            "head_m": (0.08, 0.12),
            "head_radius_m": (0.011, 0.016),
        },
        (0.7, 1.3),
        (_HANDLE, ("metal", "rubber", "wood")),
    ),
    "screwdriver": Kind(
        tools.screwdriver,
        {
            "radius_m": (0.011, 0.017),
            "handle_m": (0.08, 0.11),
            "shaft_m": (0.07, 0.15),
            "shaft_radius_m": (0.0025, 0.004),
        },
        (0.7, 1.3),
        (("plastic", "plastic", "wood"), ("metal",)),
    ),
    "banana": Kind(
        shapes.banana,
        {"radius_m": (0.015, 0.019), "length_m": (0.15, 0.19), "bend_rad": (0.9, 1.6)},
        (0.8, 1.2),
        (("banana",),),
    ),
    "ring": Kind(
        shapes.ring,
        {"radius_m": (0.018, 0.04), "tube_m": (0.004, 0.01)},
        (0.6, 1.3),
        (("plastic", "metal", "rubber", "wood"),),
    ),
}
"""By name."""

NUM_UNIFORMS = max(len(kind.ranges) for kind in KINDS.values())
NUM_PARTS = max(len(kind.stuff) for kind in KINDS.values())
