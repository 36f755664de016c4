"""Valid poses by sample number: within the limits and not through themselves.

Every sample draws from its own generator until a pose is valid, so that a sample's pose depends on
the recipe and its number alone, whoever draws it and in whichever order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.errors import InputError
from mano_assets.geometry.self_intersection import self_intersection_test, triangle_bones
from mano_assets.hand import Hand
from mano_assets.joint_limits import clamp
from mano_assets.skeleton import MANO16
from render.poses.articulation import rest_wrist
from render.poses.contact import STEP_SIZES, Yields, eased
from render.poses.distributions import (
    Distribution,
    Leaf,
    TrajectoryPoses,
    distribution_kind,
    draw_from,
    key_pose,
    leaves,
)
from render.poses.trajectories import between
from render.randomness import stream

MAX_DRAWS = 1000
"""A family that yields no valid pose in as many draws is a mistake."""

_NO_ROTATION = np.zeros(3)
_ENOUGH = 100
"""Crossing triangles that tell which parts overlap; later steps find the others."""


@dataclass(frozen=True)
class DrawnPose:
    """A valid pose of a right hand.

    Attributes:
        distribution: Drawn from.
        family: Of the distribution.
        angles_rad: Bend, splay and twist, [16, 3].
        pose: Wrist, then MANO's 45, axis-angle, [48].
        vertices_m: Of the hand with this pose and the sample's shape, not turned, [V, 3].
        joints_m: hand21, [21, 3].
        num_draws: Poses drawn until this one was valid.
        num_views: Random views of which the one that hides the most joints is taken.
    """

    distribution: str
    family: str
    angles_rad: np.ndarray
    pose: np.ndarray
    vertices_m: np.ndarray
    joints_m: np.ndarray
    num_draws: int
    num_views: int


@dataclass(frozen=True)
class _Move:
    """From one key pose of a clip to the next, [16, 3] each, and how often they were drawn."""

    start_rad: np.ndarray
    end_rad: np.ndarray
    num_draws: int


class PoseSampler:
    """Draws poses of a recipe's distributions.

    Args:
        hand: Whose mesh may not run into itself.
        own: The recipe's own distributions.
        seed: Of the recipe.
    """

    def __init__(self, hand: Hand, own: Mapping[str, Distribution], seed: int) -> None:
        self._hand, self._own, self._seed = hand, own, seed
        self._frames = joint_frames(hand.arrays["J"])
        self._test = self_intersection_test(hand)
        self._bones = triangle_bones(hand)
        self._leaves: dict[str, dict[str, Leaf]] = {}
        self._moves = lru_cache(maxsize=16)(_no_moves)

    def draw(
        self,
        weights: Mapping[str, float],
        rng: np.random.Generator,
        betas: np.ndarray,
        even: np.ndarray | None = None,
    ) -> DrawnPose:
        """A pose of a mixture of distributions.

        Args:
            weights: Distribution to weight.
            rng: Of the sample's poses; later draws continue it.
            betas: The sample's shape, [10].
            even: Coordinates of a Sobol point, [NUM_RANGE_UNIFORMS]: a pose of a range is made of
                them, if it is valid. None for independent numbers.

        Raises:
            InputError: A family yields no valid pose.
        """
        distribution = _choose(weights, rng)
        family, leaf = draw_from(self._leaves_of(distribution), rng)
        shaped = self._hand.shaped(betas)
        for number in range(1, MAX_DRAWS + 1):
            drawn = leaf.draw(rng, even if number == 1 else None)
            found = self._touching(self._within_limits(drawn, rng), shaped, leaf.yields)
            if found is not None:
                return DrawnPose(distribution, family, *found, number, leaf.num_views)
        raise self._no_pose(family)

    def frame(
        self, weights: Mapping[str, float], clip: int, frame: int, betas: np.ndarray
    ) -> DrawnPose:
        """A frame of a clip through key poses.

        Args:
            weights: Trajectory distribution to weight.
            clip: Sample number of its first frame.
            frame: Number in the clip.
            betas: The clip's shape, [10].

        Raises:
            InputError: There is no valid way from one key pose to another.
        """
        distribution = _choose(weights, stream(self._seed, "clip", clip))
        kind = distribution_kind(distribution, self._own)
        assert isinstance(kind, TrajectoryPoses)
        shaped = self._hand.shaped(betas)
        number, step = divmod(frame, kind.frames_per_move)
        moves = self._moves(distribution, clip, tuple(betas))
        # A key pose depends on the one before it: the way between them must be free.
        while len(moves) <= number:
            rng = stream(self._seed, f"clip/{len(moves)}", clip)
            before = moves[-1].end_rad if moves else None
            moves.append(self._next_move(distribution, kind, before, shaped, rng))
        move = moves[number]
        angles = between(move.start_rad, move.end_rad, step / kind.frames_per_move)
        posed = self._posed(angles, shaped)
        return DrawnPose(distribution, distribution, angles, *posed, move.num_draws, 1)

    def _next_move(
        self,
        distribution: str,
        kind: TrajectoryPoses,
        before: np.ndarray | None,
        shaped: tuple[np.ndarray, np.ndarray],
        rng: np.random.Generator,
    ) -> _Move:
        """From the key pose before, the first time from a drawn one, to a drawn one."""
        keys = [self._leaves_of(name) for name in kind.through]
        steps = np.arange(1, kind.frames_per_move) / kind.frames_per_move
        for number in range(1, MAX_DRAWS + 1):
            start = self._valid_key(keys, shaped, rng) if before is None else before
            end = self._valid_key(keys, shaped, rng)
            if start is None or end is None:
                continue
            way = (between(start, end, step) for step in steps)
            if not any(self._test.intersects(self._posed(angles, shaped)[1]) for angles in way):
                return _Move(start, end, number)
        raise self._no_pose(distribution)

    def _valid_key(
        self,
        keys: list[dict[str, Leaf]],
        shaped: tuple[np.ndarray, np.ndarray],
        rng: np.random.Generator,
    ) -> np.ndarray | None:
        angles, yields = key_pose(keys, rng)
        found = self._touching(self._within_limits(angles, rng), shaped, yields)
        return None if found is None else found[0]

    def _touching(
        self, angles: np.ndarray, shaped: tuple[np.ndarray, np.ndarray], yields: Yields
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """The pose, opened as far as contact asks; None if it runs into itself all the same."""
        if yields == "nothing":
            posed = self._posed(angles, shaped)
            return None if self._test.intersects(posed[1]) else (angles, *posed)
        for size in (*STEP_SIZES, None):
            posed = self._posed(angles, shaped)
            crossing = self._test.intersections(posed[1], _ENOUGH)
            if len(crossing) == 0:
                return angles, *posed
            if size is None:
                break
            pairs = np.unique(self._bones[crossing], axis=0)
            angles = clamp(eased(angles, map(tuple, pairs), yields, size), "active")
        return None

    def _leaves_of(self, distribution: str) -> dict[str, Leaf]:
        if distribution not in self._leaves:
            self._leaves[distribution] = leaves(distribution, self._own, self._hand)
        return self._leaves[distribution]

    def _within_limits(self, angles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not angles[MANO16.root].any():
            angles = angles.copy()
            rest_wrist(angles, rng)
        return clamp(angles, "active")

    def _posed(
        self, angles: np.ndarray, shaped: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pose = angles_to_pose(angles, self._frames)
        return pose, *self._hand.bent(*shaped, _NO_ROTATION, pose[3:], pose[:3])

    def _no_pose(self, family: str) -> InputError:
        return InputError(
            f"pose distribution {family!r}: in {MAX_DRAWS} draws every pose ran into itself, "
            "expected poses that leave the fingers room."
        )


def _no_moves(distribution: str, clip: int, betas: tuple[float, ...]) -> list[_Move]:
    """The moves of a clip, before the first is drawn."""
    return []


def _choose(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    return names[rng.choice(len(names), p=shares / shares.sum())]
