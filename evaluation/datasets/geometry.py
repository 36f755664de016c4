"""Can these labels be hands, in these images, of these sides? Told by geometry alone.

A few wrong labels, which every recorded set has, pass: medians and shares are looked at, so that
what is caught is a wrong unit, another joint order, mirrored hands or axes, and a calibration of
other cameras.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.rigid_distances import order_problem
from mano_assets.errors import InputError
from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import HAND_SIDES, project

SPAN_RANGE_M = (0.04, 0.3)
"""Largest distance between two joints of any human hand, an infant's fist to a giant's open hand,
metres. It does not depend on the joints' order."""

MISTAKEN_UNITS = {
    1e-3: "looks like millimetres", 1e-2: "looks like centimetres",
    1e-1: "looks like millimetres taken for centimetres",
    1e1: "looks like centimetres taken for millimetres",
    1e2: "looks like metres taken for centimetres",
    1e3: "looks like metres taken for millimetres",
}  # fmt: skip
"""What would make lengths right, and why it might be so."""

METACARPAL_RANGE_M = (0.02, 0.12)
"""Wrist to knuckle of any human hand, an infant's and a giant's included, metres."""

CLEAR_BEND = 0.25
"""Mean sine of a hand's finger joints (about 15 degrees) from which its side can be told."""

MOST_OUTSIDE = 0.5
"""Share of the joints that may lie outside their images."""

LEAST_IN_BOX = 0.5
"""Share of the joints that must lie in their hand's box, where there are boxes."""

BOX_MARGIN = 0.1
"""Of the box's width and height, by which it is widened on each side for that."""

MOST_CONTRADICTING = 1 / 3
"""Share of the clearly bent hands that may bend like the other side's."""

REPROJECTION_TOLERANCE_PX = 1.0
"""Median distance allowed where a file gives both image and camera coordinates."""


@dataclass(frozen=True)
class Hands:
    """Labels of several hands as arrays; NaN where there is none.

    Attributes:
        joints_px: Continuous px, [N, 21, 2].
        joints_cam_m: Camera frame, metres, [N, 21, 3].
        sides: right, left or None, [N].
        image_px: Width and height of the images, [N, 2].
        boxes_px: x, y, width, height, continuous px, [N, 4].
    """

    joints_px: np.ndarray
    joints_cam_m: np.ndarray
    sides: Sequence[str | None]
    image_px: np.ndarray
    boxes_px: np.ndarray

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Hands:
        """From rows of the manifest."""

        def array(column: str, *shape: int) -> np.ndarray:
            nothing = np.full(shape, np.nan)
            values = [row.get(column) for row in rows]
            return np.array(
                [nothing if v is None else np.reshape(v, shape) for v in values], dtype=np.float64
            ).reshape(-1, *shape)

        return cls(
            array("joints_2d", HAND21.num_joints, 2),
            array("joints_3d", HAND21.num_joints, 3),
            [row.get("side") for row in rows],
            np.array([(row["width"], row["height"]) for row in rows], dtype=np.float64),
            array("box", 4),
        )


