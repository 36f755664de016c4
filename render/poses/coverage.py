"""Does one set of poses cover another?

Poses are compared in the space of `render.poses.pose_space`, with the wrist if both sets know it.
A pose of B is covered by A when a pose of A lies within a radius. The radius is a fixed angle, not
one taken from the distances within A: that would shrink as A grows, and a larger A would then
cover less. What a set of a given size can reach at most is told by how well it covers itself, each
pose left out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from mano_assets.errors import InputError
from mano_assets.joint_limits import Range
from render.poses.pose_sets import PoseSet
from render.poses.pose_space import Angle, compared_angles, features_of, nearest, rms, share_within

RADIUS_DEG = 15.0
"""As much as one finger makes that is curled half instead of stretched, all else equal."""

MOST_POSES = 50_000
"""Of a larger set so many are drawn without replacement, the same ones every time."""

PARTS_OF_A = (1 / 8, 1 / 4, 1 / 2, 1.0)

BIN_DEG = {"bend": 5.0, "splay": 2.5}
"""Width of a histogram's bars."""

_ON_THE_LIMIT_RAD = 1e-6
"""Poses clamped to a limit leave it by rounding on the way through axis-angle."""


@dataclass(frozen=True)
class Compared:
    """A set as it entered the comparison.

    Attributes:
        poses: The whole set.
        rows: Rows of it that were compared, [n].
        features_rad: Their compared angles, [n, K].
    """

    poses: PoseSet
    rows: np.ndarray
    features_rad: np.ndarray


@dataclass(frozen=True)
class Coverage:
    """Two sets, compared. Distances are the root mean square over the angles, radians.

    Attributes:
        a: The set that covers or does not.
        b: The set to be covered.
        angles: What is compared, [K].
        radius_rad: Within which a pose counts as covered.
        b_to_a_rad: Distance of each pose of B to the nearest of A, [n_b].
        nearest_in_a: Which of A's compared poses that is, [n_b].
        a_to_b_rad: Distance of each pose of A to the nearest of B, [n_a].
        within_a_rad: Distance of each pose of A to the nearest other one of A, [n_a]; infinite when
            there is no other.
        within_b_rad: The same of B, [n_b].
        share_by_size: How many poses of A, and the share of B that they cover.
    """

    a: Compared
    b: Compared
    angles: tuple[Angle, ...]
    radius_rad: float
    b_to_a_rad: np.ndarray
    nearest_in_a: np.ndarray
    a_to_b_rad: np.ndarray
    within_a_rad: np.ndarray
    within_b_rad: np.ndarray
    share_by_size: tuple[tuple[int, float], ...]

    @property
    def share_of_b(self) -> float:
        """Share of B's poses that A covers."""
        return float(share_within(self.b_to_a_rad, self.radius_rad))

    @property
    def share_of_a(self) -> float:
        """Share of A's poses that B covers."""
        return float(share_within(self.a_to_b_rad, self.radius_rad))


def compare(
    a: PoseSet, b: PoseSet, radius_deg: float = RADIUS_DEG, most_poses: int = MOST_POSES
) -> Coverage:
    """Compares two sets of poses.

    Args:
        a: The set that covers or does not.
        b: The set to be covered.
        radius_deg: Within which a pose counts as covered, degrees.
        most_poses: Of a larger set so many are drawn.

    Raises:
        InputError: The radius is not positive.
    """
    if not 0 < radius_deg <= 180:
        raise InputError(f"radius_deg: {radius_deg} is not a radius, expected 0 to 180 degrees.")
    angles = compared_angles(with_wrist=a.has_wrist and b.has_wrist)
    first, second = (_compared(poses, angles, most_poses) for poses in (a, b))
    radius = float(np.deg2rad(radius_deg))
    with tqdm(total=5, desc="coverage", unit="pass", leave=False) as bar:
        b_to_a, in_a = nearest(second.features_rad, first.features_rad)
        bar.update()
        a_to_b, _ = nearest(first.features_rad, second.features_rad)
        bar.update()
        within_a, _ = nearest(first.features_rad)
        bar.update()
        within_b, _ = nearest(second.features_rad)
        bar.update()
        by_size = _share_by_size(first, second, b_to_a, radius)
        bar.update()
    return Coverage(
        first, second, angles, radius, b_to_a, in_a, a_to_b, within_a, within_b, by_size
    )


def _compared(poses: PoseSet, angles: tuple[Angle, ...], most_poses: int) -> Compared:
    count = len(poses.angles_rad)
    rows = np.arange(count)
    if count > most_poses:
        rows = np.sort(np.random.default_rng(0).permutation(count)[:most_poses])
    return Compared(poses, rows, features_of(poses.angles_rad[rows], angles))


