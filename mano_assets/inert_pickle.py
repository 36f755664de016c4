"""Pickles of other people, read without running anything that they name.

Every class and function that a file names is read as an inert record of its arguments and state;
arrays are then made from those records.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mano_assets.errors import InputError

ARRAYS = {
    "numpy.core.multiarray._reconstruct": "array",
    "numpy._core.multiarray._reconstruct": "array",
    "numpy.ndarray": "class",
    "numpy.dtype": "dtype",
    # How Python 3 writes bytes into a pickle that Python 2 can read.
    "_codecs.encode": "bytes",
}
"""The globals that a pickle of arrays names, and the kind of record that stands in for each."""


class Record:
    """What a pickle says of one object: nothing is called and nothing is set but these fields."""

    kind = ""
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> Record:
        """Keeps the arguments."""
        record = super().__new__(cls)
        record.args, record.state = args, None
        return record

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _RecordUnpickler(pickle.Unpickler):
    def __init__(self, path: Path, admitted: Mapping[str, str], expected: str) -> None:
        # Latin-1 maps Python 2's byte strings, which hold the arrays' data, to text and back.
        super().__init__(io.BytesIO(path.read_bytes()), encoding="latin1")
        self._path, self._admitted, self._expected = path, admitted, expected
        kinds = set(admitted.values())
        self._records = {kind: type(kind, (Record,), {"kind": kind}) for kind in kinds}

    def find_class(self, module: str, name: str) -> type[Record]:
        kind = self._admitted.get(f"{module}.{name}")
        if kind is None:
            raise InputError(
                f"{self._path}: holds {module}.{name}, expected nothing but {self._expected}."
            )
        return self._records[kind]


def read_pickle(path: Path, admitted: Mapping[str, str] = ARRAYS, expected: str = "arrays") -> Any:
    """Reads a pickle of dicts, lists, numbers, text and records.

    Args:
        path: The file.
        admitted: The globals it may name, and the kind of record that stands in for each.
        expected: What those are, for messages.

    Returns:
        What it holds; `dense_array` makes the arrays in it.

    Raises:
        InputError: The file is missing or damaged, or names anything else.
    """
    try:
        return _RecordUnpickler(path, admitted, expected).load()
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected a pickle of {expected}.") from error
    except Exception as error:  # A damaged pickle can raise anything.
        raise InputError(f"{path}: damaged, expected a pickle of {expected} ({error}).") from error


def dense_array(record: Any) -> np.ndarray:
    """The array of numbers that a record of kind array describes; floats as float64.

    Raises:
        Exception: Of any kind: the records hold whatever the file says.
    """
    if not (isinstance(record, Record) and record.kind == "array"):
        raise TypeError(f"it is a {type(record).__name__}, no array")
    _, shape, dtype, is_fortran, data = record.state
    code, order = dtype.args[0], dtype.state[1]
    # Of object arrays, whose data would be addresses, no code is admitted.
    if not re.fullmatch("[fiub][1248]", code) or order not in ("<", ">", "=", "|"):
        raise TypeError(f"its type is {code}")
    raw = data.args[0] if isinstance(data, Record) else data
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    array = np.frombuffer(raw, order.replace("|", "") + code)
    array = array.reshape(shape, order="F" if is_fortran else "C")
    return array.astype(np.float64 if array.dtype.kind == "f" else array.dtype.newbyteorder("="))


def pickled_array(value: Any, *shape: int) -> np.ndarray:
    """The array that a record describes, as float64.

    Args:
        value: A part of what `read_pickle` gave.
        *shape: The shape that it must have.

    Raises:
        ValueError: It is no array of numbers, of another shape, or not finite.
    """
    try:
        array = dense_array(value).astype(np.float64)
    except (AttributeError, TypeError, IndexError) as error:
        raise ValueError(str(error)) from error
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"it has shape {list(array.shape)}, expected {list(shape)}, all finite")
    return array
