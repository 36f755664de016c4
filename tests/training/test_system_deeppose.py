from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from training.backbones.alexnet import AlexNet
from training.config import TrainConfig
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.deeppose import DeepPose
from training.systems.system import build_system

J = HAND21.num_joints


def recipe(backbone: str | None = None, **options) -> TrainConfig:
    options = {"width": 12, "dropout": 0.0, "crops_per_sample": 2, **options}
    return TrainConfig(system="deeppose", input_size=64, backbone=backbone, system_options=options)


def load(hands: str, count: int) -> Batch:
    dataset = HandDataset([DataSource.open(hands)], recipe(), border=False)
    return centre_crop(dataset.__getitems__(range(count)), 64)


@pytest.fixture
def batch(hands: str) -> Batch:
    return load(hands, 8)


def build(config: TrainConfig) -> DeepPose:
    system = build_system(config)
    assert isinstance(system, DeepPose)
    return system


@pytest.mark.parametrize(
    ("backbone", "count"),
    [
        # AlexNet without channel groups, 6 x 6 x 256 features, 42 outputs.
        (None, 58_453_418),
        # The ResNet-50 regressor that mmpose calls DeepPose: 23.594 M with 42 outputs.
        ("resnet50", 23_594_090),
    ],
)
def test_a_stage_has_the_published_size(backbone: str | None, count: int) -> None:
    options = {"num_stages": 1}
    config = TrainConfig(system="deeppose", backbone=backbone, system_options=options)
    assert config.input_size == 220
    assert build_system(config).num_parameters() == count


def test_stages_are_networks_of_their_own() -> None:
    one, three = (build(recipe(num_stages=count)).num_parameters() for count in (1, 3))
    assert three == 3 * one


def test_alexnet_has_the_papers_maps() -> None:
    trunk = AlexNet(220, width=6)
    sizes = []
    for layer in trunk.layers:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            layer.register_forward_hook(lambda _, __, output: sizes.append(output.shape[-1]))
    features = trunk(torch.zeros(1, 3, 220, 220))
    assert sizes == [55, 27, 27, 13, 13, 13, 13, 6]
    assert features[0].numel() == trunk.num_features == 16 * 6 * 6


def test_response_norm_is_alexnets() -> None:
    """b = a / (2 + 1e-4 sum a^2)^0.75 over five channels (Krizhevsky et al. 2012, section 3.3)."""
    (norm, _) = (layer for layer in AlexNet().layers if isinstance(layer, nn.LocalResponseNorm))
    values = torch.full((1, 9, 1, 1), 50.0)
    middle = 50 / (2 + 1e-4 * 5 * 50**2) ** 0.75
    assert norm(values)[0, 4, 0, 0].item() == pytest.approx(middle, rel=1e-5)


def test_small_inputs_are_refused() -> None:
    config = TrainConfig(system="deeppose", input_size=56)
    with pytest.raises(InputError, match="input_size: is 56, expected at least 60"):
        build_system(config)


@pytest.mark.parametrize("backbone", [None, "test_resnet"])
@pytest.mark.parametrize("pose_size", ["box", "palm"])
def test_outputs_of_all_stages(backbone: str | None, pose_size: str, batch: Batch) -> None:
    system = build(recipe(backbone, pose_size=pose_size)).eval()
    outputs = system(batch.images)
    assert outputs["stages_px"].shape == (8, 3, J, 2)
    assert outputs["sides_px"].shape == (8, 3)
    assert (outputs["sides_px"][:, 0] == 64).all()
    pose = system.decode(outputs, batch)
    assert torch.equal(pose.joints_px, outputs["stages_px"][:, 2])
    # Fresh weights: every joint near the centre, of its box and so of the image.
    assert (pose.joints_px - 32).abs().max() < 6
    assert set(system.training_loss(batch)) == set(system.loss(outputs, batch))


