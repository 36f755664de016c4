"""Scores over time: a picture a metric, a panel a data set, a line a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, ScalarFormatter

from evaluation.metrics import METRICS
from evaluation.report.themes import Theme
from flows.benchmark.history import Entry, Verdict
from flows.recipes import BASELINE

DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
"""Lines of models beyond the theme's colours."""

ALARM = {"light": "#c62828", "dark": "#ff6b6b"}
"""Of the ring around a regression."""


@dataclass(frozen=True)
class Panel:
    """The series of one metric on one split."""

    title: str
    series: list[list[Entry]]


def panels(entries: Iterable[Entry], standing: Sequence[Entry], metric: str) -> list[Panel]:
    """The panels of a metric, in the order in which the data were measured.

    Args:
        entries: The history.
        standing: Rows of the series that were measured the last time; others are left out.
        metric: Its id.
    """
    past: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        past.setdefault(entry.series, []).append(entry)
    found: dict[str, list[list[Entry]]] = {}
    for entry in standing:
        if entry.metric == metric:
            title = f"{entry.data} {entry.split}, protocol {entry.protocol}, n = {entry.n:,}"
            found.setdefault(title, []).append(past[entry.series])
    return [Panel(title, series) for title, series in found.items()]


def trend(theme: Theme, metric: str, shown: Sequence[Panel], until: datetime) -> Figure:
    """Draws a metric: a value holds until the next; a line is broken where two do not compare.

    Args:
        theme: Colours.
        metric: Id of the metric.
        shown: At least one panel.
        until: When the last refresh began.
    """
    models = sorted(
        {line[0].model_name for panel in shown for line in panel.series},
        key=lambda name: (_is_baseline(name), name),
    )
    style = {model: _style(theme, models, model) for model in models}
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(5.9 * columns, 2.5 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    begun = min(line[0].time for panel in shown for line in panel.series)
    margin = max((until - begun) * 0.03, timedelta(minutes=1))
    for ax, panel in zip(axes, shown, strict=False):
        for line in panel.series:
            _draw(ax, theme, line, until, *style[line[0].model_name])
        locator = AutoDateLocator(minticks=2, maxticks=6)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set_xlim(date2num(begun - margin), date2num(until + margin))
        ax.set(title=panel.title, ylabel=_label(metric))
        if all(entry.low > 0 for line in panel.series for entry in line):
            _make_logarithmic(ax)
    for unused in axes[len(shown) :]:
        unused.set_visible(False)
    lines = [Line2D([], [], color=colour, linestyle=dash) for colour, dash in style.values()]
    names = list(style)
    verdicts = {entry.verdict for panel in shown for line in panel.series for entry in line}
    for verdict, mark in _marks(theme, theme.ink).items():
        if verdict in verdicts:
            lines.append(Line2D([], [], **mark))
            names.append(verdict)
    figure.legend(lines, names, loc="outside lower left", ncols=min(len(names), 3 * columns))
    return figure


def _draw(
    ax: Axes, theme: Theme, line: Sequence[Entry], until: datetime, colour: str, dash: Any
) -> None:
    starts = [at for at, entry in enumerate(line) if at == 0 or entry.verdict == "not comparable"]
    for start, end in zip(starts, [*starts[1:], len(line)], strict=True):
        part = line[start:end]
        last = line[end].time if end < len(line) else until
        times = date2num([*(entry.time for entry in part), last])
        value, low, high = (
            np.array([getattr(entry, name) for entry in (*part, part[-1])])
            for name in ("value", "low", "high")
        )
        ax.step(times, value, where="post", color=colour, linestyle=dash)
        ax.fill_between(times, low, high, step="post", color=colour, alpha=0.13, linewidth=0)
        ax.vlines(times[:-1], low[:-1], high[:-1], color=colour, linewidth=0.9)
        ax.plot(times[:-1], value[:-1], color=colour, linestyle="none", marker="o", markersize=3)
    for verdict, mark in _marks(theme, colour).items():
        for entry in line:
            if entry.verdict == verdict:
                ax.plot([date2num(entry.time)], [entry.value], **mark)


def _marks(theme: Theme, colour: str) -> dict[Verdict, dict[str, Any]]:
    """What is drawn around a value, by verdict."""
    hollow = {"linestyle": "none", "markerfacecolor": "none", "markeredgewidth": 1.5}
    return {
        "regression": hollow
        | {"marker": "o", "markersize": 9, "markeredgecolor": ALARM[theme.name]},
        "not comparable": hollow | {"marker": "D", "markersize": 6, "markeredgecolor": colour},
    }


def _make_logarithmic(ax: Axes) -> None:
    # The baseline's errors are several times the models': a share of them looks alike on all lines.
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    steps = (1, 2, 5) if high / low > 20 else (1, 1.5, 2, 3, 5, 7)
    ax.yaxis.set_major_locator(LogLocator(subs=steps) if high / low > 2 else MaxNLocator(4))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_locator(NullLocator())


def _style(theme: Theme, models: Sequence[str], model: str) -> tuple[str, Any]:
    *colours, grey = theme.series
    peers = [name for name in models if _is_baseline(name) == _is_baseline(model)]
    place = peers.index(model)
    if _is_baseline(model):
        return grey, DASHES[place % len(DASHES)]
    return colours[place % len(colours)], DASHES[place // len(colours) % len(DASHES)]


def _is_baseline(name: str) -> bool:
    return name.rpartition("/")[2] == BASELINE


def _label(metric: str) -> str:
    found = METRICS[metric]
    arrow = "↑" if found.higher_is_better else "↓"
    return f"{found.title}, {found.unit} {arrow}" if found.unit else f"{found.title} {arrow}"
