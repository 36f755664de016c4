"""Image files of the page: photographs as JPEG, plots for light and for dark pages."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from PIL import Image

from evaluation.report.themes import THEMES, Theme, recoloured, themed
from render.manifest import Manifest
from render.manifest.pictures import decode

FOLDER = "pictures"
FIGURE_DPI = 192
"""Twice the 96 pixels an inch of CSS."""

NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
"""The same plot is the same file."""


@dataclass(frozen=True)
class Picture:
    """An image file of the page.

    Attributes:
        source: Path relative to the page.
        dark: The same for dark pages, or None.
        alt: What it shows, for those who do not see it.
        width: CSS pixels.
        height: CSS pixels.
        caption: Text below it.
    """

    source: str
    dark: str | None
    alt: str
    width: int
    height: int
    caption: str = ""


class PictureFolder:
    """Saves pictures beside the page."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._names: Counter[str] = Counter()
        (out / FOLDER).mkdir(parents=True, exist_ok=True)

    def photo(
        self, name: str, image: Image.Image, alt: str, caption: str = "", quality: int = 88
    ) -> Picture:
        """Saves an image, to be shown at up to its own size."""
        source = f"{FOLDER}/{self._unique(name)}.jpg"
        image.save(self._out / source, quality=quality, subsampling=0, optimize=True)
        return Picture(source, None, alt, image.width, image.height, caption)

    def plot(
        self, name: str, draw: Callable[[Theme], Figure], alt: str, caption: str = ""
    ) -> Picture:
        """Saves a plot of few lines for light and for dark pages, as SVG."""
        light, dark = THEMES
        with themed(light):
            figure = draw(light)
            stream = io.StringIO()
            figure.savefig(stream, format="svg", metadata=NO_METADATA)
        # Without the document type, which names a file elsewhere.
        drawn = stream.getvalue()
        drawn = drawn[drawn.index("<svg") :]
        # Drawing takes long, and nothing but the colours differs.
        files = [drawn.encode(), recoloured(drawn, light, dark).encode()]
        return self._themed(name, figure, alt, caption, "svg", files)

    def dense_plot(
        self, name: str, draw: Callable[[Theme], Figure], alt: str, caption: str = ""
    ) -> Picture:
        """Saves a plot of many points for light and for dark pages, as PNG."""
        figure, files = Figure(), []
        for theme in THEMES:
            with themed(theme):
                figure = draw(theme)
                stream = io.BytesIO()
                figure.savefig(stream, format="png", dpi=FIGURE_DPI)
            files.append(stream.getvalue())
        return self._themed(name, figure, alt, caption, "png", files)

    def _themed(
        self, name: str, figure: Figure, alt: str, caption: str, suffix: str, files: Sequence[bytes]
    ) -> Picture:
        name = self._unique(name)
        light, dark = (f"{FOLDER}/{name}-{theme.name}.{suffix}" for theme in THEMES)
        for source, content in zip((light, dark), files, strict=True):
            (self._out / source).write_bytes(content)
        width, height = (round(96 * inches) for inches in figure.get_size_inches())
        return Picture(light, dark, alt, width, height, caption)

    def _unique(self, name: str) -> str:
        # Several runs on one page may use the same names.
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else f"{name}-{count}"


def sample_image(manifest: Manifest, rows: pa.Table, row: int) -> Image.Image:
    """The whole image of a row."""
    shard, offset, size = (
        rows[f"image_{part}"][row].as_py() for part in ("shard", "offset", "size")
    )
    return decode(manifest.read_bytes(shard, offset, size))


def known_box(boxes: np.ndarray, row: int) -> list[float] | None:
    """A row's hand box (x, y, width, height), px, from [N, 4]; None where it is not known."""
    return boxes[row].tolist() if np.isfinite(boxes[row]).all() else None
