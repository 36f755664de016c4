"""The benchmark's page: what stands now, what got worse, how it went over time, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import jinja2

from evaluation.metrics import METRICS, Metric
from evaluation.report.pictures import Picture, PictureFolder
from evaluation.report.tables import as_text
from flows.benchmark.history import Entry, read_history, read_refreshes
from flows.benchmark.trends import panels, trend
from render.manifest.writing import write_atomically

NUM_CHANGES = 40
"""The last changes and refreshes that the page lists; the history holds all."""


@dataclass(frozen=True)
class Change:
    """A row of the history and the one before it."""

    entry: Entry
    before: Entry
    metric: Metric


@dataclass(frozen=True)
class ScoreTable:
    """The models (rows) on one split by one protocol; None where a metric has no score."""

    data: str
    split: str
    protocol: str
    n: int
    metrics: list[Metric]
    rows: list[tuple[str, list[Entry | None]]]


def write_page(
    out: Path,
    history: Path,
    standing: Sequence[Entry],
    new: Sequence[Entry],
    missing: Sequence[str],
    failed: Sequence[str],
    time: datetime,
) -> Path:
    """Writes the page.

    Args:
        out: Folder that takes `index.html` and its pictures.
        history: The history's file.
        standing: The row that holds now of each series that was measured.
        new: Those that this refresh appended.
        missing: Models and data that are not there, a sentence each.
        failed: What could not be done, a sentence each.
        time: When the refresh began, UTC.

    Returns:
        Path of the page.
    """
    entries = read_history(history)
    done = changes(entries)
    worse = [entry for entry in standing if entry.verdict == "regression"]
    names = dict.fromkeys(entry.metric for entry in standing if entry.metric in METRICS)
    context = {
        "time": time,
        "standing": standing,
        "new": new,
        "missing": missing,
        "failed": failed,
        "regressions": [each for each in done if each.entry in worse],
        "tables": score_tables(standing),
        "trends": [(METRICS[name], _picture(out, entries, standing, name, time)) for name in names],
        "changes": done[:NUM_CHANGES],
        "refreshes": read_refreshes(history)[: -NUM_CHANGES - 1 : -1],
        "history": history,
        "interval_of": interval_text,
        "value_of": lambda entry: as_text(entry.value, METRICS[entry.metric]),
    }
    page = out / "index.html"
    write_atomically(page, _template().render(context).encode())
    return page


def changes(entries: Sequence[Entry]) -> list[Change]:
    """Every row that stands beside an earlier one of its series, the newest first."""
    before: dict[tuple[str, ...], Entry] = {}
    found = []
    for entry in entries:
        last = before.get(entry.series)
        if last is not None and entry.metric in METRICS:
            found.append(Change(entry, last, METRICS[entry.metric]))
        before[entry.series] = entry
    return found[::-1]


def interval_text(entry: Entry) -> str:
    """LOW, HIGH."""
    metric = METRICS[entry.metric]
    return f"{as_text(entry.low, metric)}, {as_text(entry.high, metric)}"


def score_tables(standing: Sequence[Entry]) -> list[ScoreTable]:
    """A table a split and protocol, in the order in which they were measured."""
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in standing:
        if entry.metric in METRICS:
            groups.setdefault((entry.data, entry.split, entry.protocol), []).append(entry)
    return [_table(*key, found) for key, found in sorted(groups.items())]


def _table(data: str, split: str, protocol: str, found: Sequence[Entry]) -> ScoreTable:
    cells = {(entry.model_name, entry.metric): entry for entry in found}
    models = sorted({entry.model_name for entry in found})
    names = list(dict.fromkeys(entry.metric for entry in found))
    return ScoreTable(
        data=data,
        split=split,
        protocol=protocol,
        n=max(entry.n for entry in found),
        metrics=[METRICS[name] for name in names],
        rows=[(model, [cells.get((model, name)) for name in names]) for model in models],
    )


def _picture(
    out: Path, entries: Sequence[Entry], standing: Sequence[Entry], metric: str, time: datetime
) -> Picture:
    shown = panels(entries, standing, metric)
    return PictureFolder(out).plot(
        f"trend-{metric}",
        partial(trend, metric=metric, shown=shown, until=time),
        f"{METRICS[metric].title} of each model over time",
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
