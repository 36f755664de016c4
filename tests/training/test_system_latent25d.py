from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_hands import drawn_samples
from torch import nn

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from training.augmentation.chain import Augmenter
from training.codecs import bone_lengths
from training.config import TrainConfig
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.system import Outputs, System, build_system

SMALL = {"deconv_channels": [16, 16, 16], "heatmap_sigma": 1 / 8}
VARIANTS = [
    {"backbone": "resnet10t", "system_options": SMALL},
    {"backbone": "resnet10t", "system_options": {**SMALL, "variant": "direct"}},
    {"backbone": None, "system_options": {"width": 16, "num_stages": 2}},
    {"backbone": None, "system_options": {"width": 16, "num_stages": 2, "variant": "direct"}},
]


@pytest.fixture
def batch(hands: str, tiny) -> Batch:
    dataset = HandDataset([DataSource.open(hands)], tiny("latent25d"), border=False)
    return centre_crop(dataset.__getitems__(range(32)), 32)


def perfect_outputs(system: System, batch: Batch) -> Outputs:
    """What a network that knows the labels puts out, with one stage."""
    depth = system.codec.encode(batch.joints_cam_m)
    if system.readout is not None:
        return {"joints_px": batch.joints_px[:, None], "depth": depth[:, None]}
    heatmaps = system.maps.encode(batch.joints_px)
    depth_maps = depth[..., None, None].expand_as(heatmaps)
    return {"heatmaps": heatmaps[:, None], "depth_maps": depth_maps[:, None]}


def test_the_papers_network() -> None:
    """256 channels in every layer, maps as large as the image."""
    config = TrainConfig(system="latent25d")
    assert config.backbone is None
    assert (config.input_size, config.optimizer, config.momentum) == (128, "sgd", 0.9)
    system = build_system(config)
    convolutions = [layer for layer in system.modules() if isinstance(layer, nn.Conv2d)]
    assert {layer.out_channels for layer in convolutions} == {256, 42}
    # 6 levels down and 5 up of 3x3 convolutions, those up on skips too; two maps a joint.
    weights = 9 * 256 * (3 + 5 * 256 + 5 * 512) + 11 * 2 * 256 + 256 * 42 + 42
    assert system.num_parameters() == weights + 21
    maps = system.network(torch.zeros(1, 3, 64, 64))
    assert [stage.shape for stage in maps] == [(1, 42, 64, 64)]


@pytest.mark.parametrize("fields", VARIANTS)
def test_shapes_of_the_outputs(fields: dict, tiny, batch: Batch) -> None:
    system = build_system(tiny("latent25d", **fields)).eval()
    stages = 1 if fields["backbone"] else 2
    outputs = system(batch.images)
    if system.readout is not None:
        assert outputs["joints_px"].shape == (32, stages, 21, 2)
        assert outputs["depth"].shape == (32, stages, 21)
    else:
        side = 8 if fields["backbone"] else 32
        assert outputs["heatmaps"].shape == (32, stages, 21, side, side)
        assert outputs["depth_maps"].shape == (32, stages, 21, side, side)
    pose = system.decode(outputs, batch)
    assert pose.joints_px.shape == (32, 21, 2)
    assert pose.joints_cam_m is not None
    assert pose.joints_cam_m.isfinite().all()


@pytest.mark.parametrize("fields", VARIANTS[2:])
def test_every_stage_learns(fields: dict, tiny, batch: Batch) -> None:
    system = build_system(tiny("latent25d", **fields))
    torch.stack(list(system.training_loss(batch).values())).sum().backward()
    still = [name for name, value in system.named_parameters() if not value.grad.abs().max() > 0]
    assert not still


