from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_hands import drawn_samples, write_samples

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState
from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.samples.crops import Batch, centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.bmc import BMC
from training.systems.system import Outputs, build_system

LIMITS = ("bone_length", "palm", "joint_angle")
WEIGHTS = {f"{name}_weight": 1.0 for name in LIMITS}


@pytest.fixture
def config(tiny) -> TrainConfig:
    return tiny("bmc", system_options=WEIGHTS)


@pytest.fixture
def batch(hands: str, config: TrainConfig) -> Batch:
    dataset = HandDataset([DataSource.open(hands)], config, border=False)
    return centre_crop(dataset.__getitems__(range(32)), 32)


def fitted(config: TrainConfig, hands: str) -> BMC:
    torch.manual_seed(0)
    system = build_system(config)
    assert isinstance(system, BMC)
    system.fit_statistics(HandDataset([DataSource.open(hands)], config, border=False).labels())
    return system


def without_refinement(system: BMC) -> BMC:
    torch.nn.init.zeros_(system.refine.layers[-1].weight)
    torch.nn.init.zeros_(system.refine.layers[-1].bias)
    return system


def perfect_outputs(system: BMC, batch: Batch) -> Outputs:
    return {"joints_px": batch.joints_px, "depth": system.codec.encode(batch.joints_cam_m)}


def test_the_published_size() -> None:
    """ResNet-50 with 63 outputs (PeCLR, from the same authors), and the refinement's layers."""
    system = build_system(TrainConfig(system="bmc"))
    assert isinstance(system, BMC)
    refinement = 64 * 128 + 128 * 128 + 128 + 3 * 128 - 128 + 1 + 4 * 128
    assert sum(p.numel() for p in system.refine.parameters()) == refinement
    assert system.num_parameters() - refinement == 23_637_119


def test_perfect_outputs_give_the_absolute_joints(hands: str, config, batch: Batch) -> None:
    """Nothing to refine: the closed form is right, and no limit is broken."""
    system = without_refinement(fitted(config, hands)).eval()
    outputs = perfect_outputs(system, batch)
    joints_cam_m = system.decode(outputs, batch).joints_cam_m
    assert joints_cam_m is not None
    assert (joints_cam_m - batch.joints_cam_m).abs().max() < 1e-3
    loss = system.loss(outputs, batch)
    assert set(loss) == {"position", "depth", "root_depth", *LIMITS}
    assert loss["position"] == loss["depth"] == 0
    # A float32 pixel is worth this much in depth over the reference bone.
    assert sum(loss.values()) < 1e-2
    assert system.limits.coverage > 0.9


def test_root_depth_is_the_closed_forms_plus_a_correction(hands: str, config, batch) -> None:
    system = without_refinement(fitted(config, hands)).eval()
    outputs = perfect_outputs(system, batch)
    torch.nn.init.constant_(system.refine.layers[-1].bias, 0.25)
    assert system.loss(outputs, batch)["root_depth"].item() == pytest.approx(0.25, abs=1e-3)
    pose = system.decode(outputs, batch)
    assert pose.joints_cam_m is not None
    root = system.codec.encode_root(batch.joints_cam_m)
    farther = pose.joints_cam_m[:, HAND21.root, 2] / batch.joints_cam_m[:, HAND21.root, 2]
    # The hand is also larger than it should be, so the scale takes some of it back.
    assert (farther < (root + 0.25) / root + 1e-4).all()
    assert (farther > 0.99).all()


def test_unlabelled_joints_do_not_count(hands: str, tiny, batch: Batch) -> None:
    """With the limits off; these concern all joints, labelled or not."""
    system = fitted(tiny("bmc", system_options=dict.fromkeys(WEIGHTS, 0.0)), hands).eval()
    outputs = system(batch.images)
    blind = batch.replace(
        weights=torch.zeros_like(batch.weights), weights_3d=torch.zeros_like(batch.weights_3d)
    )
    assert set(system.loss(outputs, batch)) == {"position", "depth", "root_depth"}
    assert all(value > 0 for value in system.loss(outputs, batch).values())
    assert sum(system.loss(outputs, blind).values()) == 0
    joint = HAND21.index("little_tip")
    weights, weights_3d = batch.weights.clone(), batch.weights_3d.clone()
    weights[:, joint] = weights_3d[:, joint] = 0
    without = batch.replace(weights=weights, weights_3d=weights_3d)
    moved = without.replace(joints_px=batch.joints_px.clone())
    moved.joints_px[:, joint] += 50
    assert system.loss(outputs, without) == system.loss(outputs, moved)


def test_depth_needs_root_and_reference_bone(hands: str, config, batch: Batch) -> None:
    system = fitted(config, hands).eval()
    weights_3d = batch.weights_3d.clone()
    weights_3d[:, HAND21.index("index_mcp")] = 0
    loss = system.loss(system(batch.images), batch.replace(weights_3d=weights_3d))
    assert loss["depth"] == loss["root_depth"] == 0


def gradients(system: BMC, batch: Batch, terms: tuple[str, ...]) -> tuple[torch.Tensor, ...]:
    outputs = {
        name: value.detach().requires_grad_() for name, value in system(batch.images).items()
    }
    loss = system.loss(outputs, batch)
    total = torch.stack([loss[name] for name in terms]).sum()
    wanted = [outputs["joints_px"], outputs["depth"]]
    found = torch.autograd.grad(total, wanted, allow_unused=True)
    return tuple(
        torch.zeros_like(value) if gradient is None else gradient
        for value, gradient in zip(wanted, found, strict=True)
    )


