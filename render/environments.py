"""Which environment images and photographs there are. Blender's wheel carries eight."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mano_assets.errors import InputError

_SIGNATURES = {".exr": (b"\x76\x2f\x31\x01",), ".hdr": (b"#?RADIANCE", b"#?RGBE")}


def builtin_folder() -> Path:
    """The folder of environments inside the bpy wheel, found without importing it.

    Raises:
        InputError: bpy is not installed.
    """
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        raise InputError("bpy is not installed, expected the environment made by `make env`.")
    found = sorted(Path(spec.origin).parent.glob("*/datafiles/studiolights/world"))
    if not found:
        raise InputError(f"{spec.origin}: holds no environments, expected Blender's own eight.")
    return found[0]


def list_environments(folder: Path | None) -> list[Path]:
    """The environment images of a folder, sorted by name.

    Args:
        folder: Of the user's; None for Blender's own.

    Raises:
        InputError: There are none, or one is not what its suffix says.
    """
    place = folder or builtin_folder()
    files = sorted(path for path in place.glob("*") if path.suffix.lower() in _SIGNATURES)
    if not files:
        raise InputError(
            f"dataset.setting.environments: {place} holds no image, expected .exr or .hdr files."
        )
    for path in files:
        with path.open("rb") as stream:
            start = stream.read(16)
        if not start.startswith(_SIGNATURES[path.suffix.lower()]):
            raise InputError(
                f"{path}: unreadable environment, expected an image of type {path.suffix}."
            )
    return files


def list_photographs(folder: Path | None) -> list[Path]:
    """The photographs of a folder, sorted by name; none without a folder.

    Raises:
        InputError: There are none in the folder.
    """
    if folder is None:
        return []
    suffixes = (".jpg", ".jpeg", ".png")
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in suffixes)
    if not files:
        raise InputError(
            f"dataset.setting.photographs: {folder} holds no image, expected .jpg or .png files."
        )
    return files
