from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from drawn_hands import drawn_samples, write_samples
from runs import loss_rows, state

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from training.checkpoints import load_checkpoint
from training.config import TrainConfig
from training.fitting.trainer import train


def test_a_run_leaves_its_record(hands: str, tiny, run_folder: Path) -> None:
    config = tiny("simplebaseline", label="small", epochs=3)
    checkpoint = train(config, [f"{hands}:train"], run_folder, [f"{hands}:val"])
    assert sorted(path.name for path in run_folder.iterdir()) == [
        "config.yaml", "loss.csv", "model.ckpt", "tensorboard", "train.json",
    ]  # fmt: skip
    assert TrainConfig(**yaml.safe_load((run_folder / "config.yaml").read_text())) == config
    record = json.loads((run_folder / "train.json").read_text())
    assert record["state"] == "complete"
    assert record["data"][0]["split"] == "train"
    assert record["data"][0]["recipe_digest"] == "drawn"
    assert record["checkpoint_sha256"] == file_sha256(checkpoint)
    assert record["images_per_s"] > 0
    rows = loss_rows(run_folder)
    assert [(row["step"], row["epoch"]) for row in rows] == [("3", "1"), ("6", "2"), ("9", "3")]
    assert all(float(row["validation_loss"]) > 0 for row in rows)
    model = load_checkpoint(checkpoint)
    assert model.config == config
    assert record["num_parameters"] == model.system.num_parameters()
    assert model.data[0].num_samples == 36


def test_training_lowers_the_loss(hands: str, tiny, run_folder: Path) -> None:
    train(tiny("latent25d", epochs=8, optimizer="adamw"), [f"{hands}:train"], run_folder)
    losses = [float(row["train_loss"]) for row in loss_rows(run_folder)]
    assert losses[-1] < 0.9 * losses[0]
    assert loss_rows(run_folder)[0]["validation_loss"] == ""


def test_a_finished_run_returns_at_once(hands: str, tiny, run_folder: Path) -> None:
    config = tiny("meanpose")
    checkpoint = train(config, [hands], run_folder)
    written = checkpoint.stat().st_mtime_ns
    other_machine = config.model_copy(update={"num_loader_workers": 7})
    assert train(other_machine, [hands], run_folder) == checkpoint
    assert checkpoint.stat().st_mtime_ns == written
    checkpoint.write_bytes(b"rubbish")
    train(config, [hands], run_folder)
    assert load_checkpoint(checkpoint).config == config


def test_the_same_seed_gives_the_same_weights(hands: str, toy, tmp_path: Path) -> None:
    weights = []
    for name, seed in [("a", 0), ("b", 0), ("c", 1)]:
        config = toy(seed=seed, epochs=1, batch_size=12, augment={})
        weights.append(state(train(config, [hands], tmp_path / name))["net.2.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_folder_of_another_run(hands: str, tiny, run_folder: Path) -> None:
    train(tiny("meanpose"), [f"{hands}:train"], run_folder)
    with pytest.raises(
        InputError, match="belongs to a run with other config field epochs, label, seed"
    ):
        train(tiny("meanpose", seed=1, label="x", epochs=9), [f"{hands}:train"], run_folder)
    with pytest.raises(InputError, match="belongs to a run with other data, expected the same"):
        train(tiny("meanpose"), [f"{hands}:val"], run_folder)


def test_a_damaged_record(hands: str, tiny, run_folder: Path) -> None:
    train(tiny("meanpose"), [hands], run_folder)
    for content in ("", "[1]"):
        (run_folder / "train.json").write_text(content)
        with pytest.raises(InputError, match=r"train\.json: damaged, expected the record of a run"):
            train(tiny("meanpose"), [hands], run_folder)


def test_a_folder_of_something_else(hands: str, tiny, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match=r"holds thesis.tex but no train.json, expected an empty"):
        train(tiny("meanpose"), [hands], tmp_path)


def test_labels_the_system_needs(hands: str, tiny, tmp_path: Path) -> None:
    samples = drawn_samples(4)
    for row, _ in samples:
        row["joints_3d"] = None
    flat = write_samples(tmp_path / "flat", samples)
    with pytest.raises(InputError, match=r"flat: has no sample with both .*, or @labels=2d behind"):
        train(tiny("latent25d"), [flat], tmp_path / "run")
    with pytest.raises(InputError, match=r"^data: every source has @labels=2d, expected one with"):
        train(tiny("latent25d"), [f"{flat}@labels=2d"], tmp_path / "run")
    assert not (tmp_path / "run").exists()
    mixed = [f"{flat}@labels=2d@weight=1", f"{hands}@weight=3"]
    checkpoint = train(tiny("latent25d", epochs=1), mixed, tmp_path / "mixed")
    assert [(source.flat, source.weight) for source in load_checkpoint(checkpoint).data] == [
        (True, 1),
        (False, 3),
    ]
    for row, _ in samples:
        row["joints_2d"] = None
    bare = write_samples(tmp_path / "bare", samples)
    with pytest.raises(InputError, match=r"bare: has no joints_2d, expected labels to train on\.$"):
        train(tiny("simplebaseline"), [bare], tmp_path / "run2")


def test_no_data(tiny, run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"^data: is empty, expected at least one ROOT"):
        train(tiny("meanpose"), [], run_folder)
    with pytest.raises(InputError, match=r"nowhere: not a data set, expected a folder with"):
        train(tiny("meanpose"), ["nowhere"], run_folder)
    assert not run_folder.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_a_gpu_that_is_not_there(hands: str, tiny, run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"^accelerator: is gpu, expected auto or cpu"):
        train(tiny("simplebaseline", accelerator="gpu"), [hands], run_folder)


def test_a_loss_that_explodes(hands: str, tiny, run_folder: Path) -> None:
    config = tiny("simplebaseline", learning_rate=1e30)
    with pytest.raises(InputError, match=r"the loss became (nan|inf) in step 2 \(epoch 1, "):
        train(config, [hands], run_folder)
    assert not (run_folder / "model.ckpt").exists()


def test_a_finished_run_knows_its_data_by_what_it_holds(hands: str, tiny, run_folder: Path) -> None:
    checkpoint = train(tiny("meanpose"), [hands], run_folder)
    written = checkpoint.stat().st_mtime_ns
    moved = shutil.copytree(hands, run_folder.with_name("moved"))
    assert train(tiny("meanpose"), [str(moved)], run_folder) == checkpoint
    assert checkpoint.stat().st_mtime_ns == written
