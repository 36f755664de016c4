"""What an exporter is: a manifest's hands into the original layout of a public data set."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest
from render.manifest.reading import column_array

COLUMNS = (
    "sample_id", "subject", "sequence", "frame", "image_shard", "image_offset", "image_size",
    "width", "height", "camera_k", "cam_from_world", "side", "joints_2d", "joints_3d",
    "joint_state", "box", "head_size_px",
)  # fmt: skip

JPEG_QUALITY = 95
"""Of images that are not JPEG already."""


@dataclass(frozen=True)
class Hand:
    """A sample of a manifest; what is not known is None, joints without a label are NaN.

    Attributes:
        sample_id: Its key.
        row: Its plain columns: subject, sequence, frame, width, height, side, head_size_px.
        image: The image file's bytes.
        joints_px: Continuous px, [21, 2].
        joint_state: `JointState`s, [21]; UNKNOWN where the manifest has none.
        joints_cam_m: Camera frame, metres, [21, 3].
        camera_k: [3, 3].
        cam_from_world: [3, 4].
        box: x, y, width, height, continuous px, [4].
    """

    sample_id: str
    row: dict[str, Any]
    image: bytes
    joints_px: np.ndarray | None
    joint_state: np.ndarray
    joints_cam_m: np.ndarray | None
    camera_k: np.ndarray | None
    cam_from_world: np.ndarray | None
    box: np.ndarray | None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the image."""
        return self.row["width"], self.row["height"]


@dataclass(frozen=True)
class Exporter:
    """A layout that manifests can be written in.

    Attributes:
        name: The public data set, as in `evaluation.datasets.DATASETS`.
        split: Its split that is written unless another one is asked for.
        holds: Which hands the layout can hold; the others are left out.
        write: (hands, folder, split) writes the layout and gives the ids of the hands that are in
            it, in the order in which its adapter reads them.
    """

    name: str
    split: str
    holds: str
    write: Callable[[Iterator[Hand], Path, str], list[str]]


def read_hands(manifest: Manifest, table: pa.Table) -> Iterator[Hand]:
    """The rows of a table with `COLUMNS`, one by one, with their images."""
    shapes = {
        "joints_2d": (HAND21.num_joints, 2), "joints_3d": (HAND21.num_joints, 3),
        "joint_state": (HAND21.num_joints,), "camera_k": (3, 3), "cam_from_world": (3, 4),
        "box": (4,),
    }  # fmt: skip
    arrays = {name: column_array(table, name, *shape) for name, shape in shapes.items()}
    missing = arrays["joint_state"] == JointState.MISSING
    # Whatever a set of one's own holds there, it is no label.
    arrays["joints_2d"][missing] = arrays["joints_3d"][missing] = np.nan
    plain = table.select([name for name in COLUMNS if name not in shapes]).to_pylist()
    for number, row in enumerate(plain):
        known = {
            name: None if np.isnan(values[number]).all() else values[number]
            for name, values in arrays.items()
        }
        image = manifest.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
        yield Hand(
            row["sample_id"],
            row,
            image,
            known["joints_2d"],
            np.nan_to_num(arrays["joint_state"][number]).astype(int),
            known["joints_3d"],
            known["camera_k"],
            known["cam_from_world"],
            known["box"],
        )


def image_as(image: bytes, file_format: str) -> bytes:
    """An image file in JPEG or PNG: its own bytes where it is that already."""
    with Image.open(io.BytesIO(image)) as opened:
        if opened.format == file_format:
            return image
        stream = io.BytesIO()
        colour = opened if opened.mode in ("L", "RGB") else opened.convert("RGB")
        colour.save(
            stream, file_format, **({"quality": JPEG_QUALITY} if file_format == "JPEG" else {})
        )
        return stream.getvalue()


def write_file(path: Path, content: bytes) -> None:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file and the folders above it."""
    write_file(path, json.dumps(content).encode())
