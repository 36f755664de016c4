"""A user's own boxes around hands: a CSV file, or JSON in the manner of COCO.

    image,x,y,width,height,side,fx,fy,cx,cy
    table.jpg,120,80.5,210,190,left,1500,,,

`side` and the camera are optional, as columns and as values. In JSON they stand beside an
annotation's `bbox` (`side`) and beside an image's `file_name` (`fx` and so on).
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mano_assets.errors import InputError
from render.manifest import HAND_SIDES

BOX_FIELDS = ("x", "y", "width", "height")
CAMERA_FIELDS = ("fx", "fy", "cx", "cy")
REQUIRED = ("image", *BOX_FIELDS)
OPTIONAL = ("side", *CAMERA_FIELDS)
POSITIVE = ("width", "height", "fx", "fy")


@dataclass(frozen=True)
class CameraFields:
    """Intrinsics as far as they are told, px of the upright image.

    Attributes:
        fx: Focal length along x.
        fy: Along y; that along x when not given.
        cx: Principal point; the image's centre when not given.
        cy: The same along y.
    """

    fx: float
    fy: float | None = None
    cx: float | None = None
    cy: float | None = None

    def matrix(self, width: int, height: int) -> np.ndarray:
        """K of an image of that size, [3, 3]."""
        cx = width / 2 if self.cx is None else self.cx
        cy = height / 2 if self.cy is None else self.cy
        fy = self.fx if self.fy is None else self.fy
        return np.array([[self.fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class BoxedHand:
    """One box of the file.

    Attributes:
        place: File and line or entry, for messages.
        image: File name of the image.
        box: x, y, width, height in continuous px of the upright image.
        side: right or left; None when not told.
        camera: None when not told.
    """

    place: str
    image: str
    box: tuple[float, float, float, float]
    side: str | None = None
    camera: CameraFields | None = None


def read_boxes(path: Path) -> list[BoxedHand]:
    """Reads a boxes file, in its order.

    Args:
        path: `.json` in the manner of COCO, else CSV with a header.

    Raises:
        InputError: The file cannot be read or a value in it cannot be used; names the line or entry
            and the field.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected boxes as CSV or JSON.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error}).") from error
    read = _read_json if path.suffix.lower() == ".json" else _read_csv
    hands = list(read(path, text))
    if not hands:
        raise InputError(f"{path}: holds no box, expected at least one.")
    return hands


def _read_csv(path: Path, text: str) -> Iterator[BoxedHand]:
    lines = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        for name in REQUIRED:
            if name not in header:
                raise InputError(
                    f"{path}, line 1: column {name!r} is missing, expected a header with "
                    f"{','.join(REQUIRED)} and optionally {','.join(OPTIONAL)}."
                )
        for name in header:
            if name not in REQUIRED + OPTIONAL or header.count(name) > 1:
                raise InputError(
                    f"{path}, line 1: column {name!r} is unknown or there twice, expected "
                    f"{','.join(REQUIRED + OPTIONAL)}."
                )
        for cells in lines:
            place = f"{path}, line {lines.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{place}: has {len(cells)} values, expected {len(header)} as in the header."
                )
            values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            told = {name: value or None for name, value in values.items()}
            yield _hand(place, told["image"], [told[name] for name in BOX_FIELDS], told, told)
    except csv.Error as error:
        raise InputError(f"{path}, line {lines.line_num}: not CSV ({error}).") from error


def _read_json(path: Path, text: str) -> Iterator[BoxedHand]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}).") from error
    images = {}
    for place, entry in _entries(path, content, "images"):
        if entry.get("id") is None:
            raise InputError(f"{place}: id is missing, expected the number of the image.")
        images[str(entry["id"])] = entry
    for place, entry in _entries(path, content, "annotations"):
        image = images.get(str(entry.get("image_id")))
        if image is None:
            raise InputError(
                f"{place}: image_id is {entry.get('image_id')!r}, expected the id of an image."
            )
        box = entry.get("bbox")
        if not isinstance(box, list) or len(box) != len(BOX_FIELDS):
            raise InputError(f"{place}: bbox is {box!r}, expected [x, y, width, height].")
        yield _hand(place, image.get("file_name"), box, entry, image)


def _entries(path: Path, content: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries = content.get(name) if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise InputError(f"{path}: {name} is missing, expected COCO's lists images, annotations.")
    for number, entry in enumerate(entries):
        place = f"{path}, {name}[{number}]"
        if not isinstance(entry, dict):
            raise InputError(f"{place}: is {entry!r}, expected an object.")
        yield place, entry


def _hand(
    place: str,
    image: Any,
    box: list[Any],
    about_hand: Mapping[str, Any],
    about_image: Mapping[str, Any],
) -> BoxedHand:
    if not isinstance(image, str):
        raise InputError(f"{place}: image is {image!r}, expected the name of an image file.")
    x, y, width, height = (
        _number(place, name, value) for name, value in zip(BOX_FIELDS, box, strict=True)
    )
    side = about_hand.get("side")
    if side is not None and side not in HAND_SIDES:
        raise InputError(f"{place}: side is {side!r}, expected {' or '.join(HAND_SIDES)}.")
    told = {
        name: _number(place, name, about_image[name])
        for name in CAMERA_FIELDS
        if about_image.get(name) is not None
    }
    if told and "fx" not in told:
        raise InputError(f"{place}: fx is missing, expected it where {next(iter(told))} is given.")
    return BoxedHand(
        place, image, (x, y, width, height), side, CameraFields(**told) if told else None
    )


def _number(place: str, field: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or (field in POSITIVE and number <= 0):
        kind = "number above 0" if field in POSITIVE else "finite number"
        raise InputError(f"{place}: {field} is {value!r}, expected a {kind}.")
    return number
