from __future__ import annotations

import pickle
from pathlib import Path

import huggingface_hub.constants
import pytest
import timm
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from mano_assets.errors import InputError
from training.backbones.hourglass import Hourglass, HourglassStem, Residual
from training.backbones.hrnet import HRNetTrunk
from training.backbones.trunk import Trunk
from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import TrainConfig
from training.systems.system import build_system

NAME = "resnet10t"
SMALL_HRNET = "hrnet_w18_small"


def shaken(name: str, **options) -> torch.nn.Module:
    """A timm model with weights unlike fresh ones, its norms' statistics too."""
    torch.manual_seed(1)
    model = timm.create_model(name, **options)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value += 0.1 * torch.rand_like(value)
    return model.eval()


def saved(model: torch.nn.Module, path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(model.state_dict(), path)
    else:
        torch.save(model.state_dict(), path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_trunk_from_a_file(tmp_path: Path, suffix: str) -> None:
    model = shaken(NAME)
    trunk = Trunk(NAME, saved(model, tmp_path / f"weights{suffix}")).eval()
    assert (trunk.channels, trunk.stride) == (512, 32)
    images = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(model.default_cfg[key])[:, None, None] for key in ("mean", "std"))
    with torch.inference_mode():
        torch.testing.assert_close(trunk(images), model.forward_features((images - mean) / std))


def test_trunk_from_a_file_with_other_classes_and_no_counters(tmp_path: Path) -> None:
    """Files of torch before batch norm counted, and of classifiers of other things, are good."""
    state = shaken(NAME, num_classes=7).state_dict()
    state = {key: value for key, value in state.items() if "num_batches" not in key}
    torch.save({"state_dict": state}, tmp_path / "old.pth")
    trunk = Trunk(NAME, tmp_path / "old.pth")
    assert torch.equal(trunk.model.layer1[0].conv1.weight, state["layer1.0.conv1.weight"])


@pytest.mark.parametrize("finest_only", [True, False])
def test_hrnet_from_a_file(tmp_path: Path, finest_only: bool) -> None:
    """The branches before the classifier's layers; the finest is the same when it is alone."""
    model = shaken(SMALL_HRNET)
    trunk = HRNetTrunk(SMALL_HRNET, saved(model, tmp_path / "w.pth"), finest_only).eval()
    assert trunk.stride == 4
    model.incre_modules = None
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = model.forward_features(trunk.normalise(images))
        found = trunk(images)
    assert len(found) == len(trunk.channels) == (1 if finest_only else 4)
    for branch, (ours, theirs) in enumerate(zip(found, expected, strict=False)):
        torch.testing.assert_close(ours, theirs)
        assert ours.shape == (2, trunk.channels[branch], 16 >> branch, 16 >> branch)


def write(path: Path, content) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pth", None, r"there is no file .*a\.pth, expected a timm state dict \(\.pth or"),
        ("a.pth", b"", r"a\.pth cannot be read \(\w+\), expected a timm state dict"),
        ("a.pth", b"rubbish", "cannot be read"),
        ("a.pth", pickle.dumps(Path("evil"), protocol=2), "cannot be read"),
        ("a.safetensors", b"rubbish", r"cannot be read \(SafetensorError\)"),
        ("a.pth", [1, 2], "cannot be read"),
        ("a.pth", {}, "is no state dict"),
        ("a.pth", {"epoch": 3}, "is no state dict"),
        (
            "a.pth",
            {"head.weight": torch.ones(2)},
            r"lacks conv1.+ and holds head\.weight, expected",
        ),
    ],
)
def test_files_that_do_not_hold_weights(tmp_path: Path, name: str, content, message: str) -> None:
    with pytest.raises(InputError, match=f"^pretrained: .*{message}"):
        Trunk(NAME, write(tmp_path / name, content))


def test_weights_of_another_model(tmp_path: Path) -> None:
    other = saved(timm.create_model("resnet18"), tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"holds conv1\.weight, expected the weights of timm's"):
        Trunk(NAME, other)
    with pytest.raises(InputError, match=r"lacks conv2\.weight and holds"):
        HRNetTrunk(SMALL_HRNET, other, finest_only=True)
    state = timm.create_model(NAME).state_dict()
    state["layer1.0.conv1.weight"] = torch.zeros(3, 64, 3, 3)
    torch.save(state, tmp_path / "shape.pth")
    with pytest.raises(
        InputError,
        match=r"layer1\.0\.conv1\.weight in .* is \[3, 64, 3, 3\], expected \[64, 64, 3, 3\]",
    ):
        Trunk(NAME, tmp_path / "shape.pth")


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        InputError, match=r"^pretrained: .*'resnet10t' cannot be had \(.*or the path of a file"
    ) as caught:
        Trunk(NAME, pretrained=True)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_needs_no_file_of_weights(tmp_path: Path) -> None:
    """The recipe keeps the path, the checkpoint all weights."""
    weights = saved(shaken(NAME), tmp_path / "w.pth")
    config = TrainConfig(
        system="simplebaseline",
        backbone=NAME,
        pretrained=weights,
        system_options={"deconv_channels": [8]},
    )
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    system = build_system(config)
    save_checkpoint(tmp_path / "model.ckpt", system, [])
    weights.unlink()
    loaded = load_checkpoint(tmp_path / "model.ckpt")
    assert loaded.config == config
    for name, value in loaded.system.state_dict().items():
        assert torch.equal(value, system.state_dict()[name])


def test_a_system_without_a_trunk_has_nothing_to_pretrain() -> None:
    with pytest.raises(ValidationError, match="pretrained: hourglass has no trunk of timm's"):
        TrainConfig(system="hourglass", pretrained=True)


def test_hourglass_keeps_the_shape_at_every_depth() -> None:
    features = torch.rand(1, 8, 16, 32)
    for depth in (1, 3, 4):
        assert Hourglass(depth, 8)(features).shape == features.shape
    assert HourglassStem(16)(torch.rand(1, 3, 64, 32)).shape == (1, 16, 16, 8)


def test_residual_is_its_skip_when_the_branch_is_silent() -> None:
    features = torch.rand(2, 8, 4, 4)
    same, wider = Residual(8, 8), Residual(8, 12)
    for block in (same, wider):
        torch.nn.init.zeros_(block.layers[-1].weight)
        torch.nn.init.zeros_(block.layers[-1].bias)
    assert torch.equal(same(features), features)
    torch.testing.assert_close(wider(features), wider.skip(features))
    assert same(features).data_ptr() != features.data_ptr()
