"""MANO's licensed files, read without running anything that they name.

`MANO_RIGHT.pkl` and `MANO_LEFT.pkl` are pickles of Python 2 that name seven classes and functions.
Each of them is read as an inert record of its arguments and state; the arrays are then made from
those records.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse as sparse

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.hand import MIRROR
from mano_assets.inert_pickle import ARRAYS, Record, dense_array, read_pickle
from mano_assets.skeleton import MANO16

SHAPES = {
    "v_template": (778, 3),
    "shapedirs": (778, 3, 10),
    "posedirs": (778, 3, 135),
    "J_regressor": (16, 778),
    "J": (16, 3),
    "weights": (778, 16),
    "f": (1538, 3),
    "kintree_table": (2, 16),
    "hands_mean": (45,),
    "hands_components": (45, 45),
}
"""What is read, and its shape (Romero, Tzionas and Black 2017; MANO v1.2)."""

_ADMITTED = ARRAYS | {
    "scipy.sparse.csc.csc_matrix": "csc",
    "scipy.sparse._csc.csc_matrix": "csc",
    "scipy.sparse.csr.csr_matrix": "csr",
    "scipy.sparse._csr.csr_matrix": "csr",
    "chumpy.ch.Ch": "ch",
    "chumpy.reordering.Select": "select",
    "__builtin__.set": "set",
    "builtins.set": "set",
}


def load_official(path: Path, side: Literal["right", "left"] = "right") -> dict[str, Any]:
    """Reads one of MANO's hands, as it is.

    Assumed of the published file: `shapedirs` is a chumpy `Select` (`a`, `idxs`,
    `preferred_shape`) of the first 10 of 20 directions held by a chumpy `Ch` (`x`), `J_regressor`
    a CSC matrix, and the rest arrays. Any of them may be any of these.

    Args:
        path: MANO_RIGHT.pkl or MANO_LEFT.pkl.
        side: Which hand it must hold. The right one's fingers point along -x, the left one's
            along x.

    Returns:
        MANO's keys as in `mano_assets.building.free_hand`, metres, MANO's axes, and `forearm`,
        all False, [778].

    Raises:
        InputError: The file is damaged, names anything but arrays and sparse matrices, lacks an
            array, or holds the other hand.
    """
    content = read_pickle(path, _ADMITTED, "arrays and sparse matrices")
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: holds a {type(content).__name__}, expected a dict of MANO's arrays."
        )
    arrays: dict[str, Any] = {key: _read(path, content, key) for key in SHAPES}
    arrays["f"] = arrays["f"].astype(np.uint32)
    arrays["kintree_table"] = arrays["kintree_table"].astype(np.int64)
    if tuple(arrays["kintree_table"][0, 1:]) != MANO16.parents[1:]:
        raise InputError(f"{path}: kintree_table holds another tree, expected MANO's 16 joints.")
    if arrays["f"].max() >= len(arrays["v_template"]):
        raise InputError(f"{path}: f names a vertex that is not there, expected 0 to 777.")
    root, middle = MANO16.root, MANO16.index("middle_mcp")
    if (arrays["J"][middle, 0] < arrays["J"][root, 0]) != (side == "right"):
        raise InputError(f"{path}: J is that of the other hand, expected MANO's {side} hand.")
    arrays |= {"bs_style": "lbs", "bs_type": "lrotmin"}
    arrays["forearm"] = np.zeros(len(arrays["v_template"]), dtype=bool)
    return arrays


def left_record(right_path: Path, left_path: Path) -> dict[str, Any]:
    """What MANO's two files say of each other, for the record.

    Left hands are mirrored right ones, so nothing is taken from the left file. The published one
    holds the right hand's shape directions with their first axis not mirrored (smplx issue 48);
    here that is found and mended before the two are compared.

    Args:
        right_path: MANO_RIGHT.pkl.
        left_path: MANO_LEFT.pkl, which need not exist.

    Returns:
        `right_sha256`, and `left`: None where there is no such file, otherwise `sha256`,
        `has_sign_fault`, and the largest differences of the mended left hand from the mirrored
        right one, `template_difference_m` and `shapedirs_difference_m` (a unit of shape).

    Raises:
        InputError: As `load_official`, for either file.
    """
    record: dict[str, Any] = {"right_sha256": file_sha256(right_path), "left": None}
    if not left_path.exists():
        return record
    right, left = load_official(right_path), load_official(left_path, "left")
    expected, found = right["shapedirs"] * MIRROR[:, None], left["shapedirs"]
    mended = found * MIRROR[:, None]
    has_sign_fault = _difference(mended[:, 0], expected[:, 0]) < _difference(
        found[:, 0], expected[:, 0]
    )
    record["left"] = {
        "sha256": file_sha256(left_path),
        "has_sign_fault": has_sign_fault,
        "template_difference_m": _difference(left["v_template"], right["v_template"] * MIRROR),
        "shapedirs_difference_m": _difference(mended if has_sign_fault else found, expected),
    }
    return record


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def _read(path: Path, content: dict[Any, Any], key: str) -> np.ndarray:
    expected = f"expected numbers of shape {list(SHAPES[key])}"
    if key not in content:
        raise InputError(f"{path}: {key} is missing, {expected}.")
    try:
        array = _array(content[key])
    except Exception as error:  # The records hold whatever the file says.
        raise InputError(f"{path}: {key} cannot be read, {expected} ({error}).") from error
    if array.shape != SHAPES[key] or not np.isfinite(array).all():
        raise InputError(f"{path}: {key} has shape {list(array.shape)}, {expected}, all finite.")
    return array


def _array(value: Any) -> np.ndarray:
    """The array that a record describes; floats as float64."""
    if not isinstance(value, Record):
        raise TypeError(f"it is a {type(value).__name__}")
    state = value.state
    if value.kind == "array":
        return dense_array(value)
    if value.kind == "ch":
        return _array(state["x"])
    if value.kind == "select":
        # chumpy's Select.compute_r: entries of the flattened array, in a shape of their own.
        chosen = _array(state["a"]).ravel()[_array(state["idxs"])]
        return chosen.reshape(state.get("preferred_shape", chosen.shape))
    if value.kind in ("csc", "csr"):
        parts = tuple(_array(state[part]) for part in ("data", "indices", "indptr"))
        layout = sparse.csc_matrix if value.kind == "csc" else sparse.csr_matrix
        matrix = layout(parts, shape=state["_shape"])
        # Without it an index beyond the shape would be written beyond the array.
        matrix.check_format(full_check=True)
        return matrix.toarray()
    raise TypeError(f"it is a {value.kind}")
