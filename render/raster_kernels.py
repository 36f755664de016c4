"""A z-buffer over triangles, with exact edges.

Corners are rounded to 1/65536 px. From there on the edges are integers, so that a sample belongs to
exactly one of two triangles that share an edge, and to one of all that meet in a corner (Pineda, A
Parallel Algorithm for Polygon Rasterization, SIGGRAPH 1988, section 3.2; the tie goes to top and
left edges, as in Direct3D's rasterisation rules).
"""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

FRACTION_BITS = 16
UNIT = 1 << FRACTION_BITS
"""Steps in a pixel."""

GUARD_PX = 8192.0
"""Triangles are cut this far from the image's corner: products of differences stay below 2^61."""


@kernel
def project_corners(vertices, camera_k, near_m, homogeneous, steps, inverse_z):
    """Projects vertices.

    Args:
        vertices: Camera frame, metres, [V, 3].
        camera_k: Intrinsics, px, [3, 3].
        near_m: Nearer ones are not drawn.
        homogeneous: Filled with K v, [V, 3].
        steps: Filled with the rounded place in the image, 1/UNIT px, [V, 2] int64.
        inverse_z: Filled with 1/z, or 0 where the vertex is too near or too far outside, [V].
    """
    for vertex in range(len(vertices)):
        x, y, z = vertices[vertex, 0], vertices[vertex, 1], vertices[vertex, 2]
        u = camera_k[0, 0] * x + camera_k[0, 1] * y + camera_k[0, 2] * z
        v = camera_k[1, 1] * y + camera_k[1, 2] * z
        homogeneous[vertex, 0], homogeneous[vertex, 1], homogeneous[vertex, 2] = u, v, z
        inverse_z[vertex] = 0.0
        if z >= near_m and abs(u) <= GUARD_PX * z and abs(v) <= GUARD_PX * z:
            steps[vertex, 0] = np.floor(u / z * UNIT + 0.5)
            steps[vertex, 1] = np.floor(v / z * UNIT + 0.5)
            inverse_z[vertex] = 1.0 / z


@kernel
def _cut(polygon, count, scratch, a, b, c, d):
    """Keeps the part of a polygon where a x + b y + c z >= d (Sutherland and Hodgman, CACM 1974).

    A new corner is always computed from the end that is kept, so neighbours get the same one.
    """
    kept = 0
    for i in range(count):
        j = (i + 1) % count
        here = a * polygon[i, 0] + b * polygon[i, 1] + c * polygon[i, 2] - d
        there = a * polygon[j, 0] + b * polygon[j, 1] + c * polygon[j, 2] - d
        if here >= 0.0:
            scratch[kept] = polygon[i]
            kept += 1
        if (here >= 0.0) != (there >= 0.0):
            inner, outer = (i, j) if here >= 0.0 else (j, i)
            near, far = (here, there) if here >= 0.0 else (there, here)
            share = near / (near - far)
            for axis in range(3):
                scratch[kept, axis] = polygon[inner, axis] + share * (
                    polygon[outer, axis] - polygon[inner, axis]
                )
            kept += 1
    polygon[:kept] = scratch[:kept]
    return kept


