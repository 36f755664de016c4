"""What an adapter of a public data set is, and the reading and checking that all of them share."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState

Sample = tuple[Mapping[str, Any], bytes]
"""A row of the manifest and the image file's bytes."""

METACARPAL_RANGE_M = (0.02, 0.12)
"""Wrist to knuckle of any human hand, an infant's and a giant's included, metres."""

NUM_PROBED = 1000
"""Hands looked at, evenly over the file, before anything is written."""


@dataclass(frozen=True)
class Adapter:
    """A public data set.

    Attributes:
        name: Its name on the command line and in `dataset.json`.
        splits: Names of its splits.
        licence: Terms of use.
        source: Where it can be obtained.
        annotation_files: (root, split) to the files that hold its labels.
        samples: (root, split) to its samples; may raise `InputError` before the first or at any.
    """

    name: str
    splits: tuple[str, ...]
    licence: str
    source: str
    annotation_files: Callable[[Path, str], list[Path]]
    samples: Callable[[Path, str], Iterator[Sample]]


def read_json(path: Path) -> Any:
    """Reads an annotation file.

    Raises:
        InputError: It is missing or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected the annotation file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read, expected JSON ({error}).") from error


def read_image(path: Path, width: int, height: int) -> bytes:
    """Reads an image file as it is.

    Args:
        path: JPEG file, colour or grayscale.
        width: Expected width, px.
        height: Expected height, px.

    Raises:
        InputError: It is missing, no image, or of another size.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            size = image.size
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file, expected an image that the annotations name."
        ) from error
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: cannot be read, expected an image ({error}).") from error
    if size != (width, height):
        raise InputError(
            f"{path}: {size[0]} x {size[1]} px, the annotations expect {width} x {height}."
        )
    return data


def joint_states(joints_px: np.ndarray, labelled: np.ndarray, width: int, height: int) -> list[int]:
    """States of joints whose visibility nobody noted.

    Args:
        joints_px: Continuous px, [21, 2].
        labelled: Which joints have a label, [21].
        width: Image width, px.
        height: Image height, px.

    Returns:
        `JointState`s, [21]: UNKNOWN inside the image, OUTSIDE, or MISSING.
    """
    inside = ((joints_px >= 0) & (joints_px <= (width, height))).all(-1)
    states = np.where(inside, JointState.UNKNOWN, JointState.OUTSIDE)
    return np.where(labelled, states, JointState.MISSING).tolist()


def box_around(joints_px: np.ndarray, scale: float) -> list[float]:
    """Box of the joints that are not NaN, scaled about its centre.

    Args:
        joints_px: Continuous px, [21, 2].
        scale: Factor on width and height; 1 is the tight box.

    Returns:
        x, y, width, height, px.
    """
    low, high = np.nanmin(joints_px, axis=0), np.nanmax(joints_px, axis=0)
    size = (high - low) * scale
    return [*((low + high - size) / 2).tolist(), *size.tolist()]


def probe(annotations: Sequence[Any]) -> Sequence[Any]:
    """At most about `NUM_PROBED` annotations, evenly spaced."""
    return annotations[:: max(1, len(annotations) // NUM_PROBED)]


def check_geometry(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Can these labels be hands in these images?

    A few wrong labels, which every recorded set has, pass: medians and halves are looked at, so
    that what is caught is a wrong unit, a wrong joint order or a calibration of other cameras.

    Args:
        path: Annotation file to name.
        rows: Probed rows.

    Raises:
        InputError: There is no hand, the median wrist-to-knuckle length is none of a hand in
            metres, or most joints lie outside their images.
    """
    if not rows:
        raise InputError(f"{path}: holds no hand that can be used, expected at least one.")
    if rows[0].get("joints_3d") is not None:
        _check_lengths(path, rows)
    states = np.array([row["joint_state"] for row in rows])
    outside = np.sum(states == JointState.OUTSIDE) / np.sum(states != JointState.MISSING)
    if outside > 0.5:
        raise InputError(
            f"{path}: {outside:.0%} of the joints lie outside their images, expected pixel "
            "coordinates of the original images and the calibration of these cameras."
        )


def _check_lengths(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    joints = np.array([row["joints_3d"] for row in rows]).reshape(-1, HAND21.num_joints, 3)
    knuckles = HAND21.indices(["index_mcp", "middle_mcp", "ring_mcp", "little_mcp"])
    lengths = np.linalg.norm(joints[:, knuckles] - joints[:, [HAND21.root]], axis=-1)
    median = float(np.nanmedian(lengths))
    if not METACARPAL_RANGE_M[0] <= median <= METACARPAL_RANGE_M[1]:
        raise InputError(
            f"{path}: the median length from wrist to knuckles is {median:.3g} m, expected "
            f"{METACARPAL_RANGE_M[0]} to {METACARPAL_RANGE_M[1]} (another unit or joint order?)."
        )
