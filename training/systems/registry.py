"""The list of model systems, with the options of each.

Light to import: the networks themselves are loaded only when one is built.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21


class SystemOptions(BaseModel):
    """Settings that only one system has."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DeconvOptions(SystemOptions):
    """Settings of a system whose maps come from a stack of deconvolutions."""

    deconv_channels: tuple[int, ...] = Field(
        default=(256, 256, 256),
        min_length=1,
        description="Channels after each deconvolution; each doubles the map's side.",
    )

    @field_validator("deconv_channels")
    @classmethod
    def _positive(cls, channels: tuple[int, ...]) -> tuple[int, ...]:
        if min(channels) < 1:
            raise ValueError("expected positive numbers of channels")
        return channels


class SimpleBaselineOptions(DeconvOptions):
    """SimpleBaseline's own settings."""

    heatmap_sigma: float = Field(
        default=2 / 64,
        gt=0,
        le=0.5,
        description="Standard deviation of the target Gaussian as a share of the map's side "
        "(the paper's is 2 px on 64); on small maps it should be no less than one cell.",
    )


class Latent25DOptions(DeconvOptions):
    """The latent 2.5D system's own settings."""

    depth_weight: float = Field(
        default=20.0,
        ge=0,
        description="Weight alpha of the depth loss (in reference bones) against the 2D loss "
        "(in 1/128 of the crop's side, the pixels of the paper's maps).",
    )
    reference_bone: tuple[str, str] = Field(
        default=("wrist", "index_mcp"),
        description="The two joints whose distance is the unit of depth. A long bone makes the "
        "absolute depth less sensitive to noise.",
    )
    root_depth_limits: tuple[float, float] = Field(
        default=(1.0, 50.0),
        description="Range to which the recovered depth of the wrist is clamped, in reference "
        "bones; catches bones that lie along the line of sight. The near end is low because a hand "
        "that fills a wide-angle image is only a few bones away.",
    )

    @field_validator("reference_bone")
    @classmethod
    def _two_joints(cls, bone: tuple[str, str]) -> tuple[str, str]:
        if bone[0] == bone[1] or not set(bone) <= set(HAND21.joints):
            raise ValueError(f"expected two different joints of {', '.join(HAND21.joints)}")
        return bone

    @field_validator("root_depth_limits")
    @classmethod
    def _ordered(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if not 0 < limits[0] < limits[1]:
            raise ValueError("expected two positive numbers, the smaller one first")
        return limits


@dataclass(frozen=True)
class SystemSpec:
    """What is known of a system without building it.

    Attributes:
        summary: One line for a list of systems.
        options: Its `TrainConfig.system_options`.
        target: "module:class" of the network.
        backbone: Default timm trunk; None for a system without.
        needs_3d: Whether it learns from `joints_3d` and `camera_k`.
    """

    summary: str
    options: type[SystemOptions]
    target: str
    backbone: str | None
    needs_3d: bool = False


SYSTEMS: dict[str, SystemSpec] = {
    "simplebaseline": SystemSpec(
        summary="2D: heatmaps from deconvolutions on a trunk (Xiao et al. 2018)",
        options=SimpleBaselineOptions,
        target="training.systems.simplebaseline:SimpleBaseline",
        backbone="resnet50",
    ),
    "latent25d": SystemSpec(
        summary="2D and absolute 3D: latent 2.5D heatmaps (Iqbal et al. 2018)",
        options=Latent25DOptions,
        target="training.systems.latent25d:Latent25D",
        backbone="resnet50",
        needs_3d=True,
    ),
    "meanpose": SystemSpec(
        summary="2D and 3D: the mean training pose, whatever the image; the floor to beat",
        options=SystemOptions,
        target="training.systems.meanpose:MeanPose",
        backbone=None,
    ),
}


def system_spec(name: str) -> SystemSpec:
    """A system by name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in SYSTEMS:
        raise InputError(f"system: unknown {name!r}, expected one of {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]