def test_is_perfect_on_labels(batch: Batch) -> None:
    system = build(recipe())
    outputs = {
        "stages_px": batch.joints_px[:, None].expand(-1, 3, -1, -1),
        "sides_px": torch.full((8, 3), 30.0),
    }
    assert sum(system.loss(outputs, batch).values()) == 0
    # One joint in one stage 3 and 4 px off in a box of 30 px: (5 / 30)^2 in one of 8 * J.
    moved = outputs["stages_px"].clone()
    moved[0, 1, 5] += torch.tensor([3.0, -4.0])
    whole = batch.replace(weights=torch.ones_like(batch.weights))
    losses = system.loss({**outputs, "stages_px": moved}, whole)
    assert losses["stage_2"].item() == pytest.approx((5 / 30) ** 2 / (8 * J), rel=1e-4)


def test_unlabelled_joints_do_not_count(batch: Batch) -> None:
    system = build(recipe()).eval()
    outputs = system(batch.images)
    blind = batch.replace(weights=torch.zeros_like(batch.weights))
    assert sum(system.loss(outputs, batch).values()) > 0
    assert sum(system.loss(outputs, blind).values()) == 0
    assert sum(system.training_loss(blind).values()) == 0
    assert system.error_weight.sum() == 0

    tip = HAND21.index("index_tip")
    weights = batch.weights.clone()
    weights[:, tip] = 0
    losses = []
    for shift_px in (0, 500):
        system = build(recipe()).eval()
        system.load_state_dict(build_with_seed().state_dict())
        joints_px = batch.joints_px.clone()
        joints_px[:, tip] += shift_px
        torch.manual_seed(1)
        partial = batch.replace(weights=weights, joints_px=joints_px)
        losses.append(system.training_loss(partial))
        assert system.error_weight[0, tip] == 0
    assert losses[0] == losses[1]


def build_with_seed() -> DeepPose:
    torch.manual_seed(0)
    return build(recipe())


class Says(nn.Module):
    """Puts out given box coordinates, [B, J, 2], whatever the image."""

    def __init__(self, coordinates: Tensor) -> None:
        super().__init__()
        self.coordinates = coordinates

    def forward(self, images: Tensor) -> Tensor:
        return self.coordinates.flatten(1).expand(len(images), -1)


class FindsTheDot(nn.Module):
    """Puts out where the bright spot is, moved to the right by 0.01 i for joint i."""

    def forward(self, images: Tensor) -> Tensor:
        size = images.shape[-1]
        cells = (torch.arange(size) + 0.5) / size - 0.5
        light = images.mean(1) / images.mean(1).sum((-2, -1), keepdim=True)
        x, y = (light.sum(-2) * cells).sum(-1), (light.sum(-1) * cells).sum(-1)
        found = torch.stack([x, y], -1)[:, None].repeat(1, J, 1)
        found[..., 0] += 0.01 * torch.arange(J)
        return found.flatten(1)


@pytest.mark.parametrize("crop_scale", [1.0, 2.0])
def test_a_later_stage_looks_around_each_joint_and_reads_its_own_row(crop_scale: float) -> None:
    system = build(recipe(num_stages=2, crop_scale=crop_scale))
    dots_px = torch.tensor([[30.0, 25.0], [40.0, 36.0]])
    ramp = torch.arange(64) + 0.5
    images = torch.stack(
        [
            torch.exp(-0.5 * ((ramp - x) ** 2 + (ramp[:, None] - y) ** 2) / 1.5**2)
            for x, y in dots_px
        ]
    )[:, None].repeat(1, 3, 1, 1)
    # The first stage scatters the joints over 15 x 10 px around the image's centre.
    scattered = torch.rand(1, J, 2) - 0.5
    scattered[0, 0], scattered[0, 1] = torch.tensor([-0.5, -0.5]), torch.tensor([0.5, 0.5])
    scattered = scattered * torch.tensor([15 / 64, 10 / 64])
    system.stages = nn.ModuleList([Says(scattered), FindsTheDot()])
    outputs = system(images)
    first = 32 + 64 * scattered
    torch.testing.assert_close(outputs["stages_px"][:, 0], first.expand(2, -1, -1))
    side_px = 15 * crop_scale
    torch.testing.assert_close(outputs["sides_px"], torch.tensor([[64, side_px]] * 2))
    # Only where the whole dot lies in the crop can it be found.
    seen = (dots_px[:, None] - first).abs().amax(-1) < side_px / 2 - 5
    assert seen.any()
    expected = dots_px[:, None].repeat(1, J, 1)
    expected[..., 0] += 0.01 * torch.arange(J) * side_px
    found = outputs["stages_px"][:, 1]
    torch.testing.assert_close(found[seen], expected[seen], rtol=0, atol=0.05)


