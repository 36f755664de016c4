"""Environment images and photographs of a recipe, decoded once and kept on the disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from mano_assets.hand import cache_root
from render.settings.photographs import read_photograph, wrapped_light
from render.settings.sphere import COLUMNS, ROWS, mean_luminance, spread_suns

Decode = Callable[[Path], np.ndarray]
"""From an .exr or .hdr file to its linear radiance, row 0 on top, float32 [H, W, 3].

What is not finite or has no size stands for a file that cannot be read.
"""

_FORMAT = "1"
"""Of what is kept; another number when it is made in another way."""

_MOST_COLUMNS = 2048
_MOST_STORED = 6e4
"""Below the largest half float."""

_IN_MEMORY = 16
"""Files held open at a time. Their pages are the operating system's to give back."""


@dataclass(frozen=True)
class Pictured:
    """A file's picture and the light that comes with it.

    Attributes:
        pixels: An environment's radiance, float16 [H, W, 3], equirectangular, at most 2048 wide;
            or a photograph's colours, sRGB uint8 [H, W, 3].
        light: Radiance in the picture's linear units as a light map, float32 [64, 128, 3], its
            suns spread; of a photograph, +x is what the camera looks at.
        mean: Luminance of the light over the sphere.
    """

    pixels: np.ndarray
    light: np.ndarray
    mean: float


class SettingLibrary:
    """Pictures by file name.

    Args:
        environments: Files of type .exr and .hdr.
        photographs: Files of type .jpg and .png.
        decode: Reads an environment image.
        cache: Folder of what is decoded; `cache_root()` by default.
    """

    def __init__(
        self,
        environments: Iterable[Path],
        photographs: Iterable[Path],
        decode: Decode,
        cache: Path | None = None,
    ) -> None:
        self._files = {
            "environments": {path.name: path for path in environments},
            "photographs": {path.name: path for path in photographs},
        }
        self._decode = decode
        self._cache = cache or cache_root()
        self._opened = lru_cache(maxsize=_IN_MEMORY)(self._open)

    def prepare(self) -> None:
        """Decodes what is not yet in the cache.

        Raises:
            InputError: A file cannot be read.
        """
        for kind, files in self._files.items():
            for path in files.values():
                self._stored(kind, path)

    def environment(self, name: str) -> Pictured:
        """An environment image.

        Raises:
            InputError: It is not there or cannot be read.
        """
        return self._opened("environments", name)

    def photograph(self, name: str) -> Pictured:
        """A photograph.

        Raises:
            InputError: It is not there or cannot be read.
        """
        return self._opened("photographs", name)

    def _open(self, kind: str, name: str) -> Pictured:
        if name not in self._files[kind]:
            raise InputError(f"{name}: is not among the {kind}, expected the folder it came from.")
        pixels, light = self._stored(kind, self._files[kind][name])
        kept = np.load(light)
        return Pictured(np.load(pixels, mmap_mode="r"), kept, mean_luminance(kept))

    def _stored(self, kind: str, path: Path) -> tuple[Path, Path]:
        """Files of the picture and of its light, made where they are missing."""
        folder = self._cache / kind / _FORMAT
        digest = self._digest(folder, path)
        files = folder / f"{digest}.npy", folder / f"{digest}-light.npy"
        if not all(file.exists() for file in files):
            make = _environment if kind == "environments" else _photograph
            for file, content in zip(files, make(path, self._decode), strict=True):
                _write(file, partial(np.save, arr=content))
        return files

    def _digest(self, folder: Path, path: Path) -> str:
        """SHA-256 of a file, taken anew only when its size or time has changed."""
        status = path.stat()
        seen = [str(path.resolve()), status.st_size, status.st_mtime_ns]
        known = folder / f"{json_digest(seen)}.sha256"
        if known.exists():
            return known.read_text()
        digest = file_sha256(path)
        _write(known, lambda target: target.write(digest.encode()))
        return digest


def _environment(path: Path, decode: Decode) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and light of an environment image."""
    radiance = decode(path)
    if radiance.size == 0 or not np.isfinite(radiance).all() or radiance.max() <= 0:
        raise InputError(f"{path}: unreadable environment, expected a whole .exr or .hdr image.")
    radiance = np.maximum(radiance, 0)
    light = _resized(radiance, ROWS, COLUMNS)
    mean = np.float32(mean_luminance(light))
    height, width = radiance.shape[:2]
    if width > _MOST_COLUMNS:
        radiance = _resized(radiance, round(height * _MOST_COLUMNS / width), _MOST_COLUMNS)
    pixels = np.minimum(radiance / mean, _MOST_STORED).astype(np.float16)
    return pixels, spread_suns(light / mean)


def _photograph(path: Path, _: Decode) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and light of a photograph."""
    pixels = read_photograph(path)
    light = spread_suns(wrapped_light(pixels))
    if not light.max() > 0:
        raise InputError(f"{path}: is black all over, expected a photograph.")
    return pixels, light


def _resized(radiance: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Means over the area of each new texel."""
    channels = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(radiance[..., channel], dtype=np.float32)).resize(
                (columns, rows), Image.Resampling.BOX
            )
        )
        for channel in range(3)
    ]
    return np.stack(channels, -1)


def _write(path: Path, content: Callable[..., object]) -> None:
    """Writes a file that is either whole or not there, whoever else writes the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(descriptor, "wb") as target:
            content(target)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
