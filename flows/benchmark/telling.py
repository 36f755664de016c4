"""What a refresh found, in words: for the terminal, the flow's log and Prefect's artifacts."""

from __future__ import annotations

from typing import Any

from evaluation.metrics import METRICS
from evaluation.report.tables import as_text
from flows.benchmark.history import Entry
from flows.benchmark.page import interval_text, score_tables
from flows.benchmark.refresh import Refreshed
from flows.results import MetricTable


def regression_sentences(done: Refreshed) -> list[str]:
    """A sentence for each score that this refresh found worse than the one before it."""
    return [_sentence(entry) for entry in done.regressions]


def sentences(done: Refreshed) -> list[str]:
    """All that a log should say, a line each; the last names the page."""
    return [
        f"{len(done.standing)} scores, {len(done.new)} of them new or changed, "
        f"{len(done.regressions)} regressions.",
        *(f"regression: {line}" for line in regression_sentences(done)),
        *(f"missing: {line}" for line in done.missing),
        *(f"failed: {line}" for line in done.failed),
        f"page: {done.page}",
    ]


def table_rows(done: Refreshed) -> list[dict[str, Any]]:
    """A row for each score that stands."""
    return [
        {
            "model": entry.model_name,
            "data": entry.data,
            "split": entry.split,
            "protocol": entry.protocol,
            "metric": entry.metric,
            "unit": entry.unit,
            "value": entry.value,
            "low": entry.low,
            "high": entry.high,
            "n": entry.n,
            "verdict": entry.verdict,
            "since": f"{entry.time:%Y-%m-%d %H:%M}",
        }
        for entry in done.standing
    ]


def to_markdown(done: Refreshed) -> str:
    """Regressions, a table a data set, and what is missing or failed."""
    tables = []
    for found in score_tables(done.standing):
        header = ["model", *(_heading(metric.id) for metric in found.metrics)]
        rows = [[model, *map(_cell, cells)] for model, cells in found.rows]
        title = f"{found.data} {found.split}, {found.n} samples, protocol {found.protocol}"
        tables.append(MetricTable(title, header, rows).to_markdown())
    parts = [
        _listed("Regressions", regression_sentences(done)),
        *tables,
        _listed("Missing", done.missing),
        _listed("Failed", done.failed),
    ]
    return "\n".join(parts)


def _listed(title: str, lines: list[str]) -> str:
    return f"### {title}\n\n" + "".join(f"- {line}\n" for line in lines or ["None."])


def _heading(metric: str) -> str:
    unit = METRICS[metric].unit
    return f"{metric} ({unit})" if unit else metric


def _cell(entry: Entry | None) -> str:
    if entry is None:
        return "-"
    mark = "" if entry.verdict != "regression" else " regression"
    return f"{as_text(entry.value, METRICS[entry.metric])} [{interval_text(entry)}]{mark}"


def _sentence(entry: Entry) -> str:
    metric = METRICS[entry.metric]
    unit = f" {entry.unit}" if entry.unit else ""
    return (
        f"{entry.model_name} on {entry.data} {entry.split}: {entry.metric} is "
        f"{as_text(entry.value, metric)}{unit} [{interval_text(entry)}], "
        f"changed by {entry.difference:+.3g} "
        f"[{entry.difference_low:+.3g}, {entry.difference_high:+.3g}] "
        f"(n = {entry.n}, protocol {entry.protocol})."
    )
