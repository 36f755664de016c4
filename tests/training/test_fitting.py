from __future__ import annotations

from pathlib import Path

import pytest
import torch
from runs import loss_rows, state
from toy_system import Faulty, Toy

from mano_assets.errors import InputError
from training.checkpoints import load_checkpoint
from training.config import TrainConfig
from training.fitting.trainer import train
from training.measuring.network_arithmetic import set_up_networks
from training.randomness import generator
from training.samples.crops import centre_crop
from training.samples.dataset import HandDataset
from training.samples.loading import batch_loader
from training.samples.sources import DataSource


def bare_weights(config: TrainConfig, data: str, steps: list[list[int]]) -> dict:
    """The same training as a plain loop: in each step the mean loss of some batches."""
    dataset = HandDataset([DataSource.open(data)], config, border=True)
    loader = batch_loader(dataset, config, config.batch_size, shuffle=True)
    torch.manual_seed(generator(config.seed, "weights").initial_seed())
    model = Toy(config)
    optimizer = torch.optim.SGD(model.parameters(), config.learning_rate, momentum=0.5)
    for epoch in range(config.epochs):
        loader.batch_sampler.sampler.set_epoch(epoch)
        batches = [centre_crop(batch, config.input_size) for batch in loader]
        for numbers in steps:
            optimizer.zero_grad()
            for number in numbers:
                terms = model.loss(model(batches[number].images), batches[number])
                (sum(terms.values()) / len(numbers)).backward()
            gradients = [weight.grad for weight in model.parameters()]
            norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
            if norm > config.gradient_clip > 0:
                for gradient in gradients:
                    gradient *= config.gradient_clip / norm
            optimizer.step()
    return model.state_dict()


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({"batch_size": 12}, [[0], [1], [2]]),
        ({"batch_size": 12, "gradient_clip": 0.1}, [[0], [1], [2]]),
        # 36 samples: four whole batches, of which the last is a step of its own.
        ({"batch_size": 8, "accumulate": 3}, [[0, 1, 2], [3]]),
    ],
)
def test_weights_are_those_of_a_bare_loop(
    fields: dict, steps: list, hands: str, toy, run_folder: Path
) -> None:
    config = toy(
        optimizer="sgd", momentum=0.5, schedule="constant", warmup_share=0, learning_rate=0.1,
        **fields,
    )  # fmt: skip
    found = state(train(config, [f"{hands}:train"], run_folder))
    for name, tensor in bare_weights(config, f"{hands}:train", steps).items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-6)


def test_terms_are_logged(hands: str, toy, run_folder: Path) -> None:
    train(toy(batch_size=12), [f"{hands}:train"], run_folder, [f"{hands}:val"])
    for row in loss_rows(run_folder):
        for sum_name, part in [("train_loss", "train"), ("validation_loss", "validation")]:
            terms = [float(row[f"{part}/{term}"]) for term in ("square", "absolute")]
            assert float(row[sum_name]) == pytest.approx(sum(terms), rel=1e-5)


def test_the_average_is_validated_and_kept(hands: str, toy, tmp_path: Path) -> None:
    weights = {}
    for decay in (0.0, 0.7):
        config = toy(batch_size=12, epochs=4, ema_decay=decay, learning_rate=0.03)
        run = tmp_path / str(decay)
        checkpoint = train(config, [f"{hands}:train"], run, [f"{hands}:val"])
        weights[decay] = state(checkpoint)["net.2.weight"]
        system = load_checkpoint(checkpoint).system
        dataset = HandDataset([DataSource.open(f"{hands}:val")], config, border=False)
        batch = centre_crop(dataset.__getitems__(range(12)), config.input_size)
        loss = sum(system.loss(system(batch.images), batch).values()).item()
        assert float(loss_rows(run)[-1]["validation_loss"]) == pytest.approx(loss, rel=1e-5)
    assert not torch.allclose(weights[0.0], weights[0.7], atol=1e-4)


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize(("accumulate", "step"), [(1, 4), (3, 2)])
def test_a_loss_that_is_no_number_is_named(
    precision: str, accumulate: int, step: int, hands: str, toy, run_folder: Path
) -> None:
    config = toy("Faulty", batch_size=8, accumulate=accumulate, precision=precision)
    dataset = HandDataset([DataSource.open(f"{hands}:train")], config, border=True)
    indices = list(batch_loader(dataset, config, 8, shuffle=True).batch_sampler)[3]
    ids = ", ".join(repr(dataset.sample_ids[index]) for index in indices[:3])
    with pytest.raises(InputError) as caught:
        train(config, [f"{hands}:train"], run_folder)
    told = f"learning_rate: the loss became nan in step {step} (epoch 1, samples {ids} and 5 more)"
    assert str(caught.value).startswith(f"{told}, expected a finite one; lower learning_rate")
    assert not (run_folder / "last.ckpt").exists()


def test_a_gradient_that_is_no_number_is_named(hands: str, toy, run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"the norm of the gradient became nan in step 2 \(epoch"):
        train(toy("Steep", batch_size=8), [f"{hands}:train"], run_folder)


def test_networks_run_in_few_bits_and_losses_do_not(toy) -> None:
    torch.manual_seed(0)
    system = Toy(toy(precision="bf16"))
    images = torch.rand(4, 3, 32, 32)
    exact = system(images)["shares"]
    names = list(system.state_dict())
    seen = []
    system.net.register_forward_hook(lambda *_: seen.append(torch.is_autocast_enabled("cpu")))
    set_up_networks(system, "cpu")
    with torch.autocast("cpu", enabled=False):
        found = system(images)["shares"]
    assert seen == [True]
    assert found.dtype == torch.float32
    assert 0 < (found - exact).abs().max() < 0.02
    assert torch.equal(found, found.bfloat16().float())
    assert list(system.state_dict()) == names


def test_networks_of_a_cascade_run_in_few_bits_one_by_one(toy) -> None:
    system = Faulty(toy(precision="bf16"))
    set_up_networks(system, "cpu")
    found = system.net(torch.rand(4, 3, 32, 32))
    assert found.dtype == torch.float32
    assert torch.equal(found, found.bfloat16().float())


def test_16_bits_need_a_gpu(toy, hands: str, run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"^precision: is 16, which needs a GPU, expected 32 or"):
        train(toy(precision="16"), [hands], run_folder)


@pytest.mark.slow
def test_a_compiled_network_learns_the_same(hands: str, toy, tmp_path: Path) -> None:
    rows = []
    for compiled in (False, True):
        run = tmp_path / str(compiled)
        config = toy(compile=compiled, batch_size=12)
        weights = state(train(config, [f"{hands}:train"], run, [f"{hands}:val"]))
        assert list(weights) == ["net.2.weight", "net.2.bias"]
        rows.append([float(row["train_loss"]) for row in loss_rows(run)])
    assert rows[0] == pytest.approx(rows[1], rel=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["bf16", "16"])
def test_few_bits_on_a_gpu(precision: str, hands: str, tiny, run_folder: Path) -> None:
    config = tiny(
        "simplebaseline", epochs=8, precision=precision, accelerator="gpu", optimizer="adamw"
    )
    train(config, [f"{hands}:train"], run_folder)
    losses = [float(row["train_loss"]) for row in loss_rows(run_folder)]
    assert losses[-1] < 0.9 * losses[0]
