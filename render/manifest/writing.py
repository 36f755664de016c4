"""Committing parts: an uncompressed tar of images, then the Parquet file that makes it exist.

A part is whole once its Parquet file has its final name. Whatever else lies in the folder after a
crash is rubbish, and `remove_rubbish` takes it away.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from render.manifest.image_suffix import image_suffix
from render.manifest.schema import SCHEMA, DatasetInfo

SAMPLES_PER_PART = 880
LONGEST_KEY = 80
"""Bytes of a sample id: with its suffix it must fit the 100 of a tar's name field."""

Row = dict[str, Any]


def part_name(part: int) -> str:
    """File stem of a part: five digits, so that names sort."""
    return f"part-{part:05d}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a small file so that a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    _sync(temporary)
    temporary.replace(path)
    _sync(path.parent)


class PartWriter:
    """Writes one part; use it as a context manager and call `commit` at the end.

    Leaving the context without a commit removes what was written.
    """

    def __init__(self, root: Path | str, part: int) -> None:
        self.root = Path(root)
        self.name = part_name(part)
        self.shard = f"images/{self.name}.tar"
        self._temporary = self.root / "images" / f".{self.name}.{os.getpid()}.tar.tmp"
        with _room_on_the_disk(self._temporary):
            for folder in ("images", "manifest"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            self._tar = tarfile.open(self._temporary, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self._rows: list[Row] = []

    def _append(self, name: str, data: bytes) -> int:
        # Owner and time stay at zero: the same images make the same bytes anywhere.
        member = tarfile.TarInfo(name)
        member.size = len(data)
        member.mode = 0o644
        offset = self._tar.offset + tarfile.BLOCKSIZE
        self._tar.addfile(member, io.BytesIO(data))
        return offset

    def add(
        self,
        row: Row,
        image: bytes,
        extension: str | None = None,
        label_images: Mapping[str, bytes] | None = None,
    ) -> None:
        """Appends a sample.

        Args:
            row: Columns of the schema; those that locate the image are filled in here.
            image: Encoded image file.
            extension: Its suffix without the dot; None for what its first bytes tell.
            label_images: PNG files by name, see `render.manifest.schema.LABEL_IMAGES`.
        """
        key = row["sample_id"]
        if len(key.encode()) > LONGEST_KEY or "/" in key or "." in key:
            raise InputError(
                f"sample_id {key!r}: expected at most {LONGEST_KEY} bytes without '/' and '.', "
                "since it names a file in a WebDataset tar."
            )
        with _room_on_the_disk(self._temporary):
            name = f"{key}.{extension or image_suffix(image)}"
            self._rows.append(self._stored(row, name, image, label_images or {}))

    def _stored(self, row: Row, name: str, image: bytes, label_images: Mapping[str, bytes]) -> Row:
        row = dict(row)
        row["image_shard"] = self.shard
        row["image_offset"] = self._append(name, image)
        row["image_size"] = len(image)
        row["image_sha256"] = hashlib.sha256(image).hexdigest()
        for label, png in label_images.items():
            row[f"{label}_offset"] = self._append(f"{row['sample_id']}.{label}.png", png)
            row[f"{label}_size"] = len(png)
        return row

    def commit(self) -> Path:
        """Makes the part exist.

        Returns:
            Path of its Parquet file.

        Raises:
            InputError: The disk is full.
        """
        with _room_on_the_disk(self._temporary):
            return self._commit()

    def _commit(self) -> Path:
        self._tar.close()
        _sync(self._temporary)
        self._temporary.replace(self.root / self.shard)
        _sync(self.root / "images")
        final = self.root / "manifest" / f"{self.name}.parquet"
        temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        pq.write_table(_as_table(self._rows), temporary, compression="zstd")
        _sync(temporary)
        temporary.replace(final)
        _sync(final.parent)
        return final

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # On a full disk the tar cannot even be closed; it is removed anyway.
        with contextlib.suppress(OSError):
            self._tar.close()
        self._temporary.unlink(missing_ok=True)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def _room_on_the_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise InputError(
            f"{path.parent}: cannot be written ({os.strerror(error.errno)}), expected free disk "
            "space; run the same command again when there is some, it goes on where it ended."
        ) from error


def _as_table(rows: list[Row]) -> pa.Table:
    unknown = {name for row in rows for name in row} - set(SCHEMA.names)
    if unknown:
        raise InputError(f"{sorted(unknown)[0]!r} is not a column of the manifest.")
    for field in SCHEMA:
        if not field.nullable and any(row.get(field.name) is None for row in rows):
            raise InputError(f"column {field.name!r} is missing in a row, expected {field.type}.")
    try:
        return pa.Table.from_pylist(rows, SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"a row does not fit the manifest ({error}).") from error


def remove_rubbish(root: Path | str) -> list[Path]:
    """Removes temporary files and tars without a manifest, the leavings of a crash.

    Only call it while no other process writes to the folder.

    Returns:
        What was removed.
    """
    root = Path(root)
    rubbish = [path for folder in ("images", "manifest") for path in root.glob(f"{folder}/.*.tmp")]
    for shard in root.glob("images/part-*.tar"):
        if not (root / "manifest" / f"{shard.stem}.parquet").exists():
            rubbish.append(shard)
    for path in rubbish:
        path.unlink()
    return rubbish


def write_info(root: Path | str, info: DatasetInfo) -> None:
    """Writes `dataset.json`."""
    text = json.dumps(info.model_dump(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(Path(root) / "dataset.json", text.encode())


def seal(root: Path | str, info: DatasetInfo) -> DatasetInfo:
    """Marks a data set as complete with the counts that are on the disk.

    Args:
        root: Data set folder with all its parts.
        info: Description to complete.

    Returns:
        The description as written.
    """
    parts = sorted(Path(root).glob("manifest/part-*.parquet"))
    counts = Counter()
    for part in parts:
        counts.update(pq.ParquetFile(part).read(columns=["split"])["split"].to_pylist())
    # Data that no recipe made is named by what it holds; rows hold the images' digests.
    held = json_digest([file_sha256(part) for part in parts])
    sealed = info.model_copy(
        update={
            "recipe_digest": info.recipe_digest or held,
            "state": "complete",
            "counts": dict(sorted(counts.items())),
            "num_samples": counts.total(),
            "num_parts": len(parts),
        }
    )
    write_info(root, sealed)
    return sealed


def write_dataset(
    root: Path | str,
    info: DatasetInfo,
    samples: Iterable[tuple[Mapping[str, Any], bytes]],
    extension: str | None = None,
) -> DatasetInfo:
    """Writes a whole data set from (row, encoded image) pairs: what adapters of real data use.

    `index` is filled in. Rows need `sample_id`, `split`, `width` and `height`; the rest may be left
    out where it is not known.

    Args:
        root: Folder to write; the parts of a data set of the same name and kind are replaced.
        info: Description; counts and state are filled in.
        samples: Rows with their images, in order.
        extension: Suffix of the image files without the dot; None for what their first bytes tell.

    Returns:
        The description as written.

    Raises:
        InputError: The folder holds something else, or a row is not one of the manifest.
    """
    root = Path(root)
    _refuse_to_overwrite(root, info)
    for old in [*root.glob("manifest/*.parquet"), *root.glob("images/*.tar")]:
        old.unlink()
    remove_rubbish(root)
    write_info(root, info)
    numbered = enumerate(samples)
    for part in count():
        some = list(islice(numbered, SAMPLES_PER_PART))
        if not some:
            break
        with PartWriter(root, part) as writer:
            for index, (row, image) in some:
                writer.add({**row, "index": index}, image, extension)
            writer.commit()
    return seal(root, info)


def _refuse_to_overwrite(root: Path, info: DatasetInfo) -> None:
    described = root / "dataset.json"
    if described.exists():
        found = json.loads(described.read_bytes())
        if (found.get("name"), found.get("kind")) != (info.name, info.kind):
            raise InputError(
                f"{root}: holds the {found.get('kind')} data set {found.get('name')!r}, expected "
                f"a new folder or the {info.kind} data set {info.name!r}."
            )
    elif root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root}: is not empty and not a data set, expected a new folder.")
