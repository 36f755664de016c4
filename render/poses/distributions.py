"""Pose distributions: parts of a recipe that say what the fingers do.

Each kind turns into leaves, one a family; a leaf draws angles. Which of its leaves a distribution
draws from is decided with equal chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.errors import InputError
from mano_assets.hand import Hand
from mano_assets.joint_limits import Range
from render.poses.articulation import jittered
from render.poses.contact import Yields
from render.poses.families import FAMILIES, load_family, load_family_file
from render.poses.handshapes import HANDSHAPES, Handshape, handshape_angles
from render.poses.ranges import NUM_RANGE_UNIFORMS, range_angles
from render.poses.trajectories import between


@dataclass(frozen=True)
class Leaf:
    """One family of poses.

    Attributes:
        draw: Angles [16, 3] from a generator; poses of a range from uniform numbers, if given.
        num_views: Random views of which the one that hides the most joints is taken.
        yields: Who gives way when a drawn pose runs into itself.
    """

    draw: Callable[[np.random.Generator, np.ndarray | None], np.ndarray]
    num_views: int = 1
    yields: Yields = "nothing"


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HandshapePoses(Handshape):
    """A handshape with noise."""

    kind: Literal["handshape"]
    jitter_deg: float = Field(
        default=6.0,
        ge=0,
        le=45,
        description="Standard deviation of every bend; splays vary half as much.",
    )
    yields: Yields = Field(
        default="thumb",
        description="Who gives way where thumb and finger touch: thumb, fingers or nothing.",
    )


class RangePoses(_Kind):
    """Every joint anywhere in a range of motion, couplings kept."""

    kind: Literal["range"]
    range: Range = Field(default="active", description="functional (daily activities) or active.")


class PcaPoses(_Kind):
    """Normal coefficients of MANO's principal components."""

    kind: Literal["mano_pca"]
    components: int = Field(default=12, ge=1, le=45, description="How many of the strongest.")
    std: float = Field(
        default=0.7,
        gt=0,
        le=5,
        description="Standard deviation of the coefficients; components are unit vectors.",
    )


class EmpiricalPoses(_Kind):
    """Poses of a file: a data set (ROOT or ROOT:SPLIT), a table of poses, an NPZ."""

    kind: Literal["empirical"]
    path: str = Field(min_length=1, description="Data set, Parquet or NPZ file; path or URL.")
    jitter_deg: float = Field(
        default=3.0,
        ge=0,
        le=45,
        description="Standard deviation added to every bend, half as much to splays.",
    )


class TrajectoryPoses(_Kind):
    """Smooth movement from one key pose to the next, stopping at each."""

    kind: Literal["trajectory"]
    through: tuple[str, ...] = Field(
        min_length=1, description="Distributions that the key poses are drawn from."
    )
    seconds: float = Field(default=0.6, gt=0, le=10, description="From one key pose to the next.")
    frames_per_second: float = Field(default=30.0, gt=0, le=1000, description="Of the clips.")

    @property
    def frames_per_move(self) -> int:
        """Frames from one key pose to the next."""
        return max(1, round(self.seconds * self.frames_per_second))


class FamilyPoses(_Kind):
    """A family in a Python file of your own: `draw(rng) -> angles` (render/poses/families)."""

    kind: Literal["family"]
    file: Path = Field(description="The file; it is run.")


Distribution = Annotated[
    HandshapePoses | RangePoses | PcaPoses | EmpiricalPoses | TrajectoryPoses | FamilyPoses,
    Field(discriminator="kind"),
]
"""A pose distribution as recipes write it."""

GROUPS: dict[str, tuple[str, ...]] = {
    "handshapes": tuple(HANDSHAPES),
    "counting": ("zero", "one", "two", "three", "four", "five", "fist"),
    "letters": tuple(name for name in HANDSHAPES if name.startswith("letter_")),
    "hard": FAMILIES,
}
"""Distributions made of others."""

_SHIPPED: dict[str, Distribution] = {
    "functional": RangePoses(kind="range", range="functional"),
    "active_range": RangePoses(kind="range", range="active"),
    "mano_pca": PcaPoses(kind="mano_pca"),
    "clips": TrajectoryPoses(kind="trajectory", through=("handshapes", "functional")),
    **{
        name: HandshapePoses(kind="handshape", **shape.model_dump())
        for name, shape in HANDSHAPES.items()
    },
}

DISTRIBUTIONS = tuple(sorted({*GROUPS, *_SHIPPED, *FAMILIES}))
"""Names that every recipe can use."""


def check_distribution(name: str, own: Mapping[str, Distribution]) -> None:
    """Is there a distribution of that name, and of each name that it goes through?

    Raises:
        InputError: There is not, or it goes through itself.
    """
    _check(name, own, ())


def _check(name: str, own: Mapping[str, Distribution], above: tuple[str, ...]) -> None:
    if name in above:
        raise InputError(f"pose distribution {name!r} goes through itself, expected key poses.")
    if name not in own and name not in DISTRIBUTIONS:
        known = ", ".join(sorted({*DISTRIBUTIONS, *own}))
        raise InputError(f"pose distribution {name!r} is unknown, expected one of {known}.")
    kind = distribution_kind(name, own)
    parts = kind.through if isinstance(kind, TrajectoryPoses) else ()
    if kind is None:
        parts = GROUPS.get(name, ())
    for part in parts:
        _check(part, own, (*above, name))


