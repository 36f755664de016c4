"""Files that distributions are read from: what they hold counts, not where they lie."""

from __future__ import annotations

import hashlib

import fsspec

from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from render.manifest.reading import parse_data_source
from render.poses.distributions import Distribution, EmpiricalPoses, FamilyPoses


def source_digest(kind: Distribution) -> dict[str, object]:
    """What a distribution's fields become in a digest.

    Returns:
        Empty for kinds without a file.

    Raises:
        InputError: The file is missing.
    """
    if isinstance(kind, FamilyPoses):
        if not kind.file.is_file():
            raise InputError(f"{kind.file}: no such file, expected a pose family with draw(rng).")
        return {"file": file_sha256(kind.file)}
    if isinstance(kind, EmpiricalPoses):
        return {"path": _content(kind.path)}
    return {}


def _content(path: str) -> str:
    root, split = parse_data_source(path)
    fs, place = fsspec.core.url_to_fs(root)
    # A data set's description holds the digest of its rows.
    name = f"{place}/dataset.json" if fs.isdir(place) else place
    if not fs.exists(name):
        raise InputError(f"{path}: no such file, expected a data set, Parquet or NPZ of poses.")
    with fs.open(name, "rb") as stream:
        return json_digest([split, hashlib.file_digest(stream, "sha256").hexdigest()])
