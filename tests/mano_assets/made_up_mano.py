"""A small random "MANO", pickled with the classes that the licensed file names."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse as sparse

NUM_VERTICES = 778
PARENTS = (2**32 - 1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined]
    """Writes texts and bytes as Python 2 did: as byte strings."""

    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_byte_string(self, value: str | bytes) -> None:
        raw = value.encode("latin1") if isinstance(value, str) else value
        self.write(b"T" + struct.pack("<i", len(raw)) + raw)
        self.memoize(value)

    dispatch[str] = save_byte_string
    dispatch[bytes] = save_byte_string


def named(module: str, name: str) -> type:
    """A class that a pickle names so."""
    return type(name, (), {"__module__": module, "__qualname__": name})


CH = named("chumpy.ch", "Ch")
SELECT = named("chumpy.reordering", "Select")
CSC = named("scipy.sparse.csc", "csc_matrix")


def instance(kind: type, state: Any) -> Any:
    """An object of a class, whose pickled state is given."""
    made = kind()
    made.__dict__.update(state)
    return made


def dump(content: Any, protocol: int = 2, python2: bool = True) -> bytes:
    """The pickle of content, with chumpy's and old scipy's modules made up while it is written."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (CH, SELECT, CSC):
            module = types.ModuleType(kind.__module__)
            setattr(module, kind.__name__, kind)
            patch.setitem(sys.modules, kind.__module__, module)
        patch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
        stream = io.BytesIO()
        pickler = Python2Pickler if python2 else pickle.Pickler
        pickler(stream, protocol=protocol).dump(content)
    return stream.getvalue()


def random_arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays of MANO's shapes; `shapedirs` with all of its 20 directions."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(16, 0.3), NUM_VERTICES)
    regressor = rng.random((16, NUM_VERTICES)) * (rng.random((16, NUM_VERTICES)) < 0.05)
    regressor /= regressor.sum(1, keepdims=True)
    template = rng.normal(0, 0.05, (NUM_VERTICES, 3))
    return {
        "v_template": template,
        "shapedirs": rng.normal(0, 0.003, (NUM_VERTICES, 3, 20)),
        "posedirs": rng.normal(0, 0.001, (NUM_VERTICES, 3, 135)),
        "J_regressor": regressor,
        "J": regressor @ template,
        "weights": np.asfortranarray(weights),
        "f": rng.integers(0, NUM_VERTICES, (1538, 3)).astype(np.uint32),
        "kintree_table": np.array([PARENTS, np.arange(16)], dtype=np.int64),
        "hands_mean": rng.normal(0, 0.2, 45),
        "hands_components": np.linalg.qr(rng.normal(size=(45, 45)))[0].astype(">f8"),
    }


def selection(array: np.ndarray) -> Any:
    """The first ten of twenty directions, as chumpy slices them."""
    chosen = np.arange(array.size).reshape(array.shape)[..., :10]
    whole = instance(CH, {"x": array, "_dirty_vars": {"x"}, "_itr": None, "_status": "new"})
    state = {"a": whole, "idxs": chosen.ravel(), "preferred_shape": chosen.shape}
    return instance(SELECT, state | {"_dirty_vars": {"a", "idxs"}})


def csc(matrix: np.ndarray, **changes: Any) -> Any:
    """A sparse matrix as old scipy pickled it."""
    made = sparse.csc_matrix(matrix)
    state = {"_shape": made.shape, "maxprint": 50}
    state |= {"data": made.data, "indices": made.indices, "indptr": made.indptr}
    return instance(CSC, state | changes)


def mano_content(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What the licensed file's dictionary holds."""
    content: dict[str, Any] = dict(arrays)
    content["shapedirs"] = selection(arrays["shapedirs"])
    content["J_regressor"] = csc(arrays["J_regressor"])
    content |= {"bs_style": "lbs", "bs_type": "lrotmin", "hands_coeffs": np.zeros((5, 45))}
    return content


def write_mano(folder: Path, content: Any) -> Path:
    """Writes MANO_RIGHT.pkl."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "MANO_RIGHT.pkl"
    path.write_bytes(content if isinstance(content, bytes) else dump(content))
    return path