def distribution_kind(name: str, own: Mapping[str, Distribution]) -> Distribution | None:
    """What a name stands for; None for a group and a shipped family."""
    return own.get(name) or _SHIPPED.get(name)


def leaves(name: str, own: Mapping[str, Distribution], hand: Hand) -> dict[str, Leaf]:
    """A distribution's families.

    Args:
        name: Of a distribution.
        own: The recipe's own distributions; they hide shipped ones of the same name.
        hand: Whose joints and principal components poses are made for.

    Returns:
        Family to leaf.

    Raises:
        InputError: There is no such distribution, or its file cannot be read.
    """
    check_distribution(name, own)
    if name in GROUPS and name not in own:
        return {member: leaves(member, own, hand)[member] for member in GROUPS[name]}
    kind = distribution_kind(name, own)
    match kind:
        case None:
            module = load_family(name)
        case HandshapePoses():
            draw = partial(_handshape, handshape_angles(kind), kind.jitter_deg)
            return {name: Leaf(draw, yields=kind.yields)}
        case RangePoses():
            return {name: Leaf(partial(_range, kind.range))}
        case PcaPoses():
            return {name: Leaf(partial(_pca, kind, hand, joint_frames(hand.arrays["J"])))}
        case EmpiricalPoses():
            draw = partial(_empirical, _stored(kind.path, hand), kind.jitter_deg)
            return {name: Leaf(draw, yields="thumb")}
        case TrajectoryPoses():
            keys = [leaves(key, own, hand) for key in kind.through]
            return {name: Leaf(partial(_on_the_way, keys), yields="thumb")}
        case FamilyPoses():
            module = load_family_file(kind.file)
    draw = partial(_family, module.draw, name)
    return {
        name: Leaf(
            draw,
            num_views=getattr(module, "VIEWS", 1),
            yields=getattr(module, "YIELDS", "thumb"),
        )
    }


def draw_from(families: Mapping[str, Leaf], rng: np.random.Generator) -> tuple[str, Leaf]:
    """One family of a distribution, each with equal chance."""
    names = sorted(families)
    family = names[rng.integers(len(names))]
    return family, families[family]


def _handshape(
    shape: np.ndarray, jitter_deg: float, rng: np.random.Generator, _: np.ndarray | None
) -> np.ndarray:
    jitter = np.deg2rad(jitter_deg)
    return jittered(shape, rng, jitter, jitter / 2)


def _range(range_: Range, rng: np.random.Generator, uniforms: np.ndarray | None) -> np.ndarray:
    return range_angles(range_, rng.random(NUM_RANGE_UNIFORMS) if uniforms is None else uniforms)


def _pca(
    kind: PcaPoses,
    hand: Hand,
    frames: np.ndarray,
    rng: np.random.Generator,
    _: np.ndarray | None,
) -> np.ndarray:
    components = hand.arrays["hands_components"][: kind.components]
    coefficients = rng.normal(0, kind.std, kind.components)
    pose = hand.arrays["hands_mean"] + coefficients @ components
    return pose_to_angles(np.concatenate([np.zeros(3), pose]), frames)


def _empirical(
    angles_rad: np.ndarray, jitter_deg: float, rng: np.random.Generator, _: np.ndarray | None
) -> np.ndarray:
    jitter = np.deg2rad(jitter_deg)
    return jittered(angles_rad[rng.integers(len(angles_rad))], rng, jitter, jitter / 2)


def _stored(path: str, hand: Hand) -> np.ndarray:
    from render.poses.pose_sets import read_pose_set

    return read_pose_set(path, hand).angles_rad


def _on_the_way(
    keys: list[dict[str, Leaf]], rng: np.random.Generator, _: np.ndarray | None
) -> np.ndarray:
    start, end = (key_pose(keys, rng)[0] for _ in range(2))
    return between(start, end, rng.random())


def key_pose(keys: list[dict[str, Leaf]], rng: np.random.Generator) -> tuple[np.ndarray, Yields]:
    """A key pose of a trajectory, [16, 3], and who gives way in it."""
    leaf = draw_from(keys[rng.integers(len(keys))], rng)[1]
    return leaf.draw(rng, None), leaf.yields


def _family(
    draw: Callable[[np.random.Generator], np.ndarray],
    name: str,
    rng: np.random.Generator,
    _: np.ndarray | None,
) -> np.ndarray:
    try:
        angles = np.asarray(draw(rng), dtype=float)
    except Exception as error:  # The file may be the user's: anything may happen.
        raise InputError(
            f"pose family {name!r}: draw failed, expected angles [16, 3] ({error!r})."
        ) from error
    if angles.shape != (16, 3) or not np.isfinite(angles).all():
        raise InputError(
            f"pose family {name!r}: draw returned shape {list(angles.shape)}, expected finite "
            "angles [16, 3]."
        )
    return angles
