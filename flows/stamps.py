"""Stamps: what an output was made from and what its bytes were, recorded beside it.

A stage is skipped only when the stamp names the same inputs and the bytes on the disk are still
those that were made. Nothing else is taken as proof.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mano_assets.digests import file_sha256, json_digest
from render.manifest.writing import write_atomically


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder, hex."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return json_digest({str(file.relative_to(path)): content_digest(file) for file in files})
    return file_sha256(path)


def dataset_identity(root: Path) -> str:
    """Digest of every row of a data set, and so of every image: rows hold the images' digests.

    Raises:
        InputError: There is no data set, or a part is missing or damaged.
    """
    parts = sorted(root.glob("manifest/part-*.parquet"))
    return _identity(
        root, tuple((str(part), part.stat().st_size, part.stat().st_mtime_ns) for part in parts)
    )


@lru_cache(maxsize=64)
def _identity(root: Path, parts: tuple[tuple[str, int, int], ...]) -> str:
    from render.manifest import Manifest

    # Bytes that cannot be read are no other data set for which to make everything anew.
    Manifest.open(str(root)).table(columns=["sample_id"])
    return json_digest([content_digest(Path(name)) for name, _, _ in parts])


def stamp_path(output: Path) -> Path:
    """Where the stamp of an output lies."""
    return output.with_name(f"{output.name}.inputs")


def make(output: Path, inputs: dict[str, Any], maker: Callable[[], Sequence[Path]]) -> Path:
    """Makes an output unless the disk proves that it is current.

    What an interrupted maker left is handed to it again if the inputs are still the same, so that
    it can resume. An output of other inputs is set aside until the new one is whole, and put back
    if the maker fails.

    Args:
        output: File or folder that the maker writes.
        inputs: JSON-able description of all that determines the output.
        maker: Writes the output and returns what of it later stages use, in `output` or beside it.

    Returns:
        The first path that the maker returned, now or the last time.
    """
    inputs_digest = json_digest(inputs)
    stamp = _read(output)
    changed = stamp.get("inputs_digest") != inputs_digest
    if changed and _aside(output).exists() and not _is_whole(output, stamp):
        _put_back(output)
        stamp = _read(output)
    if stamp.get("inputs_digest") != inputs_digest:
        _set_aside(output)
    elif _is_whole(output, stamp):
        _remove_aside(output)
        return output.parent / next(iter(stamp["made"]))
    begun = {
        "code_version": version("handforge"),
        "inputs_digest": inputs_digest,
        "inputs": inputs,
    }
    _write(output, begun)
    try:
        paths = maker()
    except Exception:
        if _aside(output).exists():
            _put_back(output)
        raise
    made = {str(path.relative_to(output.parent)): content_digest(path) for path in paths}
    _write(output, {**begun, "made": made})
    _remove_aside(output)
    return paths[0]


def _is_whole(output: Path, stamp: dict[str, Any]) -> bool:
    made: dict[str, str] = stamp.get("made", {})
    return bool(made) and all(_holds(output.parent / name, digest) for name, digest in made.items())


def _holds(path: Path, digest: str) -> bool:
    return path.exists() and content_digest(path) == digest


def _aside(output: Path) -> Path:
    return output.with_name(f".{output.name}.old")


# Killed between any two steps of these three, an output never stands beside another's stamp.


def _set_aside(output: Path) -> None:
    aside = _aside(output)
    if stamp_path(output).exists():
        _remove_aside(output)
        stamp_path(output).replace(stamp_path(aside))
    if output.exists():
        _remove(aside)
        output.rename(aside)


def _put_back(output: Path) -> None:
    aside = _aside(output)
    stamp_path(output).unlink(missing_ok=True)
    _remove(output)
    aside.rename(output)
    if stamp_path(aside).exists():
        stamp_path(aside).replace(stamp_path(output))


def _remove_aside(output: Path) -> None:
    _remove(_aside(output))
    stamp_path(_aside(output)).unlink(missing_ok=True)


def _read(output: Path) -> dict[str, Any]:
    try:
        stamp = json.loads(stamp_path(output).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write(output: Path, stamp: dict[str, Any]) -> None:
    text = json.dumps(stamp, indent=2, ensure_ascii=False)
    write_atomically(stamp_path(output), f"{text}\n".encode())


def _remove(output: Path) -> None:
    if output.is_dir():
        shutil.rmtree(output)
    else:
        output.unlink(missing_ok=True)
