"""The recipe of one trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from training.augmentation.config import AugmentConfig
from training.fitting.optimisation_fields import OptimisationFields
from training.systems.options import SystemOptions
from training.systems.registry import SYSTEMS, paper_recipe, system_spec

MACHINE_FIELDS = {"num_loader_workers", "cache_limit_gb", "accelerator", "devices", "compile"}
"""Fields that may differ between a run and its resumption.

The number of devices is one although each draws its own augmentation, and sums round differently.
"""

JointStateName = Literal["visible", "self_occluded", "occluded", "outside", "unknown"]
"""States of labelled joints: names of `render.manifest.JointState`, which is slow to import."""


class TrainConfig(OptimisationFields):
    """Everything but the data that determines a trained model.

    What is not given is as in the paper of the system where its recipe file says so.
    """

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
    pretrained: bool | Path = Field(
        default=False,
        description="Start the trunk from timm's ImageNet weights: true downloads them, a path is "
        "a file of them (.pth or .safetensors).",
    )
    start_from: Path | None = Field(
        default=None,
        description="Checkpoint of another model of the same system whose weights to start from: "
        "to go on with other data, or from latent25d's direct variant to its latent one.",
    )
    input_size: int = Field(
        default=256, ge=32, multiple_of=4, description="Side of the square network input, px."
    )

    crop: Literal["box", "image"] = Field(
        default="box", description="Cut the hand's box out, or use the whole image."
    )
    crop_padding: float = Field(
        default=1.25, ge=1, description="Side of the square crop over the box's longer side."
    )
    augment: AugmentConfig = Field(
        default_factory=AugmentConfig, description="Random changes of the training crops."
    )
    state_weights: dict[JointStateName, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="Weight in the losses of joints in a state (visible, self_occluded, occluded, "
        "outside, unknown) where it is not 1.",
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
    devices: int = Field(
        default=1, ge=1, description="Processors of that kind; each takes its share of a batch."
    )
    compile: bool = Field(default=False, description="Compile the network with torch.compile.")
    system_options: dict[str, Any] = Field(
        default_factory=dict, description="The system's own settings.", validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("system") in SYSTEMS:
            data = _over(_in_epochs(paper_recipe(data["system"]), data), data)
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

    @model_validator(mode="after")
    def _trunk_as_possible(self) -> TrainConfig:
        if self.backbone is not None and system_spec(self.system).own_network:
            raise ValueError(f"backbone is {self.backbone!r}, expected none for {self.system}")
        if self.pretrained and self.backbone is None:
            raise ValueError(f"pretrained: {self.system} has no trunk of timm's, expected false")
        return self

    @model_validator(mode="after")
    def _fitting_size(self) -> TrainConfig:
        multiple = system_spec(self.system).size_multiple
        if self.input_size % multiple:
            raise ValueError(
                f"input_size is {self.input_size}, expected a multiple of {multiple} for "
                f"{self.system}"
            )
        return self

    @model_validator(mode="after")
    def _fitting_devices(self) -> TrainConfig:
        if self.batch_size % self.devices:
            raise ValueError(
                f"batch_size is {self.batch_size}, expected a multiple of devices ({self.devices})"
            )
        return self

    def identity(self) -> dict[str, Any]:
        """The fields that decide the weights; where and how fast they are made is left out."""
        fields = self.model_dump(mode="json", exclude={*MACHINE_FIELDS, "start_from"})
        if self.start_from is None:
            return fields
        return fields | {"start_from": weights_digest(self.start_from)}

    def options(self) -> SystemOptions:
        """The system's own settings with their types."""
        return SYSTEMS[self.system].options.model_validate(self.system_options)


def weights_digest(path: Path) -> str:
    """SHA-256 of a checkpoint, hex.

    Raises:
        InputError: There is none.
    """
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(
            f"start_from: {path} cannot be read, expected a checkpoint written by training."
        ) from error


def _in_epochs(recipe: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A paper's recipe, its drops of the rate at the same shares of as many epochs as are given."""
    epochs, drops = given.get("epochs"), recipe.get("drop_epochs")
    if not isinstance(epochs, int) or not drops:
        return recipe
    stretch = epochs / recipe["epochs"]
    return recipe | {"drop_epochs": [max(1, round(epoch * stretch)) for epoch in drops]}


def _over(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Given fields over defaults; of fields that hold fields, each on its own."""
    merged = defaults | given
    for name, value in defaults.items():
        if isinstance(value, dict) and isinstance(given.get(name), dict):
            merged[name] = value | given[name]
    return merged