def test_a_later_stage_sees_the_maps_of_the_one_before(tiny, batch: Batch) -> None:
    fields = {"backbone": None, "system_options": {"width": 16, "num_stages": 2}}
    system = build_system(tiny("latent25d", **fields)).eval()
    before = system(batch.images)["joints_px"]
    with torch.no_grad():
        system.network.heads[0].bias[:21] += torch.randn(21)
    after = system(batch.images)["joints_px"]
    torch.testing.assert_close(before[:, 0], after[:, 0])  # a softmax takes no note of a constant
    assert (before[:, 1] - after[:, 1]).abs().max() > 1e-4


def test_stages_need_the_papers_network(tiny) -> None:
    options = {"num_stages": 2, "deconv_channels": [16]}
    with pytest.raises(InputError, match=r"^num_stages: is 2 with backbone resnet10t, expected 1"):
        build_system(tiny("latent25d", system_options=options))


@pytest.mark.parametrize("fields", VARIANTS)
def test_unlabelled_joints_do_not_count(fields: dict, tiny, batch: Batch) -> None:
    system = build_system(tiny("latent25d", **fields)).eval()
    outputs = system(batch.images)
    blind = batch.replace(
        weights=torch.zeros_like(batch.weights), weights_3d=torch.zeros_like(batch.weights_3d)
    )
    assert sum(system.loss(outputs, batch).values()) > 0
    assert sum(system.loss(outputs, blind).values()) == 0
    outside = batch.replace(joints_px=batch.joints_px + 1000)
    assert sum(system.loss(outputs, outside).values()) == 0
    # One joint's label moves nothing when it has no weight.
    joint = HAND21.index("ring_tip")
    weights, weights_3d = batch.weights.clone(), batch.weights_3d.clone()
    weights[:, joint] = weights_3d[:, joint] = 0
    without = batch.replace(weights=weights, weights_3d=weights_3d)
    moved = without.replace(joints_px=batch.joints_px.clone())
    moved.joints_px[:, joint] = 0
    assert system.loss(outputs, without) == system.loss(outputs, moved)


@pytest.mark.parametrize("fields", VARIANTS[:2])
def test_depth_needs_root_and_reference_bone(fields: dict, tiny, batch: Batch) -> None:
    system = build_system(tiny("latent25d", **fields)).eval()
    weights_3d = batch.weights_3d.clone()
    weights_3d[:, HAND21.index("index_mcp")] = 0
    loss = system.loss(system(batch.images), batch.replace(weights_3d=weights_3d))
    assert loss["depth"] == 0
    assert loss["position"] > 0


def test_samples_with_2d_only_still_teach_positions(tiny, batch: Batch) -> None:
    system = build_system(tiny("latent25d")).eval()
    flat = batch.replace(weights_3d=torch.zeros_like(batch.weights_3d))
    outputs = system(batch.images)
    loss = system.loss(outputs, flat)
    assert loss["depth"] == 0
    torch.testing.assert_close(loss["position"], system.loss(outputs, batch)["position"])


def test_latent_readout_is_an_expectation(tiny, batch: Batch) -> None:
    """One cell far above the rest: its centre, and the depth map's value there."""
    system = build_system(tiny("latent25d", system_options=SMALL))
    positions, depths = torch.zeros(1, 21, 8, 8), torch.randn(1, 21, 8, 8)
    positions[0, :, 2, 5] = 100.0
    joints_px, depth = system.readout(positions, depths)
    torch.testing.assert_close(joints_px, torch.tensor([22.0, 10.0]).expand(1, 21, 2))
    torch.testing.assert_close(depth, depths[..., 2, 5])
    with torch.no_grad():
        system.readout.temperature.zero_()
    joints_px, depth = system.readout(positions, depths)
    torch.testing.assert_close(joints_px, torch.full((1, 21, 2), 16.0))
    torch.testing.assert_close(depth, depths.mean((-2, -1)))