def test_simulated_errors_are_like_those_of_the_stage_before(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known errors of the first stage; a second stage of zeros is as wrong as its crops are."""
    # These networks don't look at pictures.
    monkeypatch.setattr(
        "training.systems.deeppose.cut_boxes",
        lambda images, boxes, size: images.new_zeros(boxes.side_px.numel(), 3, 1, 1),
    )
    torch.manual_seed(0)
    config = recipe(num_stages=3, crops_per_sample=J, crop_scale=2.0)
    whole = batch.replace(weights=torch.ones_like(batch.weights))
    size_px = (whole.joints_px.amax(1) - whole.joints_px.amin(1)).amax(-1)
    mean = torch.linspace(-0.1, 0.1, 2 * J).reshape(J, 2)
    deviation = torch.linspace(0.05, 0.2, 2 * J).reshape(J, 2)
    system = build(config)
    zeros = Says(torch.zeros(1, J, 2))
    system.stages = nn.ModuleList([zeros, zeros, zeros])
    losses = []
    for step in range(400):
        errors = mean + deviation * torch.randn(8, J, 2)
        predicted_px = whole.joints_px + errors * size_px[:, None, None]
        system.stages[0] = Says((predicted_px - 32) / 64)
        terms = system.training_loss(whole)
        if step >= 100:
            losses.append(terms["stage_2"])
    # About 100 steps of 8 samples are remembered: 800 draws, 4 of their standard errors.
    for stage in (0, 1):
        found_mean, found_deviation = system.error_moments(stage)
        assert ((found_mean - mean).abs() < 4 * deviation / 400**0.5 * (1 + stage)).all()
        assert ((found_deviation / deviation - 1).abs() < 0.2 * (1 + stage)).all()
    # Crops are twice the pose: an error of one pose is half a crop.
    expected = (mean.square() + deviation.square()).sum(-1).mean() / 2.0**2
    assert torch.stack(losses).mean().item() == pytest.approx(expected.item(), rel=0.05)


def test_observed_errors_are_kept_with_the_weights(batch: Batch) -> None:
    system = build(recipe())
    system.training_loss(batch)
    other = build(recipe())
    other.load_state_dict(system.state_dict())
    assert other.error_moments(0)[1].max() > 0
    assert torch.equal(other.error_moments(0)[1], system.error_moments(0)[1])


def test_every_stage_learns(batch: Batch) -> None:
    system = build(recipe())
    torch.stack(list(system.training_loss(batch).values())).sum().backward()
    for stage in system.stages:
        assert all(parameter.grad is not None for parameter in stage.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "steps"), [(None, 200), ("test_resnet", 100)])
def test_overfits_a_handful(hands: str, backbone: str | None, steps: int) -> None:
    torch.manual_seed(0)
    batch = load(hands, 32)
    system = build(recipe(backbone, num_stages=2))
    optimizer = torch.optim.Adam(system.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.stack(list(system.training_loss(batch).values())).sum().backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        stages_px = system.eval()(batch.images)["stages_px"]
    errors_px = (stages_px - batch.joints_px[:, None]).norm(dim=-1).mean((0, 2))
    # The later stage learns from random crops, so it can't know these 32 by heart.
    assert errors_px[0] < 1
    assert errors_px[1] < 2
