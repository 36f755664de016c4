"""Reading what runs leave, and training in a process of its own."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import torch
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from training.config import TrainConfig

SCRIPT = """
import sys, torch
from pathlib import Path
from training.config import TrainConfig
from training.fitting.trainer import train
if __name__ == "__main__":
    torch.set_num_threads(1)
    config = TrainConfig.model_validate_json(sys.argv[1])
    train(config, [sys.argv[2] + ":train"], Path(sys.argv[3]), [sys.argv[2] + ":val"])
"""


def train_command(config: TrainConfig, hands: str, run: Path) -> list[str]:
    """Trains on the split train and validates on the split val."""
    return [sys.executable, "-c", SCRIPT, config.model_dump_json(), hands, str(run)]


def state(checkpoint: Path) -> dict[str, torch.Tensor]:
    """A model's weights."""
    return torch.load(checkpoint, weights_only=True)["state"]


def loss_rows(run: Path) -> list[dict[str, str]]:
    """Rows of the loss curve."""
    with (run / "loss.csv").open() as stream:
        return list(csv.DictReader(stream))


def events(run: Path) -> list[tuple[str, int, float]]:
    """Everything TensorBoard would find, in the files' order: tag, step and value."""
    return [
        (value.tag, event.step, value.tensor.float_val[0])
        for path in sorted((run / "tensorboard").iterdir())
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    ]
