from __future__ import annotations

import numpy as np
import pytest
import torch

from mano_assets.skeleton import HAND21
from render.manifest import project
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.system import build_system


@pytest.fixture
def batch(hands: str, tiny) -> Batch:
    dataset = HandDataset([DataSource.open(hands)], tiny("latent25d"), border=False)
    return centre_crop(dataset.__getitems__(range(32)), 32)


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
