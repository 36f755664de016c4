"""The history of the scores: a Parquet file to which a refresh appends what has changed.

A series is the scores of one model on one split by one protocol and metric. A row is appended when
it differs from the series' last one in anything but the time: in the checkpoint, the data, the
rules, the code's version or the value. So the file grows with what happens, not with the weeks, and
a row holds until the next one of its series. What each refresh did stands in a row of its own in
HISTORY.refreshes.parquet. HISTORY.samples/ keeps the errors of single samples of each series' last
row, named by their digests, with which the next one is compared.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from mano_assets.errors import InputError
from render.manifest.writing import write_atomically

Verdict = Literal["first", "better", "unclear", "worse", "regression", "too few", "not comparable"]
"""How a row stands to the one before it; `flows.benchmark.regressions` defines each."""


@dataclass(frozen=True)
class Entry:
    """A row of the history.

    Attributes:
        time: When the refresh began that found it, UTC.
        run: Run that trained the model; empty for a model registered by itself.
        model: Its label.
        data: Data set; a rendered one with eight digits of its recipe's digest.
        split: Its split.
        protocol: Id of the rules of scoring.
        metric: Id of the metric.
        unit: Unit of the values; empty for a ratio.
        value: The metric.
        low: Lower end of its interval.
        high: Upper end of its interval.
        n: Samples that took part.
        checkpoint_sha256: Digest of the model.
        data_digest: Digest of the data's rows and images.
        data_recipe_digest: Digest of the recipe that made them.
        rules_digest: Digest of the protocol's rules and of the metric's definition.
        code_version: Version that scored.
        samples_sha256: Digest of the errors of single samples.
        verdict: Against the row before it.
        difference: Value minus the one before, or its mean over the samples where those are paired;
            None where nothing can be compared.
        difference_low: Lower end of the difference's interval.
        difference_high: Upper end of it.
    """

    time: datetime
    run: str
    model: str
    data: str
    split: str
    protocol: str
    metric: str
    unit: str
    value: float
    low: float
    high: float
    n: int
    checkpoint_sha256: str
    data_digest: str
    data_recipe_digest: str | None
    rules_digest: str
    code_version: str
    samples_sha256: str
    verdict: Verdict = "first"
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """What is compared over time."""
        return (self.run, self.model, self.data, self.split, self.protocol, self.metric)

    @property
    def model_name(self) -> str:
        """RUN/MODEL, or MODEL."""
        return f"{self.run}/{self.model}" if self.run else self.model

    def says_as(self, other: Entry) -> bool:
        """Whether nothing but the time, and what follows from an earlier row, is different."""
        return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)


_COMPARED = tuple(
    field.name
    for field in fields(Entry)
    if field.name not in {"time", "samples_sha256", "verdict"}
    and not field.name.startswith("difference")
)


@dataclass(frozen=True)
class RefreshEntry:
    """A row about a refresh.

    Attributes:
        time: When it began, UTC.
        code_version: Version that ran it.
        num_scores: Series that it measured.
        num_changed: How many of them it appended a row for.
        num_regressions: How many of those are regressions.
        num_missing: Data and models that were not there.
        num_failed: Runs, data or scores that failed.
    """

    time: datetime
    code_version: str
    num_scores: int
    num_changed: int
    num_regressions: int
    num_missing: int
    num_failed: int


_ARROW: dict[str, pa.DataType] = {
    "datetime": pa.timestamp("us", tz="UTC"),
    "float": pa.float64(),
    "int": pa.int64(),
}


def _schema(entry: type[Any], kind: str) -> pa.Schema:
    columns = []
    for field in fields(entry):
        name, _, optional = str(field.type).partition(" | ")
        columns.append(pa.field(field.name, _ARROW.get(name, pa.string()), nullable=bool(optional)))
    return pa.schema(columns, metadata={"handforge": f"benchmark {kind} 1"})


HISTORY_SCHEMA = _schema(Entry, "history")
REFRESHES_SCHEMA = _schema(RefreshEntry, "refreshes")


def refreshes_path(history: Path) -> Path:
    """The file with a row a refresh."""
    return history.with_suffix(".refreshes.parquet")


def samples_folder(history: Path) -> Path:
    """The folder with the errors of single samples."""
    return history.with_suffix(".samples")


def read_history(history: Path) -> list[Entry]:
    """The rows, oldest first; none where there is no file yet.

    Raises:
        InputError: The file is damaged or holds something else.
    """
    return [Entry(**row) for row in _read(history, HISTORY_SCHEMA, "history")]


def read_refreshes(history: Path) -> list[RefreshEntry]:
    """The refreshes, oldest first; none where there is no file yet.

    Raises:
        InputError: The file is damaged or holds something else.
    """
    rows = _read(refreshes_path(history), REFRESHES_SCHEMA, "list of refreshes")
    return [RefreshEntry(**row) for row in rows]


@contextmanager
def sole_writer(history: Path) -> Iterator[None]:
    """Keeps a second refresh from writing to the history until this one has.

    Reading what is there, comparing and appending are one step.
    """
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.with_name(f".{history.name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def append(history: Path, new: Sequence[Entry], refresh: RefreshEntry) -> None:
    """Appends rows, and one about the refresh; a reader sees the old files or the new ones.

    Raises:
        InputError: A file is damaged or holds something else.
    """
    entries, refreshes = read_history(history), read_refreshes(history)
    if new:
        _write(history, HISTORY_SCHEMA, [*entries, *new])
    _write(refreshes_path(history), REFRESHES_SCHEMA, [*refreshes, refresh])


def latest(entries: Iterable[Entry]) -> dict[tuple[str, ...], Entry]:
    """The last row of each series."""
    return {entry.series: entry for entry in entries}


def _read(path: Path, schema: pa.Schema, what: str) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: not a benchmark's {what} ({error}).") from error
    if not table.schema.equals(schema, check_metadata=True):
        raise InputError(
            f"{path}: not a benchmark's {what} of this version, expected a Parquet file with the "
            f"columns {', '.join(schema.names)}."
        )
    return table.to_pylist()


def _write(path: Path, schema: pa.Schema, entries: Sequence[Any]) -> None:
    table = pa.Table.from_pylist([asdict(entry) for entry in entries], schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_atomically(path, sink.getvalue().to_pybytes())
