"""What a model learned from and is tested on: whether the two are drawn from one source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from mano_assets.digests import json_digest
from mano_assets.errors import InputError
from render.manifest import DatasetInfo, Manifest, parse_data_source
from render.manifest.predictions import PredictionInfo

STAND_IN_SUFFIX = "-stand-in"
"""Ends the names of data sets that are renders in a public data set's layout."""

MMPOSE_PREFIX = "mmpose-"
"""Begins the names of data sets whose labels are read from mmpose's JSON; the images are those of
the data set that the rest of the name names."""

_NO_LOOK = {"name", "seed", "splits", "images_per_part"}
"""Fields of a data set's recipe that do not change what its images are drawn from."""

_NO_SPLIT_LOOK = {"name", "count", "even"}
"""The same of a split's recipe."""


@dataclass(frozen=True)
class Source:
    """A split of a data set, and what is known of where its images come from.

    Attributes:
        name: Of the data set.
        split: None for all of it.
        kind: Rendered or recorded; None where the data set is not known.
        digest: Its recipe digest.
        looks: Of renders, a digest of each split's poses, views and everything else that its
            images are drawn from; None where the recipe is not known.
    """

    name: str
    split: str | None
    kind: Literal["synthetic", "real"] | None = None
    digest: str | None = None
    looks: frozenset[str] | None = None

    @property
    def title(self) -> str:
        """As it is called in tables."""
        return f"{title_of(self.name)}: {self.split or 'all'}"

    def is_same(self, other: Source) -> bool | None:
        """Whether both are drawn from one source; None where that is not known.

        Splits of one public data set are, whatever they are called. Renders are when everything
        but seed and number is the same: poses, views, cameras, light, skin.
        """
        if self.digest and (self.digest, self.split) == (other.digest, other.split):
            return True
        if self.kind is None or other.kind is None:
            return None
        if self.kind != other.kind:
            return False
        if self.kind == "real":
            return self.name.removeprefix(MMPOSE_PREFIX) == other.name.removeprefix(MMPOSE_PREFIX)
        if self.looks is None or other.looks is None:
            return None
        return bool(self.looks & other.looks)


def title_of(name: str) -> str:
    """A data set's name in tables: `freihand stand-in`, so that nobody takes it for FreiHAND."""
    if name.endswith(STAND_IN_SUFFIX):
        return f"{name.removesuffix(STAND_IN_SUFFIX)} stand-in"
    return name


def source_of(info: DatasetInfo, split: str | None, known: Iterable[DatasetInfo] = ()) -> Source:
    """A split of a data set that can be looked at.

    Args:
        info: The data set.
        split: None for all of it.
        known: Other data sets that can be looked at: a stand-in's images are those of another one.
    """
    looks = None
    exported = (info.recipe or {}).get("export")
    if info.stand_in_for and isinstance(exported, dict):
        digest, data_split = exported.get("data_recipe_digest"), exported.get("data_split")
        origin = next((each for each in known if digest and each.recipe_digest == digest), None)
        looks = origin and _looks(origin, data_split)
    elif info.kind == "synthetic":
        looks = _looks(info, split)
    return Source(info.name, split, info.kind, info.recipe_digest, looks)


def learned_from(info: PredictionInfo, known: Iterable[DatasetInfo]) -> tuple[Source, ...]:
    """The sources of the data that a model learned from.

    Args:
        info: What the predictions say of their model.
        known: Data sets that can be looked at; others are looked for where the model found them.

    Returns:
        One a data set and split, without repetition.
    """
    known = list(known)
    by_digest = {each.recipe_digest: each for each in known if each.recipe_digest}
    digests: list[str | None] = [*info.train_recipe_digests]
    if len(digests) != len(info.train_data):
        # Data sets without a digest left no place in the list.
        digests = [None] * len(info.train_data)
    sources = []
    for place, digest in zip(info.train_data, digests, strict=True):
        root, split = parse_data_source(place)
        found = by_digest.get(digest or "") or _described(root, info.train_recipe_digests)
        if found is None:
            sources.append(Source(PurePath(root).name, split, digest=digest))
        else:
            sources.append(source_of(found, split, known))
    return tuple(dict.fromkeys(sources))


def titles(sources: Iterable[Source]) -> str:
    """Sources in a line, splits of one data set together: `demo: train_easy, train_hard`."""
    splits: dict[str, list[str]] = {}
    for source in sources:
        splits.setdefault(title_of(source.name), []).append(source.split or "all")
    return "; ".join(f"{name}: {', '.join(each)}" for name, each in splits.items())


def any_same(learned: Iterable[Source], tested: Source) -> bool | None:
    """Whether a model saw the source that it is tested on; None where that is not known."""
    found = [source.is_same(tested) for source in learned]
    if any(found):
        return True
    return None if not found or None in found else False


def _described(root: str, digests: list[str]) -> DatasetInfo | None:
    """The data set at a place, if it is one of these; what lies elsewhere is not asked for."""
    if "://" in root:
        return None
    try:
        info = Manifest.open(root).info
    except InputError:
        return None
    return info if info.recipe_digest in digests else None


def _looks(info: DatasetInfo, split: str | None) -> frozenset[str] | None:
    recipe: Mapping[str, Any] = info.recipe or {}
    try:
        shared = {name: value for name, value in recipe.items() if name not in _NO_LOOK}
        image = {name: value for name, value in recipe["image"].items() if name != "label_images"}
        splits = [each for each in recipe["splits"] if split in (None, each["name"])]
        found = [
            json_digest(
                {
                    **shared,
                    "image": image,
                    "assets": info.assets,
                    **{name: value for name, value in each.items() if name not in _NO_SPLIT_LOOK},
                    "poses": _shares(each["poses"]),
                }
            )
            for each in splits
        ]
    except (KeyError, TypeError, AttributeError):
        return None
    return frozenset(found) or None


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights up to their common factor; what has none is left out."""
    total = sum(weights.values())
    return {name: round(weight / total, 9) for name, weight in sorted(weights.items()) if weight}
