"""What the tests of all systems with Gaussian heatmaps ask."""

from __future__ import annotations

import torch
from torch import Tensor

from training.config import TrainConfig
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.system import Outputs, System, build_system


def handful(hands: str, config: TrainConfig, count: int = 32) -> Batch:
    """The first hands, without jitter."""
    dataset = HandDataset([DataSource.open(hands)], config, border=False)
    return centre_crop(dataset.__getitems__(range(count)), config.input_size)


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def assert_perfect_outputs_lose_nothing(system: System, outputs: Outputs, batch: Batch) -> None:
    """Targets as outputs: no loss, and joints within a quarter of a cell unless at the edge."""
    assert total(system.loss(outputs, batch)) == 0
    size, stride = system.config.input_size, system.codec.stride
    error_px = (system.decode(outputs, batch).joints_px - batch.joints_px).abs().amax(-1)
    off_edge = ((batch.joints_px > stride) & (batch.joints_px < size - stride)).all(-1)
    assert off_edge.any()
    assert error_px[off_edge].max() <= 0.25 * stride + 1e-3
    assert error_px.max() <= 0.5 * stride + 1e-3


def assert_maps_are_the_references(
    system: System, reference: torch.nn.Module, images: Tensor
) -> None:
    """A reference with the same weights takes normalised images."""
    with torch.inference_mode():
        expected = reference(system.trunk.normalise(images))
        found = system(images)["heatmaps"]
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * expected.std().item())


def assert_unlabelled_joints_do_not_count(system: System, batch: Batch) -> None:
    outputs = system.eval()(batch.images)
    blind = batch.replace(weights=torch.zeros_like(batch.weights))
    assert total(system.loss(outputs, batch)) > 0
    assert total(system.loss(outputs, blind)) == 0
    outside = batch.replace(joints_px=batch.joints_px + 1000)
    assert total(system.loss(outputs, outside)) == 0
    # One joint without a label: neither its place nor its map matters.
    weights, joints_px = batch.weights.clone(), batch.joints_px.clone()
    weights[:, 3] = 0
    joints_px[:, 3] += 7
    changed = {"heatmaps": outputs["heatmaps"].clone()}
    changed["heatmaps"][..., 3, :, :] += 1
    partly = batch.replace(weights=weights)
    assert total(system.loss(outputs, partly)) > 0
    assert total(system.loss(outputs, partly)) == total(
        system.loss(changed, partly.replace(joints_px=joints_px))
    )


def overfitted_errors_px(
    config: TrainConfig, batch: Batch, steps: int, rate: float
) -> tuple[float, float]:
    """Mean error after training on one batch, and what decoding perfect maps leaves of it, px."""
    torch.manual_seed(0)
    system = build_system(config)
    optimizer = torch.optim.Adam(system.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        total(system.training_loss(batch)).backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        # Batch statistics: those collected lag behind in so short a training.
        joints_px = system.decode(system(batch.images), batch).joints_px
        perfect_px = system.codec.decode(system.codec.encode(batch.joints_px))
    return (
        (joints_px - batch.joints_px).norm(dim=-1).mean().item(),
        (perfect_px - batch.joints_px).norm(dim=-1).mean().item(),
    )
