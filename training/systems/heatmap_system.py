"""What the systems share that predict one Gaussian heatmap a joint."""

from __future__ import annotations

from torch import Tensor

from training.codecs import GaussianHeatmap, inside
from training.heads.refine_loop import step_losses
from training.samples.crops import Batch
from training.systems.system import Outputs, Pose, System


class HeatmapSystem(System):
    """Outputs: `heatmaps` [B, J, H, W], which its codec encodes and decodes."""

    codec: GaussianHeatmap

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Half the mean squared difference over the maps of labelled joints in the crop."""
        weights = batch.weights * inside(batch.joints_px, self.config.input_size)
        targets = self.codec.encode(batch.joints_px)
        (loss,) = step_losses(outputs["heatmaps"][:, None], targets, weights)
        return {"heatmaps": 0.5 * loss}

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`."""
        return Pose(self.codec.decode(outputs["heatmaps"]))
