"""The mean training pose, whatever the image shows: what a model must beat to have learned."""

from __future__ import annotations

import torch
from torch import Tensor

from mano_assets.skeleton import HAND21
from training.codecs import weighted_mean
from training.config import TrainConfig
from training.samples.crops import Batch
from training.systems.system import Outputs, Pose, System


class MeanPose(System):
    """Has no trained weights; predicts in the crop's coordinates, so it knows the hand's box.

    In 3D it predicts the mean root-relative joints. Its root lies on the ray through the mean 2D
    root, at the depth that is to the crop's focal length as in the training data: crops are scaled
    to the hand, so the depth of a hand grows with the focal length of its crop.
    """

    mean_px: Tensor
    mean_rel_m: Tensor
    mean_depth_per_focal: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.register_buffer("mean_px", torch.zeros(HAND21.num_joints, 2))
        self.register_buffer("mean_rel_m", torch.full((HAND21.num_joints, 3), float("nan")))
        self.register_buffer("mean_depth_per_focal", torch.tensor(float("nan")))

    def fit_statistics(self, labels: Batch) -> None:
        """Takes the means; without 3D labels the 3D prediction stays NaN."""
        self.mean_px.copy_(weighted_mean(labels.joints_px, labels.weights[..., None]))
        root = HAND21.root
        weights = labels.weights_3d * labels.weights_3d[:, root, None]
        if not weights.any():
            return
        relative = labels.joints_cam_m - labels.joints_cam_m[:, root, None]
        self.mean_rel_m.copy_(weighted_mean(relative, weights[..., None]))
        ratio = labels.joints_cam_m[:, root, 2] / labels.camera_k[:, 0, 0]
        self.mean_depth_per_focal.copy_(weighted_mean(ratio, weights[:, root]))

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        return {"joints_px": self.mean_px.expand(images.shape[0], -1, -1)}

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`."""
        joints_px = outputs["joints_px"]
        root_px = joints_px[:, HAND21.root]
        homogeneous = torch.cat([root_px, torch.ones_like(root_px[:, :1])], -1)
        ray = torch.linalg.solve(batch.camera_k, homogeneous)
        root_m = ray * (self.mean_depth_per_focal * batch.camera_k[:, 0, 0])[:, None]
        return Pose(joints_px, self.mean_rel_m + root_m[:, None])
