"""Latent 2.5D heatmaps: 2D position and depth as expectations, absolute 3D in closed form.

Iqbal, Molchanov, Breuel, Gall, Kautz: Hand Pose Estimation via Latent 2.5D Heatmap Regression,
ECCV 2018. The trunk and deconvolutions of SimpleBaseline stand in for the paper's encoder-decoder.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mano_assets.skeleton import HAND21
from training.backbones import Trunk
from training.codecs import Pose25D, bone_lengths, expected_position, inside, weighted_mean
from training.config import TrainConfig
from training.crops import Batch
from training.heads import DeconvHead
from training.systems.registry import Latent25DOptions
from training.systems.system import Outputs, Pose, System

PAPER_MAP_SIZE = 128
"""Side of the paper's maps: the weight of the depth loss refers to their pixels."""


class Latent25D(System):
    """Outputs: `joints_px` [B, J, 2] and `depth` [B, J], root-relative in reference bones.

    The 2D map's softmax has a learned temperature for each joint; the expected depth is the depth
    map averaged under the same probabilities (section 3.4).
    """

    mean_bones_m: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(Latent25DOptions, config.options())
        assert config.backbone is not None
        self.trunk = Trunk(config.backbone, config.pretrained)
        self.head = DeconvHead(self.trunk.channels, options.deconv_channels, 2 * HAND21.num_joints)
        self.stride = self.trunk.stride / self.head.upsampling
        self.temperature = nn.Parameter(torch.ones(HAND21.num_joints))
        self.depth_weight = options.depth_weight
        first, second = HAND21.indices(options.reference_bone)
        self.codec = Pose25D((first, second), options.root_depth_limits)
        self.register_buffer("mean_bones_m", torch.zeros(len(HAND21.bones)))

    def fit_statistics(self, labels: Batch) -> None:
        """Keeps the mean bone lengths that give predictions their metric scale."""
        parents, children = (list(ends) for ends in zip(*HAND21.bones, strict=True))
        weights = labels.weights_3d[:, parents] * labels.weights_3d[:, children]
        self.mean_bones_m.copy_(weighted_mean(bone_lengths(labels.joints_cam_m), weights))

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        position_maps, depth_maps = self.head(self.trunk(images)).chunk(2, dim=1)
        scores = position_maps.flatten(2) * self.temperature[:, None]
        probabilities = scores.softmax(-1).reshape(position_maps.shape)
        return {
            "joints_px": expected_position(probabilities, self.stride),
            "depth": (probabilities * depth_maps).sum((-2, -1)),
        }

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """L1 of position and depth over labelled joints in the crop."""
        in_crop = inside(batch.joints_px, self.config.input_size)
        weights = batch.weights * in_crop
        # Without the root or the unit of length a sample's depths mean nothing.
        needed = batch.weights_3d[:, [HAND21.root, *self.codec.reference]]
        weights_3d = batch.weights_3d * in_crop * needed.prod(-1, keepdim=True)
        unit_px = self.config.input_size / PAPER_MAP_SIZE
        position = (outputs["joints_px"] - batch.joints_px).abs().sum(-1) / unit_px
        depth = (outputs["depth"] - self.codec.encode(batch.joints_cam_m)).abs()
        return {
            "position": (position * weights).sum() / weights.sum().clamp(min=1),
            "depth": self.depth_weight * (depth * weights_3d).sum() / weights_3d.sum().clamp(min=1),
        }

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`."""
        joints_px, depth = outputs["joints_px"], outputs["depth"]
        joints_cam_m = self.codec.decode(joints_px, depth, batch.camera_k, self.mean_bones_m)
        return Pose(joints_px, joints_cam_m)