def test_samples_with_2d_only_learn_depth_from_the_limits_alone(hands, config, batch) -> None:
    # In training, the refinement's batch norm ties the samples of a batch together.
    system = fitted(config, hands).eval()
    flat = batch.weights_3d.clone()
    flat[::2] = 0
    mixed = batch.replace(weights_3d=flat)
    px, depth = gradients(system, mixed, ("position", "depth", "root_depth"))
    assert (px.abs().sum((1, 2)) > 0).all()
    assert depth[::2].abs().max() == 0
    assert (depth[1::2].abs().sum(-1) > 0).all()
    for name in LIMITS:
        px, depth = gradients(system, mixed, (name,))
        assert px.abs().max() == 0
        assert (depth[::2].abs().sum(-1) > 0).float().mean() > 0.9
        assert depth.isfinite().all()


def test_without_a_camera_there_are_only_positions(hands: str, config, batch: Batch) -> None:
    system = fitted(config, hands)
    eye = torch.eye(3).expand(32, 3, 3)
    nowhere = batch.replace(
        camera_k=eye,
        has_camera=torch.zeros_like(batch.has_camera),
        weights_3d=torch.zeros_like(batch.weights_3d),
    )
    outputs = system(batch.images)
    loss = system.loss(outputs, nowhere)
    assert loss["position"] > 0
    assert sum(value for name, value in loss.items() if name != "position") == 0
    joints_cam_m = system.decode(outputs, nowhere).joints_cam_m
    assert joints_cam_m is not None
    assert joints_cam_m.isfinite().all()
    # The refinement's statistics see hands as a usual camera would.
    system.refine.layers[1].reset_running_stats()
    system.loss(outputs, nowhere)
    unknown = system.refine.layers[1].running_mean.clone()
    system.refine.layers[1].reset_running_stats()
    system.loss(outputs, batch)
    assert (unknown - system.refine.layers[1].running_mean).abs().max() < 1


def test_positions_and_depths_come_from_the_linear_layer(config, batch: Batch) -> None:
    system = build_system(config).eval()
    with torch.no_grad():
        system.head.weight.zero_()
        system.head.bias.copy_(torch.tensor([0.25, -0.5, 3.0]).repeat(21))
    outputs = system(batch.images)
    torch.testing.assert_close(outputs["joints_px"], torch.tensor([24.0, 0.0]).expand(32, 21, 2))
    assert (outputs["depth"][:, HAND21.root] == 0).all()
    assert (outputs["depth"][:, 1:] == 3).all()


def test_limits_are_kept_in_the_checkpoint(hands: str, config, tmp_path) -> None:
    system = fitted(config, hands)
    save_checkpoint(tmp_path / "model.ckpt", system, [])
    other = load_checkpoint(tmp_path / "model.ckpt").system
    assert isinstance(other, BMC)
    for (name, ours), theirs in zip(
        system.limits.named_buffers(), other.limits.buffers(), strict=True
    ):
        assert torch.equal(ours, theirs), name
    joints = np.reshape(drawn_samples(1)[0][0]["joints_3d"], (21, 3)) * [-1, 1, 1]
    lengths = [np.linalg.norm(joints[b] - joints[a]) for a, b in HAND21.bones]
    expected = np.array(lengths) / lengths[HAND21.bones.index((0, HAND21.index("index_mcp")))]
    np.testing.assert_allclose(other.limits.bone_lengths[:, 0], expected, rtol=1e-4)


def test_limits_need_whole_poses(hands: str, config: TrainConfig, tmp_path) -> None:
    samples = drawn_samples(3)
    for row, _ in samples:
        row["joint_state"][-1] = int(JointState.MISSING)
    partial = write_samples(tmp_path / "partial", samples)
    with pytest.raises(InputError, match=r"^joints_3d: no sample has all 21 joints, expected some"):
        fitted(config, partial)


@pytest.mark.slow
def test_overfits_a_handful(hands: str) -> None:
    torch.manual_seed(0)
    config = TrainConfig(system="bmc", backbone="resnet10t", input_size=32)
    dataset = HandDataset([DataSource.open(hands)], config, border=False)
    batch = centre_crop(dataset.__getitems__(range(32)), 32)
    system = build_system(config)
    system.fit_statistics(dataset.labels())
    optimizer = torch.optim.Adam(system.parameters(), 4e-3)
    steps = 150
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * (1 - step / steps)
        optimizer.zero_grad()
        torch.stack(list(system.training_loss(batch).values())).sum().backward()
        optimizer.step()
    # Batch statistics of these very samples: the running ones lag behind so few steps.
    with torch.inference_mode():
        pose = system.decode(system(batch.images), batch)
    assert (pose.joints_px - batch.joints_px).norm(dim=-1).mean() < 0.5
    assert pose.joints_cam_m is not None
    difference_m = pose.joints_cam_m - batch.joints_cam_m
    relative_m = difference_m - difference_m[:, HAND21.root, None]
    assert relative_m.norm(dim=-1).median() < 0.005
    assert difference_m[:, HAND21.root, 2].abs().median() < 0.010
