"""2.5D regression under biomechanical constraints, learned from 2D labels too.

Spurr, Iqbal, Molchanov, Hilliges, Kautz: Weakly Supervised 3D Hand Pose Estimation via
Biomechanical Constraints, ECCV 2020. A trunk, global mean and one linear layer give 2D positions
and relative depths; a small network refines the root's depth; and every predicted 3D pose, also
that of a sample with 2D labels alone, is pulled towards what hands can do.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from training.backbones.trunk import Trunk
from training.biomechanics import BiomechanicalLimits
from training.codecs import Pose25D, lift, mean_bone_lengths, normalised_rays, to_metres
from training.config import TrainConfig
from training.heads.root_refinement import ZRootRefine
from training.samples.crops import Batch
from training.systems.options import BMCOptions
from training.systems.system import Outputs, Pose, System

UNITS_A_SIDE = 128
"""The 2D loss is in 1 / 128 of the crop's side, as for the latent 2.5D heatmaps."""

USUAL_FOCAL = 1.75
"""Focal length over the crop's side that stands in for an unknown camera: such a sample has no
loss in 3D, but passes the batch norm of the refinement."""


class BMC(System):
    """Outputs: `joints_px` [B, J, 2] and `depth` [B, J], root-relative in reference bones."""

    mean_bones_m: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(BMCOptions, config.options())
        assert config.backbone is not None
        self.trunk = Trunk(config.backbone, config.pretrained)
        self.head = nn.Linear(self.trunk.channels, 3 * HAND21.num_joints)
        self.refine = ZRootRefine(HAND21.num_joints)
        self.limits = BiomechanicalLimits()
        first, second = HAND21.indices(options.reference_bone)
        self.codec = Pose25D((first, second), options.root_depth_limits, options.root_depth)
        self.depth_weight = options.depth_weight
        self.root_depth_weight = options.root_depth_weight
        self.penalty_weights = {
            "bone_length": options.bone_length_weight,
            "palm": options.palm_weight,
            "joint_angle": options.joint_angle_weight,
        }
        self.register_buffer("mean_bones_m", torch.zeros(len(HAND21.bones)))

    def fit_statistics(self, labels: Batch) -> None:
        """Keeps mean bone lengths and the limits of the poses that are labelled as a whole.

        Raises:
            InputError: No sample has all joints in 3D.
        """
        self.mean_bones_m.copy_(mean_bone_lengths(labels.joints_cam_m, labels.weights_3d))
        joints_cam_m = labels.joints_cam_m[(labels.weights_3d > 0).all(-1)].double()
        first, second = self.codec.reference
        bone_m = (joints_cam_m[:, first] - joints_cam_m[:, second]).norm(dim=-1)
        whole = bone_m > 0
        if not whole.any():
            raise InputError(
                "joints_3d: no sample has all 21 joints, expected some for the limits of system "
                "bmc."
            )
        relative_m = joints_cam_m - joints_cam_m[:, HAND21.root, None]
        self.limits.fit((relative_m / bone_m[:, None, None])[whole])

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        features = self.trunk(images).mean((-2, -1))
        # Half precision would round positions to a pixel and more.
        with torch.autocast(images.device.type, enabled=False):
            values = self.head(features.float()).unflatten(-1, (HAND21.num_joints, 3))
        is_root = torch.arange(HAND21.num_joints, device=images.device) == HAND21.root
        return {
            "joints_px": (values[..., :2] + 0.5) * self.config.input_size,
            "depth": values[..., 2].masked_fill(is_root, 0),
        }

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """L1 of positions, depths and the root's depth where labelled; limits wherever K is known.

        What concerns depth leaves the 2D positions alone: they have labels of their own.
        """
        joints_px, depth = outputs["joints_px"], outputs["depth"]
        unit_px = self.config.input_size / UNITS_A_SIDE
        off_px = (joints_px - batch.joints_px).abs().sum(-1) / unit_px
        weights_3d = self.codec.depth_weights(batch.weights_3d)
        off_depth = (depth - self.codec.encode(batch.joints_cam_m)).abs()
        rays, root = self._rays_and_root(joints_px.detach(), depth, batch)
        off_root = (root - self.codec.encode_root(batch.joints_cam_m)).abs()
        terms = {
            "position": _mean(off_px, batch.weights),
            "depth": self.depth_weight * _mean(off_depth, weights_3d),
            "root_depth": self.root_depth_weight * _mean(off_root, weights_3d[:, HAND21.root]),
        }
        known = batch.has_camera.to(depth.dtype)
        penalties = self.limits(lift(rays, depth, root))
        for name, weight in self.penalty_weights.items():
            if weight:
                terms[name] = weight * _mean(penalties[name], known)
        return terms

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`."""
        joints_px, depth = outputs["joints_px"], outputs["depth"]
        rays, root = self._rays_and_root(joints_px, depth, batch)
        return Pose(joints_px, to_metres(lift(rays, depth, root), self.mean_bones_m))

    def _rays_and_root(
        self, joints_px: Tensor, depth: Tensor, batch: Batch
    ) -> tuple[Tensor, Tensor]:
        """Normalised coordinates [B, J, 2], and the refined root depth [B] in reference bones."""
        size = float(self.config.input_size)
        usual = torch.tensor(
            [[USUAL_FOCAL * size, 0, size / 2], [0, USUAL_FOCAL * size, size / 2], [0, 0, 1]]
        ).to(batch.camera_k)
        camera_k = batch.camera_k.where(batch.has_camera[:, None, None], usual)
        rays = normalised_rays(joints_px, camera_k)
        with torch.no_grad():
            root = self.codec.recover_root(rays, depth.double(), self.mean_bones_m.double())
        rays, root = rays.to(depth.dtype), root.to(depth.dtype)
        with torch.autocast(depth.device.type, enabled=False):
            return rays, self.refine(depth, rays, root)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
