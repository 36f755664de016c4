"""Paired counterfactuals: the same samples with one factor changed and nothing else.

What a factor is set to is changed in the finished description of a sample, so that no other number
is drawn differently.
"""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING, Literal

from render.factors.sensor import plain_sensor, without_blur

if TYPE_CHECKING:
    from render.scene import Scene

Factor = Literal[
    "forearm",
    "sleeve",
    "jewellery",
    "occluder",
    "second_hand",
    "environment",
    "setting_rotation_deg",
    "skin_tone",
    "skin_roughness",
    "blur",
    "sensor",
]

_OFF: dict[str, str] = {
    "forearm": "off",
    "sleeve": "off",
    "jewellery": "off",
    "occluder": "none",
    "second_hand": "off",
    "blur": "off",
    "sensor": "off",
}
"""Factors that can only be taken away, and the word for it."""

_SHARES = ("skin_tone", "skin_roughness")


def check_value(factor: Factor, value: str) -> None:
    """Raises a ValueError that says what was expected if a factor cannot have the value."""
    if factor in _OFF and value != _OFF[factor]:
        raise ValueError(f"{factor} is {value!r}, expected {_OFF[factor]!r}")
    if factor in _SHARES and not 0 <= _number(factor, value) <= 1:
        raise ValueError(f"{factor} is {value!r}, expected a number from 0 to 1")
    if factor == "setting_rotation_deg":
        _number(factor, value)
    if factor == "environment" and not value:
        raise ValueError("environment is empty, expected the name of an environment's file")


def _number(factor: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{factor} is {value!r}, expected a number") from None


def varied(scene: Scene, vary: dict[Factor, str]) -> Scene:
    """The scene with factors changed."""
    for factor, value in vary.items():
        scene = _varied(scene, factor, value)
    return scene


def _varied(scene: Scene, factor: Factor, value: str) -> Scene:
    second = scene.second
    match factor:
        case "forearm":
            # Of both hands, and what is worn on it.
            scene = _varied(_varied(scene, "sleeve", "off"), "jewellery", "off")
            second = scene.second
            arm = scene.arm.model_copy(update={"forearm": False})
            if second is not None:
                bare = second.arm.model_copy(update={"forearm": False})
                second = second.model_copy(update={"arm": bare})
            return scene.model_copy(update={"arm": arm, "second": second})
        case "sleeve" | "jewellery":
            taken = {"sleeve": None} if factor == "sleeve" else {"rings": (), "bracelet": None}
            if second is not None:
                second = second.model_copy(update={"dress": second.dress.model_copy(update=taken)})
            return scene.model_copy(
                update={"dress": scene.dress.model_copy(update=taken), "second": second}
            )
        case "occluder":
            return scene.model_copy(update={"things": ()})
        case "second_hand":
            return scene.model_copy(update={"second": None})
        case "environment":
            other = {"room": None, "crop": None, "texture": None}
            setting = scene.setting.model_copy(
                update={"kind": "environment", "file": value, **other}
            )
            return scene.model_copy(update={"setting": setting})
        case "setting_rotation_deg":
            turned = {"rotation_rad": radians(float(value))}
            return scene.model_copy(update={"setting": scene.setting.model_copy(update=turned)})
        case "skin_tone" | "skin_roughness":
            name = factor.removeprefix("skin_")
            skin = scene.skin.model_copy(update={name: float(value)})
            return scene.model_copy(update={"skin": skin})
        case "blur":
            return scene.model_copy(update={"sensor": without_blur(scene.sensor)})
        case "sensor":
            return scene.model_copy(update={"sensor": plain_sensor(scene.sensor)})