@kernel
def _fill(corners, inverse_z, mesh, face, offsets, edge_shift, depth_shift, centre, samples):
    """Draws a triangle.

    Args:
        corners: Place in the image, 1/UNIT px, [3, 2] int64.
        inverse_z: Of the corners, [3].
        mesh: Number of the mesh.
        face: Number of the triangle in it.
        offsets: Samples from the pixel's centre, 1/UNIT px, [N, 2] int64.
        edge_shift: Room for 3 N int64.
        depth_shift: Room for N doubles.
        centre: Nearest 1/z, mesh and triangle at pixel centres, [S + 2, S + 2] each.
        samples: Nearest 1/z and mesh at samples, [S + 2, S + 2, N] each.
    """
    x0, y0, w0 = corners[0, 0], corners[0, 1], inverse_z[0]
    x1, y1, w1 = corners[1, 0], corners[1, 1], inverse_z[1]
    x2, y2, w2 = corners[2, 0], corners[2, 1], inverse_z[2]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area == 0:
        return
    if area < 0:
        x1, y1, w1, x2, y2, w2, area = x2, y2, w2, x1, y1, w1, -area
    centre_w, centre_mesh, centre_face = centre
    sample_w, sample_mesh = samples
    size = len(centre_w) - 2
    left = max(min(x0, x1, x2) >> FRACTION_BITS, -1)
    right = min(max(x0, x1, x2) >> FRACTION_BITS, size)
    top = max(min(y0, y1, y2) >> FRACTION_BITS, -1)
    bottom = min(max(y0, y1, y2) >> FRACTION_BITS, size)
    if left > right or top > bottom:
        return

    # An edge's function is x_slope px + y_slope py + rest, positive inside.
    half = UNIT >> 1
    px, py = (left << FRACTION_BITS) + half, (top << FRACTION_BITS) + half
    ax, ay = y0 - y1, x1 - x0
    bx, by = y1 - y2, x2 - x1
    cx, cy = y2 - y0, x0 - x2
    a_row = ay * (py - y0) + ax * (px - x0) - (0 if ax > 0 or (ax == 0 and ay > 0) else 1)
    b_row = by * (py - y1) + bx * (px - x1) - (0 if bx > 0 or (bx == 0 and by > 0) else 1)
    c_row = cy * (py - y2) + cx * (px - x2) - (0 if cx > 0 or (cx == 0 and cy > 0) else 1)
    w_x = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    w_y = ((w2 - w0) * (x1 - x0) - (w1 - w0) * (x2 - x0)) / area
    number = len(offsets)
    for k in range(number):
        ox, oy = offsets[k, 0], offsets[k, 1]
        edge_shift[0, k] = ax * ox + ay * oy
        edge_shift[1, k] = bx * ox + by * oy
        edge_shift[2, k] = cx * ox + cy * oy
        depth_shift[k] = w_x * ox + w_y * oy
    a_most = (abs(ax) + abs(ay)) * half
    b_most = (abs(bx) + abs(by)) * half
    c_most = (abs(cx) + abs(cy)) * half

    for row in range(top + 1, bottom + 2):
        a, b, c = a_row, b_row, c_row
        for column in range(left + 1, right + 2):
            if a + a_most >= 0 and b + b_most >= 0 and c + c_most >= 0:
                w = (
                    w0
                    + w_x * (((column - 1) << FRACTION_BITS) + half - x0)
                    + w_y * (((row - 1) << FRACTION_BITS) + half - y0)
                )
                if a >= 0 and b >= 0 and c >= 0 and w > centre_w[row, column]:
                    centre_w[row, column] = w
                    centre_mesh[row, column] = mesh
                    centre_face[row, column] = face
                if a >= a_most and b >= b_most and c >= c_most:
                    for k in range(number):
                        depth = np.float32(w + depth_shift[k])
                        if depth > sample_w[row, column, k]:
                            sample_w[row, column, k] = depth
                            sample_mesh[row, column, k] = mesh
                else:
                    for k in range(number):
                        inside = (
                            (a + edge_shift[0, k]) | (b + edge_shift[1, k]) | (c + edge_shift[2, k])
                        ) >= 0
                        depth = np.float32(w + depth_shift[k])
                        if inside and depth > sample_w[row, column, k]:
                            sample_w[row, column, k] = depth
                            sample_mesh[row, column, k] = mesh
            a += ax << FRACTION_BITS
            b += bx << FRACTION_BITS
            c += cx << FRACTION_BITS
        a_row += ay << FRACTION_BITS
        b_row += by << FRACTION_BITS
        c_row += cy << FRACTION_BITS


