"""Published numbers, from a cited table, to stand beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evaluation.metrics import METRICS
from evaluation.protocols import PROTOCOLS
from mano_assets.errors import InputError

ANCHORS_FILE = Path(__file__).with_name("anchors.yaml")

Status = Literal["verified", "secondary", "remembered"]
"""Read in the source that is cited; read in something that repeats it; read nowhere."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Anchor(_Part):
    """A published number."""

    method: str = Field(description="As its authors call it.")
    train_data: str | None = Field(description="What it learned from; null: not noted.")
    synthetic_only: bool = Field(description="Whether that is rendered and nothing else.")
    data: str = Field(description="Data set that it was tested on.")
    also: dict[str, str] = Field(
        description="Other data sets of the same images, to the split that is theirs."
    )
    split: str | None = Field(description="Its split; null: not noted.")
    metric: str | None = Field(description="Id of the metric, if it is one of ours.")
    their_metric: str | None = Field(description="The metric, if it is none of ours.")
    beside: tuple[str, ...] = Field(
        description="Ids of metrics of ours that it may stand beside although they are others."
    )
    value: float = Field(description="The number.")
    unit: str = Field(description="Its unit; empty for a ratio.")
    protocol: str | None = Field(description="Id of our protocol that is nearest to theirs.")
    their_protocol: str = Field(description="How they measured.")
    citation: str = Field(description="Paper or repository, and where in it.")
    status: Status = Field(description="How far the number was checked.")
    comparable: Literal["nearly", "no"] = Field(description="Whether it can be held beside ours.")
    reasons: tuple[str, ...] = Field(min_length=1, description="Why it can or cannot, each.")
    same_test_set: tuple[str, ...] = Field(
        default=(),
        description="Those of the reasons that hold only beside the same hands and rules.",
    )

    @model_validator(mode="after")
    def _known(self) -> Anchor:
        if (self.metric is None) == (self.their_metric is None):
            raise ValueError("expected either metric or their_metric")
        named = [("metric", self.metric, METRICS), ("protocol", self.protocol, PROTOCOLS)]
        named += [("beside", metric, METRICS) for metric in self.beside]
        for field, value, known in named:
            if value is not None and value not in known:
                raise ValueError(f"{field} is {value!r}, expected one of {', '.join(known)}")
        return self

    @property
    def identity(self) -> tuple[str | None, ...]:
        """What no two anchors share."""
        return (
            self.method, self.train_data, self.data, self.split, self.metric or self.their_metric,
            self.their_protocol,
        )  # fmt: skip


class _Measured(_Part):
    metric: str | None = None
    their_metric: str | None = None
    unit: str | None = None
    beside: tuple[str, ...] = ()
    data: str | None = None
    reasons: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_unit(self) -> _Measured:
        if (self.unit is None) != (self.metric is not None):
            raise ValueError("expected unit with their_metric and only there")
        return self


class _Published(_Part):
    method: str
    values: dict[str, float] = Field(min_length=1)
    train_data: str | None = None
    synthetic_only: bool = False
    citation: str | None = None
    place: str | None = None
    status: Status | None = None
    comparable: Literal["nearly", "no"] | None = None
    reasons: tuple[str, ...] = ()


class _Group(_Part):
    data: str
    also: dict[str, str] = Field(default_factory=dict)
    split: str | None
    protocol: str | None
    their_protocol: str
    citation: str
    place: str
    status: Status
    comparable: Literal["nearly", "no"]
    reasons: tuple[str, ...]
    measured: dict[str, _Measured]
    rows: tuple[_Published, ...]


class _Document(_Part):
    citations: dict[str, str]
    reasons: dict[str, str]
    same_test_set: tuple[str, ...] = ()
    groups: tuple[_Group, ...]


@cache
def published_anchors() -> tuple[Anchor, ...]:
    """The anchors that come with the project."""
    return read_anchors(ANCHORS_FILE)


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """Reads a table of anchors.

    Args:
        path: YAML as `anchors.yaml`.

    Raises:
        InputError: It is not such a file, a field is wrong, or a number stands there twice.
    """
    try:
        document = _Document.model_validate(yaml.safe_load(path.read_text()))
        anchors = tuple(
            _anchor(document, group, row, name)
            for group in document.groups
            for row in group.rows
            for name in row.values
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read, expected YAML ({problem}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        problem = ": ".join(filter(None, [where, first["msg"].removeprefix("Value error, ")]))
        raise InputError(f"{path}: {problem}.") from error
    seen: set[tuple[str | None, ...]] = set()
    for anchor in anchors:
        if anchor.identity in seen:
            raise InputError(
                f"{path}: {anchor.method} on {anchor.data} {anchor.split or ''} by "
                f"{anchor.metric or anchor.their_metric} stands there twice, expected it once."
            )
        seen.add(anchor.identity)
    return anchors


def anchors_beside(metric: str, data: str, *, remembered: bool = False) -> list[Anchor]:
    """The anchors that may stand beside a column.

    Args:
        metric: Id of the column's metric.
        data: Public data set tested on.
        remembered: Whether numbers that were read nowhere are among them.
    """
    return [
        anchor
        for anchor in published_anchors()
        if data in (anchor.data, *anchor.also)
        and metric in (anchor.metric, *anchor.beside)
        and (remembered or anchor.status != "remembered")
    ]


def _anchor(document: _Document, group: _Group, row: _Published, name: str) -> Anchor:
    measured: _Measured = _named(group.measured, name, "measured")
    metric = measured.metric
    unit = measured.unit
    if metric is not None and metric in METRICS:
        unit = METRICS[metric].unit
    citation = _named(document.citations, row.citation or group.citation, "citations")
    reasons = dict.fromkeys((*measured.reasons, *row.reasons, *group.reasons))
    return Anchor(
        method=row.method,
        train_data=row.train_data,
        synthetic_only=row.synthetic_only,
        data=measured.data or group.data,
        also=group.also,
        split=group.split,
        metric=metric,
        their_metric=measured.their_metric,
        beside=measured.beside,
        value=row.values[name],
        unit=unit or "",
        protocol=group.protocol,
        their_protocol=group.their_protocol,
        citation=f"{citation}, {row.place or group.place}",
        status=row.status or group.status,
        comparable=row.comparable or group.comparable,
        reasons=tuple(_named(document.reasons, reason, "reasons") for reason in reasons),
        same_test_set=tuple(
            _named(document.reasons, reason, "reasons")
            for reason in document.same_test_set
            if reason in reasons
        ),
    )


def _named(known: Mapping[str, Any], name: str, field: str) -> Any:
    if name not in known:
        raise InputError(f"anchors: {field} has no {name!r}, expected one of {', '.join(known)}.")
    return known[name]
