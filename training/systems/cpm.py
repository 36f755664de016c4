"""Convolutional Pose Machines: heatmaps that each stage refines in a larger field of view.

Wei, Ramakrishna, Kanade, Sheikh: Convolutional Pose Machines, CVPR 2016.

What differs from the paper by default, all of it options: batch norm, as in mmpose (the paper's
network learns over 600 000 steps without), no map for the background, no centre map (our crops
are centred on the one hand in them). Positions are refined by a quarter of a cell.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from mano_assets.skeleton import HAND21
from training.backbones.cpm_trunk import STRIDE, CPMTrunk
from training.codecs import GaussianHeatmap, inside
from training.config import TrainConfig
from training.fitting.optimisation import ParameterGroup
from training.heads.refine_loop import step_losses
from training.samples.crops import Batch
from training.systems.options import CPMOptions
from training.systems.system import Outputs, Pose, System


class ConvolutionalPoseMachine(System):
    """Outputs: `heatmaps` [B, T, J, S / 8, S / 8] of all stages, J + 1 with the background."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        options = cast(CPMOptions, config.options())
        self.background = options.background
        self.first_stage_rate = options.first_stage_rate
        self.num_maps = HAND21.num_joints + int(options.background)
        self.trunk = CPMTrunk(
            self.num_maps,
            options.num_stages,
            options.width,
            options.batch_norm,
            options.centre_map,
            options.dropout,
        )
        map_size = config.input_size // STRIDE
        self.codec = GaussianHeatmap(map_size, STRIDE, options.heatmap_sigma * map_size)

    def parameter_groups(self) -> list[ParameterGroup]:
        """See `System`; the first stage learns faster, as in the release's training script."""
        first = list(self.trunk.loop.steps[0].parameters())
        others = [*self.trunk.features.parameters(), *self.trunk.loop.steps[1:].parameters()]
        return [(others, 1.0), (first, self.first_stage_rate)]

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        return {"heatmaps": self.trunk(images)}

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Half the squared difference summed over cells and maps, of each stage (section 3.3).

        The sum is the release's, to which its learning rate belongs. Where joints are unlabelled or
        outside the crop, the labelled ones stand for all. Samples with unlabelled joints say
        nothing of the background.
        """
        targets = self.codec.encode(batch.joints_px)
        weights = batch.weights * inside(batch.joints_px, self.config.input_size)
        if self.background:
            targets = torch.cat([targets, 1 - targets.amax(1, keepdim=True)], 1)
            known = (batch.weights > 0).all(1, keepdim=True)
            weights = torch.cat([weights, known.to(weights.dtype)], 1)
        maps = outputs["heatmaps"]
        cells = self.num_maps * maps.shape[-2] * maps.shape[-1]
        losses = 0.5 * cells * step_losses(maps, targets, weights)
        return {f"stage_{stage + 1}": loss for stage, loss in enumerate(losses)}

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`; what the last stage says."""
        return Pose(self.codec.decode(outputs["heatmaps"][:, -1, : HAND21.num_joints]))
