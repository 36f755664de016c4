"""Latent 2.5D heatmaps: 2D position and depth as expectations, absolute 3D in closed form.

Iqbal, Molchanov, Breuel, Gall, Kautz: Hand Pose Estimation via Latent 2.5D Heatmap Regression,
ECCV 2018. Without a backbone it is the paper's encoder-decoder with maps at the image's resolution;
with one, a timm trunk and SimpleBaseline's deconvolutions stand in for it.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from training.backbones.trunk import Trunk
from training.backbones.unet import UNetStages
from training.codecs import GaussianHeatmap, Pose25D, inside, mean_bone_lengths
from training.config import TrainConfig
from training.heads.deconv import DeconvHead
from training.heads.latent25d import (
    PAPER_MAP_SIZE,
    LatentReadout,
    depth_at_peak,
    map_differences,
)
from training.samples.crops import Batch
from training.systems.options import Latent25DOptions
from training.systems.system import Outputs, Pose, System


class Latent25D(System):
    """Outputs of every stage S; depths are root-relative, in reference bones.

    Variant latent: `joints_px` [B, S, J, 2] and `depth` [B, S, J], expectations under one softmax a
    joint. Variant direct: `heatmaps` and `depth_maps`, both [B, S, J, H, W], read at the maximum.
    """

    mean_bones_m: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(Latent25DOptions, config.options())
        self.network, stride = _network(config, options)
        map_size = round(config.input_size / stride)
        self.maps = GaussianHeatmap(
            map_size, stride, options.heatmap_sigma * map_size, options.decoding
        )
        self.readout = (
            LatentReadout(HAND21.num_joints, stride) if options.variant == "latent" else None
        )
        self.depth_weight = options.depth_weight
        first, second = HAND21.indices(options.reference_bone)
        self.codec = Pose25D((first, second), options.root_depth_limits, options.root_depth)
        self.register_buffer("mean_bones_m", torch.zeros(len(HAND21.bones)))

    def fit_statistics(self, labels: Batch) -> None:
        """Keeps the mean bone lengths that give predictions their metric scale."""
        self.mean_bones_m.copy_(mean_bone_lengths(labels.joints_cam_m, labels.weights_3d))

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        stages = [maps.chunk(2, dim=1) for maps in self.network(images)]
        if self.readout is None:
            heatmaps, depth_maps = (torch.stack(maps, 1) for maps in zip(*stages, strict=True))
            return {"heatmaps": heatmaps, "depth_maps": depth_maps}
        poses = [self.readout(*maps) for maps in stages]
        joints_px, depth = (torch.stack(values, 1) for values in zip(*poses, strict=True))
        return {"joints_px": joints_px, "depth": depth}

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Position and depth of labelled joints in the crop, summed over the stages.

        L1 in the latent variant, squared differences of maps in the direct one.
        """
        in_crop = inside(batch.joints_px, self.config.input_size)
        weights = batch.weights * in_crop
        weights_3d = self.codec.depth_weights(batch.weights_3d) * in_crop
        true_px, true_depth = batch.joints_px, self.codec.encode(batch.joints_cam_m)
        position, depth = outputs["joints_px" if self.readout else "heatmaps"].new_zeros(2)
        names = ("joints_px", "depth") if self.readout else ("heatmaps", "depth_maps")
        for found, found_depth in zip(*(outputs[name].unbind(1) for name in names), strict=True):
            if self.readout:
                unit_px = self.config.input_size / PAPER_MAP_SIZE
                off = (found - true_px).abs().sum(-1) / unit_px
                off_depth = (found_depth - true_depth).abs()
            else:
                off, off_depth = map_differences(found, found_depth, true_px, true_depth, self.maps)
            position = position + (off * weights).sum()
            depth = depth + (off_depth * weights_3d).sum()
        return {
            "position": position / weights.sum().clamp(min=1),
            "depth": self.depth_weight * depth / weights_3d.sum().clamp(min=1),
        }

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`."""
        if self.readout:
            joints_px, depth = outputs["joints_px"][:, -1], outputs["depth"][:, -1]
        else:
            heatmaps, depth_maps = outputs["heatmaps"][:, -1], outputs["depth_maps"][:, -1]
            joints_px, depth = self.maps.decode(heatmaps), depth_at_peak(heatmaps, depth_maps)
        joints_cam_m = self.codec.decode(joints_px, depth, batch.camera_k, self.mean_bones_m)
        return Pose(joints_px, joints_cam_m)


class DeconvMaps(nn.Module):
    """A timm trunk with deconvolutions: maps of a single stage."""

    def __init__(self, trunk: Trunk, head: DeconvHead) -> None:
        super().__init__()
        self.trunk, self.head = trunk, head

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, S, S] to a list of one [B, out, H, W]."""
        return [self.head(self.trunk(images))]


def _network(config: TrainConfig, options: Latent25DOptions) -> tuple[nn.Module, float]:
    """What makes two maps a joint from an image, and the px of the crop to a cell of the maps."""
    num_maps = 2 * HAND21.num_joints
    # Gaussian maps are empty almost everywhere: learning starts from almost empty ones.
    init_std = 0.001 if options.variant == "direct" else None
    if config.backbone is None:
        return UNetStages(num_maps, options.width, options.num_stages, init_std), 1.0
    if options.num_stages > 1:
        raise InputError(
            f"num_stages: is {options.num_stages} with backbone {config.backbone}, expected 1, or "
            "no backbone: only the paper's own network has stages."
        )
    trunk = Trunk(config.backbone, config.pretrained)
    head = DeconvHead(trunk.channels, options.deconv_channels, num_maps, init_std)
    return DeconvMaps(trunk, head), trunk.stride / head.upsampling
