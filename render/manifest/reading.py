"""Opening a data set and getting at its rows and images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from mano_assets.errors import InputError
from render.manifest.schema import (
    ADDED_COLUMNS,
    READABLE_VERSIONS,
    SCHEMA,
    SCHEMA_VERSION,
    DatasetInfo,
)


def parse_data_source(text: str) -> tuple[str, str | None]:
    """Takes `ROOT[:SPLIT]` apart; a colon of a URL or of a drive is not taken for the separator.

    Returns:
        Root and split, None for all splits.

    Raises:
        InputError: Root or split is empty.
    """
    root, colon, split = text.rpartition(":")
    if not colon or "/" in split or "\\" in split:
        root, split = text, None
    if not root or split == "":
        raise InputError(f"data: {text!r} is not a data set, expected ROOT or ROOT:SPLIT.")
    return root, split


class Manifest:
    """A data set folder, local or any URL that fsspec knows.

    Attributes:
        root: Path or URL of the folder.
        info: Its `dataset.json`.
    """

    def __init__(self, root: str, info: DatasetInfo) -> None:
        self.root = root
        self.info = info
        self._fs, self._path = fsspec.core.url_to_fs(root)

    @classmethod
    def open(cls, root: str) -> Manifest:
        """Opens a data set.

        Args:
            root: Folder or URL that holds `dataset.json`.

        Raises:
            InputError: There is no data set, or one this version cannot read.
        """
        try:
            fs, path = fsspec.core.url_to_fs(str(root))
        except (ValueError, ImportError) as error:
            raise InputError(f"{root}: not a path or URL that can be opened ({error}).") from error
        name = f"{path}/dataset.json"
        if not fs.exists(name):
            raise InputError(f"{root}: not a data set, expected a folder with dataset.json.")
        try:
            info = DatasetInfo.model_validate(json.loads(fs.cat_file(name)))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{root}/dataset.json: not a valid description ({field}: {first['msg']})."
            ) from error
        except ValueError as error:
            raise InputError(f"{root}/dataset.json: not a valid description ({error}).") from error
        if info.schema_version not in READABLE_VERSIONS:
            raise InputError(
                f"{root}/dataset.json: schema_version is {info.schema_version}, "
                f"expected {SCHEMA_VERSION}."
            )
        return cls(str(root), info)

    @cached_property
    def parts(self) -> list[str]:
        """Names of the committed parts, sorted, relative to the root."""
        found = self._fs.glob(f"{self._path}/manifest/part-*.parquet")
        return sorted(f"manifest/{name.rsplit('/', 1)[1]}" for name in found)

    def read_part(self, part: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of one part.

        Raises:
            InputError: The file is damaged or its columns are not the schema's.
        """
        name = f"{self._path}/{part}"
        try:
            with self._fs.open(name, "rb") as stream:
                # ParquetFile, not read_table: that one infers partitions from folder names.
                table = pq.ParquetFile(stream).read(columns=list(columns) if columns else None)
        except (pa.ArrowInvalid, OSError, KeyError) as error:
            raise InputError(
                f"{self.root}/{part}: damaged, expected a readable Parquet file ({error}); "
                "remove it and run the same command again to make it anew."
            ) from error
        wanted = pa.schema([SCHEMA.field(name) for name in columns] if columns else SCHEMA)
        for name in set(ADDED_COLUMNS) & set(wanted.names) - set(table.column_names):
            table = table.append_column(
                wanted.field(name), pa.nulls(len(table), wanted.field(name).type)
            )
        try:
            check_columns(table, wanted)
        except ValueError as error:
            raise InputError(f"{self.root}/{part}: {error}") from error
        return table.select(wanted.names)

    def table(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows, or those of one split, in the order of `index`.

        Args:
            split: Name of a split; None for all.
            columns: Columns to read; None for all.

        Raises:
            InputError: A part is damaged or the split does not exist.
        """
        needed = None if columns is None else list(dict.fromkeys([*columns, "split"]))
        if self.info.state == "complete" and len(self.parts) != self.info.num_parts:
            raise InputError(
                f"{self.root}/manifest: holds {len(self.parts)} parts, expected "
                f"{self.info.num_parts}; run the command that made it again."
            )
        tables = [self.read_part(part, needed) for part in self.parts]
        if not tables:
            raise InputError(f"{self.root}: holds no committed part, expected at least one.")
        table = pa.concat_tables(tables)
        if split is not None:
            known = sorted(set(table["split"].to_pylist()))
            table = table.filter(pc.field("split") == split)
            if table.num_rows == 0:
                raise InputError(
                    f"{self.root}: no split {split!r}, expected one of {', '.join(known)}."
                )
        return table if columns is None else table.select(list(columns))

    def read_bytes(self, shard: str, offset: int, size: int) -> bytes:
        """A file inside a tar shard: one seek, one read.

        Raises:
            InputError: The shard is missing or too short.
        """
        try:
            data = self._fs.cat_file(f"{self._path}/{shard}", start=offset, end=offset + size)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.root}/{shard}: cannot be read ({error}).") from error
        if len(data) != size:
            raise InputError(
                f"{self.root}/{shard}: truncated, expected {size} bytes at {offset}; remove it and "
                "its Parquet part and run the same command again to make it anew."
            )
        return data


def check_columns(table: pa.Table, schema: pa.Schema) -> None:
    """Raises ValueError with one sentence unless the table has the schema's columns."""
    for field in schema:
        found = table.schema.field(field.name) if field.name in table.column_names else None
        if found is None or found.type != field.type:
            raise ValueError(
                f"column {field.name!r} is {found.type if found else 'absent'}, "
                f"expected {field.type}."
            )
        length = (field.metadata or {}).get(b"length")
        if length is not None:
            lengths = set(
                pc.call_function("list_value_length", [table[field.name]]).drop_null().to_pylist()
            )
            if lengths - {int(length)}:
                raise ValueError(
                    f"column {field.name!r} has vectors of {min(lengths)} to {max(lengths)} "
                    f"numbers, expected {int(length)}."
                )


def column_array(table: pa.Table, name: str, *shape: int) -> np.ndarray:
    """A fixed-size vector column as an array; null rows become NaN.

    Args:
        table: Rows, [N].
        name: A vector column.
        *shape: Shape of one row, such as 21, 3.

    Returns:
        float64 array, [N, *shape].
    """
    column = table[name].combine_chunks()
    values = np.full((len(column), int(np.prod(shape))), np.nan)
    valid = np.asarray(column.is_valid())
    if valid.any():
        values[valid] = np.asarray(column.flatten(), dtype=np.float64).reshape(-1, values.shape[1])
    return values.reshape(len(column), *shape)
