"""Environments from Poly Haven, all of them CC0, by its public API.

The API is described at https://api.polyhaven.com/api-docs/swagger: `/assets?type=hdris` lists what
there is, `/files/ID` the files of one. It asks for a User-Agent that names the software.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mano_assets.errors import InputError

API_URL = "https://api.polyhaven.com"
ASSET_URL = "https://polyhaven.com/a/"
LICENCE = "CC0-1.0"
LICENCES_FILE = "licences.json"

_HEADERS = {"User-Agent": "handforge/0.1 (synthetic hand images)"}
_RESOLUTIONS = ("1k", "2k")
_FORMATS = ("exr", "hdr")
_TIMEOUT_S = 60.0
_BLOCK = 1 << 16


def fetch_environments(
    count: int, folder: Path, seed: int = 0, resolution: str = "1k", url: str = API_URL
) -> list[Path]:
    """Fetches environment images; what is there already is not fetched again.

    The first n of a larger count are the same as those of n.

    Args:
        count: How many.
        folder: Where to; `licences.json` there names the authors.
        seed: Which ones.
        resolution: 1k or 2k; the other where there is none of it.
        url: Of the API.

    Returns:
        The files, in the order of the draw.

    Raises:
        InputError: The API or a file cannot be reached or is not what it should be, or there are
            fewer than wanted.
    """
    url = url.rstrip("/")
    assets = _json(f"{url}/assets?type=hdris", "a list of environments")
    if len(assets) < count:
        raise InputError(
            f"--hdri: {count} environments were asked for, {_host(url)} has {len(assets)}, "
            "expected no more than that."
        )
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(assets)
    random.Random(seed).shuffle(names)
    found: list[Path] = []
    for name in tqdm(names[:count], desc="environments", unit="file", file=sys.stderr):
        _write(folder / LICENCES_FILE, _with_licence(folder, name, assets[name]))
        known = [folder / f"{name}_{resolution}.{suffix}" for suffix in _FORMATS]
        there = next((path for path in known if path.exists()), None)
        found.append(there or _fetch_one(url, name, folder, resolution))
    return found


def _fetch_one(url: str, name: str, folder: Path, resolution: str) -> Path:
    """Fetches the file of one environment that is nearest to what is wished."""
    if not name.replace("_", "").replace("-", "").isalnum():
        raise InputError(f"{_host(url)}: lists {name!r}, expected a name of letters and digits.")
    tree = _json(f"{url}/files/{name}", "a list of files").get("hdri", {})
    for wished in sorted(_RESOLUTIONS, key=lambda other: other != resolution):
        for suffix in _FORMATS:
            entry = tree.get(wished, {}).get(suffix) if isinstance(tree, dict) else None
            if entry is None:
                continue
            path = folder / f"{name}_{wished}.{suffix}"
            if not path.exists():
                _write(path, _whole(entry, path.name))
            return path
    raise InputError(f"{_host(url)}: has no 1k or 2k file of {name}, expected .exr or .hdr.")


def _whole(entry: Any, name: str) -> bytes:
    """Content of a file, of the size and checksum that the API tells."""
    try:
        source, size, md5 = str(entry["url"]), int(entry["size"]), str(entry["md5"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{name}: its entry is damaged, expected url, size and md5.") from None
    content = _get(source, name)
    if len(content) != size:
        raise InputError(
            f"{name}: {_host(source)} sent {len(content)} bytes, expected {size}; the same command "
            "again fetches what is missing."
        )
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise InputError(
            f"{name}: {_host(source)} sent another content than its checksum says, expected md5 "
            f"{md5}."
        )
    return content


def _json(url: str, expected: str) -> dict[str, Any]:
    content = _get(url, expected)
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise InputError(f"{_host(url)}: its answer is not JSON of an object, expected {expected}.")
    return answer


def _get(url: str, expected: str) -> bytes:
    """What a URL holds.

    Raises:
        InputError: It cannot be had; the sentence names the host and what was expected.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"{url}: is no address, expected one of http or https.")
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=_HEADERS), timeout=_TIMEOUT_S
        ) as response:
            blocks = []
            while block := response.read(_BLOCK):
                blocks.append(block)
            return b"".join(blocks)
    except urllib.error.HTTPError as error:
        raise InputError(
            f"{_host(url)}: answered {error.code} {error.reason}, expected {expected}."
        ) from None
    except http.client.IncompleteRead as error:
        raise InputError(
            f"{_host(url)}: broke off after {len(error.partial)} bytes, expected all of {expected}."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"{_host(url)}: cannot be reached ({reason}), expected a network and {expected}."
        ) from None


def _with_licence(folder: Path, name: str, asset: Any) -> bytes:
    """Content of the licences' file with one more environment."""
    path = folder / LICENCES_FILE
    try:
        licences = json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        licences = {}
    about = asset if isinstance(asset, dict) else {}
    licences[name] = {
        "licence": LICENCE,
        "name": about.get("name", name),
        "authors": sorted(about.get("authors") or {}),
        "url": ASSET_URL + name,
        "source": "Powered by Poly Haven, https://polyhaven.com",
    }
    return (json.dumps(licences, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc or url


def _write(path: Path, content: bytes) -> None:
    """Writes a file that is either whole or not there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp's file is for its owner alone.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
