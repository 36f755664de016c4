from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_hands import drawn_samples

from mano_assets.skeleton import HAND21
from render.manifest import project
from training.codecs import bone_lengths
from training.config import TrainConfig
from training.crops import Batch, centre_crop, jitter_crop
from training.data import DataSource, HandDataset
from training.systems.system import System, build_system


@pytest.fixture
def batch(hands: str, tiny) -> Batch:
    dataset = HandDataset([DataSource.open(hands)], tiny("latent25d"), border=False)
    return centre_crop(dataset.__getitems__(range(32)), 32)


@pytest.mark.parametrize(
    ("backbone", "count"), [("resnet18", 15_377_749), ("resnet50", 34_000_725)]
)
def test_simplebaseline_has_the_published_size(backbone: str, count: int) -> None:
    """Parameters of microsoft/human-pose-estimation.pytorch with 21 joints."""
    system = build_system(TrainConfig(system="simplebaseline", backbone=backbone))
    assert system.num_parameters() == count


def test_simplebaseline_maps_are_a_quarter_of_the_input() -> None:
    system = build_system(TrainConfig(system="simplebaseline", backbone="resnet10t"))
    outputs = system(torch.zeros(1, 3, 128, 96))
    assert outputs["heatmaps"].shape == (1, 21, 32, 24)


def test_simplebaseline_is_perfect_on_its_own_targets(batch: Batch, tiny) -> None:
    system = build_system(tiny("simplebaseline"))
    outputs = {"heatmaps": system.codec.encode(batch.joints_px)}
    assert system.loss(outputs, batch)["heatmaps"] == 0
    assert (system.decode(outputs, batch).joints_px - batch.joints_px).abs().max() <= 2


def test_unlabelled_joints_do_not_count(batch: Batch, tiny) -> None:
    for name in ("simplebaseline", "latent25d"):
        system = build_system(tiny(name)).eval()
        outputs = system(batch.images)
        blind = batch.replace(
            weights=torch.zeros_like(batch.weights), weights_3d=torch.zeros_like(batch.weights_3d)
        )
        assert sum(system.loss(outputs, batch).values()) > 0
        assert sum(system.loss(outputs, blind).values()) == 0
        outside = batch.replace(joints_px=batch.joints_px + 1000)
        assert sum(system.loss(outputs, outside).values()) == 0


def test_depth_needs_root_and_reference_bone(batch: Batch, tiny) -> None:
    system = build_system(tiny("latent25d")).eval()
    outputs = system(batch.images)
    weights_3d = batch.weights_3d.clone()
    weights_3d[:, HAND21.index("index_mcp")] = 0
    loss = system.loss(outputs, batch.replace(weights_3d=weights_3d))
    assert loss["depth"] == 0
    assert loss["position"] > 0


def test_latent25d_recovers_absolute_joints_from_perfect_outputs(hands: str, tiny) -> None:
    """The drawn hands share their bones, so the mean bones give each the right size."""
    config = tiny("latent25d", input_size=64, jitter_rotation_rad=1.0)
    dataset = HandDataset([DataSource.open(hands)], config, border=True)
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    loaded = dataset.__getitems__(range(48))
    for batch in (centre_crop(loaded, 64), jitter_crop(loaded, config, torch.Generator())):
        outputs = {"joints_px": batch.joints_px, "depth": system.codec.encode(batch.joints_cam_m)}
        joints_cam_m = system.decode(outputs, batch).joints_cam_m
        assert joints_cam_m is not None
        # Float32 coordinates: 1e-7 of 64 px is 1e-5 px, magnified by depth over bone.
        assert (joints_cam_m - batch.joints_cam_m).abs().max() < 1e-3
        assert sum(system.loss(outputs, batch).values()) == 0


def test_latent25d_keeps_the_mean_bones(hands: str, tiny) -> None:
    dataset = HandDataset([DataSource.open(hands)], tiny("latent25d"), border=False)
    system = build_system(tiny("latent25d"))
    system.fit_statistics(dataset.labels())
    joints = np.reshape(drawn_samples(1)[0][0]["joints_3d"], (21, 3))
    expected = [np.linalg.norm(joints[b] - joints[a]) for a, b in HAND21.bones]
    np.testing.assert_allclose(system.mean_bones_m.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(bone_lengths(torch.from_numpy(joints)).numpy(), expected)


def test_meanpose_predicts_the_mean(batch: Batch, tiny) -> None:
    system = build_system(tiny("meanpose"))
    system.fit_statistics(batch)
    pose = system.decode(system(batch.images), batch)
    mean_px = batch.joints_px.numpy().mean(0)
    np.testing.assert_allclose(pose.joints_px.numpy(), np.tile(mean_px, (32, 1, 1)), rtol=1e-5)
    joints = batch.joints_cam_m.numpy()
    assert pose.joints_cam_m is not None
    ours = pose.joints_cam_m.numpy()
    root = HAND21.root
    mean_rel = (joints - joints[:, root, None]).mean(0)
    np.testing.assert_allclose(ours - ours[:, root, None], np.tile(mean_rel, (32, 1, 1)), atol=1e-6)
    # The root lies on the ray of the mean 2D root.
    root_px = project(ours[:, root, None], batch.camera_k.numpy())[:, 0]
    np.testing.assert_allclose(root_px, np.tile(mean_px[root], (32, 1)), atol=1e-3)
    assert np.abs(ours[:, root, 2] - joints[:, root, 2]).mean() < 0.15


def test_meanpose_without_3d_labels(batch: Batch, tiny) -> None:
    system = build_system(tiny("meanpose"))
    system.fit_statistics(batch.replace(weights_3d=torch.zeros_like(batch.weights_3d)))
    pose = system.decode(system(batch.images), batch)
    assert pose.joints_cam_m is not None
    assert pose.joints_cam_m.isnan().all()


def fit(system: System, batch: Batch, steps: int) -> None:
    optimizer = torch.optim.Adam(system.parameters(), 2e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        optimizer.zero_grad()
        sum(system.loss(system(batch.images), batch).values()).backward()
        optimizer.step()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "limit_px"),
    # A map cell is 4 px here: the heatmap's decoding alone leaves an error of 0.8 px.
    [("simplebaseline", {"heatmap_sigma": 1 / 16}, 1.6), ("latent25d", {}, 1.2)],
)
def test_overfits_a_handful(hands: str, name: str, options: dict, limit_px: float) -> None:
    torch.manual_seed(0)
    options = {"deconv_channels": [64, 64, 64], **options}
    config = TrainConfig(system=name, backbone="resnet10t", input_size=64, system_options=options)
    dataset = HandDataset([DataSource.open(hands)], config, border=False)
    batch = centre_crop(dataset.__getitems__(range(32)), 64)
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    fit(system, batch, 100)
    with torch.inference_mode():
        pose = system.decode(system(batch.images), batch)
    assert (pose.joints_px - batch.joints_px).norm(dim=-1).mean() < limit_px
    if pose.joints_cam_m is not None:
        difference_m = pose.joints_cam_m - batch.joints_cam_m
        relative_m = difference_m - difference_m[:, HAND21.root, None]
        assert relative_m.norm(dim=-1).median() < 0.010
