"""A user's images as a data set: each hand in them one sample.

Images are taken upright: a photograph that carries an orientation (EXIF) is turned first, and all
coordinates, those of boxes and those of predictions, refer to the image as it is then seen.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps

from mano_assets.errors import InputError
from render.manifest import HAND_SIDES, DatasetInfo, write_dataset
from training.prediction.boxes import BoxedHand, CameraFields

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class PhotographedHand:
    """One sample.

    Attributes:
        key: The image's stem, and a number where the image has several boxes.
        image: File.
        boxed: What the boxes file says; None when the whole image is the box.
    """

    key: str
    image: Path
    boxed: BoxedHand | None = None


def list_hands(images: Path, boxes: Sequence[BoxedHand] | None = None) -> list[PhotographedHand]:
    """Which hands are to be predicted, in the order of the image files' names.

    Args:
        images: Folder of image files, not searched deeper, or a single image file.
        boxes: Images without one are left out; None takes each image as the box of one hand.

    Raises:
        InputError: There is no image, two of them would have the same key, or a box belongs to
            none of them.
    """
    paths = _image_files(images)
    if boxes is None:
        hands = [PhotographedHand(path.stem, path) for path in paths]
    else:
        hands = list(_boxed_hands(images, paths, boxes))
    seen: set[str] = set()
    for hand in hands:
        if hand.key in seen:
            raise InputError(
                f"{hand.image}: the key {hand.key!r} occurs twice, expected unique file stems."
            )
        seen.add(hand.key)
    return hands


def _image_files(images: Path) -> list[Path]:
    if images.is_file():
        return [images]
    if not images.is_dir():
        raise InputError(f"{images}: no such folder, expected a folder of images or an image.")
    paths = sorted(path for path in images.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise InputError(f"{images}: holds no image, expected {', '.join(IMAGE_SUFFIXES)} files.")
    return paths


def _boxed_hands(
    images: Path, paths: list[Path], boxes: Sequence[BoxedHand]
) -> Iterator[PhotographedHand]:
    by_name = {path.name: path for path in paths}
    for box in boxes:
        # A single image may have its boxes in the file of a whole folder.
        if box.image not in by_name and images.is_dir():
            raise InputError(
                f"{box.place}: image is {box.image!r}, expected the name of an image in {images}."
            )
    ordered = sorted((box for box in boxes if box.image in by_name), key=lambda box: box.image)
    if not ordered:
        raise InputError(f"{images}: has no box in the boxes file, expected at least one.")
    for name, group in groupby(ordered, key=lambda box: box.image):
        path, of_image = by_name[name], list(group)
        for number, box in enumerate(of_image):
            key = path.stem if len(of_image) == 1 else f"{path.stem}-{number}"
            yield PhotographedHand(key, path, box)


def write_hands(
    root: Path,
    name: str,
    hands: Sequence[PhotographedHand],
    side: str = "right",
    focal_px: float | None = None,
) -> None:
    """Writes hands as a data set of the split `images`.

    The samples' ids are running numbers: a data set's ids may hold less than a file's name.

    Args:
        root: Folder to write.
        name: Of the data set.
        hands: From `list_hands`.
        side: Of hands whose box tells none, right or left.
        focal_px: Focal length of images that tell no camera, px of the upright image; the principal
            point is its centre. None when unknown: then there is no 3D.

    Raises:
        InputError: An image cannot be read, a box lies outside it, or an argument is none of those.
    """
    if side not in HAND_SIDES:
        raise InputError(f"side: is {side!r}, expected one of {', '.join(HAND_SIDES)}.")
    if focal_px is not None and not 0 < focal_px < float("inf"):
        raise InputError(f"focal_px: is {focal_px}, expected a number above 0.")
    camera = None if focal_px is None else CameraFields(focal_px)
    info = DatasetInfo(name=name, kind="real", state="rendering")
    write_dataset(root, info, _samples(hands, side, camera))


def _samples(
    hands: Sequence[PhotographedHand], side: str, camera: CameraFields | None
) -> Iterator[tuple[dict[str, Any], bytes]]:
    numbered = enumerate(hands)
    for path, group in groupby(numbered, key=lambda each: each[1].image):
        data, width, height = upright(path)
        for number, hand in group:
            row: dict[str, Any] = {
                "sample_id": f"{number:08d}", "split": "images", "width": width, "height": height,
                "side": side, "box": [0.0, 0.0, float(width), float(height)],
            }  # fmt: skip
            known = camera
            if hand.boxed is not None:
                _check_inside(hand.boxed, width, height)
                row |= {"box": list(hand.boxed.box), "side": hand.boxed.side or side}
                known = hand.boxed.camera or camera
            if known is not None:
                row["camera_k"] = known.matrix(width, height).ravel().tolist()
            yield row, data


def _check_inside(hand: BoxedHand, width: int, height: int) -> None:
    x, y, box_width, box_height = hand.box
    for field, start, length, limit in (("x", x, box_width, width), ("y", y, box_height, height)):
        if start + length <= 0 or start >= limit:
            raise InputError(
                f"{hand.place}: {field} is {start:g}, expected a box that meets the upright image "
                f"of {width} x {height} px."
            )


def upright(path: Path) -> tuple[bytes, int, int]:
    """An image file as it is to be seen.

    Returns:
        The file's own bytes, or those of a turned image where it carries an orientation; width and
        height, px.

    Raises:
        InputError: It is not an image, or a damaged one.
    """
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            size = image.size
            if image.getexif().get(ExifTags.Base.Orientation, 1) not in range(2, 9):
                # Read at the lowest resolution, only to find damage.
                image.draft(image.mode, (1, 1))
                image.load()
                return data, *size
            turned = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable image ({error}).") from error
    stream = io.BytesIO()
    turned.save(stream, "png", compress_level=1)
    return stream.getvalue(), *turned.size
