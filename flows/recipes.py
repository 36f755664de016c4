"""Recipes: all that determines a run, in a YAML file that a person can read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.model_recipe import ModelRecipe, Splits, split_of
from flows.validation import parse, read_yaml
from mano_assets.digests import json_digest
from mano_assets.errors import InputError
from mano_assets.hand import HandConfig
from render.recipe import DatasetRecipe

SHIPPED = Path(__file__).parent / "recipes"
BASELINE = "meanpose"
"""Trained in every run: no number means anything without it."""

FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
"""What names of runs and models must be."""


class RealData(BaseModel):
    """A public data set that the models are scored on where it is present."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Data set name, such as interhand26m.")
    root: Path = Field(description="Folder it was unpacked in; skipped when absent or empty.")
    split: str = Field("test", description="Its split, by its own name.")

    @property
    def present(self) -> bool:
        """Whether the folder holds anything; the place of a disk that is not mounted does not."""
        return self.root.is_dir() and any(self.root.iterdir())

    @model_validator(mode="after")
    def _known(self) -> RealData:
        from evaluation.datasets import DATASETS

        if self.name not in DATASETS:
            raise ValueError(f"name is {self.name!r}, expected one of {', '.join(DATASETS)}")
        splits = DATASETS[self.name].splits
        if self.split not in splits:
            raise ValueError(f"split is {self.split!r}, expected one of {', '.join(splits)}")
        return self


class StandIn(BaseModel):
    """A rendered split in a public data set's layout, which shows that adapter and protocol work.

    Scores on it say nothing of the public data set's own images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Public data set whose layout is written, such as freihand.")
    split: str = Field(description="Its split that is written, by its own name.")
    of: str = Field(description="Rendered split whose images are in it.")

    @property
    def dataset(self) -> str:
        """Name of the data set that it becomes: never the public one's."""
        return f"{self.name}-stand-in"

    @model_validator(mode="after")
    def _known(self) -> StandIn:
        from evaluation.datasets import DATASETS
        from evaluation.exporting import EXPORTERS

        if self.name not in EXPORTERS:
            raise ValueError(f"name is {self.name!r}, expected one of {', '.join(EXPORTERS)}")
        splits = DATASETS[self.name].splits
        if self.split not in splits:
            raise ValueError(f"split is {self.split!r}, expected one of {', '.join(splits)}")
        return self


