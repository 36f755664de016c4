"""A made-up "MANO", pickled with the classes that the licensed file names."""

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
from scipy.interpolate import PchipInterpolator

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
    """Arrays of MANO's shapes; `shapedirs` with all of its 20 directions.

    The mesh is a mitten with MANO's counts: 48 rings of 16 vertices and a cap of 10, open at the
    wrist. Which person's, the seed decides.
    """
    rng = np.random.default_rng(seed)
    template, triangles = _mitten(rng)
    joints = _JOINTS_M * rng.uniform(0.9, 1.1) + _WRIST_M
    distances_m = np.linalg.norm(template - joints[:, None], axis=-1)
    nearness = np.exp(-0.5 * (distances_m / 0.012) ** 2)
    regressor = np.where(nearness > 0.02 * nearness.max(1, keepdims=True), nearness, 0)
    regressor /= regressor.sum(1, keepdims=True)
    weights = np.exp(-distances_m / 0.006).T
    weights[:, 0] += np.exp((template[:, 0] - _WRIST_M[0] + 0.03) / 0.005)
    weights /= weights.sum(1, keepdims=True)
    return {
        "v_template": template,
        "shapedirs": _smooth_directions(rng, template, 20, 0.002),
        "posedirs": _smooth_directions(rng, template, 135, 0.0005),
        "J_regressor": regressor,
        "J": regressor @ template,
        "weights": np.asfortranarray(weights),
        "f": triangles.astype(np.uint32),
        "kintree_table": np.array([PARENTS, np.arange(16)], dtype=np.int64),
        "hands_mean": rng.normal(0, 0.2, 45),
        "hands_components": np.linalg.qr(rng.normal(size=(45, 45)))[0].astype(">f8"),
    }


_WRIST_M = np.array([0.096, 0.006, 0.006])
_JOINTS_M = 0.001 * np.array(
    [
        [0, 0, 0],
        [-88, 0, 22], [-120, 0, 24], [-142, -2, 25],
        [-90, 1, 1], [-126, 1, 1], [-152, -1, 1],
        [-74, -2, -30], [-98, -3, -32], [-116, -5, -33],
        [-82, 0, -16], [-116, 0, -17], [-140, -2, -17],
        [-24, -8, 24], [-42, -14, 36], [-66, -16, 38],
    ]
)  # fmt: skip
"""Wrist, then index, middle, little, ring, thumb, from the wrist, in MANO's axes."""
_TIPS_M = {
    744: [-0.09, -0.02, 0.04],
    320: [-0.17, 0, 0.025],
    443: [-0.18, 0, 0],
    554: [-0.17, 0, -0.017],
    671: [-0.16, 0, -0.033],
}
"""Where the vertices lie that are MANO's fingertips, thumb to little, likewise."""


def _mitten(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [778, 3], metres, and triangles [1538, 3] that face outwards."""
    along = np.linspace(0, 1, 48) ** 0.85
    # Half breadth and half depth from wrist to fingertips.
    knots = [0, 0.12, 0.3, 0.5, 0.75, 0.93, 1]
    breadth = PchipInterpolator(knots, [0.030, 0.033, 0.043, 0.044, 0.042, 0.034, 0.024])(along)
    depth = PchipInterpolator(knots, [0.022, 0.023, 0.024, 0.020, 0.013, 0.010, 0.006])(along)
    breadth, depth = breadth * rng.uniform(0.9, 1.1), depth * rng.uniform(0.9, 1.1)
    x, bend = 0.012 - 0.19 * along, -0.004 * (2 * along - 1) ** 2

    def ring(place: int, corners: int, size: float, shift: float) -> np.ndarray:
        angle = 2 * np.pi * (np.arange(corners) + 0.3) / corners
        bumps = 1 + 0.03 * np.cos(3 * angle + 5 * along[place])
        y = bend[place] + size * bumps * depth[place] * np.sin(angle)
        z = size * bumps * breadth[place] * np.cos(angle)
        return np.stack([np.full(corners, x[place] - shift) + 0.05 * z, y, z], 1)

    rings = [ring(place, 16, 1, 0) for place in range(48)]
    cap = [ring(47, 9, 0.6, 0.003), ring(47, 1, 0, 0.004)]
    vertices = np.concatenate([*rings, *cap]) * rng.uniform(0.95, 1.05) + _WRIST_M
    numbers = np.arange(768).reshape(48, 16)
    here, there = numbers[:-1], numbers[1:]
    after, there_after = np.roll(here, -1, 1), np.roll(there, -1, 1)
    triangles = [
        *np.stack([here, there, after], -1).reshape(-1, 3),
        *np.stack([after, there, there_after], -1).reshape(-1, 3),
    ]
    inner = [768 + corner * 9 // 16 for corner in range(17)]
    for corner in range(16):
        outer, following = numbers[-1, corner], numbers[-1, (corner + 1) % 16]
        from_here, to_there = inner[corner], 768 + (inner[corner + 1] - 768) % 9
        triangles.append([outer, from_here, following])
        if from_here != to_there:
            triangles.append([following, from_here, to_there])
    triangles += [[768 + corner, 777, 768 + (corner + 1) % 9] for corner in range(9)]
    triangles = np.array(triangles)[:, ::-1]
    for tip, place in _TIPS_M.items():
        other = np.linalg.norm(vertices - _WRIST_M - place, axis=1).argmin()
        vertices[[tip, other]] = vertices[[other, tip]]
        triangles = np.where(triangles == tip, other, np.where(triangles == other, tip, triangles))
    return vertices, triangles


def _smooth_directions(
    rng: np.random.Generator, template: np.ndarray, num: int, size_m: float
) -> np.ndarray:
    """Random quadratic fields over the hand, [V, 3, num]."""
    x, y, z = ((template - template.mean(0)) / 0.06).T
    terms = np.stack([np.ones_like(x), x, y, z, x * y, y * z, z * x, x * x, y * y, z * z], 1)
    return size_m * np.einsum("vt,tck->vck", terms, rng.normal(0, 0.5, (10, 3, num)))


def left_of(arrays: dict[str, np.ndarray], faulty: bool) -> dict[str, np.ndarray]:
    """The left hand's arrays; faulty: with the published file's first axis of `shapedirs`."""
    mirror = np.array([-1.0, 1.0, 1.0])
    left = dict(arrays)
    left |= {key: arrays[key] * mirror for key in ("v_template", "J")}
    left["f"] = arrays["f"][:, ::-1]
    if not faulty:
        left["shapedirs"] = arrays["shapedirs"] * mirror[:, None]
    else:
        # The published file: the right hand's directions, unmirrored.
        left["shapedirs"] = arrays["shapedirs"]
    return left


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


def write_mano(folder: Path, content: Any, side: str = "RIGHT") -> Path:
    """Writes MANO_RIGHT.pkl or MANO_LEFT.pkl."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"MANO_{side}.pkl"
    path.write_bytes(content if isinstance(content, bytes) else dump(content))
    return path
