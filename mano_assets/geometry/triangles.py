"""Which triangles of a mesh cross each other, decided exactly.

Two triangles cross when an edge of one passes through the inside of the other, its ends strictly
on either side. Touching is not crossing: not in a corner, not along an edge, not within a common
plane. (An edge that passes exactly through a corner or an edge of the other triangle counts as
touching as well; two meshes that run into each other always have other edges that cross.)

All follows from the signs of orientation determinants, and those are exact: a floating-point
filter decides nearly all of them, exact arithmetic the rest (Shewchuk, Adaptive Precision
Floating-Point Arithmetic and Fast Robust Geometric Predicates, Discrete Comput. Geom. 18, 1997).
Exact as long as no product of three coordinates underflows, as none does in metres.
"""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel

_EPS = 2.0**-53
_FILTER = (7.0 + 56.0 * _EPS) * _EPS
"""Error bound of the determinant, relative to its permanent (Shewchuk, section 4.3, A)."""

_SPLITTER = 2.0**27 + 1.0
_MOST_TERMS = 4 * 24
"""Of the exact determinant: 24 products of three doubles, each the sum of four."""


@kernel
def _two_sum(a, b):
    # Shewchuk, theorem 7: a + b = high + low, without rounding.
    high = a + b
    part = high - a
    return high, (a - (high - part)) + (b - part)


@kernel
def _two_product(a, b):
    # Shewchuk, theorems 17 and 18: a * b = high + low, without rounding.
    high = a * b
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return high, a_low * b_low - (((high - a_high * b_high) - a_low * b_high) - a_high * b_low)


@kernel
def _grow(expansion, length, term):
    # Shewchuk, theorem 10, leaving out zeros: adds a double to an exact sum of doubles.
    kept = 0
    for i in range(length):
        term, low = _two_sum(term, expansion[i])
        if low != 0.0:
            expansion[kept] = low
            kept += 1
    if term != 0.0:
        expansion[kept] = term
        kept += 1
    return kept


@kernel
def _add_triple_product(expansion, length, sign, points, p, q, r):
    """Adds sign * det(p, q, r) to an exact sum."""
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        for turn in range(2):
            if turn == 1:
                j, k = k, j
            factor = sign if turn == 0 else -sign
            for part in _two_product(points[q, j], points[r, k]):
                high, low = _two_product(factor * points[p, i], part)
                length = _grow(expansion, length, low)
                length = _grow(expansion, length, high)
    return length


@kernel
def _exact_side(points, a, b, c, d):
    expansion = np.empty(_MOST_TERMS)
    length = _add_triple_product(expansion, 0, 1.0, points, a, b, c)
    length = _add_triple_product(expansion, length, -1.0, points, b, c, d)
    length = _add_triple_product(expansion, length, 1.0, points, a, c, d)
    length = _add_triple_product(expansion, length, -1.0, points, a, b, d)
    if length == 0:
        return 0
    # The terms do not overlap and grow: the last decides.
    return 1 if expansion[length - 1] > 0.0 else -1


@kernel
def _from(points, start, end):
    return (
        points[end, 0] - points[start, 0],
        points[end, 1] - points[start, 1],
        points[end, 2] - points[start, 2],
    )


@kernel
def side_of_plane(points, a, b, c, d):
    """Exact sign of det(a - d, b - d, c - d).

    Args:
        points: [N, 3].
        a: Number of a point, as b, c and d are.
        b: Second.
        c: Third.
        d: Fourth.

    Returns:
        1 where d lies behind the triangle abc, from where its corners run clockwise; -1 in front
        of it; 0 in its plane.
    """
    ax, ay, az = _from(points, d, a)
    bx, by, bz = _from(points, d, b)
    cx, cy, cz = _from(points, d, c)
    bxcy, cxby = bx * cy, cx * by
    cxay, axcy = cx * ay, ax * cy
    axby, bxay = ax * by, bx * ay
    determinant = az * (bxcy - cxby) + bz * (cxay - axcy) + cz * (axby - bxay)
    permanent = (
        (abs(bxcy) + abs(cxby)) * abs(az)
        + (abs(cxay) + abs(axcy)) * abs(bz)
        + (abs(axby) + abs(bxay)) * abs(cz)
    )
    bound = _FILTER * permanent
    if determinant > bound:
        return 1
    if determinant < -bound:
        return -1
    return _exact_side(points, a, b, c, d)


@kernel
def _edge_passes(points, p, q, a, b, c):
    """Whether the line from p to q passes through the inside of abc."""
    first = side_of_plane(points, p, q, a, b)
    return (
        first != 0
        and side_of_plane(points, p, q, b, c) == first
        and side_of_plane(points, p, q, c, a) == first
    )


@kernel
def _an_edge_passes(points, edges_of, through):
    """Whether an edge of one triangle passes through the inside of another."""
    a, b, c = through
    p, q, r = edges_of
    side_p = side_of_plane(points, a, b, c, p)
    side_q = side_of_plane(points, a, b, c, q)
    side_r = side_of_plane(points, a, b, c, r)
    return (
        (side_p * side_q < 0 and _edge_passes(points, p, q, a, b, c))
        or (side_q * side_r < 0 and _edge_passes(points, q, r, a, b, c))
        or (side_r * side_p < 0 and _edge_passes(points, r, p, a, b, c))
    )


