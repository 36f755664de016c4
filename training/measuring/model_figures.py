"""What a model costs: parameters, multiply-accumulates and how many images a second it takes."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from render.manifest.writing import write_atomically
from training.checkpoints import load_checkpoint
from training.config import TrainConfig
from training.systems.system import System, build_system

FILE = "figures.json"
"""Beside the checkpoint in a run's folder."""


@dataclass(frozen=True)
class ModelSize:
    """What is known of a network without running it.

    Attributes:
        num_parameters: Trained numbers.
        gmacs: Multiply-accumulates of one image's forward pass, 10^9.
    """

    num_parameters: int
    gmacs: float


def model_size(config: TrainConfig) -> ModelSize:
    """Counts a network's weights and operations without computing or storing anything.

    Multiply-accumulates are those of convolutions, transposed convolutions, linear layers and
    matrix products; a transposed convolution counts each input cell times its kernel. Papers whose
    "FLOPs" are larger for the same network count the transposed ones by their output cells.

    Args:
        config: Names system, trunk, size and options.

    Raises:
        InputError: The backbone is unknown or does not fit.
    """
    size = config.input_size
    # Fake tensors have a shape and no numbers: there is nothing to fill with downloaded weights.
    with FakeTensorMode(), torch.no_grad():
        system = build_system(config.model_copy(update={"pretrained": False})).eval()
        with FlopCounterMode(display=False) as counter:
            system(torch.zeros(1, 3, size, size))
    return ModelSize(system.num_parameters(), counter.get_total_flops() / 2e9)


@torch.inference_mode()
def forward_rate(
    system: System, device: torch.device, batch_size: int = 8, seconds: float = 1.5
) -> float:
    """Images a second that the network takes, without loading, cropping and decoding.

    Args:
        system: The network; it stays on the device.
        device: Where to run.
        batch_size: Images a pass.
        seconds: Passes are begun for so long, at least one; the median counts.
    """
    config = system.config
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    system = system.to(device).to(memory_format=layout).eval()
    images = torch.rand(batch_size, 3, config.input_size, config.input_size, device=device)
    images = images.contiguous(memory_format=layout)
    timed_pass(system, images)
    times: list[float] = []
    while not times or sum(times) < seconds:
        times.append(timed_pass(system, images))
    return batch_size / median(times)


def timed_pass(system: System, images: Tensor) -> float:
    """Seconds of one forward pass, until the device has finished it."""
    start = time.perf_counter()
    system(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - start


def write_figures(checkpoint: Path) -> Path:
    """Measures a trained model and writes `figures.json` beside it.

    The file holds num_parameters, gmacs, input_size, cpu_images_per_s and cpu_threads,
    gpu_images_per_s and gpu (its name); rates are null for a model without weights, and the last
    two on a machine without a GPU.

    Args:
        checkpoint: Written by `train`.

    Returns:
        The file.
    """
    system = load_checkpoint(checkpoint).system
    size = model_size(system.config)
    figures: dict[str, object] = {
        **asdict(size),
        "input_size": system.config.input_size,
        "cpu_images_per_s": None,
        "cpu_threads": torch.get_num_threads(),
        "cpu_cores": os.cpu_count(),
        "gpu_images_per_s": None,
        "gpu": None,
    }
    if size.num_parameters:
        figures["cpu_images_per_s"] = round(forward_rate(system, torch.device("cpu")), 2)
        if torch.cuda.is_available():
            gpu = torch.device("cuda")
            figures["gpu_images_per_s"] = round(forward_rate(system, gpu, batch_size=64), 1)
            figures["gpu"] = torch.cuda.get_device_name(gpu)
    path = checkpoint.with_name(FILE)
    write_atomically(path, f"{json.dumps(figures, indent=2)}\n".encode())
    return path
