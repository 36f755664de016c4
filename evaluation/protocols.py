"""Protocols: what exactly is measured on which data set, so that a number can be compared."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from evaluation.metrics import METRICS
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import DatasetInfo, JointState

LABELLED = tuple(state for state in JointState if state is not JointState.MISSING)
"""Every joint that has a label, seen or not."""


class Protocol(BaseModel):
    """How a data set is scored. Alignment and averaging belong to the metrics' definitions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="Identifier in results and on the command line.")
    description: str = Field(description="What it is and whose rules it follows.")
    normaliser: Literal["joint_box", "box"] = Field(
        description="The hand's size: the longer side of the tight box of its counted joints, or "
        "of the manifest's box."
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

    def counts(self, joint_state: np.ndarray) -> np.ndarray:
        """Which joints count, [N, 21] of `JointState` -> [N, 21] of bool; NaN is UNKNOWN."""
        return np.isin(np.nan_to_num(joint_state, nan=JointState.UNKNOWN), self.counted)

    def size_px(self, joints_px: np.ndarray, counted: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The hand's size in its image.

        Args:
            joints_px: True joints, continuous px, [N, 21, 2].
            counted: [N, 21].
            box: The manifest's boxes, [N, 4].

        Returns:
            [N]; NaN where it is not known.
        """
        if self.normaliser == "box":
            return box[:, 2:].max(-1)
        high = np.where(counted[..., None], joints_px, -np.inf).max(1)
        low = np.where(counted[..., None], joints_px, np.inf).min(1)
        return np.where(counted.any(-1), (high - low).max(-1), np.nan)


_ORACLE = (
    "No hand is detected: a model's crop comes from the ground-truth hand box (an oracle box), {}, "
    "unless the model uses the whole image."
)
_JOINTS_BOX = _ORACLE.format("1.2 times the joints' own")

_2D = ("epe_px", "nme", "pck_0.2")
_3D = ("mpjpe_mm", "mpjpe_bone_scaled_mm", "pa_mpjpe_rigid_mm", "auc3d_0_50mm_trapz100")

PROTOCOLS: dict[str, Protocol] = {
    protocol.id: protocol
    for protocol in (
        Protocol(
            id="handforge-2d3d",
            description=f"Rendered hands: every joint counts, seen or not. {_JOINTS_BOX}",
            normaliser="joint_box",
            metrics=(*_2D, *_3D, "depth_mm"),
        ),
        Protocol(
            id="interhand26m",
            description="InterHand2.6M, each hand by itself, both sides pooled over the same 21 "
            "joints; the authors average over 42. 2-D as mmpose's InterHand2D, 3-D with the wrist "
            f"at the origin. {_JOINTS_BOX}",
            normaliser="joint_box",
            metrics=(*_2D, "auc_mmpose_0_30px", *_3D),
        ),
        Protocol(
            id="coco-wholebody",
            description="COCO-WholeBody hands as mmpose's COCO-WholeBody-Hand, in two dimensions. "
            + _ORACLE.format("the data set's own"),
            normaliser="box",
            metrics=(*_2D, "auc_mmpose_0_30px"),
        ),
    )
}


def find_protocol(name: str | None, info: DatasetInfo) -> Protocol:
    """A protocol by id, or the data set's own.

    Args:
        name: Id; None for the default of the data set.
        info: The data set to be scored on.

    Raises:
        InputError: No such protocol, or the data set has no default.
    """
    known = ", ".join(PROTOCOLS)
    if name is not None:
        if name not in PROTOCOLS:
            raise InputError(f"protocol {name!r} is unknown, expected one of {known}.")
        return PROTOCOLS[name]
    if info.kind == "synthetic":
        return PROTOCOLS["handforge-2d3d"]
    if info.name in PROTOCOLS:
        return PROTOCOLS[info.name]
    raise InputError(
        f"data set {info.name!r} has no protocol of its own, expected protocol to be one of "
        f"{known}."
    )
