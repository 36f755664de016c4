"""Settings that single systems have, beside those of every recipe. Light to import."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mano_assets.skeleton import HAND21


class SystemOptions(BaseModel):
    """Settings that only one system has."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HeatmapOptions(SystemOptions):
    """Settings of a system that learns Gaussian heatmaps."""

    heatmap_sigma: float = Field(
        default=2 / 64,
        gt=0,
        le=0.5,
        description="Standard deviation of the target Gaussian as a share of the map's side "
        "(the paper's is 2 cells on 64); on small maps it should be no less than one cell.",
    )
    decoding: Literal["quarter", "dark"] = Field(
        default="quarter",
        description="How the highest cell is refined: a quarter of a cell towards its higher "
        "neighbours, or DARK's Taylor step (Zhang et al. 2020).",
    )


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


class SimpleBaselineOptions(DeconvOptions, HeatmapOptions):
    """SimpleBaseline's own settings."""


class Pose25DOptions(SystemOptions):
    """Settings of a system that puts out 2D positions and relative depths."""

    reference_bone: tuple[str, str] = Field(
        default=("wrist", "index_mcp"),
        description="The two joints of the bone whose length is the unit of depth. A long bone "
        "makes the absolute depth less sensitive to noise.",
    )
    root_depth: Literal["closed_form", "least_squares"] = Field(
        default="closed_form",
        description="Where the absolute depth comes from: the reference bone alone, as in the "
        "papers, or all bones and their usual proportions.",
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
        bones = [{HAND21.joints[joint] for joint in ends} for ends in HAND21.bones]
        if set(bone) not in bones:
            raise ValueError(
                f"expected two different joints that a bone links, of {', '.join(HAND21.joints)}"
            )
        return bone

    @field_validator("root_depth_limits")
    @classmethod
    def _ordered(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if not 0 < limits[0] < limits[1]:
            raise ValueError("expected two positive numbers, the smaller one first")
        return limits


class Latent25DOptions(DeconvOptions, HeatmapOptions, Pose25DOptions):
    """The latent 2.5D system's own settings."""

    variant: Literal["latent", "direct"] = Field(
        default="latent",
        description="Expectations under latent maps, or Gaussian heatmaps and depth maps that are "
        "labelled themselves and read at the maximum (heatmap_sigma and decoding are theirs).",
    )
    num_stages: int = Field(
        default=1, ge=1, le=2, description="Encoder-decoders in a row; 1 with a backbone."
    )
    width: int = Field(
        default=256,
        ge=8,
        description="Channels of the encoder-decoder's layers; not of a backbone.",
    )
    depth_weight: float = Field(
        default=20.0,
        ge=0,
        description="Weight alpha of the depth loss (in reference bones) against the 2D loss "
        "(in 1/128 of the crop's side, the pixels of the paper's maps); from memory.",
    )


class BMCOptions(Pose25DOptions):
    """The biomechanically constrained system's own settings; a weight of 0 turns a term off.

    The paper's weights are known from memory only (depth 5, root 1, bones 0.1, palm 0.01 to 0.1,
    angles 0.01), and not in which units. The recipe `weak_supervision` was run with them and with
    bones and angles at 1, three seeds each: the depth error, 26.9 ± 0.3 mm without limits, was
    27.0 ± 0.2 and 28.2 ± 0.1 mm, the error of bone lengths, 7.5 mm without, 7.5 and 6.7 mm, and the
    bones' mean length 0.88, 0.88 and 0.95 of the true one. Strong limits keep hands from shrinking,
    which an L1 loss on uncertain depths rewards.
    """

    depth_weight: float = Field(
        default=5.0,
        ge=0,
        description="Of the relative depths (in reference bones) against the 2D loss (in 1/128 of "
        "the crop's side); from memory.",
    )
    root_depth_weight: float = Field(
        default=1.0, ge=0, description="Of the refined root depth (reference bones); from memory."
    )
    bone_length_weight: float = Field(
        default=0.1, ge=0, description="Of bones out of range (reference bones)."
    )
    palm_weight: float = Field(
        default=0.01,
        ge=0,
        description="Of curvatures and angles between the palm's bones out of range.",
    )
    joint_angle_weight: float = Field(
        default=0.01, ge=0, description="Of joint angles out of their regions."
    )


class DeepPoseOptions(SystemOptions):
    """DeepPose's own settings."""

    num_stages: int = Field(default=3, ge=1, le=5, description="The first regression included.")
    pose_size: Literal["box", "palm"] = Field(
        default="box",
        description="What stands for the paper's diameter of a pose, the diagonal of the torso: "
        "the longer side of the joints' box, or wrist to middle_mcp, which is short where the palm "
        "points at the camera. Never less than an eighth of the input.",
    )
    crop_scale: float = Field(
        default=0.5,
        gt=0,
        description="sigma: side of a refinement crop over the size of the predicted pose. The "
        "paper has 1.0 torsos on FLIC and 2.0 on LSP (from memory); half the box of an open hand "
        "is about its palm, and refines better than the whole.",
    )
    crops_per_sample: int = Field(
        default=4,
        ge=1,
        le=40,
        description="Joints drawn with simulated errors, for each sample, step and later stage; "
        "the paper draws 40 for each joint in all (from memory). A step costs as many networks.",
    )
    dropout: float = Field(
        default=0.6,
        ge=0,
        lt=1,
        description="Of AlexNet's fully connected layers (from memory); a timm trunk has none.",
    )
    width: int = Field(
        default=96,
        ge=6,
        description="Channels of AlexNet's first layer, others in proportion, the fully connected "
        "layers too; without meaning for a timm trunk.",
    )


class CPMOptions(SystemOptions):
    """Convolutional Pose Machines' own settings."""

    num_stages: int = Field(default=6, ge=2, le=10, description="Stages, each supervised.")
    width: int = Field(
        default=128,
        ge=8,
        multiple_of=4,
        description="Channels of the paper's 128; others in proportion.",
    )
    batch_norm: bool = Field(default=True, description="As in mmpose; the paper has none.")
    centre_map: bool = Field(
        default=False, description="A Gaussian at the crop's centre from the second stage on."
    )
    background: bool = Field(
        default=False, description="One more map, of where no joint is, as in the paper."
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="In the first stage, as in the paper's release."
    )
    first_stage_rate: float = Field(
        default=5.0, gt=0, description="Factor of the first stage's learning rate, the release's."
    )
    heatmap_sigma: float = Field(
        default=2 / 64, gt=0, le=0.5, description="Of the target Gaussian, share of the map's side."
    )


class HourglassOptions(HeatmapOptions):
    """Stacked Hourglass' own settings."""

    num_stacks: int = Field(
        default=8, ge=1, le=16, description="Hourglasses, each supervised; the paper has 8 and 2."
    )
    width: int = Field(
        default=256,
        ge=16,
        multiple_of=4,
        description="Channels of the hourglasses at every scale; the stem's in proportion.",
    )
    heatmap_sigma: float = Field(
        default=1 / 64,
        gt=0,
        le=0.5,
        description="Standard deviation of the target Gaussian as a share of the map's side "
        "(the paper's is 1 cell on 64); on small maps it should be no less than one cell.",
    )


class HRNetOptions(HeatmapOptions):
    """HRNet's own settings."""

    head: Literal["v1", "v2"] = Field(
        default="v1", description="Maps from the finest branch, or from all branches (HRNetV2)."
    )
