"""What a model learns from or is run on: data sets, named by a text."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import Manifest, parse_data_source

OPTION = re.compile(r"@(?P<name>\w+)=(?P<value>[^@/]*)$")
"""An option behind a source. What follows an `@` in a path or URL has a slash or no `=`."""


@dataclass(frozen=True)
class DataSource:
    """A data set or one split of it, as it is told in provenance.

    Attributes:
        root: Path or URL of the data set.
        split: None for all of it.
        name: The data set's own name.
        recipe_digest: Of what made it, if it says so.
        num_samples: Rows.
        weight: Share of an epoch's samples, relative to the other sources; None in proportion to
            its number of samples.
        flat: Whether its 3D labels are not to be used.
    """

    root: str
    split: str | None
    name: str
    recipe_digest: str | None
    num_samples: int
    weight: float | None = None
    flat: bool = False

    @classmethod
    def open(cls, text: str) -> DataSource:
        """Looks at `dataset.json` only.

        Args:
            text: `ROOT[:SPLIT]`, then any of `@weight=NUMBER` and `@labels=2d`.

        Raises:
            InputError: An option is not known, there is no such data set or split, it is not
                complete, or its labels are of another skeleton.
        """
        place, options = take_options(text)
        root, split = parse_data_source(place)
        info = Manifest.open(root).info
        if info.skeleton != HAND21.name:
            raise InputError(
                f"{root}/dataset.json: skeleton is {info.skeleton!r}, expected {HAND21.name!r}."
            )
        if info.state != "complete":
            raise InputError(f"{root}: state is {info.state!r}, expected a complete data set.")
        if split is not None and split not in info.counts:
            known = ", ".join(info.counts)
            raise InputError(f"{root}: no split {split!r}, expected one of {known}.")
        count = info.num_samples if split is None else info.counts[split]
        return cls(root, split, info.name, info.recipe_digest, count, **options)

    def to_dict(self) -> dict[str, Any]:
        """For JSON and checkpoints."""
        return asdict(self)


def take_options(text: str) -> tuple[str, dict[str, Any]]:
    """Takes `PLACE@name=value@...` apart.

    Returns:
        The place, and fields of `DataSource`.

    Raises:
        InputError: An option is not known, wrong or there twice.
    """
    place, options = text, {}
    while found := OPTION.search(place):
        name, value = found["name"], found["value"]
        if name not in ("weight", "labels"):
            raise InputError(
                f"data: {text!r} has the option {name!r}, expected @weight=NUMBER or @labels=2d."
            )
        if name in options:
            raise InputError(f"data: {text!r} has @{name} twice, expected it once.")
        options[name] = value
        place = place[: found.start()]
    fields: dict[str, Any] = {}
    if "weight" in options:
        fields["weight"] = _positive(options["weight"], text)
    if "labels" in options:
        if options["labels"] != "2d":
            raise InputError(f"data: {text!r} has @labels={options['labels']}, expected 2d.")
        fields["flat"] = True
    return place, fields


def _positive(value: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (number > 0 and math.isfinite(number)):
        raise InputError(f"data: {text!r} has @weight={value}, expected a positive number.")
    return number
