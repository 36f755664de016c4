"""What a matrix is: models as rows, test sets as columns, scores by one metric."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from evaluation.matrix.sources import STAND_IN_SUFFIX

FEW = 30
"""Below this many hands a table says that it proves nothing, and a column ranks no model."""

DIGITS = {"px": 2, "mm": 1, "": 3}
"""Digits after the point that a value deserves, by its unit."""


def value_text(value: float, unit: str) -> str:
    """A metric's value with as many digits as it deserves."""
    return f"{value:.{DIGITS.get(unit, 3)}f}"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Part):
    """A test set with the protocol it is scored by."""

    title: str = Field(description="Data set, as shown; never a public set's name for a stand-in.")
    data: str = Field(description="Name of the data set.")
    split: str | None = Field(description="Split; null for all.")
    kind: str | None = Field(description="synthetic or real.")
    protocol: str = Field(description="Id and version of the protocol.")
    size: str = Field(description="What the hand's size is, by which some 2-D metrics divide.")
    data_recipe_digest: str | None = Field(description="Recipe digest of the data set.")
    n: int = Field(description="Samples scored.")

    @property
    def protocol_id(self) -> str:
        """Id of the protocol without its version."""
        return self.protocol.rpartition(" v")[0]

    @property
    def is_stand_in(self) -> bool:
        """Whether it is in a public data set's layout and not that data set."""
        return self.data.endswith(STAND_IN_SUFFIX)

    @property
    def can_rank(self) -> bool:
        """Whether its scores say enough to rank models by."""
        return not self.is_stand_in and self.n >= FEW

    @property
    def cautions(self) -> list[str]:
        """What keeps its numbers from saying what they seem to, a sentence each."""
        found = []
        if self.is_stand_in:
            public = self.data.removesuffix(STAND_IN_SUFFIX)
            what = "Images of another data set" if self.kind == "real" else "Renders of our own"
            found.append(
                f"{what} in the layout of {public}: these numbers say nothing of that data set."
            )
        if self.n < FEW:
            found.append(
                f"Only {self.n} hands: this shows that the path works; it does not measure how "
                "good the models are."
            )
        return found


class Cell(_Part):
    """A model's score on a test set."""

    value: float = Field(description="The metric; of repeats their mean.")
    low: float | None = Field(description="Lower end of its interval; null for repeats.")
    high: float | None = Field(description="Upper end.")
    deviation: float | None = Field(description="Standard deviation over repeats; null for one.")
    n: int = Field(description="Samples that took part.")
    on_diagonal: bool | None = Field(
        description="Whether the model learned from the source it is tested on; null: not known."
    )
    is_best: bool = Field(description="Whether it is the best of its column.")
    reaches_best: bool | None = Field(
        description="Whether its interval overlaps that of the best; null where either has none. "
        "All are scored on the same samples, so that two that overlap may still differ."
    )


class Row(_Part):
    """A model."""

    model: str = Field(description="Its name.")
    trained_on: str = Field(description="Data that it learned from; empty: not known.")
    system: str = Field(description="Model system.")
    is_baseline: bool = Field(description="Whether it is the mean pose, which takes no rank.")
    num_seeds: int = Field(description="Repeats with other seeds, at most over the columns.")
    cells: list[Cell | None] = Field(description="One a column; null where it is not scored.")
    mean_rank: float | None = Field(
        description="Mean over the columns that rank it, which stand-ins and those of fewer than "
        f"{FEW} hands do not; null: none does."
    )
    num_ranked: int = Field(description="Columns that rank it.")
    missing: list[str] = Field(description="Columns where it is not scored.")


class Matrix(_Part):
    """Models (rows) on test sets (columns) by one metric."""

    metric: str = Field(description="Id of the metric.")
    title: str = Field(description="Its short name.")
    unit: str = Field(description="Its unit; empty for a ratio.")
    definition: str = Field(description="What exactly the number is.")
    higher_is_better: bool = Field(description="Direction.")
    interval: str = Field(description="What the intervals are.")
    columns: list[Column] = Field(description="Test sets.")
    rows: list[Row] = Field(description="Models by what they learned from, the baseline last.")
