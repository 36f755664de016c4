"""Which processor renders: the best there is, or the one that is asked for."""

from __future__ import annotations

from typing import Any

import bpy

from mano_assets.errors import InputError
from render.job import Device

_BEST_FIRST = ("optix", "cuda", "hip", "metal", "oneapi")


def choose_device(scene: Any, wanted: Device) -> str:
    """Sets the processor of a scene.

    Args:
        scene: Blender's.
        wanted: auto takes the first kind of GPU that Cycles finds, else the CPU.

    Returns:
        Its kind: cpu, optix, cuda, hip, metal or oneapi.

    Raises:
        InputError: There is none of the kind.
    """
    scene.cycles.device = "CPU"
    if wanted == "cpu":
        return wanted
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for kind in _BEST_FIRST if wanted == "auto" else (wanted,):
        if _found(preferences, kind):
            scene.cycles.device = "GPU"
            return kind
    if wanted != "auto":
        raise InputError(
            f"device: is {wanted}, expected one that Cycles finds on this machine; cpu always is."
        )
    return "cpu"


def _found(preferences: Any, kind: str) -> bool:
    """Switches all devices of a kind on, and those of other kinds off."""
    try:
        preferences.compute_device_type = kind.upper()
    except TypeError:
        # This build of Blender does not know the kind.
        return False
    preferences.get_devices_for_type(kind.upper())
    found = False
    for device in preferences.devices:
        device.use = device.type == kind.upper()
        found |= device.use
    return found
