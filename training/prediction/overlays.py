"""Predictions drawn over the images they were made on, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES, Manifest
from render.manifest.pictures import contact_sheet, cut_view, decode, draw_skeleton, view_of
from render.manifest.reading import column_array
from training.samples.sources import DataSource

T = TypeVar("T")

SHEET = "sheet.jpg"
SHEET_HANDS = 48
TILE_PX = 320
"""Side of a hand in the sheet."""

PICTURE_PX = (512, 1280)
"""The longer side of a picture: small images are enlarged and large ones shrunk to this range."""

LABEL_PX = 16
TRUTH_COLOUR = "#f4f6f8"
SIDE_COLOURS: dict[str, str] = dict(zip(HAND_SIDES, ("#ffb000", "#4cc9f0"), strict=True))

COLUMNS = (
    "sample_id", "image_shard", "image_offset", "image_size", "image_sha256", "side", "joints_2d",
    "box",
)  # fmt: skip


@dataclass(frozen=True)
class DrawnHand:
    """What is drawn of one hand, in px of the whole image.

    Attributes:
        side: right or left; None when unknown.
        box: x, y, width, height; None for a hand without one.
        predicted_px: [21, 2].
        truth_px: [21, 2]; NaN where not labelled.
    """

    side: str | None
    box: tuple[float, float, float, float] | None
    predicted_px: np.ndarray
    truth_px: np.ndarray

    def moved(self, origin_px: tuple[float, float], scale: float) -> DrawnHand:
        """The hand in the px of a scaled part of the image that begins at `origin_px`."""
        box = self.box
        if box is not None:
            x, y = ((box[axis] - origin_px[axis]) * scale for axis in (0, 1))
            box = (x, y, box[2] * scale, box[3] * scale)
        predicted, truth = (
            (joints - origin_px) * scale for joints in (self.predicted_px, self.truth_px)
        )
        return DrawnHand(self.side, box, predicted, truth)


def write_overlays(
    out: Path,
    source: DataSource,
    joints_2d: np.ndarray,
    count: int | None = None,
    image_names: Sequence[str] | None = None,
) -> Path:
    """Writes one JPEG an image, with all its hands, and a contact sheet of the hands.

    Args:
        out: Folder to write; `NAME.jpg` for each image and `sheet.jpg`.
        source: The data that was predicted.
        joints_2d: Predictions in its order, px of the whole images, [N, 21, 2].
        count: Images to draw, evenly spaced over all of them; None for all.
        image_names: The image each sample belongs to, [N]; when not given, samples of the same
            image are found by their digests, and the first one's id is the name.

    Returns:
        Path of the sheet.
    """
    manifest = Manifest.open(source.root)
    table = manifest.table(source.split, COLUMNS)
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(_names_of_images(table) if image_names is None else image_names):
        rows_of.setdefault(name, []).append(row)
    names = list(rows_of) if count is None else _evenly(list(rows_of), count)
    in_sheet = set(_evenly([row for name in names for row in rows_of[name]], SHEET_HANDS))
    hands = _hands(table, joints_2d)
    out.mkdir(parents=True, exist_ok=True)
    tiles = []
    for name in tqdm(names, desc="draw", unit="img"):
        rows = rows_of[name]
        image = _image(manifest, table, rows[0])
        # A file of that name is the sheet's.
        stem = name if f"{name}.jpg" != SHEET else f"{name}-image"
        overlay = draw_overlay(image, [hands[row] for row in rows])
        overlay.save(out / f"{stem}.jpg", quality=92, subsampling=0)
        tiles += [draw_close_up(image, hands[row]) for row in rows if row in in_sheet]
    columns = min(len(tiles), 8 if len(tiles) > 16 else 4)
    contact_sheet(tiles, columns, TILE_PX).save(out / SHEET, quality=90, subsampling=0)
    return out / SHEET


def draw_overlay(image: Image.Image, hands: Sequence[DrawnHand]) -> Image.Image:
    """The whole image with boxes, sides, thin true skeletons and predicted ones.

    Args:
        image: RGB.
        hands: In px of the image.
    """
    longest = max(image.size)
    scale = min(max(longest, PICTURE_PX[0]), PICTURE_PX[1]) / longest
    size = round(image.width * scale), round(image.height * scale)
    picture = image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image.copy()
    for hand in hands:
        shown = hand.moved((0.0, 0.0), scale)
        picture = _draw_joints(picture, shown)
        _draw_box(picture, shown)
    return picture


def draw_close_up(image: Image.Image, hand: DrawnHand) -> Image.Image:
    """One hand, filling a square tile."""
    left, top, side = view_of(image.width, image.height, hand.box)
    tile = cut_view(image, (left, top, side), TILE_PX)
    shown = hand.moved((left, top), TILE_PX / side)
    tile = _draw_joints(tile, shown)
    _draw_side(tile, shown.side, (6, 4))
    return tile


def _draw_joints(picture: Image.Image, hand: DrawnHand) -> Image.Image:
    joints = np.concatenate([hand.predicted_px, hand.truth_px])
    joints = joints[np.isfinite(joints).all(-1)]
    extent_px = np.ptp(joints, axis=0).max() if len(joints) else 0.0
    width_px = float(np.clip(extent_px / 70, 1.2, picture.width / 90))
    colours = [TRUTH_COLOUR] * HAND21.num_joints
    picture = draw_skeleton(picture, hand.truth_px, width_px=0.45 * width_px, colours=colours)
    return draw_skeleton(picture, hand.predicted_px, width_px=width_px)


def _draw_box(picture: Image.Image, hand: DrawnHand) -> None:
    corner = 4.0, 4.0
    if hand.box is not None and not _is_whole(hand.box, picture.size):
        x, y, width, height = hand.box
        colour = SIDE_COLOURS.get(hand.side or "", TRUTH_COLOUR)
        draw = ImageDraw.Draw(picture)
        draw.rectangle([x, y, x + width, y + height], outline="#101214", width=4)
        inner = [x + 1, y + 1, x + width - 1, y + height - 1]
        draw.rectangle(inner, outline=colour, width=2)
        # Above the box, where it hides no finger; inside when there is no room.
        corner = max(x, 0) + 2, y - LABEL_PX - 8 if y > LABEL_PX + 8 else max(y, 0) + 4
    _draw_side(picture, hand.side, corner)


def _draw_side(picture: Image.Image, side: str | None, corner: tuple[float, float]) -> None:
    if side is None:
        return
    font = ImageFont.load_default(LABEL_PX)
    ImageDraw.Draw(picture).text(
        corner, side, fill=SIDE_COLOURS[side], font=font, stroke_width=2, stroke_fill="#101214"
    )


def _is_whole(box: tuple[float, float, float, float], size: tuple[int, int]) -> bool:
    return np.allclose(box, (0, 0, *size), atol=1.0)


def _names_of_images(table: pa.Table) -> list[str]:
    """The id of the first sample that has the same image, [N]."""
    first: dict[str, str] = {}
    digests, ids = (table[name].to_pylist() for name in ("image_sha256", "sample_id"))
    return [first.setdefault(digest, key) for digest, key in zip(digests, ids, strict=True)]


def _hands(table: pa.Table, joints_2d: np.ndarray) -> list[DrawnHand]:
    truth = column_array(table, "joints_2d", HAND21.num_joints, 2)
    boxes = column_array(table, "box", 4)
    return [
        DrawnHand(side, tuple(box) if np.isfinite(box).all() else None, predicted_px, truth_px)
        for side, box, predicted_px, truth_px in zip(
            table["side"].to_pylist(), boxes, joints_2d, truth, strict=True
        )
    ]


def _image(manifest: Manifest, table: pa.Table, row: int) -> Image.Image:
    place = (table[f"image_{part}"][row].as_py() for part in ("shard", "offset", "size"))
    return decode(manifest.read_bytes(*place))


def _evenly(items: list[T], count: int) -> list[T]:
    """At most so many, evenly spaced."""
    if count >= len(items):
        return items
    return [items[at] for at in np.linspace(0, len(items) - 1, count).round().astype(int)]
