"""Rays from the camera through a mesh: which triangles each crosses on its way to a point."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

_MARGIN = 1e-9
"""Added to the boxes of projected triangles, for rounding."""


@kernel
def _projected_boxes(vertices, triangles):
    """Boxes of x/z and y/z over the triangles; all of the plane if one reaches behind the camera.

    Returns:
        Low and high corners, [F, 4].
    """
    boxes = np.empty((len(triangles), 4))
    for face in range(len(triangles)):
        low_x = low_y = np.inf
        high_x = high_y = -np.inf
        for corner in range(3):
            vertex = triangles[face, corner]
            z = vertices[vertex, 2]
            if z <= 0.0:
                low_x = low_y = -np.inf
                high_x = high_y = np.inf
                break
            x, y = vertices[vertex, 0] / z, vertices[vertex, 1] / z
            low_x, high_x = x if x < low_x else low_x, x if x > high_x else high_x
            low_y, high_y = y if y < low_y else low_y, y if y > high_y else high_y
        boxes[face, 0], boxes[face, 1] = low_x - _MARGIN, low_y - _MARGIN
        boxes[face, 2], boxes[face, 3] = high_x + _MARGIN, high_y + _MARGIN
    return boxes


@kernel
def _turn(px, py, qx, qy):
    """On which side of the edge from p to q the origin lies, 1 or -1, in the plane across the ray.

    Where the ray meets the edge, the side is that of a ray shifted by infinitely little, the same
    for all edges.
    """
    side = px * qy - py * qx
    if side == 0.0:
        side = py - qy
    if side == 0.0:
        side = qx - px
    return 1 if side > 0.0 else -1


@kernel
def _share_of_ray(vertices, i, j, k, x, y, z):
    """Where the plane of a triangle cuts the ray, in lengths of (x, y, z)."""
    ux, vx = vertices[j, 0] - vertices[i, 0], vertices[k, 0] - vertices[i, 0]
    uy, vy = vertices[j, 1] - vertices[i, 1], vertices[k, 1] - vertices[i, 1]
    uz, vz = vertices[j, 2] - vertices[i, 2], vertices[k, 2] - vertices[i, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    speed = x * nx + y * ny + z * nz
    if speed == 0.0:
        return np.inf
    return (vertices[i, 0] * nx + vertices[i, 1] * ny + vertices[i, 2] * nz) / speed


@kernel
def skins_before(targets_cam, vertices_cam, triangles, short_m):
    """What the rays from the camera at points cross before they reach them.

    The corners are sheared so that the ray becomes an axis: then a ray slips through the mesh
    neither between triangles nor at a corner (Woop, Benthin and Wald, Watertight Ray/Triangle
    Intersection, J. Comput. Graph. Tech. 2(1), 2013, section 3).

    Args:
        targets_cam: Points, camera frame, metres, [N, 3].
        vertices_cam: Closed mesh, camera frame, metres, [V, 3].
        triangles: Corners anticlockwise from outside, [F, 3].
        short_m: Rays end this short of the points.

    Returns:
        First crossing of each ray, and their number, [N + 1]; and by crossing, nearest first
        within a ray, [C] each: the triangle, its distance from the camera in metres, and whether
        the ray goes in there.
    """
    boxes = _projected_boxes(vertices_cam, triangles)
    starts = np.zeros(len(targets_cam) + 1, np.int64)
    faces = np.empty(64, np.int64)
    depths = np.empty(64)
    inward = np.empty(64, np.bool_)
    count = 0
    for ray in range(len(targets_cam)):
        x, y, z = targets_cam[ray, 0], targets_cam[ray, 1], targets_cam[ray, 2]
        length = np.sqrt(x * x + y * y + z * z)
        ahead = z > 0.0
        seen_x, seen_y = (x / z, y / z) if ahead else (0.0, 0.0)
        along = np.argmax(np.abs(targets_cam[ray]))
        right, up = (along + 1) % 3, (along + 2) % 3
        forward = targets_cam[ray, along]
        shear_right, shear_up = targets_cam[ray, right] / forward, targets_cam[ray, up] / forward
        for face in range(len(triangles)):
            if ahead and (
                seen_x < boxes[face, 0]
                or seen_x > boxes[face, 2]
                or seen_y < boxes[face, 1]
                or seen_y > boxes[face, 3]
            ):
                continue
            i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            ax = vertices_cam[i, right] - shear_right * vertices_cam[i, along]
            ay = vertices_cam[i, up] - shear_up * vertices_cam[i, along]
            bx = vertices_cam[j, right] - shear_right * vertices_cam[j, along]
            by = vertices_cam[j, up] - shear_up * vertices_cam[j, along]
            turn = _turn(ax, ay, bx, by)
            cx = vertices_cam[k, right] - shear_right * vertices_cam[k, along]
            cy = vertices_cam[k, up] - shear_up * vertices_cam[k, along]
            if _turn(bx, by, cx, cy) != turn or _turn(cx, cy, ax, ay) != turn:
                continue
            depth = length * _share_of_ray(vertices_cam, i, j, k, x, y, z)
            if not 0.0 < depth < length - short_m:
                continue
            if count == len(faces):
                faces = np.concatenate((faces, np.empty_like(faces)))
                depths = np.concatenate((depths, np.empty_like(depths)))
                inward = np.concatenate((inward, np.empty_like(inward)))
            place = count
            while place > starts[ray] and depths[place - 1] > depth:
                faces[place] = faces[place - 1]
                depths[place] = depths[place - 1]
                inward[place] = inward[place - 1]
                place -= 1
            # Seen along the axis, corners that run clockwise are seen from outside.
            faces[place], depths[place], inward[place] = face, depth, turn * forward < 0.0
            count += 1
        starts[ray + 1] = count
    return starts, faces[:count], depths[:count], inward[:count]
