"""The distance between surfaces of triangles."""

from __future__ import annotations

import numpy as np

from mano_assets.geometry.compiled import kernel


@kernel
def _lower(x, y):
    # The built-in min also looks for NaN, which takes four times as long.
    return x if x < y else y


@kernel
def _upper(x, y):
    return x if x > y else y


@kernel
def _to_triangle(points, p, a, b, c):
    """Squared distance of point p to the triangle abc.

    By the region of the plane that the point lies over (Ericson, Real-Time Collision Detection,
    2005, section 5.1.5).
    """
    abx, aby, abz = _between(points, a, b)
    acx, acy, acz = _between(points, a, c)
    apx, apy, apz = _between(points, a, p)
    d1 = abx * apx + aby * apy + abz * apz
    d2 = acx * apx + acy * apy + acz * apz
    bpx, bpy, bpz = _between(points, b, p)
    d3 = abx * bpx + aby * bpy + abz * bpz
    d4 = acx * bpx + acy * bpy + acz * bpz
    cpx, cpy, cpz = _between(points, c, p)
    d5 = abx * cpx + aby * cpy + abz * cpz
    d6 = acx * cpx + acy * cpy + acz * cpz
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    # The nearest point is a + v ab + w ac.
    if d1 <= 0.0 and d2 <= 0.0:
        v, w = 0.0, 0.0
    elif d3 >= 0.0 and d4 <= d3:
        v, w = 1.0, 0.0
    elif d6 >= 0.0 and d5 <= d6:
        v, w = 0.0, 1.0
    elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        v, w = d1 / (d1 - d3), 0.0
    elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        v, w = 0.0, d2 / (d2 - d6)
    elif va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = 1.0 - w
    else:
        v, w = vb / (va + vb + vc), vc / (va + vb + vc)
    x, y, z = apx - v * abx - w * acx, apy - v * aby - w * acy, apz - v * abz - w * acz
    return x * x + y * y + z * z


@kernel
def _between(points, start, end):
    return (
        points[end, 0] - points[start, 0],
        points[end, 1] - points[start, 1],
        points[end, 2] - points[start, 2],
    )


@kernel
def _between_edges(points, p, q, r, s):
    """Squared distance of the segments pq and rs (Ericson 2005, section 5.1.9)."""
    ux, uy, uz = _between(points, p, q)
    vx, vy, vz = _between(points, r, s)
    gx, gy, gz = _between(points, r, p)
    a = ux * ux + uy * uy + uz * uz
    b = ux * vx + uy * vy + uz * vz
    c = ux * gx + uy * gy + uz * gz
    e = vx * vx + vy * vy + vz * vz
    f = vx * gx + vy * gy + vz * gz
    across = a * e - b * b
    along = _lower(_upper((b * f - c * e) / across, 0.0), 1.0) if across > 0.0 else 0.0
    other = (b * along + f) / e if e > 0.0 else 0.0
    if other < 0.0:
        other = 0.0
        along = _lower(_upper(-c / a, 0.0), 1.0) if a > 0.0 else 0.0
    elif other > 1.0:
        other = 1.0
        along = _lower(_upper((b - c) / a, 0.0), 1.0) if a > 0.0 else 0.0
    x = gx + along * ux - other * vx
    y = gy + along * uy - other * vy
    z = gz + along * uz - other * vz
    return x * x + y * y + z * z


@kernel
def _volume(points, a, b, c, d):
    ux, uy, uz = _between(points, d, a)
    vx, vy, vz = _between(points, d, b)
    wx, wy, wz = _between(points, d, c)
    return ux * (vy * wz - vz * wy) + uy * (vz * wx - vx * wz) + uz * (vx * wy - vy * wx)


@kernel
def _pierces(points, p, q, a, b, c):
    if _volume(points, a, b, c, p) * _volume(points, a, b, c, q) > 0.0:
        return False
    first = _volume(points, p, q, a, b)
    return first * _volume(points, p, q, b, c) > 0.0 and first * _volume(points, p, q, c, a) > 0.0


@kernel
def squared_distance(points, first, second):
    """Squared distance of two triangles, corner numbers a tuple of three each; 0 if they cross.

    Where they do not cross, the nearest points are a corner and a face or lie on two edges.
    """
    nearest = np.inf
    for turn in range(2):
        one, other = (first, second) if turn == 0 else (second, first)
        a, b, c = other
        for k in range(3):
            nearest = _lower(nearest, _to_triangle(points, one[k], a, b, c))
            if _pierces(points, one[k], one[(k + 1) % 3], a, b, c):
                return 0.0
    for k in range(3):
        for m in range(3):
            apart = _between_edges(
                points, first[k], first[(k + 1) % 3], second[m], second[(m + 1) % 3]
            )
            nearest = _lower(nearest, apart)
    return nearest


@kernel
def _box_distance(boxes, i, others, j):
    total = 0.0
    for axis in range(3):
        gap = _upper(boxes[i, axis] - others[j, 3 + axis], others[j, axis] - boxes[i, 3 + axis])
        if gap > 0.0:
            total += gap * gap
    return total


@kernel
def smallest_distance(points, triangles, boxes, patches, patch_starts, patch_pairs):
    """Smallest distance between the triangles of pairs of patches.

    Args:
        points: [V, 3].
        triangles: [F, 3], those of a patch together.
        boxes: Low and high corners of the triangles' boxes, [F, 6].
        patches: Likewise of the patches', [P, 6].
        patch_starts: First triangle of each patch, and F, [P + 1].
        patch_pairs: [N, 2].
    """
    bounds = np.empty(len(patch_pairs))
    for pair in range(len(patch_pairs)):
        bounds[pair] = _box_distance(patches, patch_pairs[pair, 0], patches, patch_pairs[pair, 1])
    # The nearest patches first: their distance spares most others a look.
    nearest = np.inf
    near = np.array([np.argmin(bounds)])
    for turn in range(2):
        if turn == 1:
            near = np.flatnonzero(bounds < nearest)
            near = near[np.argsort(bounds[near])]
        for pair in near:
            if bounds[pair] >= nearest:
                break
            one, other = patch_pairs[pair, 0], patch_pairs[pair, 1]
            for i in range(patch_starts[one], patch_starts[one + 1]):
                if _box_distance(boxes, i, patches, other) >= nearest:
                    continue
                first = (triangles[i, 0], triangles[i, 1], triangles[i, 2])
                for j in range(patch_starts[other], patch_starts[other + 1]):
                    if _box_distance(boxes, i, boxes, j) >= nearest:
                        continue
                    second = (triangles[j, 0], triangles[j, 1], triangles[j, 2])
                    nearest = _lower(nearest, squared_distance(points, first, second))
                    if nearest == 0.0:
                        return 0.0
    return np.sqrt(nearest)
