"""DeepPose: a cascade of regressors, each looking closer at one joint.

Toshev, Szegedy: DeepPose: Human Pose Estimation via Deep Neural Networks, CVPR 2014. The first
stage sees the whole hand. Every later stage sees a crop around each joint that the stage before
has predicted, and puts out where in the crop that joint is. A stage has one network for all
joints; of its 2J numbers the two of the crop's joint are read (the paper's psi_i).

What differs from the paper: all stages train in one run, not one after the other, so that the
simulated errors of a stage follow those of the stage before as it learns. Errors are observed in
the training steps themselves, dropout included. Crops are cut from the network's own input, so
they show no more detail than it has. The paper's size of a pose, the diagonal of the torso, has
no counterpart in a hand: see `DeepPoseOptions.pose_size`.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mano_assets.skeleton import HAND21
from training.backbones.alexnet import PAPER_WIDTH, AlexNet
from training.backbones.trunk import Trunk
from training.codecs.box_coordinates import BoxCoordinates, cut_boxes
from training.codecs.labels import EPSILON
from training.config import TrainConfig
from training.heads.linear import LinearHead
from training.samples.crops import Batch
from training.systems.options import DeepPoseOptions
from training.systems.system import Outputs, Pose, System

MEMORY = 0.99
"""What is left of the observed errors after each step: about a hundred steps count."""

JOINTS_AT_ONCE = 7
"""Crops of so many joints pass a network together, to bound the memory of prediction."""


class DeepPose(System):
    """Outputs: `stages_px` [B, T, J, 2] of all stages, `sides_px` [B, T] of the boxes they saw."""

    error_weight: Tensor
    error_sum: Tensor
    error_square_sum: Tensor

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(config)
        self.options = cast(DeepPoseOptions, config.options())
        num_stages = self.options.num_stages
        self.stages = nn.ModuleList(_regressor(config, self.options) for _ in range(num_stages))
        # Of each stage that another one follows, fading sums in sizes of the pose.
        shape = (num_stages - 1, HAND21.num_joints)
        self.register_buffer("error_weight", torch.zeros(shape))
        self.register_buffer("error_sum", torch.zeros(*shape, 2))
        self.register_buffer("error_square_sum", torch.zeros(*shape, 2))

    def forward(self, images: Tensor) -> Outputs:
        """See `System`."""
        whole = self._whole(images)
        joints_px = whole.decode(self._regress(0, images))
        stages_px, sides_px = [joints_px], [whole.side_px.expand(images.shape[0], 1)[:, 0]]
        labelled = torch.ones_like(joints_px[..., 0])
        for stage in range(1, len(self.stages)):
            side_px = self.options.crop_scale * self._pose_size_px(joints_px, labelled)
            sides = side_px[:, None].expand(-1, HAND21.num_joints)
            boxes = BoxCoordinates(joints_px, sides)
            joints_px = boxes.decode(self._look_closer(stage, images, boxes))
            stages_px.append(joints_px)
            sides_px.append(side_px)
        return {"stages_px": torch.stack(stages_px, 1), "sides_px": torch.stack(sides_px, 1)}

    def loss(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Squared distance of labelled joints in sides of the box, of each stage (section 3.2)."""
        difference_px = outputs["stages_px"] - batch.joints_px[:, None]
        squares = (difference_px / outputs["sides_px"][:, :, None, None]).square().sum(-1)
        return {
            f"stage_{stage + 1}": _mean(squares[:, stage], batch.weights)
            for stage in range(len(self.stages))
        }

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The first stage on the whole crop, the others around labels moved by simulated errors.

        A displacement is drawn from a normal distribution with the mean and variance of the errors
        of the stage before, for each joint and axis (section 3.2).
        """
        images, joints_px, weights = batch.images, batch.joints_px, batch.weights
        size_px = self._pose_size_px(joints_px, weights)
        weights = weights * self._has_size(weights)[:, None]
        whole = self._whole(images)
        found = self._regress(0, images)
        squares = (found - whole.encode(joints_px)).square().sum(-1)
        terms = {"stage_1": _mean(squares, batch.weights)}
        every = torch.arange(HAND21.num_joints, device=images.device).expand(images.shape[0], -1)
        self._observe(0, every, (whole.decode(found) - joints_px) / size_px[:, None, None], weights)
        for stage in range(1, len(self.stages)):
            # Uniform over the labelled joints; the small number is for samples without any.
            chances = (weights > 0).float() + EPSILON
            drawn = torch.multinomial(chances, self.options.crops_per_sample, replacement=True)
            true_px = joints_px.gather(1, drawn[..., None].expand(-1, -1, 2))
            error_px = self._simulated_errors(stage - 1, drawn) * size_px[:, None, None]
            sides_px = (self.options.crop_scale * size_px)[:, None].expand(drawn.shape)
            boxes = BoxCoordinates(true_px + error_px, sides_px)
            found = self._regress_in(stage, images, boxes, drawn)
            squares = (found - boxes.encode(true_px)).square().sum(-1)
            drawn_weights = weights.gather(1, drawn)
            terms[f"stage_{stage + 1}"] = _mean(squares, drawn_weights)
            left = (boxes.decode(found) - true_px) / size_px[:, None, None]
            self._observe(stage, drawn, left, drawn_weights)
        return terms

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        """See `System`; what the last stage says."""
        return Pose(outputs["stages_px"][:, -1])

    def error_moments(self, stage: int) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a stage's errors, in sizes of the pose, each [J, 2]."""
        weight = self.error_weight[stage, :, None].clamp(min=EPSILON)
        mean = self.error_sum[stage] / weight
        return mean, (self.error_square_sum[stage] / weight - mean.square()).clamp(min=0).sqrt()

    def _simulated_errors(self, stage: int, joints: Tensor) -> Tensor:
        mean, deviation = (moment[joints] for moment in self.error_moments(stage))
        return mean + deviation * torch.randn_like(mean)

    @torch.no_grad()
    def _observe(self, stage: int, joints: Tensor, errors: Tensor, weights: Tensor) -> None:
        """Adds errors [B, K, 2] of joints [B, K] to the fading sums of a stage."""
        if stage == len(self.stages) - 1:
            return
        joints, weights = joints.flatten(), (weights.flatten() > 0).float()
        errors = errors.float().flatten(0, 1) * weights[:, None]
        for sums, values in (
            (self.error_weight, weights),
            (self.error_sum, errors),
            (self.error_square_sum, errors.square()),
        ):
            sums[stage] = (sums[stage] * MEMORY).index_add(0, joints, values)

    def _regress(self, stage: int, images: Tensor) -> Tensor:
        """Box coordinates of all joints, [B, J, 2]."""
        return self.stages[stage](images).float().unflatten(1, (HAND21.num_joints, 2))

    def _regress_in(
        self, stage: int, images: Tensor, boxes: BoxCoordinates, joints: Tensor
    ) -> Tensor:
        """Box coordinates of joint joints[b, k] in box k of image b, [B, K, 2]."""
        found = self._regress(stage, cut_boxes(images, boxes, images.shape[-1]))
        own = joints.flatten()[:, None, None].expand(-1, 1, 2)
        return found.gather(1, own).reshape(*joints.shape, 2)

    def _look_closer(self, stage: int, images: Tensor, boxes: BoxCoordinates) -> Tensor:
        """Box coordinates of each joint in the box of its own, [B, J, 2]."""
        found = []
        joints = torch.arange(HAND21.num_joints, device=images.device).expand(images.shape[0], -1)
        for some in joints[0].split(JOINTS_AT_ONCE):
            part = BoxCoordinates(boxes.centre_px[:, some], boxes.side_px[:, some])
            found.append(self._regress_in(stage, images, part, joints[:, some]))
        return torch.cat(found, 1)

    def _whole(self, images: Tensor) -> BoxCoordinates:
        side_px = torch.full((1, 1), images.shape[-1], dtype=torch.float32, device=images.device)
        return BoxCoordinates(side_px[..., None].expand(1, 1, 2) / 2, side_px)

    def _pose_size_px(self, joints_px: Tensor, weights: Tensor) -> Tensor:
        """The paper's diam(y), [B]; an eighth of the input at least, as poses can collapse."""
        if self.options.pose_size == "palm":
            wrist, knuckle = HAND21.indices(["wrist", "middle_mcp"])
            size_px = (joints_px[:, wrist] - joints_px[:, knuckle]).norm(dim=-1)
        else:
            missing = weights[..., None] <= 0
            low = joints_px.masked_fill(missing, torch.inf).amin(1)
            high = joints_px.masked_fill(missing, -torch.inf).amax(1)
            size_px = (high - low).amax(-1)
        return size_px.clamp(min=self.config.input_size / 8).detach()

    def _has_size(self, weights: Tensor) -> Tensor:
        """Whether the labels tell the size of the pose, [B]."""
        if self.options.pose_size == "palm":
            return (weights[:, HAND21.indices(["wrist", "middle_mcp"])] > 0).all(-1)
        return (weights > 0).any(-1)


def _regressor(config: TrainConfig, options: DeepPoseOptions) -> nn.Module:
    """One stage's network: the paper's, or a trunk of timm with global pooling."""
    out_features = 2 * HAND21.num_joints
    if config.backbone is not None:
        trunk = Trunk(config.backbone, config.pretrained)
        head = LinearHead(trunk.channels, (), out_features)
        return nn.Sequential(trunk, nn.AdaptiveAvgPool2d(1), head)
    trunk = AlexNet(config.input_size, options.width)
    hidden = round(4096 * options.width / PAPER_WIDTH)
    head = LinearHead(trunk.num_features, (hidden, hidden), out_features, options.dropout)
    return nn.Sequential(trunk, head)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=EPSILON)