@pytest.mark.parametrize("root_depth", ["closed_form", "least_squares"])
def test_perfect_outputs_give_the_absolute_joints(hands: str, tiny, root_depth: str) -> None:
    """The drawn hands share their bones, so the mean bones give each the right size."""
    options = {"deconv_channels": [16, 16, 16], "root_depth": root_depth}
    config = tiny("latent25d", input_size=64, augment={"rotation_rad": 1.0}, system_options=options)
    dataset = HandDataset([DataSource.open(hands)], config, border=True)
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    loaded = dataset.__getitems__(range(48))
    for batch in (centre_crop(loaded, 64), Augmenter(config)(loaded, torch.Generator())):
        outputs = perfect_outputs(system, batch)
        joints_cam_m = system.decode(outputs, batch).joints_cam_m
        assert joints_cam_m is not None
        # Float32 coordinates: 1e-7 of 64 px is 1e-5 px, magnified by depth over bone.
        assert (joints_cam_m - batch.joints_cam_m).abs().max() < 1e-3
        assert sum(system.loss(outputs, batch).values()) == 0


def test_direct_variant_is_perfect_on_its_own_maps(hands: str, tiny) -> None:
    options = {**SMALL, "variant": "direct", "decoding": "dark"}
    config = tiny("latent25d", input_size=64, system_options=options)
    dataset = HandDataset([DataSource.open(hands)], config, border=False)
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    batch = centre_crop(dataset.__getitems__(range(32)), 64)
    outputs = perfect_outputs(system, batch)
    assert sum(system.loss(outputs, batch).values()) == 0
    # Depths count only where the joint is.
    away = outputs["heatmaps"] < 0.011
    elsewhere = outputs | {"depth_maps": outputs["depth_maps"] + 3 * away}
    assert sum(system.loss(elsewhere, batch).values()) == 0
    pose = system.decode(elsewhere, batch)
    interior = ((batch.joints_px > 16) & (batch.joints_px < 48)).all(-1)
    assert (pose.joints_px - batch.joints_px)[interior].abs().max() < 0.2
    depth = pose.joints_cam_m[..., 2] - batch.joints_cam_m[..., 2]
    assert (depth - depth[:, HAND21.root, None]).abs().median() < 0.005


def test_mean_bones_are_kept(hands: str, tiny) -> None:
    dataset = HandDataset([DataSource.open(hands)], tiny("latent25d"), border=False)
    system = build_system(tiny("latent25d"))
    system.fit_statistics(dataset.labels())
    joints = np.reshape(drawn_samples(1)[0][0]["joints_3d"], (21, 3))
    expected = [np.linalg.norm(joints[b] - joints[a]) for a, b in HAND21.bones]
    np.testing.assert_allclose(system.mean_bones_m.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(bone_lengths(torch.from_numpy(joints)).numpy(), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "steps", "limit_mm"),
    [
        ({"backbone": "resnet10t", "system_options": {"deconv_channels": [32, 32, 32]}}, 100, 10),
        ({"system_options": {"width": 24}}, 120, 12),
        # Depth is read off a single cell, and so is the last to become exact.
        ({"system_options": {"width": 24, "variant": "direct", "heatmap_sigma": 1 / 16}}, 200, 25),
    ],
)
def test_overfits_a_handful(hands: str, fields: dict, steps: int, limit_mm: float) -> None:
    torch.manual_seed(0)
    config = TrainConfig(system="latent25d", input_size=32, **fields)
    dataset = HandDataset([DataSource.open(hands)], config, border=False)
    batch = centre_crop(dataset.__getitems__(range(32)), 32)
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    optimizer = torch.optim.Adam(system.parameters(), 5e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * (1 - step / steps)
        optimizer.zero_grad()
        torch.stack(list(system.training_loss(batch).values())).sum().backward()
        optimizer.step()
    with torch.inference_mode():
        pose = system.decode(system(batch.images), batch)
    assert (pose.joints_px - batch.joints_px).norm(dim=-1).mean() < 1.0
    assert pose.joints_cam_m is not None
    difference_m = pose.joints_cam_m - batch.joints_cam_m
    relative_m = difference_m - difference_m[:, HAND21.root, None]
    assert 1000 * relative_m.norm(dim=-1).median() < limit_mm
