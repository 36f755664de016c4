"""What a protocol is: everything beside the metrics that a number depends on."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evaluation.averaging import Averaging
from evaluation.metrics import METRICS
from mano_assets.skeleton import HAND21
from render.manifest import JointState

LABELLED = tuple(state for state in JointState if state is not JointState.MISSING)
"""Every joint that has a label, seen or not."""

Normaliser = Literal["joint_box", "box", "image", "head", "fixed"]

SIZES: dict[Normaliser, str] = {
    "joint_box": "the longer side of the tight box of its counted joints",
    "box": "the longer side of its box in the data set",
    "image": "the longer side of the image",
    "head": "the size of the person's head",
    "fixed": "a fixed number of pixels",
}
"""What 2-D errors are divided by, in words."""


class Crop(BaseModel):
    """The part of the image that a model gets: no hand is detected, its true box is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["joint_box", "box", "image"] = Field(
        description="Tight box of the true joints, the data set's own box, or the whole image."
    )
    padding: float = Field(gt=0, description="Factor on its sides.")

    def __str__(self) -> str:
        names = {
            "joint_box": "the joints' tight box",
            "box": "the data set's box",
            "image": "the whole image",
        }
        times = "" if self.padding == 1 else f"{self.padding:g} times "
        return f"{times}{names[self.source]}"


class Protocol(BaseModel):
    """How a data set is scored. Alignment and averaging belong to the metrics' definitions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="Identifier in results and on the command line.")
    version: int = Field(
        default=1, ge=1, description="Grows when the same predictions would get another number."
    )
    rules_of: str = Field(default="", description="Whose rules these are.")
    description: str = Field(description="What it is and whose rules it follows.")
    comparable: str = Field(
        default="", description="What makes its numbers comparable to published ones, or not."
    )
    datasets: tuple[str, ...] = Field(
        default=(), description="Data sets that are scored by it unless another is named."
    )
    splits: tuple[str, ...] = Field(
        default=(),
        description="Splits that published numbers are of, as its data sets name them.",
    )
    crop: Crop | None = Field(
        default=None,
        description="Crop that published numbers were predicted on; null if there are none. What "
        "was predicted on here is the models' own business: the manifest's box, padded.",
    )
    normaliser: Normaliser = Field(
        description="The hand's size: the longer side of the tight box of its counted joints, of "
        "the manifest's box or of the image, the person's head size, or a fixed number of pixels."
    )
    fixed_px: float | None = Field(
        default=None, gt=0, description="The hand's size if the normaliser is fixed, px."
    )
    counted: tuple[JointState, ...] = Field(
        default=LABELLED, description="States of the joints that count."
    )
    root: str = Field(
        default=HAND21.joints[HAND21.root],
        description="Joint moved to the origin for 3-D errors; a hand whose root does not count "
        "has none.",
    )
    metrics: tuple[str, ...] = Field(description="Ids of the metrics, the most important first.")

    @field_validator("metrics")
    @classmethod
    def _known(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(metrics) - set(METRICS))
        if unknown:
            raise ValueError(f"unknown metrics {unknown}, expected some of {sorted(METRICS)}")
        return metrics

    @model_validator(mode="after")
    def _fixed_has_a_size(self) -> Protocol:
        if (self.normaliser == "fixed") != (self.fixed_px is not None):
            raise ValueError("fixed_px: expected a number if, and only if, normaliser is fixed")
        return self

    @property
    def name(self) -> str:
        """Id and version, as numbers are printed with."""
        return f"{self.id} v{self.version}"

    @property
    def size(self) -> str:
        """What the hand's size is, in words."""
        return f"{self.fixed_px:g} px" if self.fixed_px else SIZES[self.normaliser]

    @property
    def averaging(self) -> dict[str, Averaging]:
        """How each metric's joints become one number."""
        return {name: METRICS[name].averaging for name in self.metrics}

    def main_metric(self, dimensions: int) -> str | None:
        """The most important metric of 2 or 3 dimensions; None if it has none."""
        return next((m for m in self.metrics if METRICS[m].dimensions == dimensions), None)

    def counts(self, joint_state: np.ndarray) -> np.ndarray:
        """Which joints count, [N, J] of `JointState` -> [N, J] of bool; NaN is UNKNOWN."""
        return np.isin(np.nan_to_num(joint_state, nan=JointState.UNKNOWN), self.counted)

    def size_px(
        self,
        joints_px: np.ndarray,
        counted: np.ndarray,
        box: np.ndarray,
        image_px: np.ndarray | None = None,
        head_px: np.ndarray | None = None,
    ) -> np.ndarray:
        """The hand's size in its image.

        Args:
            joints_px: True joints, continuous px, [N, J, 2].
            counted: [N, J].
            box: The manifest's boxes, [N, 4].
            image_px: Width and height of the images, [N, 2].
            head_px: The manifest's head sizes, [N].

        Returns:
            [N]; NaN where it is not known.
        """
        unknown = np.full(len(joints_px), np.nan)
        if self.normaliser == "box":
            return box[:, 2:].max(-1)
        if self.normaliser == "image":
            return unknown if image_px is None else image_px.max(-1)
        if self.normaliser == "head":
            return unknown if head_px is None else head_px
        if self.fixed_px is not None:
            return np.full(len(joints_px), self.fixed_px)
        high = np.where(counted[..., None], joints_px, -np.inf).max(1)
        low = np.where(counted[..., None], joints_px, np.inf).min(1)
        return np.where(counted.any(-1), (high - low).max(-1), np.nan)
