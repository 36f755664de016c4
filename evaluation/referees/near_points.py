"""Kernel over pairs of point sets: which points have a neighbour in the other set.

Shapes: N pairs of V true and W predicted points, metres.

Nobody's nearest neighbour is looked for, only whether there is one within two radii. Most points
of a good prediction are near their own counterpart, which settles both. For the others both sets
are sorted into cubes no smaller than the larger radius, and a point is compared with those of the
other set in its own cube and the 26 around it.
"""

from __future__ import annotations

import numpy as np

from evaluation.referees.point_sets import unlocked_kernel

_MAX_CUBES_A_SIDE = 20


@unlocked_kernel
def _overlap(
    truth: np.ndarray, predicted: np.ndarray, radius: float, low: np.ndarray, shape: np.ndarray
) -> float:
    """Cubes where points of both sets may be within `radius` of each other.

    Written: `low` (their corner) and `shape` (how many along each axis). Returns their side, wider
    than the radius by more than rounding can take away; 0 where the sets are too far apart.
    """
    high = np.empty(3)
    extent = 0.0
    for axis in range(3):
        true_low = true_high = truth[0, axis]
        for v in range(1, len(truth)):
            true_low = min(true_low, truth[v, axis])
            true_high = max(true_high, truth[v, axis])
        predicted_low = predicted_high = predicted[0, axis]
        for v in range(1, len(predicted)):
            predicted_low = min(predicted_low, predicted[v, axis])
            predicted_high = max(predicted_high, predicted[v, axis])
        low[axis] = max(true_low, predicted_low) - radius
        high[axis] = min(true_high, predicted_high) + radius
        if low[axis] > high[axis]:
            return 0.0
        extent = max(extent, high[axis] - low[axis])
    side = max(radius * (1 + 1e-9), extent / (_MAX_CUBES_A_SIDE - 1))
    for axis in range(3):
        shape[axis] = int((high[axis] - low[axis]) / side) + 1
    return side


@unlocked_kernel
def _sort_into_cubes(
    points: np.ndarray,
    low: np.ndarray,
    side: float,
    shape: np.ndarray,
    starts: np.ndarray,
    cube_of: np.ndarray,
    order: np.ndarray,
    ordered: np.ndarray,
) -> int:
    """Sorts the points that lie in a cube; returns how many.

    Written: `starts` (of each cube's points, then the number of all), `cube_of` (each point's cube,
    or -1), `order` (the sorted points' numbers) and `ordered` (their coordinates, [3, V]).
    """
    num_cubes = shape[0] * shape[1] * shape[2]
    # Shifted by two: the sums shift it by one, and filling by the other.
    starts[: num_cubes + 2] = 0
    for v in range(len(points)):
        cube = 0
        for axis in range(3):
            offset = points[v, axis] - low[axis]
            step = int(offset / side)
            if offset < 0 or step >= shape[axis]:
                cube = -1
                break
            cube = cube * shape[axis] + step
        cube_of[v] = cube
        if cube >= 0:
            starts[cube + 2] += 1
    for cube in range(num_cubes):
        starts[cube + 2] += starts[cube + 1]
    for v in range(len(points)):
        if cube_of[v] >= 0:
            position = starts[cube_of[v] + 1]
            starts[cube_of[v] + 1] += 1
            order[position] = v
            for axis in range(3):
                ordered[axis, position] = points[v, axis]
    return starts[num_cubes]


@unlocked_kernel
def _gather_around(
    cube: int, shape: np.ndarray, starts: np.ndarray, ordered: np.ndarray, around: np.ndarray
) -> int:
    """Copies the points of a cube and of those that touch it to `around`; returns how many."""
    z = cube % shape[2]
    y = cube // shape[2] % shape[1]
    x = cube // shape[2] // shape[1]
    count = 0
    for near_x in range(max(0, x - 1), min(shape[0], x + 2)):
        for near_y in range(max(0, y - 1), min(shape[1], y + 2)):
            row = (near_x * shape[1] + near_y) * shape[2]
            # Cubes along z follow each other, and so do their points.
            first, end = starts[row + max(0, z - 1)], starts[row + min(shape[2], z + 2)]
            for position in range(first, end):
                around[0, count] = ordered[0, position]
                around[1, count] = ordered[1, position]
                around[2, count] = ordered[2, position]
                count += 1
    return count


