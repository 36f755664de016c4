"""Pictures made of a data set's images: views of the hand, skeletons over them, contact sheets."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from mano_assets.skeleton import HAND21, Skeleton

CHAIN_COLOURS = ("#ffd23f", "#3ddc97", "#45b8ff", "#a78bfa", "#ff5fa8")
"""Thumb to little. None is near a skin tone, and neighbours differ in lightness as well."""

ROOT_COLOUR = "#ffffff"
SUPERSAMPLING = 3
WHOLE_IMAGE_PX = 256
"""Larger images are cropped to the hand."""

_DARK = (10, 12, 16, 190)
_LIGHT = (255, 255, 255, 255)


def joint_colours(
    skeleton: Skeleton = HAND21, of_chains: Sequence[str] = CHAIN_COLOURS
) -> list[str]:
    """A colour for each joint by the chain it belongs to, [J]."""
    colours = [ROOT_COLOUR] * skeleton.num_joints
    for (_, joints), colour in zip(skeleton.chains, of_chains, strict=False):
        for joint in joints:
            colours[skeleton.index(joint)] = colour
    return colours


def decode(data: bytes) -> Image.Image:
    """An encoded image as RGB."""
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def view_of(width: int, height: int, box: Sequence[float] | None) -> tuple[float, float, float]:
    """The square of an image that is shown.

    Args:
        width: Image width, px.
        height: Image height, px.
        box: Hand box (x, y, width, height), px.

    Returns:
        Its left, top and side, px: the whole of a small image, else 1.6 times the hand's box.
    """
    if box is None or max(width, height) <= WHOLE_IMAGE_PX:
        side = float(max(width, height))
        return (width - side) / 2, (height - side) / 2, side
    x, y, box_width, box_height = box
    side = 1.6 * max(box_width, box_height)
    left, top = x + (box_width - side) / 2, y + (box_height - side) / 2
    # Moved into the image as far as it fits, so that no margin is shown.
    return min(max(left, 0), max(width - side, 0)), min(max(top, 0), max(height - side, 0)), side


def cut_view(image: Image.Image, view: tuple[float, float, float], size_px: int) -> Image.Image:
    """A square of an image, scaled to a tile of `size_px`.

    Args:
        image: The whole image.
        view: Left, top and side of the square, px; black where it leaves the image.
        size_px: Side of the tile.
    """
    left, top, side = view
    region = (left, top, left + side, top + side)
    shape = (size_px, size_px)
    return image.transform(shape, Image.Transform.EXTENT, region, Image.Resampling.BICUBIC)


def draw_skeleton(
    tile: Image.Image,
    joints: np.ndarray,
    skeleton: Skeleton = HAND21,
    misses_of: np.ndarray | None = None,
    width_px: float | None = None,
    colours: Sequence[str] | None = None,
) -> Image.Image:
    """Draws a skeleton, antialiased.

    Args:
        tile: Image to draw over.
        joints: In the tile's pixels, [J, 2]; joints that are NaN are left out.
        skeleton: The joints' skeleton.
        misses_of: True joints, [J, 2]. When given, the skeleton is drawn as a prediction: dashed,
            its joints ringed in white, with a thin line from each to the truth.
        width_px: Of the bones; a ninetieth of the tile when not given.
        colours: Of the joints and of the bones that end there, [J]; the fingers' when not given.
    """
    colours = colours or joint_colours(skeleton)
    thickness_px = width_px or tile.width / 90
    region = _region(tile, [joints, *([] if misses_of is None else [misses_of])], 2 * thickness_px)
    if region is None:
        return tile.copy()
    k = SUPERSAMPLING
    corner = np.array(region[:2])
    layer = Image.new("RGBA", ((region[2] - region[0]) * k, (region[3] - region[1]) * k))
    draw = ImageDraw.Draw(layer)
    points = (joints - corner) * k
    width = thickness_px * k

    def segment(start: np.ndarray, end: np.ndarray, colour: object, thickness: float) -> None:
        draw.line([*start, *end], fill=colour, width=round(thickness))  # type: ignore[arg-type]
        for point in (start, end):
            disc(point, thickness / 2, colour)

    def disc(point: np.ndarray, radius: float, colour: object) -> None:
        draw.ellipse([*(point - radius), *(point + radius)], fill=colour)  # type: ignore[arg-type]

    if misses_of is not None:
        for point, true in zip(points, (misses_of - corner) * k, strict=True):
            if np.isfinite([point, true]).all():
                segment(true, point, (255, 255, 255, 210), width * 0.45)
    bones = [b for b in skeleton.bones if np.isfinite(points[list(b)]).all()]
    pieces = [
        (child, piece)
        for parent, child in bones
        for piece in (
            _dashes(points[parent], points[child], 3 * width)
            if misses_of is not None
            else [(points[parent], points[child])]
        )
    ]
    for _, (start, end) in pieces:
        segment(start, end, _DARK, width * 1.9)
    for child, (start, end) in pieces:
        segment(start, end, colours[child], width)
    rim = _DARK if misses_of is None else _LIGHT
    for point, colour in zip(points, colours, strict=True):
        if np.isfinite(point).all():
            disc(point, width * 1.35, rim)
            disc(point, width * 0.9, colour)
    overlay = layer.resize((layer.width // k, layer.height // k), Image.Resampling.LANCZOS)
    drawn = tile.convert("RGB")
    below = drawn.crop(region).convert("RGBA")
    drawn.paste(Image.alpha_composite(below, overlay).convert("RGB"), region[:2])
    return drawn


def contact_sheet(images: Sequence[Image.Image], columns: int, cell_px: int = 128) -> Image.Image:
    """A grid of square thumbnails without gaps."""
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * cell_px, rows * cell_px), "#80868b")
    for position, image in enumerate(images):
        cell = ImageOps.pad(image, (cell_px, cell_px), Image.Resampling.LANCZOS)
        sheet.paste(cell, (position % columns * cell_px, position // columns * cell_px))
    return sheet


def _region(
    tile: Image.Image, points: Sequence[np.ndarray], margin_px: float
) -> tuple[int, int, int, int] | None:
    """The part of the tile that is drawn on: a large photograph need not be supersampled whole."""
    drawn = np.concatenate(points)
    drawn = drawn[np.isfinite(drawn).all(-1)]
    if not len(drawn):
        return None
    low = np.clip(np.floor(drawn.min(0) - margin_px), 0, tile.size).astype(int)
    high = np.clip(np.ceil(drawn.max(0) + margin_px), 0, tile.size).astype(int)
    if (low >= high).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _dashes(
    start: np.ndarray, end: np.ndarray, length: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """An odd number of equal parts of about the given length, every second one left out."""
    parts = 2 * round(max(np.linalg.norm(end - start) / length - 1, 0) / 2) + 1
    stops = start + np.linspace(0, 1, parts + 1)[:, None] * (end - start)
    return [(stops[part], stops[part + 1]) for part in range(0, parts, 2)]