class Recipe(BaseModel):
    """A whole run: the hand, the images, the models and what they are scored on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=FILE_NAME, description="Shown in reports and folder names.")
    hand: HandConfig = Field(default_factory=HandConfig, description="The hand model.")
    dataset: DatasetRecipe = Field(description="The images to render.")
    training: list[ModelRecipe] = Field(
        min_length=1, description="The models to train, besides the mean pose."
    )
    train_on: Splits = Field(
        ("train",), description="Rendered splits to learn from, where a model names none itself."
    )
    validate_on: str | None = Field(None, description="Rendered split to watch while learning.")
    score_on: list[str] = Field(min_length=1, description="Rendered splits to score, each apart.")
    stand_ins: list[StandIn] = Field(
        default_factory=list,
        description="Rendered splits to score on once more, in public data sets' layouts.",
    )
    real: list[RealData] = Field(default_factory=list, description="Public data to score on.")

    @model_validator(mode="after")
    def _stand_ins_differ(self) -> Recipe:
        places = [(each.name, each.split) for each in self.stand_ins]
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice:
            raise ValueError(f"stand_ins: {twice[0]} {twice[1]} occurs twice, expected it once")
        return self

    @model_validator(mode="after")
    def _splits_exist(self) -> Recipe:
        known = [split.name for split in self.dataset.splits]
        named = {
            "train_on": [split_of(source) for source in self.train_on],
            "validate_on": [self.validate_on] if self.validate_on else [],
            "score_on": self.score_on,
            **{f"stand_ins.{number}.of": [each.of] for number, each in enumerate(self.stand_ins)},
            **{
                f"training.{number}.train_on": [split_of(source) for source in model.train_on]
                for number, model in enumerate(self.training)
                if model.train_on
            },
        }
        for field, splits in named.items():
            for split in splits:
                if split not in known:
                    raise ValueError(
                        f"{field} names the split {split!r}, expected one of {', '.join(known)}"
                    )
        return self

    @model_validator(mode="after")
    def _labels_name_files(self) -> Recipe:
        # What several seeds share is shown as well, and names no file.
        shared = [model.label for model in self.training if model.seeds]
        labels = [*(model.label for model in self.models), *shared]
        for label in labels:
            if not re.fullmatch(FILE_NAME, label):
                raise ValueError(f"training: label {label!r} is not a file name")
            if labels.count(label) > 1:
                raise ValueError(f"training: label {label!r} occurs twice, expected unique labels")
        return self

    @property
    def models(self) -> list[ModelRecipe]:
        """The models to train, one a seed, the baseline first."""
        models = [repeat for model in self.training for repeat in model.repeats()]
        if any(model.system == BASELINE for model in models):
            return models
        return [ModelRecipe(system=BASELINE), *models]

    def sources(self, model: ModelRecipe) -> tuple[str, ...]:
        """Rendered splits that a model learns from, SPLIT[@weight=W][@labels=2d] each."""
        return model.train_on or self.train_on


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Reads a recipe.

    Args:
        name_or_path: Name of a shipped recipe (`demo`, `full`) or a YAML file.

    Raises:
        InputError: There is no such recipe, it is not YAML, or a field is unknown or wrong.
    """
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.yaml"))}
    path = shipped.get(str(name_or_path), Path(name_or_path))
    if not path.is_file():
        raise InputError(
            f"recipe {str(name_or_path)!r} is unknown, expected one of {', '.join(shipped)} "
            "or a YAML file."
        )
    return parse(Recipe, read_yaml(path), str(path))


def adjusted(
    recipe: Recipe,
    *,
    pose_distribution: str | None = None,
    num_images: int | None = None,
    seed: int | None = None,
    epochs: int | None = None,
    vary: Sequence[str] | None = None,
) -> Recipe:
    """A recipe with a few common things changed; None leaves a thing as it is.

    Args:
        recipe: The recipe to start from.
        pose_distribution: Pose distribution of every rendered split.
        num_images: Images over all splits, in the recipe's proportions.
        seed: Seed of images and weights.
        epochs: Passes over the training data, for every model.
        vary: "factor=value" of each factor that is changed in otherwise the same samples.

    Raises:
        InputError: A value cannot be used.
    """
    dataset = recipe.dataset
    if pose_distribution is not None:
        try:
            dataset = dataset.with_poses(pose_distribution)
        except InputError as error:
            raise InputError(f"pose_distribution: {error}") from error
    if num_images is not None:
        dataset = dataset.with_num_images(num_images)
    seeded = {} if seed is None else {"seed": seed}
    changed = seeded if not vary else seeded | {"vary": dataset.vary | _factors(vary)}
    values = recipe.model_dump() | {
        "dataset": dataset.model_dump() | changed,
        "training": [model.changed(seed, epochs) for model in recipe.training],
    }
    return parse(Recipe, values, f"changed recipe {recipe.name!r}")


def _factors(vary: Sequence[str]) -> dict[str, str]:
    factors: dict[str, str] = {}
    for text in vary:
        factor, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"vary: {text!r}, expected FACTOR=VALUE such as forearm=off.")
        factors[factor] = value
    return factors


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of all that can affect the output, hex.

    Where licensed and public files lie on this machine is left out: what counts is their content,
    which the outputs made from them record.
    """
    values = recipe.model_dump(
        mode="json", exclude={"hand": {"mano_dir"}, "real": {"__all__": {"root"}}}
    )
    if not recipe.stand_ins:
        # As before there were any: a run of then is still this recipe's.
        del values["stand_ins"]
    return json_digest(values | {"training": [config.identity() for config in recipe.models]})
