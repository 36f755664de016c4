"""What hands do, learned from poses: ranges of bones and palm, regions of joint angles."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from mano_assets.skeleton import FINGERS, HAND21
from training.biomechanics.angles import ANGLE_JOINTS, joint_angles
from training.biomechanics.bones import bone_vectors, length
from training.biomechanics.hulls import MAX_CORNERS, angle_hull
from training.biomechanics.palm import angular_distance, curvature, root_bones
from training.biomechanics.penalties import hull_penalty, interval_penalty

POSES_AT_ONCE = 1 << 15


class BiomechanicalLimits(nn.Module):
    """Limits as buffers; before `fit` nothing is out of them.

    Attributes:
        bone_lengths: Smallest and largest, in reference bones, [J - 1, 2].
        curvatures: Of the palm, in 1 / reference bones, [4, 2].
        angular_distances: Between root bones, radians, [4, 2].
        hulls: Corners of the regions of joint angles, radians, [15, V, 2].
        coverage: Share of the poses of `fit` that are within all limits.
    """

    bone_lengths: Tensor
    curvatures: Tensor
    angular_distances: Tensor
    hulls: Tensor
    coverage: Tensor

    def __init__(self) -> None:
        super().__init__()
        anything = torch.tensor([-math.inf, math.inf])
        gaps = len(FINGERS) - 1
        self.register_buffer("bone_lengths", anything.repeat(len(HAND21.bones), 1))
        self.register_buffer("curvatures", anything.repeat(gaps, 1))
        self.register_buffer("angular_distances", anything.repeat(gaps, 1))
        everywhere = 4.0 * torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
        padded = torch.cat([everywhere, everywhere[-1:].expand(MAX_CORNERS - 4, -1)])
        self.register_buffer("hulls", padded.repeat(len(ANGLE_JOINTS), 1, 1))
        self.register_buffer("coverage", torch.tensor(math.nan))

    def fit(self, joints_bones: Tensor) -> None:
        """Takes the limits from poses.

        Args:
            joints_bones: Of right hands, in reference bones, [N, J, 3], N at least one.
        """
        poses = joints_bones.double().cpu()
        for name, quantity in (
            ("bone_lengths", lambda pose: length(bone_vectors(pose))),
            ("curvatures", lambda pose: curvature(root_bones(pose))),
            ("angular_distances", lambda pose: angular_distance(root_bones(pose))),
        ):
            values = _piecewise(quantity, poses)
            getattr(self, name).copy_(torch.stack([values.amin(0), values.amax(0)], -1))
        angles = _piecewise(joint_angles, poses).numpy()
        for number, hull in enumerate(self.hulls):
            corners = angle_hull(angles[:, number])
            # The last corner again and again: edges of no length.
            filled = np.pad(corners, ((0, len(hull) - len(corners)), (0, 0)), mode="edge")
            hull.copy_(torch.from_numpy(filled))
        self.coverage.copy_(self.contains(poses).double().mean())

    def contains(self, joints_bones: Tensor) -> Tensor:
        """Which poses are within all limits: [N, J, 3] to [N]."""
        total = sum(self._excess(joints_bones).values())
        assert isinstance(total, Tensor)
        # The limits are kept in single precision.
        return total <= 1e-5

    def forward(self, joints_bones: Tensor) -> dict[str, Tensor]:
        """Penalties of poses: mean over bones, over the palm, over joints.

        Args:
            joints_bones: Of right hands, in reference bones, [B, J, 3].

        Returns:
            `bone_length` (bones), `palm` (curvature plus radians) and `joint_angle`, each [B].
        """
        return self._excess(joints_bones)

    def _excess(self, joints_bones: Tensor) -> dict[str, Tensor]:
        bones, palm = bone_vectors(joints_bones), root_bones(joints_bones)
        bend = interval_penalty(curvature(palm), self.curvatures)
        spread = interval_penalty(angular_distance(palm), self.angular_distances)
        return {
            "bone_length": interval_penalty(length(bones), self.bone_lengths).mean(-1),
            "palm": (bend + spread).mean(-1),
            "joint_angle": hull_penalty(joint_angles(joints_bones), self.hulls).mean(-1),
        }


def _piecewise(quantity: Callable[[Tensor], Tensor], poses: Tensor) -> Tensor:
    return torch.cat([quantity(piece) for piece in poses.split(POSES_AT_ONCE)])
