"""The figures of `bench train`: what is measured, never how fast this machine is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import Manifest, project, verify
from render.manifest.reading import column_array
from training.measuring import benchmark
from training.measuring.benchmark import bench_train
from training.measuring.stand_in_images import write_stand_in


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_stand_in(tmp_path_factory.mktemp("made-up") / "images", 10, size=64))


def test_figures_of_a_data_set(tiny, hands: str) -> None:
    config = tiny("simplebaseline", batch_size=8, num_loader_workers=1)
    figures = json.loads(json.dumps(bench_train(config, f"{hands}:train", steps=2, repeats=1)))
    rates = figures["rates_images_per_s"]
    assert set(rates) == {"decoded", "cached", "memory", "bare", "plain"}
    assert min(rates.values()) > 0
    assert figures["images_per_s"] == rates["decoded"]
    for name in ("vs_memory", "vs_memory_cached", "vs_bare", "vs_bare_plain"):
        low, high = figures["ranges"][name]
        assert 0 < low <= figures[name] <= high
    assert (figures["system"], figures["backbone"]) == ("simplebaseline", "resnet10t")
    assert (figures["device"], figures["gpu_memory_mb"]) == ("cpu", None)
    assert figures["num_images"] == 36
    assert figures["peak_rss_mb"] > 100


def test_ratios_are_medians_of_turns(tiny, hands: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images a second that were made up: a slow turn slows all ways alike and changes no ratio."""
    turns = {
        "decoded": [90.0, 9.0, 80.0], "cached": [100.0, 10.0, 100.0],
        "memory": [100.0, 10.0, 100.0], "bare": [125.0, 12.5, 100.0], "plain": [200.0, 20.0, 200.0],
    }  # fmt: skip
    ways = {name: iter(rates).__next__ for name, rates in turns.items()}
    monkeypatch.setattr(benchmark, "_ways", lambda *arguments: ways)
    figures = bench_train(tiny("simplebaseline"), hands, steps=1, repeats=3)
    found = [figures[name] for name in ("vs_memory", "vs_memory_cached", "vs_bare")]
    assert found == [pytest.approx(0.9), pytest.approx(1.0), pytest.approx(0.8)]
    assert figures["vs_bare_plain"] == pytest.approx(0.5)
    assert figures["ranges"]["vs_memory"] == [0.8, 0.9]
    assert figures["images_per_s"] == 80.0


def test_network_in_few_bits(tiny, made_up: str) -> None:
    config = tiny("latent25d", batch_size=4, num_loader_workers=0, precision="bf16")
    figures = bench_train(config, made_up, steps=1, repeats=1)
    assert figures["precision"] == "bf16"
    assert figures["images_per_s"] > 0


def test_a_gpu_that_is_not_there(tiny, made_up: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="accelerator: is gpu, expected auto or cpu"):
        bench_train(tiny("simplebaseline", accelerator="gpu"), made_up, steps=1)


def test_made_up_images_are_a_whole_data_set(made_up: str) -> None:
    assert verify(made_up) == []
    table = Manifest.open(made_up).table("train")
    joints_px = column_array(table, "joints_2d", HAND21.num_joints, 2)
    joints_cam_m = column_array(table, "joints_3d", HAND21.num_joints, 3)
    camera_k = column_array(table, "camera_k", 3, 3)
    for number in range(len(table)):
        expected = project(joints_cam_m[number], camera_k[number])
        np.testing.assert_allclose(joints_px[number], expected, atol=1e-3)
    assert (np.abs(joints_px - 32) < 32).mean() > 0.9


def test_made_up_images_follow_their_seed(made_up: str, tmp_path: Path) -> None:
    again = write_stand_in(tmp_path / "again", 10, size=64)
    other = write_stand_in(tmp_path / "other", 10, size=64, seed=1)
    digests = [
        Manifest.open(str(root)).table("train")["image_sha256"].to_pylist()
        for root in (made_up, again, other)
    ]
    assert digests[0] == digests[1]
    assert not set(digests[0]) & set(digests[2])
