"""The list of model systems, with the options of each.

Light to import: the networks themselves are loaded only when one is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mano_assets.errors import InputError
from training.systems.options import (
    BMCOptions,
    CPMOptions,
    DeepPoseOptions,
    HourglassOptions,
    HRNetOptions,
    Latent25DOptions,
    SimpleBaselineOptions,
    SystemOptions,
)

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class SystemSpec:
    """What is known of a system without building it.

    Attributes:
        summary: One line for a list of systems.
        options: Its `TrainConfig.system_options`.
        target: "module:class" of the network.
        backbone: Default timm trunk; None for a system with a network of its own, or without.
        needs_3d: Whether it learns from `joints_3d` and `camera_k`.
        size_multiple: The side of its input is a multiple of this, px.
        own_network: Whether its network is its own and no trunk can be chosen.
    """

    summary: str
    options: type[SystemOptions]
    target: str
    backbone: str | None
    needs_3d: bool = False
    size_multiple: int = 32
    own_network: bool = False


SYSTEMS: dict[str, SystemSpec] = {
    "deeppose": SystemSpec(
        summary="2D: coordinates, refined in crops around each joint (Toshev and Szegedy 2014)",
        options=DeepPoseOptions,
        target="training.systems.deeppose:DeepPose",
        backbone=None,
        size_multiple=4,
    ),
    "cpm": SystemSpec(
        summary="2D: heatmaps refined in stages of large kernels (Wei et al. 2016)",
        options=CPMOptions,
        target="training.systems.cpm:ConvolutionalPoseMachine",
        backbone=None,
        size_multiple=8,
        own_network=True,
    ),
    "hourglass": SystemSpec(
        summary="2D: heatmaps refined by a stack of hourglasses (Newell et al. 2016)",
        options=HourglassOptions,
        target="training.systems.hourglass:StackedHourglass",
        backbone=None,
        size_multiple=64,
        own_network=True,
    ),
    "simplebaseline": SystemSpec(
        summary="2D: heatmaps from deconvolutions on a trunk (Xiao et al. 2018)",
        options=SimpleBaselineOptions,
        target="training.systems.simplebaseline:SimpleBaseline",
        backbone="resnet50",
    ),
    "hrnet": SystemSpec(
        summary="2D: heatmaps from branches of several resolutions (Sun et al. 2019)",
        options=HRNetOptions,
        target="training.systems.hrnet:HRNet",
        backbone="hrnet_w32",
    ),
    "latent25d": SystemSpec(
        summary="2D and absolute 3D: latent 2.5D heatmaps (Iqbal et al. 2018)",
        options=Latent25DOptions,
        target="training.systems.latent25d:Latent25D",
        backbone=None,
        needs_3d=True,
    ),
    "bmc": SystemSpec(
        summary="2D and absolute 3D: 2.5D under biomechanical constraints (Spurr et al. 2020)",
        options=BMCOptions,
        target="training.systems.bmc:BMC",
        backbone="resnet50",
        needs_3d=True,
    ),
    "meanpose": SystemSpec(
        summary="2D and 3D: the mean training pose, whatever the image; the floor to beat",
        options=SystemOptions,
        target="training.systems.meanpose:MeanPose",
        backbone=None,
        own_network=True,
    ),
}


@cache
def _read_recipe(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text()) if path.is_file() else {}


def paper_recipe(name: str) -> dict[str, Any]:
    """The fields of `TrainConfig` in which a system's paper differs from the defaults.

    Args:
        name: Of a system; its file is `recipes/NAME.yaml` beside this module.
    """
    return dict(_read_recipe(RECIPES / f"{name}.yaml"))


def system_spec(name: str) -> SystemSpec:
    """A system by name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in SYSTEMS:
        raise InputError(f"system: unknown {name!r}, expected one of {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]