def _share_by_size(
    a: Compared, b: Compared, b_to_a_rad: np.ndarray, radius_rad: float
) -> tuple[tuple[int, float], ...]:
    count = len(a.rows)
    order = np.random.default_rng(0).permutation(count)
    shares = {}
    for part in PARTS_OF_A:
        size = max(1, round(part * count))
        some = order[:size]
        reached = b_to_a_rad if size == count else nearest(b.features_rad, a.features_rad[some])[0]
        shares[size] = float(share_within(reached, radius_rad))
    return tuple(shares.items())


def outside(compared: Compared, angles: tuple[Angle, ...], which: Range) -> np.ndarray:
    """Which angles lie outside their limits, [n, K]."""
    limits = [getattr(angle, f"{which}_rad") for angle in angles]
    lower, upper = np.array(limits).T
    features = compared.features_rad
    return (features < lower - _ON_THE_LIMIT_RAD) | (features > upper + _ON_THE_LIMIT_RAD)


def histogram(coverage: Coverage, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histogram of one compared angle, wide enough for both sets and the active limits.

    Args:
        coverage: Of the two sets.
        number: Of the angle.

    Returns:
        Edges, degrees, [bins + 1]; shares of A's and of B's poses, [bins] each.
    """
    angle = coverage.angles[number]
    width = BIN_DEG[angle.motion]
    values = [np.rad2deg(part.features_rad[:, number]) for part in (coverage.a, coverage.b)]
    # Rounded: what is clamped to a limit shall not open a bar beyond it.
    ends = np.concatenate([*values, np.rad2deg(angle.active_rad)]).round(6) / width
    edges = width * np.arange(np.floor(ends.min()), np.ceil(ends.max()) + 1)
    of_a, of_b = (
        np.histogram(part.clip(edges[0], edges[-1]), edges)[0] / len(part) for part in values
    )
    return edges, of_a, of_b


def left_out_rad(compared: Compared, angles: tuple[Angle, ...]) -> float:
    """Root mean square of the fingers' angles that are not compared: twists, splays of hinges."""
    finger_angles = compared.poses.angles_rad[compared.rows, 1:]
    kept = compared.features_rad[:, [angle.joint != "wrist" for angle in angles]]
    count = finger_angles[0].size - kept.shape[1]
    total = max((finger_angles**2).sum() - (kept**2).sum(), 0.0)
    return float(np.sqrt(total / (len(finger_angles) * count)))


@dataclass(frozen=True)
class Uncovered:
    """A pose of B far from all of A, which stands for those like it.

    Attributes:
        row: Of B's compared poses.
        nearest_row: Of A's compared poses.
        distance_rad: Between the two.
        num_alike: Poses of B as far from A or nearer, within the radius of this one, and it.
    """

    row: int
    nearest_row: int
    distance_rad: float
    num_alike: int


def furthest(coverage: Coverage, count: int) -> list[Uncovered]:
    """The poses of B furthest from A, of each kind one.

    Greedy: the furthest pose, then the furthest that is not within the radius of one already taken.
    Only uncovered poses are taken and counted, unless all are covered.

    Args:
        coverage: Of the two sets.
        count: At most.
    """
    distances = coverage.b_to_a_rad
    candidates = np.flatnonzero(distances > coverage.radius_rad)
    if not len(candidates):
        candidates = np.arange(len(distances))
    # Furthest first; equally far ones in the order of their rows.
    candidates = candidates[np.argsort(-distances[candidates], kind="stable")]
    found = []
    while len(candidates) and len(found) < count:
        row = int(candidates[0])
        features = coverage.b.features_rad
        alike = rms(features[candidates] - features[row]) <= coverage.radius_rad
        found.append(
            Uncovered(row, int(coverage.nearest_in_a[row]), float(distances[row]), int(alike.sum()))
        )
        candidates = candidates[~alike]
    return found


@dataclass(frozen=True)
class Map:
    """Both sets on the two directions in which their poses differ most.

    Attributes:
        a: Places of A's compared poses, radians, [n_a, 2].
        b: Of B's, [n_b, 2].
        axes: Unit vectors over the compared angles, [2, K].
        explained: Share of the variance along each.
    """

    a: np.ndarray
    b: np.ndarray
    axes: np.ndarray
    explained: tuple[float, float]


def project(coverage: Coverage) -> Map:
    """Principal components of both sets together, each set with the same weight."""
    a, b = coverage.a.features_rad, coverage.b.features_rad
    mean = (a.mean(0) + b.mean(0)) / 2
    a, b = a - mean, b - mean
    variances, directions = np.linalg.eigh((a.T @ a / len(a) + b.T @ b / len(b)) / 2)
    axes = directions.T[:-3:-1]
    # An eigenvector has no sign of its own: its largest part shall be positive.
    axes = axes * np.sign(axes[[0, 1], np.abs(axes).argmax(1)])[:, None]
    shares = variances[:-3:-1] / max(variances.sum(), np.finfo(float).tiny)
    return Map(a @ axes.T, b @ axes.T, axes, (float(shares[0]), float(shares[1])))