@kernel
def draw_mesh(vertices, triangles, mesh, camera_k, near_m, offsets, centre, samples):
    """Draws a mesh into the buffers.

    Args:
        vertices: Camera frame, metres, [V, 3].
        triangles: [F, 3].
        mesh: Its number.
        camera_k: Intrinsics without a third row of its own, px, [3, 3].
        near_m: What is nearer is cut off.
        offsets: See `_fill`, as all that follow.
        centre: Filled.
        samples: Filled.
    """
    homogeneous = np.empty((len(vertices), 3))
    steps = np.empty((len(vertices), 2), np.int64)
    inverse_z = np.empty(len(vertices))
    project_corners(vertices, camera_k, near_m, homogeneous, steps, inverse_z)
    edge_shift = np.empty((3, len(offsets)), np.int64)
    depth_shift = np.empty(len(offsets))
    corners, depths = np.empty((3, 2), np.int64), np.empty(3)
    polygon, scratch = np.empty((9, 3)), np.empty((9, 3))
    for face in range(len(triangles)):
        whole = True
        for corner in range(3):
            vertex = triangles[face, corner]
            corners[corner, 0], corners[corner, 1] = steps[vertex, 0], steps[vertex, 1]
            depths[corner] = inverse_z[vertex]
            whole &= inverse_z[vertex] > 0.0
            for axis in range(3):
                polygon[corner, axis] = homogeneous[vertex, axis]
        if whole:
            _fill(corners, depths, mesh, face, offsets, edge_shift, depth_shift, centre, samples)
            continue
        count = _cut(polygon, 3, scratch, 0.0, 0.0, 1.0, near_m)
        count = _cut(polygon, count, scratch, 1.0, 0.0, GUARD_PX, 0.0)
        count = _cut(polygon, count, scratch, -1.0, 0.0, GUARD_PX, 0.0)
        count = _cut(polygon, count, scratch, 0.0, 1.0, GUARD_PX, 0.0)
        count = _cut(polygon, count, scratch, 0.0, -1.0, GUARD_PX, 0.0)
        for last in range(2, count):
            for corner, place in enumerate((0, last - 1, last)):
                z = polygon[place, 2]
                corners[corner, 0] = np.floor(polygon[place, 0] / z * UNIT + 0.5)
                corners[corner, 1] = np.floor(polygon[place, 1] / z * UNIT + 0.5)
                depths[corner] = 1.0 / z
            _fill(corners, depths, mesh, face, offsets, edge_shift, depth_shift, centre, samples)


@kernel
def filtered_share(sample_mesh, chosen, weights):
    """Filtered share of the samples that belong to chosen meshes.

    Args:
        sample_mesh: Number of the mesh at each sample, with a border of one pixel,
            [S + 2, S + 2, N].
        chosen: 1 for chosen meshes, else 0, [meshes] uint8.
        weights: Of the samples of a pixel and its eight neighbours, sum 1, [3, 3, N] float32.

    Returns:
        [S, S] float32.
    """
    size, number = len(sample_mesh) - 2, sample_mesh.shape[2]
    counts = np.zeros((size + 2, size + 2), np.int32)
    for row in range(size + 2):
        for column in range(size + 2):
            count = 0
            for k in range(number):
                count += chosen[sample_mesh[row, column, k]]
            counts[row, column] = count
    share = np.empty((size, size), np.float32)
    for row in range(size):
        for column in range(size):
            total = 0
            for y in range(3):
                for x in range(3):
                    total += counts[row + y, column + x]
            if total == 0 or total == 9 * number:
                share[row, column] = 0.0 if total == 0 else 1.0
                continue
            value = np.float32(0.0)
            for y in range(3):
                for x in range(3):
                    if counts[row + y, column + x] > 0:
                        for k in range(number):
                            if chosen[sample_mesh[row + y, column + x, k]]:
                                value += weights[y, x, k]
            share[row, column] = value
    return share
