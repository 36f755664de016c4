"""The recipe of one trained model."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from training.systems.registry import SYSTEMS, SystemOptions, system_spec

MACHINE_FIELDS = {"num_loader_workers", "cache_limit_gb", "accelerator"}
"""Fields that may differ between a run and its resumption."""


class TrainConfig(BaseModel):
    """Everything but the data that determines a trained model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = Field(description="Model system: one of `handforge systems`.")
    label: str = Field(
        default="",
        description="Name shown in reports; the system's name when not given.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of weights, order and augmentation.")
    backbone: str | None = Field(
        default=None, description="Trunk by its timm name; the system's default when not given."
    )
    pretrained: bool = Field(
        default=False,
        description="Start from timm's ImageNet weights (download).",
    )
    input_size: int = Field(
        default=256, ge=32, multiple_of=32, description="Side of the square network input, px."
    )

    crop: Literal["box", "image"] = Field(
        default="box", description="Cut the hand's box out, or use the whole image."
    )
    crop_padding: float = Field(
        default=1.25, ge=1, description="Side of the square crop over the box's longer side."
    )
    jitter_scale: float = Field(
        default=0.25, ge=0, le=1, description="Largest zoom in and out, 0.25 for 1/1.25 to 1.25."
    )
    jitter_shift: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        description="Largest shift along x and y, share of the crop's side.",
    )
    jitter_rotation_rad: float = Field(
        default=math.pi / 6,
        ge=0,
        le=math.pi,
        description="Largest rotation in the image plane, radians.",
    )
    jitter_colour: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="Largest relative change of brightness, contrast, saturation.",
    )

    epochs: int = Field(default=140, ge=1, description="Passes over the training data.")
    batch_size: int = Field(default=64, ge=1, description="Images a step.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Peak learning rate of Adam.")
    weight_decay: float = Field(default=0.0, ge=0, description="Decoupled weight decay (AdamW).")
    warmup_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share of the steps in which the learning rate rises; then it falls as a "
        "cosine to zero.",
    )

    num_loader_workers: int = Field(
        default=2,
        ge=0,
        description="Processes that decode images; none are started for cached data.",
    )
    cache_limit_gb: float = Field(
        default=2.0,
        ge=0,
        description="Decoded crops are kept in memory when they need no more than this.",
    )
    channels_last: bool = Field(
        default=True, description="Memory order NHWC: faster convolutions on CPUs and tensor cores."
    )
    accelerator: Literal["auto", "cpu", "gpu"] = Field(
        default="auto", description="Where to train; auto takes a GPU when there is one."
    )
    system_options: dict[str, Any] = Field(
        default_factory=dict, description="The system's own settings.", validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("system") in SYSTEMS:
            data = dict(data)
            data["label"] = data.get("label") or data["system"]
            data["backbone"] = data.get("backbone") or SYSTEMS[data["system"]].backbone
        return data

    @field_validator("system")
    @classmethod
    def _known_system(cls, name: str) -> str:
        system_spec(name)
        return name

    @field_validator("system_options")
    @classmethod
    def _typed_options(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "system" not in info.data:
            return options
        try:
            typed = SYSTEMS[info.data["system"]].options.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise ValueError(f"{field}: {first['msg']} (got {first['input']!r})") from None
        return typed.model_dump(mode="json")

    def identity(self) -> dict[str, Any]:
        """The fields that decide the weights; where and how fast they are made is left out."""
        return self.model_dump(mode="json", exclude=MACHINE_FIELDS)

    def options(self) -> SystemOptions:
        """The system's own settings with their types."""
        return SYSTEMS[self.system].options.model_validate(self.system_options)