@unlocked_kernel
def _search(
    reached: np.ndarray,
    squares: np.ndarray,
    shape: np.ndarray,
    num_inside: int,
    cube_of: np.ndarray,
    order: np.ndarray,
    ordered: np.ndarray,
    other_starts: np.ndarray,
    other_ordered: np.ndarray,
    around: np.ndarray,
) -> None:
    """Raises `reached` of the sorted points to the number of radii that find another one."""
    gathered = -1
    smaller, larger = squares[0], squares[1]
    xs, ys, zs = around[0, :0], around[1, :0], around[2, :0]
    for position in range(num_inside):
        v = order[position]
        if reached[v] == 2:
            continue
        if cube_of[v] != gathered:
            gathered = cube_of[v]
            count = _gather_around(gathered, shape, other_starts, other_ordered, around)
            xs, ys, zs = around[0, :count], around[1, :count], around[2, :count]
        px, py, pz = ordered[0, position], ordered[1, position], ordered[2, position]
        # Counted to the end, without a branch: so several fit into one instruction.
        num_small = num_large = 0
        for other in range(len(xs)):
            x = px - xs[other]
            y = py - ys[other]
            z = pz - zs[other]
            squared = x * x + y * y + z * z
            num_small += squared < smaller
            num_large += squared < larger
        reached[v] = 2 if num_small > 0 else (1 if num_large > 0 else reached[v])


@unlocked_kernel
def matches(
    truth: np.ndarray,
    points: np.ndarray,
    radii: np.ndarray,
    squares: np.ndarray,
    counts: np.ndarray,
) -> None:
    """How many points have a point of the other set nearer than each of two radii.

    Args:
        truth: [N, V, 3].
        points: Predicted, [N, W, 3].
        radii: The smaller, then the larger, [2].
        squares: Smallest numbers whose square roots are not below the radii, [2].
        counts: Written: true points, then predicted ones; at each radius; [N, 2, 2].
    """
    num_points = max(truth.shape[1], points.shape[1])
    low, shape = np.empty(3), np.empty(3, np.int64)
    # The rest is for the true, then for the predicted points. `reached`: of how many radii a point
    # is known to find another one.
    reached = np.empty((2, num_points), np.int8)
    starts = np.empty((2, _MAX_CUBES_A_SIDE**3 + 2), np.int64)
    cube_of = np.empty((2, num_points), np.int64)
    order = np.empty((2, num_points), np.int64)
    ordered = np.empty((2, 3, num_points))
    around = np.empty((3, num_points))
    for n in range(len(truth)):
        true, found = truth[n], points[n]
        reached[:] = 0
        if len(true) == len(found):
            for v in range(len(true)):
                x = true[v, 0] - found[v, 0]
                y = true[v, 1] - found[v, 1]
                z = true[v, 2] - found[v, 2]
                squared = x * x + y * y + z * z
                known = 2 if squared < squares[0] else (1 if squared < squares[1] else 0)
                reached[0, v] = reached[1, v] = known
        side = _overlap(true, found, radii[1], low, shape)
        if side > 0:
            num_true = _sort_into_cubes(
                true, low, side, shape, starts[0], cube_of[0], order[0], ordered[0]
            )
            num_found = _sort_into_cubes(
                found, low, side, shape, starts[1], cube_of[1], order[1], ordered[1]
            )
            _search(
                reached[0], squares, shape, num_true, cube_of[0], order[0], ordered[0],
                starts[1], ordered[1], around,
            )  # fmt: skip
            _search(
                reached[1], squares, shape, num_found, cube_of[1], order[1], ordered[1],
                starts[0], ordered[0], around,
            )  # fmt: skip
        counts[n] = 0
        for v in range(len(true)):
            counts[n, 0, 0] += reached[0, v] == 2
            counts[n, 0, 1] += reached[0, v] >= 1
        for v in range(len(found)):
            counts[n, 1, 0] += reached[1, v] == 2
            counts[n, 1, 1] += reached[1, v] >= 1
