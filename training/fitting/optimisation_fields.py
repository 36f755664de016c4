"""How weights are learned: the fields of a recipe that say so. Light to import."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, field_validator, model_validator


class OptimisationFields(BaseModel):
    """Part of `TrainConfig`. A step is one change of the weights."""

    epochs: int = Field(default=140, ge=1, description="Passes over the training data.")
    batch_size: int = Field(default=64, ge=1, description="Images a batch, over all devices.")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = Field(
        default="adamw", description="Rule of the weights' steps."
    )
    learning_rate: float = Field(default=1e-3, gt=0, description="Peak learning rate.")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Of sgd.")
    weight_decay: float = Field(
        default=0.0, ge=0, description="Decoupled with adamw, an L2 penalty with the others."
    )
    schedule: Literal["cosine", "steps", "constant"] = Field(
        default="cosine",
        description="How the rate falls after the warm-up: as a cosine to zero, by drop_factor at "
        "drop_epochs, or not at all.",
    )
    warmup_share: float = Field(
        default=0.05, ge=0, lt=1, description="Share of the steps in which the rate rises."
    )
    drop_epochs: tuple[int, ...] = Field(
        default=(),
        description="Epochs after which the rate falls, with schedule steps. When only epochs is "
        "given, those of the system's paper shrink or stretch with it.",
    )
    drop_factor: float = Field(
        default=0.1, gt=0, lt=1, description="What is left of the rate after each drop."
    )
    accumulate: int = Field(
        default=1, ge=1, description="Batches whose mean gradient makes one step."
    )
    gradient_clip: float = Field(
        default=0.0, ge=0, description="Largest norm of the gradient; 0 leaves it as it is."
    )
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Decay a step of the weights' moving average, which is then what is validated "
        "and kept; 0 for none.",
    )
    precision: Literal["32", "bf16", "16"] = Field(
        default="32",
        description="Numbers of the networks' arithmetic (16 on a GPU only); weights, labels and "
        "losses stay 32 bit.",
    )
    sync_batch_norm: bool = Field(
        default=True, description="Batch norm over all devices' images, on several GPUs."
    )

    @field_validator("drop_epochs")
    @classmethod
    def _ascending(cls, epochs: tuple[int, ...]) -> tuple[int, ...]:
        if list(epochs) != sorted(epochs) or (epochs and epochs[0] < 1):
            raise ValueError("expected ascending positive numbers")
        return epochs

    @model_validator(mode="after")
    def _drops_given(self) -> OptimisationFields:
        if self.schedule == "steps" and not self.drop_epochs:
            raise ValueError("drop_epochs: is empty, expected some with schedule steps")
        return self
