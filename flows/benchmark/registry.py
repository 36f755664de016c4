"""Which models are registered: those that the runs trained, and those that a file names.

The file is RUNS/registered.yaml, written by `handforge benchmark --register` or by hand:

    models:
      - {label: mine, checkpoint: /models/mine/model.ckpt}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from flows.folder import RunFolder
from flows.recipes import Recipe, load_recipe
from flows.results import Target
from flows.stages import rendered_targets
from flows.validation import parse, read_yaml
from mano_assets.errors import InputError
from render.manifest.writing import write_atomically

REGISTRY_FILE = "registered.yaml"


@dataclass(frozen=True)
class Model:
    """A registered model.

    Attributes:
        run: Name of the run that trained it; empty for one that the registry file names.
        label: Its name there.
        checkpoint: Its file.
    """

    run: str
    label: str
    checkpoint: Path

    @property
    def name(self) -> str:
        """RUN/LABEL, or LABEL."""
        return f"{self.run}/{self.label}" if self.run else self.label


@dataclass(frozen=True)
class RegisteredRun:
    """A run whose models are measured and whose data are measured on."""

    folder: RunFolder
    recipe: Recipe

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.root.name

    @property
    def models(self) -> list[Model]:
        """The trained models."""
        found = (
            Model(self.name, config.label, self.folder.model(config.label) / "model.ckpt")
            for config in self.recipe.models
        )
        return [model for model in found if model.checkpoint.is_file()]

    @property
    def untrained(self) -> list[str]:
        """A sentence for each model of the recipe that is not there."""
        trained = {model.label for model in self.models}
        labels = (config.label for config in self.recipe.models)
        return [f"{self.name}: {label} is not trained." for label in labels if label not in trained]

    @property
    def rendered(self) -> list[Target]:
        """The rendered splits that are there."""
        targets = rendered_targets(self.recipe, self.folder)
        return [target for target in targets if (target.root / "dataset.json").exists()]


class RegisteredModel(BaseModel):
    """An entry of the registry file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", description="Its name in tables and file names."
    )
    checkpoint: Path = Field(
        description="Its file; a path that is not absolute starts at the registry's folder."
    )


class Registry(BaseModel):
    """The registry file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[RegisteredModel, ...] = Field(default=(), description="Models trained elsewhere.")

    @field_validator("models")
    @classmethod
    def _unique(cls, models: tuple[RegisteredModel, ...]) -> tuple[RegisteredModel, ...]:
        labels = [model.label for model in models]
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice:
            raise ValueError(f"label {twice!r} occurs twice, expected unique labels")
        return models


def registered_runs(runs: Path) -> tuple[list[RegisteredRun], list[str]]:
    """The runs in a folder, by name.

    Returns:
        The runs, and a sentence for each whose recipe cannot be read.
    """
    found, problems = [], []
    for described in sorted(runs.glob("*/run.json")):
        folder = RunFolder(described.parent)
        try:
            found.append(RegisteredRun(folder, load_recipe(folder.recipe)))
        except InputError as error:
            problems.append(str(error))
    return found, problems


def registered_models(runs: Path) -> tuple[list[Model], list[str]]:
    """The models that the registry file of a folder of runs names.

    Returns:
        Those whose checkpoint is there, and a sentence for each other one.

    Raises:
        InputError: The file is not YAML, or a field is unknown or wrong.
    """
    found, missing = [], []
    for each in _read(runs).models:
        checkpoint = runs / each.checkpoint
        if checkpoint.is_file():
            found.append(Model("", each.label, checkpoint))
        else:
            missing.append(f"{REGISTRY_FILE}: {each.label} is not at {checkpoint}.")
    return found, missing


def register(runs: Path, checkpoint: Path, label: str | None = None) -> RegisteredModel:
    """Adds a checkpoint to the registry file, or puts it in the place of its label's last one.

    Args:
        runs: Folder of runs; made if there is none.
        checkpoint: Model written by `handforge train`.
        label: Its name; that of the folder it lies in by default.

    Raises:
        InputError: It is no checkpoint, the label is not a file name, or the registry file is
            damaged.
    """
    registry = _read(runs)
    values = {"label": label or checkpoint.absolute().parent.name, "checkpoint": checkpoint}
    model = parse(RegisteredModel, values, "register")
    from training.checkpoints import load_checkpoint

    load_checkpoint(checkpoint)
    model = model.model_copy(update={"checkpoint": checkpoint.resolve()})
    models = {each.label: each for each in registry.models} | {model.label: model}
    text = yaml.safe_dump(
        {"models": [each.model_dump(mode="json") for each in models.values()]},
        sort_keys=False,
        allow_unicode=True,
    )
    write_atomically(runs / REGISTRY_FILE, text.encode())
    return model


def _read(runs: Path) -> Registry:
    path = runs / REGISTRY_FILE
    return parse(Registry, read_yaml(path), str(path)) if path.exists() else Registry()
