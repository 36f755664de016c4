"""Skeletons: which joints there are, in which order, and how they hang together.

The only place where a joint's index is decided. Everything else asks a `Skeleton` by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

FINGERS = ("thumb", "index", "middle", "ring", "little")


@dataclass(frozen=True)
class Skeleton:
    """A named tree of joints.

    Attributes:
        name: Identifier stored in `dataset.json`.
        joints: Joint names in storage order, [J].
        parents: Index of each joint's parent, -1 for the root, [J]. Parents precede children.
        chains: Named groups of joints from base to tip (a hand's fingers), by joint name.
        reference_bone: Names of the two joints whose distance normalises scale.
        flip_pairs: Pairs of joint names that swap when the image is mirrored. Empty for a single
            hand: mirroring turns a right hand into a left one with the same joint names.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    chains: tuple[tuple[str, tuple[str, ...]], ...]
    reference_bone: tuple[str, str]
    flip_pairs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if len(self.joints) != len(self.parents):
            raise ValueError(f"{self.name}: {len(self.joints)} joints, {len(self.parents)} parents")
        if any(parent >= child for child, parent in enumerate(self.parents)):
            raise ValueError(f"{self.name}: every parent must precede its children")

    @property
    def num_joints(self) -> int:
        """J."""
        return len(self.joints)

    @cached_property
    def root(self) -> int:
        """Index of the joint without a parent."""
        return self.parents.index(-1)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) indices, one a non-root joint, in the children's order."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def adjacency(self) -> np.ndarray:
        """Symmetric 0/1 matrix without self-loops, [J, J]."""
        matrix = np.zeros((self.num_joints, self.num_joints))
        for parent, child in self.bones:
            matrix[parent, child] = matrix[child, parent] = 1.0
        return matrix

    def index(self, joint: str) -> int:
        """Index of a joint by name.

        Raises:
            KeyError: There is no such joint.
        """
        try:
            return self.joints.index(joint)
        except ValueError:
            raise KeyError(f"skeleton {self.name!r} has no joint {joint!r}") from None

    def indices(self, joints: Sequence[str]) -> list[int]:
        """Indices of several joints by name."""
        return [self.index(joint) for joint in joints]

    def chain(self, name: str) -> list[int]:
        """Joint indices of a chain (a finger), base to tip."""
        return self.indices(dict(self.chains)[name])

    @cached_property
    def reference(self) -> tuple[int, int]:
        """Indices of the reference bone's two joints."""
        first, second = self.reference_bone
        return self.index(first), self.index(second)

    def order_from(self, joints: Sequence[str]) -> list[int]:
        """Where each joint of this skeleton stands in another order: `values[order]` is ours.

        Args:
            joints: The other order, by this skeleton's joint names.
        """
        return [list(joints).index(joint) for joint in self.joints]


def _finger(name: str) -> tuple[str, ...]:
    segments = ("cmc", "mcp", "ip", "tip") if name == "thumb" else ("mcp", "pip", "dip", "tip")
    return tuple(f"{name}_{segment}" for segment in segments)


def _hand(name: str, fingers: Sequence[str], with_tips: bool) -> Skeleton:
    joints, parents, chains = ["wrist"], [-1], []
    for finger in fingers:
        chain = _finger(finger) if with_tips else _finger(finger)[:-1]
        for position, joint in enumerate(chain):
            parents.append(0 if position == 0 else len(joints) - 1)
            joints.append(joint)
        chains.append((finger, chain))
    return Skeleton(
        name, tuple(joints), tuple(parents), tuple(chains), ("middle_mcp", "middle_pip")
    )


HAND21 = _hand("hand21", FINGERS, with_tips=True)
"""The 21 keypoints of FreiHAND, COCO-WholeBody and OpenPose: wrist, then thumb to little, each base
to tip. The reference bone is FreiHAND's (utils/eval: middle MCP to PIP)."""

MANO16 = _hand("mano16", ("index", "middle", "little", "ring", "thumb"), with_tips=False)
"""MANO's 16 articulated joints in MANO's own order: little precedes ring, thumb comes last
(Romero et al. 2017; the order of `weights` and of the 45 pose components in MANO_RIGHT.pkl)."""

PENN13 = Skeleton(
    name="penn13",
    joints=(
        "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
        "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
        "right_ankle",
    ),
    parents=(-1, 0, 0, 1, 2, 3, 4, 1, 2, 7, 8, 9, 10),
    chains=(
        ("left_arm", ("left_shoulder", "left_elbow", "left_wrist")),
        ("right_arm", ("right_shoulder", "right_elbow", "right_wrist")),
        ("left_leg", ("left_hip", "left_knee", "left_ankle")),
        ("right_leg", ("right_hip", "right_knee", "right_ankle")),
    ),
    reference_bone=("left_shoulder", "right_hip"),
    flip_pairs=tuple(
        (f"left_{part}", f"right_{part}")
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ),
)  # fmt: skip
"""The 13 body joints of Penn Action (Zhang et al. 2013, the data set's index.md)."""

SKELETONS = {skeleton.name: skeleton for skeleton in (HAND21, MANO16, PENN13)}
