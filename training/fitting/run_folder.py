"""The folder of a run.

It holds `train.json` (data, figures, provenance), `config.yaml` (the whole recipe), `loss.csv`,
`tensorboard/`, while the run lasts `last.ckpt` (the state after the last whole epoch), and in the
end `model.ckpt`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from render.manifest.writing import write_atomically
from training.checkpoints import read_checkpoint, require_joints
from training.config import TrainConfig
from training.samples.sources import DataSource


@dataclass(frozen=True)
class RunFolder:
    """A run on disk: what it is a run of, and how far it is."""

    path: Path
    config: TrainConfig
    data: list[DataSource]
    validation: list[DataSource]

    @property
    def checkpoint(self) -> Path:
        """The trained model."""
        return self.path / "model.ckpt"

    @property
    def last(self) -> Path:
        """State after the last whole epoch."""
        return self.path / "last.ckpt"

    @property
    def loss_csv(self) -> Path:
        """The loss curve."""
        return self.path / "loss.csv"

    @property
    def events(self) -> Path:
        """Folder of the loss curves for TensorBoard."""
        return self.path / "tensorboard"

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a run must share with an earlier one to go on from it."""
        return {
            "config": self.config.identity(),
            "data": [source.to_dict() for source in self.data],
            "validation": [source.to_dict() for source in self.validation],
        }

    def finished(self) -> bool:
        """Whether the folder holds this run's trained model.

        Raises:
            InputError: The folder belongs to something else.
        """
        record = self.path / "train.json"
        if not record.exists():
            others = [path.name for path in self.path.glob("*") if not path.name.startswith(".")]
            if others:
                raise InputError(
                    f"{self.path}: holds {sorted(others)[0]} but no train.json, expected an empty "
                    "folder or a run of the same recipe."
                )
            return False
        try:
            found = dict(json.loads(record.read_text()))
        except (ValueError, TypeError) as error:
            raise InputError(f"{record}: damaged, expected the record of a run.") from error
        for part, ours in self.identity.items():
            theirs = found.get(part)
            if _unplaced(theirs) != _unplaced(ours):
                what = _difference(theirs, ours) if part == "config" else part
                raise InputError(
                    f"{self.path}: belongs to a run with other {what}, expected the same recipe "
                    "and data or an empty folder."
                )
        return (
            found.get("state") == "complete"
            and self.checkpoint.exists()
            and file_sha256(self.checkpoint) == found["checkpoint_sha256"]
        )

    def last_state(self) -> dict[str, Any] | None:
        """The state to go on from, None at the beginning.

        Raises:
            InputError: It is damaged, or of another system or skeleton.
        """
        if not self.last.exists():
            return None
        state = read_checkpoint(self.last)
        if state.get("system") != self.config.system:
            raise InputError(
                f"{self.last}: is of system {state.get('system')}, expected "
                f"{self.config.system}; remove it to begin anew."
            )
        require_joints(self.last, state)
        return state

    def write(self, state: str, **figures: Any) -> None:
        """Writes `train.json`, and `config.yaml` beside it."""
        record = {"state": state, **self.identity, **figures}
        write_atomically(self.path / "train.json", (json.dumps(record, indent=2) + "\n").encode())
        text = yaml.safe_dump(self.config.model_dump(mode="json"), sort_keys=False)
        write_atomically(self.path / "config.yaml", text.encode())


def _unplaced(part: Any) -> Any:
    """Provenance without where a data set lies, if a digest says what it holds."""
    if not isinstance(part, list):
        return part
    return [
        {key: value for key, value in source.items() if key != "root"}
        if isinstance(source, dict) and source.get("recipe_digest")
        else source
        for source in part
    ]


def _difference(theirs: dict[str, Any] | None, ours: dict[str, Any]) -> str:
    fields = [name for name in ours if (theirs or {}).get(name) != ours[name]]
    return "config field " + ", ".join(fields) if fields else "config"
