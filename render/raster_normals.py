"""Which point of its triangle each pixel sees, and the surface's normal there."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel


@kernel
def corner_weights(vertices, triangles, mesh, seen_mesh, seen_triangle, inverse_k, weights):
    """Shares of a triangle's corners in the surface point at each pixel centre.

    They are the volumes between the ray and the edges (Möller and Trumbore, J. Graphics Tools
    2(1), 1997, in its symmetric form): shares of the point in space, not in the image.

    Args:
        vertices: Camera frame, metres, [V, 3].
        triangles: [F, 3].
        mesh: Its number.
        seen_mesh: Number of the mesh at pixel centres, [S, S].
        seen_triangle: Number of the triangle at pixel centres, [S, S].
        inverse_k: Of the intrinsics, [3, 3].
        weights: Filled where the mesh is seen, [S, S, 3].
    """
    volumes, ray = np.empty(3), np.empty(3)
    for row in range(len(weights)):
        for column in range(len(weights)):
            if seen_mesh[row, column] != mesh:
                continue
            face = seen_triangle[row, column]
            for i in range(3):
                ray[i] = (
                    inverse_k[i, 0] * (column + 0.5)
                    + inverse_k[i, 1] * (row + 0.5)
                    + inverse_k[i, 2]
                )
            for corner in range(3):
                p = triangles[face, (corner + 1) % 3]
                q = triangles[face, (corner + 2) % 3]
                volumes[corner] = 0.0
                for i in range(3):
                    j, k = (i + 1) % 3, (i + 2) % 3
                    normal = vertices[p, j] * vertices[q, k] - vertices[p, k] * vertices[q, j]
                    volumes[corner] += ray[i] * normal
            total = volumes[0] + volumes[1] + volumes[2]
            for corner in range(3):
                weights[row, column, corner] = volumes[corner] / total if total != 0.0 else 1 / 3


@kernel
def _face_normal(vertices, a, b, c):
    """Twice the area long, out of the side from where the corners run anticlockwise."""
    ux, uy, uz = vertices[b] - vertices[a]
    vx, vy, vz = vertices[c] - vertices[a]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


@kernel
def vertex_normals(vertices, triangles):
    """Mean of the normals around a vertex, weighted by area; not of unit length, [V, 3]."""
    normals = np.zeros((len(vertices), 3))
    for face in range(len(triangles)):
        a, b, c = triangles[face]
        x, y, z = _face_normal(vertices, a, b, c)
        for vertex in (a, b, c):
            normals[vertex, 0] += x
            normals[vertex, 1] += y
            normals[vertex, 2] += z
    return normals


@kernel
def visible_normals(
    vertices, triangles, smooth, interpolated, mesh, seen_mesh, seen_triangle, weights, normals
):
    """Unit normals at pixel centres of the side that the camera sees.

    Args:
        vertices: Camera frame, metres, [V, 3].
        triangles: [F, 3].
        smooth: Normals of the vertices, of any length, [V, 3].
        interpolated: Whether they are used; else the faces' own.
        mesh: Its number.
        seen_mesh: Number of the mesh at pixel centres, [S, S].
        seen_triangle: Number of the triangle at pixel centres, [S, S].
        weights: Shares of its corners, [S, S, 3].
        normals: Filled where the mesh is seen, [S, S, 3].
    """
    for row in range(len(normals)):
        for column in range(len(normals)):
            if seen_mesh[row, column] != mesh:
                continue
            a, b, c = triangles[seen_triangle[row, column]]
            x, y, z = _face_normal(vertices, a, b, c)
            # The plane's normal points away from the camera if it points away from a corner's ray.
            away = x * vertices[a, 0] + y * vertices[a, 1] + z * vertices[a, 2] > 0.0
            if interpolated:
                x = y = z = 0.0
                for corner, vertex in enumerate((a, b, c)):
                    nx, ny, nz = smooth[vertex]
                    length = np.sqrt(nx * nx + ny * ny + nz * nz)
                    share = weights[row, column, corner] / length if length > 0.0 else 0.0
                    x, y, z = x + share * nx, y + share * ny, z + share * nz
            length = np.sqrt(x * x + y * y + z * z)
            factor = (-1.0 if away else 1.0) / length if length > 0.0 else 0.0
            normals[row, column, 0] = factor * x
            normals[row, column, 1] = factor * y
            normals[row, column, 2] = factor * z
