"""Quantities of a triangle mesh: normals, areas, volume, the Laplacian."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse


def area_vectors(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The normal of each vertex times a third of the area around it, [V, 3].

    They are the gradient of the enclosed volume.
    """
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a) / 6
    vectors = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(vectors, triangles[:, corner], faces)
    return vectors


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals, [V, 3]."""
    vectors = area_vectors(vertices, triangles)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-15)


def vertex_areas(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """A third of the area of the triangles around each vertex, [V]."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return np.bincount(triangles.ravel(), np.repeat(area / 3, 3), len(vertices))


def enclosed_volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """Signed volume inside, cubic metres; of an open mesh up to a part that its rim decides."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def cotangent_laplacian(vertices: np.ndarray, triangles: np.ndarray) -> sparse.csr_array:
    """Positive semi-definite cotangent Laplacian (Pinkall and Polthier 1993).

    Args:
        vertices: [V, 3].
        triangles: [F, 3].

    Returns:
        [V, V].
    """
    rows, columns, values = [], [], []
    for corner in range(3):
        apex, left, right = (triangles[:, (corner + k) % 3] for k in range(3))
        u, v = vertices[left] - vertices[apex], vertices[right] - vertices[apex]
        area = np.linalg.norm(np.cross(u, v), axis=1)
        cotangent = np.maximum((u * v).sum(1) / np.maximum(area, 1e-12), 1e-3) / 2
        rows += [left, right]
        columns += [right, left]
        values += [cotangent, cotangent]
    size = len(vertices)
    off = sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (size, size)
    )
    return (sparse.diags_array(np.asarray(off.sum(1)).ravel()) - off).tocsr()
