"""The recipe of a model of a run: how it is trained, on which rendered splits, how many times."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt

from mano_assets.errors import InputError
from training.config import TrainConfig
from training.samples.sources import take_options


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _with_known_options(sources: tuple[str, ...]) -> tuple[str, ...]:
    try:
        weighted = ["weight" in take_options(source)[1] for source in sources]
    except InputError as error:
        raise ValueError(str(error).removeprefix("data: ")) from error
    if any(weighted) and not all(weighted):
        raise ValueError("some have @weight and some have none, expected all or none")
    return sources


Splits = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
    AfterValidator(_with_known_options),
]
"""Rendered splits to learn from: SPLIT, or SPLIT@weight=W, SPLIT@labels=2d, or both."""


class ModelRecipe(TrainConfig):
    """A `TrainConfig` with its place in a run."""

    train_on: Splits | None = Field(
        default=None,
        description="Rendered splits to learn from, if not the recipe's: SPLIT[@weight=W]"
        "[@labels=2d] each.",
    )
    seeds: tuple[NonNegativeInt, ...] = Field(
        default=(),
        description="Train once with each instead of with seed; reports show one row with the mean "
        "and the spread.",
    )

    def repeats(self) -> list[ModelRecipe]:
        """The models that this stands for, one a seed, labelled LABEL-sSEED."""
        if not self.seeds:
            return [self]
        return [
            self.model_copy(update={"seed": seed, "seeds": (), "label": f"{self.label}-s{seed}"})
            for seed in self.seeds
        ]

    def train_config(self) -> TrainConfig:
        """What the trainer needs to know."""
        return TrainConfig.model_validate(self.model_dump(exclude=OWN_FIELDS))

    def changed(self, seed: int | None, epochs: int | None) -> dict[str, Any]:
        """The fields with another seed (with several, as many from it on) or number of epochs."""
        values = self.model_dump()
        if seed is not None:
            values |= {"seed": seed, "seeds": [seed + place for place in range(len(self.seeds))]}
        return values if epochs is None else values | {"epochs": epochs}


OWN_FIELDS = set(ModelRecipe.model_fields) - set(TrainConfig.model_fields)
"""Those that the trainer does not know."""


def split_of(source: str) -> str:
    """The split that a text of `train_on` names."""
    return take_options(source)[0]
