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
from render.manifest import JointState

Sample = tuple[Mapping[str, Any], bytes]
"""A row of the manifest and the image file's bytes."""

BOX_SCALE = 1.2
"""Factor on the joints' own box where a data set has none: InterHand2.6M's, and the renders'."""

NUM_PROBED = 1000
"""Hands looked at, evenly over the file, before anything is written."""


def _whole(root: Path, split: str) -> dict[str, Any]:
    """Nothing to say: the whole split."""
    return {}


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
        content: (root, split) to what of the split is there, where it may be a part; enters the
            recipe.
    """

    name: str
    splits: tuple[str, ...]
    licence: str
    source: str
    annotation_files: Callable[[Path, str], list[Path]]
    samples: Callable[[Path, str], Iterator[Sample]]
    content: Callable[[Path, str], dict[str, Any]] = _whole


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
        path: Image file, colour or grayscale.
        width: Expected width, px.
        height: Expected height, px.

    Raises:
        InputError: It is missing, no image, or of another size.
    """
    data, size = read_sized_image(path)
    if size != (width, height):
        raise InputError(
            f"{path}: {size[0]} x {size[1]} px, the annotations expect {width} x {height}."
        )
    return data


def read_sized_image(path: Path) -> tuple[bytes, tuple[int, int]]:
    """Reads an image file whose size no annotation tells.

    Returns:
        The file as it is, and its width and height, px.

    Raises:
        InputError: It is missing or no image.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            return data, image.size
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file, expected an image that the annotations name."
        ) from error
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: cannot be read, expected an image ({error}).") from error


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