def check_geometry(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuses labels that cannot be hands in their images.

    Args:
        path: Annotation file to name.
        rows: Probed rows of the manifest.

    Raises:
        InputError: There is no hand, or `geometry_problems` finds one; the first is told.
    """
    if not rows:
        raise InputError(f"{path}: holds no hand that can be used, expected at least one.")
    for problem in geometry_problems(Hands.of_rows(rows)):
        raise InputError(f"{path}: {problem}.")


def geometry_problems(hands: Hands) -> Iterator[str]:
    """What cannot be true of these labels, without the last full stop; the gravest first.

    Unit, joint order, direction of view and handedness in three dimensions; joint order in two from
    `rigid_distances.MIN_FLAT_HANDS` hands on; the shares of joints outside their images and
    outside their hands' boxes.
    """
    in_space = ~np.isnan(hands.joints_cam_m).all((1, 2))
    if in_space.any():
        joints_cam_m = hands.joints_cam_m[in_space]
        sides = np.array(hands.sides, dtype=object)[in_space]
        problem = _unit_problem(joints_cam_m)
        if problem:
            yield problem
            return
        problem = order_problem(joints_cam_m) or _palm_problem(joints_cam_m)
        if problem:
            yield problem
            return
        yield from _view_problems(joints_cam_m)
        yield from _side_problems(joints_cam_m, sides)
    else:
        problem = order_problem(hands.joints_px)
        if problem:
            yield problem
    yield from _outside_problems(hands)
    yield from _box_problems(hands)


def check_reprojection(
    path: Path, joints_px: np.ndarray, joints_cam_m: np.ndarray, camera_k: np.ndarray
) -> None:
    """Refuses image and camera coordinates of one file that disagree.

    Args:
        path: Annotation file to name.
        joints_px: As the file has them, [N, 21, 2].
        joints_cam_m: Metres, [N, 21, 3].
        camera_k: [N, 3, 3].

    Raises:
        InputError: The median distance is more than `REPROJECTION_TOLERANCE_PX`.
    """
    distances_px = np.linalg.norm(project(joints_cam_m, camera_k) - joints_px, axis=-1)
    compared = distances_px[~np.isnan(distances_px)]
    median = float(np.median(compared)) if len(compared) else np.nan
    if not median <= REPROJECTION_TOLERANCE_PX:
        raise InputError(
            f"{path}: the 3-D joints project {median:.3g} px from the 2-D ones, expected at most "
            f"{REPROJECTION_TOLERANCE_PX:g} px (another calibration, axis or joint order?)."
        )


def _unit_problem(joints_cam_m: np.ndarray) -> str | None:
    spans = [_span(joints[~np.isnan(joints).any(-1)]) for joints in joints_cam_m]
    median = float(np.median(spans))
    low, high = SPAN_RANGE_M
    if low <= median <= high:
        return None
    likely = [hint for factor, hint in MISTAKEN_UNITS.items() if low <= median * factor <= high]
    hint = likely[0] if likely else "no unit of length makes it one"
    return (
        f"the hands' median span is {median:.3g}, expected {low:g} to {high:g} m ({hint}, "
        "joints_3d is in metres)"
    )


def _span(joints: np.ndarray) -> float:
    if len(joints) == 0:
        return 0.0
    return float(np.linalg.norm(joints[:, None] - joints[None], axis=-1).max())


def _palm_problem(joints_cam_m: np.ndarray) -> str | None:
    knuckles = HAND21.indices(["index_mcp", "middle_mcp", "ring_mcp", "little_mcp"])
    lengths = np.linalg.norm(joints_cam_m[:, knuckles] - joints_cam_m[:, [HAND21.root]], axis=-1)
    median = float(np.nanmedian(lengths))
    low, high = METACARPAL_RANGE_M
    if low <= median <= high:
        return None
    return (
        f"the median length from wrist to knuckles is {median:.3g} m, expected {low:g} to {high:g} "
        "(another joint order?)"
    )


def _view_problems(joints_cam_m: np.ndarray) -> Iterator[str]:
    depth_m = float(np.nanmedian(joints_cam_m[..., 2]))
    if not depth_m > 0:
        yield (
            f"the joints' median z is {depth_m:.3g} m, expected camera coordinates with z forward, "
            "x right and y down"
        )


def bend_sign(joints_cam_m: np.ndarray) -> np.ndarray:
    """How clearly hands bend like right ones.

    The finger joints beyond the knuckles bend one way only. The axis that they turn about, the
    cross product of two bones in a row, points from the little finger's knuckle to the index
    finger's in a right hand, and the other way in its mirror image, however the knuckles bend and
    whatever the view.

    Args:
        joints_cam_m: In right-handed axes such as OpenCV's, any unit, [N, 21, 3].

    Returns:
        Mean sine of the bends about that axis: positive for right hands, negative for left ones,
        near 0 for straight fingers, [N]; NaN where a hand's joints are not labelled.
    """
    across = (
        joints_cam_m[:, HAND21.index("index_mcp")] - joints_cam_m[:, HAND21.index("little_mcp")]
    )
    across = _unit(across)
    sines = []
    for finger in FINGERS[1:]:
        bones = _unit(np.diff(joints_cam_m[:, HAND21.chain(finger)], axis=1))
        axes = np.cross(bones[:, :-1], bones[:, 1:])
        sines.append((axes * across[:, None]).sum(-1))
    values = np.concatenate(sines, axis=1)
    counts = (~np.isnan(values)).sum(1)
    return np.nansum(values, axis=1) / np.where(counts == 0, np.nan, counts)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths == 0, np.nan, lengths)


def _side_problems(joints_cam_m: np.ndarray, sides: np.ndarray) -> Iterator[str]:
    signs = bend_sign(joints_cam_m)
    for side, expected in zip(HAND_SIDES, (1, -1), strict=True):
        clear = signs[(sides == side) & (np.abs(signs) > CLEAR_BEND)] * expected
        share = float(np.mean(clear < 0)) if len(clear) else 0.0
        if share > MOST_CONTRADICTING:
            other = HAND_SIDES[side == HAND_SIDES[0]]
            yield (
                f"{share:.0%} of the clearly bent {side} hands bend as only {other} hands can, "
                f"expected at most {MOST_CONTRADICTING:.0%} (sides swapped, mirrored hands or a "
                "mirrored axis?)"
            )


def _outside_problems(hands: Hands) -> Iterator[str]:
    # The coordinates tell, whatever the states claim: those of a joint without a label are NaN.
    known = ~np.isnan(hands.joints_px).any(-1)
    inside = (hands.joints_px >= 0) & (hands.joints_px <= hands.image_px[:, None])
    outside = np.sum(known & ~inside.all(-1)) / max(1, np.sum(known))
    if outside > MOST_OUTSIDE:
        yield (
            f"{outside:.0%} of the joints lie outside their images, expected pixel coordinates of "
            "the original images and the calibration of these cameras"
        )


def _box_problems(hands: Hands) -> Iterator[str]:
    corner, size = hands.boxes_px[:, None, :2], hands.boxes_px[:, None, 2:]
    known = ~np.isnan(hands.joints_px).any(-1) & ~np.isnan(hands.boxes_px).any(-1)[:, None]
    margin = BOX_MARGIN * size
    inside = (hands.joints_px >= corner - margin) & (hands.joints_px <= corner + size + margin)
    if not known.any():
        return
    share = np.mean(inside.all(-1)[known])
    if share < LEAST_IN_BOX:
        yield (
            f"{share:.0%} of the joints lie in their hands' boxes, expected at least "
            f"{LEAST_IN_BOX:.0%} (other units, x and y swapped, or boxes of other hands?)"
        )
