"""A user's folder of meshes, as things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mano_assets.errors import InputError
from render.things.shapes import Form, Shape
from render.things.surfaces import Mesh

SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb", ".gltf")

_FLAT, _LONG = 0.25, 1.8
"""Thickness over breadth below which a mesh is flat; length over breadth above which it is long."""

_CREASE_RAD = 0.7
_MOST_CREASES = 0.1
"""Share of sharp edges up to which a mesh is shaded as one surface."""


@dataclass(frozen=True)
class MeshLibrary:
    """Meshes by file name, in the frame of things, one metre long."""

    shapes: Mapping[str, Shape]

    def sized(self, name: str, size_m: float) -> Shape:
        """A mesh as a thing.

        Args:
            name: File name.
            size_m: Its longest side.

        Raises:
            InputError: There is no such file in the library.
        """
        if name not in self.shapes:
            raise InputError(f"things.meshes: holds no {name}, expected the folder it came from.")
        shape = self.shapes[name]
        return Shape(
            tuple(part.scaled(size_m, size_m, size_m) for part in shape.parts),
            shape.form,
            shape.radius_m * size_m,
            shape.reach_m * size_m,
            shape.smooth,
            shape.closed,
            shape.pieces,
        )


def list_meshes(folder: Path | None) -> list[Path]:
    """The meshes of a folder, sorted by name; none without a folder.

    Raises:
        InputError: There is no such folder, or it holds no mesh.
    """
    if folder is None:
        return []
    if not folder.is_dir():
        raise InputError(f"things.meshes: {folder} is no folder, expected one with meshes.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(
            f"things.meshes: {folder} holds no mesh, expected files of {', '.join(SUFFIXES)}."
        )
    return files


def read_meshes(folder: Path | None, most_triangles: int) -> MeshLibrary:
    """Reads all meshes of a folder, once for all images.

    Args:
        folder: Holds files that trimesh can read; None for an empty library.
        most_triangles: Larger meshes are simplified: vertices that share a cell of a grid become
            one, at the finest grid that leaves no more triangles.

    Raises:
        InputError: There is no such folder, it holds no mesh, or one cannot be read.
    """
    return MeshLibrary({path.name: _read(path, most_triangles) for path in list_meshes(folder)})


def _read(path: Path, most_triangles: int) -> Shape:
    import trimesh

    # Readers of ten formats raise whatever they stumble over.
    try:
        mesh = trimesh.load(path, force="mesh")
    except Exception as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: unreadable mesh ({told}), expected one for trimesh.") from error
    if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
        raise InputError(f"{path}: holds no triangles, expected a mesh of triangles.")
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    used = vertices[np.unique(mesh.faces)]
    if not np.isfinite(used).all() or not np.ptp(used, axis=0).max() > 0:
        raise InputError(f"{path}: has no finite size, expected a mesh with an extent.")
    vertices, sides = _in_own_frame(vertices, used)
    vertices, triangles = _simplified(vertices, np.asarray(mesh.faces), most_triangles)
    mesh = trimesh.Trimesh(vertices, triangles, process=True)
    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.remove_unreferenced_vertices()
    if len(mesh.faces) == 0:
        raise InputError(f"{path}: has no area, expected a mesh of triangles.")
    closed = bool(mesh.is_watertight)
    if closed:
        mesh.fix_normals()
    sharp = np.asarray(mesh.face_adjacency_angles) > _CREASE_RAD
    labels = trimesh.graph.connected_component_labels(mesh.edges, node_count=len(mesh.vertices))
    form: Form = "compact"
    if sides[0] < _FLAT * sides[1]:
        form = "flat"
    elif sides[2] > _LONG * sides[1]:
        form = "long"
    part = Mesh(np.array(mesh.vertices), np.array(mesh.faces, dtype=np.int64))
    return Shape(
        parts=(part,),
        form=form,
        radius_m=float(sides[0] / 2),
        reach_m=float({"flat": 0.35, "long": 0.25, "compact": 0.3}[form]),
        smooth=bool(sharp.mean() < _MOST_CREASES) if len(sharp) else False,
        closed=closed,
        pieces=tuple(int(number) for number in np.unique(labels, return_index=True)[1]),
    )


def _in_own_frame(vertices: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centred, one long, sides of the box ascending along x, y and z; and those sides."""
    sides = np.ptp(used, axis=0)
    order = np.argsort(sides, kind="stable")
    centred = (vertices - (used.min(0) + used.max(0)) / 2) / sides.max()
    turned = centred[:, order]
    # An odd change of axes would mirror it.
    if np.linalg.det(np.eye(3)[order]) < 0:
        turned[:, 0] *= -1.0
    return turned, sides[order] / sides.max()


def _simplified(
    vertices: np.ndarray, triangles: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vertex clustering (Rossignac and Borrel, Multi-resolution 3D Approximations, 1993)."""
    if len(triangles) <= most:
        return vertices, triangles
    cells = int(np.sqrt(most)) * 4
    while True:
        grid = np.floor((vertices + 0.5) * cells).astype(np.int64)
        _, cluster = np.unique(grid, axis=0, return_inverse=True)
        cluster = cluster.reshape(-1)
        kept = cluster[triangles]
        a, b, c = kept.T
        kept = kept[(a != b) & (b != c) & (c != a)]
        # One triangle of each three corners: two sheets that fell together are one.
        kept = kept[np.unique(np.sort(kept, axis=1), axis=0, return_index=True)[1]]
        if len(kept) <= most:
            break
        cells = max(1, cells * 9 // 10)
    counts = np.bincount(cluster)
    means = np.stack([np.bincount(cluster, vertices[:, k]) / counts for k in range(3)], axis=1)
    return means, kept