@kernel
def triangles_cross(points, first, second):
    """Whether two triangles cross.

    Args:
        points: [N, 3].
        first: Numbers of its corners, a tuple of three.
        second: Likewise.
    """
    return _an_edge_passes(points, first, second) or _an_edge_passes(points, second, first)


@kernel
def moved_inward(vertices, triangles, depth_m):
    """Vertices moved against their area-weighted normals, [V, 3]."""
    normals = np.zeros_like(vertices)
    for face in range(len(triangles)):
        i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        ux, uy, uz = _from(vertices, i, j)
        vx, vy, vz = _from(vertices, i, k)
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (i, j, k):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    moved = np.empty_like(vertices)
    for vertex in range(len(vertices)):
        n = normals[vertex]
        length = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
        share = depth_m / length if length > 0.0 else 0.0
        for axis in range(3):
            moved[vertex, axis] = vertices[vertex, axis] - share * n[axis]
    return moved


@kernel
def _lower(x, y):
    # The built-in min also looks for NaN, which takes four times as long.
    return x if x < y else y


@kernel
def _upper(x, y):
    return x if x > y else y


@kernel
def triangle_boxes(vertices, triangles, patch_starts):
    """Low and high corners of the boxes around triangles [F, 6] and around patches [P, 6]."""
    boxes = np.empty((len(triangles), 6))
    patches = np.empty((len(patch_starts) - 1, 6))
    patches[:, :3] = np.inf
    patches[:, 3:] = -np.inf
    for patch in range(len(patch_starts) - 1):
        for face in range(patch_starts[patch], patch_starts[patch + 1]):
            i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            for axis in range(3):
                x, y, z = vertices[i, axis], vertices[j, axis], vertices[k, axis]
                low, high = _lower(_lower(x, y), z), _upper(_upper(x, y), z)
                boxes[face, axis], boxes[face, 3 + axis] = low, high
                patches[patch, axis] = _lower(patches[patch, axis], low)
                patches[patch, 3 + axis] = _upper(patches[patch, 3 + axis], high)
    return boxes, patches


@kernel
def _apart(boxes, i, others, j):
    return (
        boxes[i, 0] > others[j, 3]
        or others[j, 0] > boxes[i, 3]
        or boxes[i, 1] > others[j, 4]
        or others[j, 1] > boxes[i, 4]
        or boxes[i, 2] > others[j, 5]
        or others[j, 2] > boxes[i, 5]
    )


@kernel
def crossing_pairs(vertices, triangles, patch_starts, patch_pairs, tested_bits, most):
    """Pairs of triangles that cross.

    Args:
        vertices: [V, 3].
        triangles: [F, 3], those of a patch together.
        patch_starts: First triangle of each patch, and F, [P + 1].
        patch_pairs: Pairs of patches that hold pairs to test, [N, 2].
        tested_bits: Which pairs of triangles are tested; symmetric, rows packed into bytes, lowest
            bit first, [F, ceil(F / 8)].
        most: Stop after this many; -1 for all.

    Returns:
        Pairs of triangles, [up to most, 2].
    """
    boxes, patches = triangle_boxes(vertices, triangles, patch_starts)
    found = np.empty((16, 2), np.int64)
    count = 0
    size = 0
    for patch in range(len(patches)):
        size = max(size, patch_starts[patch + 1] - patch_starts[patch])
    near = np.empty(size, np.int64)
    common = np.empty((1, 6))
    for pair in range(len(patch_pairs)):
        one, other = patch_pairs[pair, 0], patch_pairs[pair, 1]
        if _apart(patches, one, patches, other):
            continue
        for axis in range(3):
            common[0, axis] = _upper(patches[one, axis], patches[other, axis])
            common[0, 3 + axis] = _lower(patches[one, 3 + axis], patches[other, 3 + axis])
        num_near = 0
        for face in range(patch_starts[other], patch_starts[other + 1]):
            if not _apart(boxes, face, common, 0):
                near[num_near] = face
                num_near += 1
        if num_near == 0:
            continue
        for face in range(patch_starts[one], patch_starts[one + 1]):
            if _apart(boxes, face, common, 0):
                continue
            for k in range(num_near):
                partner = near[k]
                # Within one patch every pair comes up twice.
                if one == other and partner <= face:
                    continue
                if (
                    _apart(boxes, face, boxes, partner)
                    or not tested_bits[face, partner >> 3] >> (partner & 7) & 1
                ):
                    continue
                first = (triangles[face, 0], triangles[face, 1], triangles[face, 2])
                second = (triangles[partner, 0], triangles[partner, 1], triangles[partner, 2])
                if triangles_cross(vertices, first, second):
                    if count == len(found):
                        longer = np.empty((2 * count, 2), np.int64)
                        longer[:count] = found
                        found = longer
                    found[count, 0] = face
                    found[count, 1] = partner
                    count += 1
                    if count == most:
                        return found[:count]
    return found[:count]
