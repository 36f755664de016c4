"""The manifest's columns, their meaning, and the data set's own description.

Fixed-size vectors are stored flattened in row-major order. A value that is not known is null; it is
never made up.
"""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.skeleton import HAND21

SCHEMA_VERSION = 4
READABLE_VERSIONS = (3, SCHEMA_VERSION)
ADDED_COLUMNS = ("head_size_px",)
"""Columns that the older of these versions lack; they are read as null."""

_J = HAND21.num_joints


def _column(name: str, kind: pa.DataType, doc: str, required: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=not required, metadata={"doc": doc})


def vector_column(name: str, length: int, doc: str, kind: pa.DataType | None = None) -> pa.Field:
    """A column of vectors of one length.

    The type is a list of any length, since Arrow 25 cannot read null rows of a fixed-size list
    back from Parquet; the length stands in the metadata and is checked when reading.
    """
    metadata = {"doc": doc, "length": str(length)}
    return pa.field(name, pa.list_(kind or pa.float64()), metadata=metadata)


LabelImage = Literal["mask", "depth", "parts", "normals"]

LABEL_IMAGES: dict[LabelImage, str] = {
    "mask": "hand mask: PNG, 255 where the labelled hand or its bare arm is seen",
    "depth": "depth: 16-bit PNG, tenths of a millimetre along z, 0 where nothing stands",
    "parts": "part ids: 8-bit PNG, see render.label_images",
    "normals": "normals: RGB PNG, camera frame, 127.5 (1 + n)",
}
"""Images that may be stored with a sample."""

SCHEMA = pa.schema(
    [
        _column("sample_id", pa.string(), "Unique key, also the WebDataset key in the tar", True),
        _column("index", pa.int64(), "Running number in the data set", True),
        _column("split", pa.string(), "Name of the split", True),
        _column("subject", pa.string(), "Who; null when unknown"),
        _column("sequence", pa.string(), "Recording or clip"),
        _column("frame", pa.int64(), "Frame number in the sequence"),
        _column("image_shard", pa.string(), "Tar file, relative to the data set", True),
        _column("image_offset", pa.int64(), "First byte of the image file in the tar", True),
        _column("image_size", pa.int64(), "Bytes of the image file", True),
        _column("image_sha256", pa.string(), "Digest of those bytes, hex", True),
        _column("width", pa.int32(), "Image width, px", True),
        _column("height", pa.int32(), "Image height, px", True),
        vector_column("camera_k", 9, "Intrinsics K, 3x3, px"),
        vector_column("cam_from_world", 12, "Extrinsics [R|t], 3x4, metres"),
        _column("side", pa.string(), "right or left: whose hand, not where in the image"),
        vector_column("joints_2d", 2 * _J, "hand21 x (x, y), continuous px; NaN when MISSING"),
        vector_column("joints_3d", 3 * _J, "hand21 x (x, y, z), camera frame, metres"),
        vector_column("joint_state", _J, "JointState of each joint", pa.int8()),
        vector_column("box", 4, "Hand box (x, y, width, height), continuous px"),
        _column(
            "head_size_px", pa.float64(), "Size of the person's head, what PCKh divides by, px"
        ),
        vector_column("mano_global_orient", 3, "Wrist rotation, camera frame, axis-angle"),
        vector_column("mano_pose", 45, "Pose from the flat hand, 15 x axis-angle, MANO's order"),
        vector_column("wrist_pose", 3, "Hand against the forearm, axis-angle; null if unknown"),
        vector_column("mano_betas", 10, "Shape coefficients"),
        vector_column("mano_trans", 3, "MANO translation, camera frame, metres"),
        *(
            column
            for name, doc in LABEL_IMAGES.items()
            for column in (
                _column(f"{name}_offset", pa.int64(), f"First byte of its {doc} in the same tar"),
                _column(f"{name}_size", pa.int64(), f"Bytes of its {doc}"),
            )
        ),
        _column("pose_distribution", pa.string(), "Distribution the pose was drawn from"),
        _column("pose_family", pa.string(), "Member of the distribution: a handshape, a family"),
        _column("hardness", pa.float64(), "0 easy to 1 hard; null when not measured"),
        _column(
            "hardness_parts",
            pa.struct(
                [
                    ("range_exceedance", pa.float64()),
                    ("self_occluded_fraction", pa.float64()),
                    ("finger_gap_m", pa.float64()),
                    ("rarity", pa.float64()),
                ]
            ),
            "What the hardness is made of",
        ),
        _column("environment", pa.string(), "Name of light and background"),
        _column("environment_rotation_rad", pa.float64(), "Rotation about the vertical"),
        _column("environment_strength", pa.float64(), "Factor on the environment's radiance"),
        _column("skin_tone", pa.float64(), "0 darkest to 1 lightest along the Monk scale"),
        _column("occluder", pa.string(), "Held and occluding things, a second hand; null if none"),
        _column("samples_per_pixel", pa.int32(), "Path-tracing samples"),
        _column("engine", pa.string(), "Renderer and version"),
        _column("seed", pa.uint64(), "Seed of the renderer for this image"),
        _column("scene", pa.string(), "The whole scene as JSON: enough to render the image again"),
    ],
    metadata={"handforge_schema_version": str(SCHEMA_VERSION)},
)


class DatasetInfo(BaseModel):
    """`dataset.json`: what a data set is and where it came from."""

    model_config = ConfigDict(extra="forbid")

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of the columns.")
    name: str = Field(description="Name shown in reports.")
    kind: Literal["synthetic", "real"] = Field(description="Rendered or recorded.")
    skeleton: str = Field(default=HAND21.name, description="Joint set and order of the labels.")
    state: Literal["rendering", "complete"] = Field(description="Whether every part is there.")
    recipe: dict[str, Any] | None = Field(default=None, description="Configuration that made it.")
    recipe_digest: str | None = Field(
        default=None, description="Of what made it, or of what it holds."
    )
    assets: dict[str, str] = Field(default_factory=dict, description="Asset name to digest.")
    engine: str | None = Field(default=None, description="Renderer and version.")
    code_version: str | None = Field(default=None, description="Version of handforge.")
    num_samples: int = Field(default=0, description="Rows over all parts.")
    num_parts: int = Field(default=0, description="Parts when complete.")
    counts: dict[str, int] = Field(default_factory=dict, description="Rows of each split.")
    licence: str | None = Field(default=None, description="Terms of use.")
    source: str | None = Field(default=None, description="Where a real data set can be obtained.")
    stand_in_for: str | None = Field(
        default=None,
        description="Public data set in whose layout these renders were written and read back.",
    )
