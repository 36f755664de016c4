"""Loss curves for people: a CSV file and TensorBoard's events."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from render.manifest.writing import write_atomically

LOSS_COLUMNS = ("step", "epoch", "train_loss", "validation_loss", "learning_rate")
"""First columns of the CSV; the terms of the losses follow as train/TERM and validation/TERM."""


def write_loss_csv(path: Path, history: Sequence[dict[str, Any]]) -> None:
    """Writes the loss curve, one row an epoch."""
    columns = list(dict.fromkeys([*LOSS_COLUMNS, *(name for row in history for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_atomically(path, text.getvalue().encode())


class EventLog:
    """The same curves for TensorBoard, and the loss within epochs as `train_loss_in_epoch`.

    Its file is begun anew from the run's state whenever the run goes on, so nothing is in it twice
    and nothing that a kill has undone.
    """

    def __init__(self, folder: Path) -> None:
        """Removes what an earlier process has written into the folder."""
        # Slow to import, and only wanted where something is trained.
        from torch.utils.tensorboard.writer import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        self._writer = SummaryWriter(str(folder))
        self._num_rows = self._num_points = 0

    def write(self, history: Sequence[dict[str, Any]], curve: Sequence[tuple[int, float]]) -> None:
        """Adds what is new in a run's history and curve."""
        for row in history[self._num_rows :]:
            for name, value in row.items():
                if name != "step" and value is not None:
                    self._writer.add_scalar(name, value, row["step"])
        for step, loss in curve[self._num_points :]:
            self._writer.add_scalar("train_loss_in_epoch", loss, step)
        self._num_rows, self._num_points = len(history), len(curve)
        self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()
