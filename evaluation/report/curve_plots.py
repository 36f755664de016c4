"""Plots of how well models do: shares of joints over thresholds, errors of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.report.themes import Theme

DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
"""Told apart without colour as well, once every colour has been used."""

WIDTH_IN = 5.8
"""Two stand beside each other on a wide page; one fills a narrow one."""


FEW = 9
"""Groups that may take more room each."""


@dataclass(frozen=True)
class Line:
    """A model's line.

    Attributes:
        name: For the legend.
        is_baseline: Whether it is the mean-pose baseline, drawn apart from the others.
    """

    name: str
    is_baseline: bool


@dataclass(frozen=True)
class Points:
    """Errors of a model's groups.

    Attributes:
        groups: Names of the groups that it has.
        values: A value each.
        lows: Lower ends of the intervals.
        highs: Upper ends.
    """

    groups: Sequence[str]
    values: np.ndarray
    lows: np.ndarray
    highs: np.ndarray


def shares_within(
    theme: Theme,
    title: str,
    label: str,
    curves: Mapping[Line, tuple[Sequence[float], Sequence[float]]],
) -> Figure:
    """PCK over thresholds.

    Args:
        theme: Colours.
        title: Heading.
        label: Of the thresholds' axis.
        curves: Line to (thresholds, shares of joints within them).
    """
    figure = Figure(figsize=(WIDTH_IN, 3.3), layout="constrained")
    ax = figure.subplots()
    for (line, (thresholds, shares)), style in zip(
        curves.items(), _styles(theme, list(curves)), strict=True
    ):
        ax.plot(thresholds, shares, label=line.name, **style)
    furthest = max(thresholds[-1] for thresholds, _ in curves.values())
    ax.set(title=title, xlabel=label, xlim=(0, furthest), ylim=(0, 1.02))
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    ax.legend(loc="lower right")
    return figure


def errors_of_groups(
    theme: Theme, title: str, label: str, order: Sequence[str], points: Mapping[Line, Points]
) -> Figure:
    """Errors of groups with their intervals, a group below the other.

    Args:
        theme: Colours.
        title: Heading.
        label: Of the error's axis.
        order: Names of the groups, from the top.
        points: Line to its groups' errors.
    """
    row = max(0.24, 0.09 * len(points) + 0.06) if len(order) < FEW else 0.06 * len(points) + 0.05
    height = 0.9 + len(order) * row
    figure = Figure(figsize=(WIDTH_IN, height), layout="constrained")
    ax = figure.subplots()
    spread = np.linspace(-0.28, 0.28, len(points)) if len(points) > 1 else np.zeros(1)
    place = {name: position for position, name in enumerate(order)}
    for (line, found), style, shift in zip(
        points.items(), _styles(theme, list(points)), spread, strict=True
    ):
        rows = np.array([place[name] for name in found.groups]) + shift
        around = np.stack([found.values - found.lows, found.highs - found.values])
        ax.errorbar(
            found.values, rows, xerr=np.maximum(around, 0), label=line.name, fmt="s" if
            line.is_baseline else "o", markersize=3.6, color=style["color"], elinewidth=1.1,
        )  # fmt: skip
    _name_rows(ax, order)
    ax.set(title=title, xlabel=label)
    ax.set_xlim(left=0)
    figure.legend(loc="outside lower right", ncols=min(len(points), 4))
    return figure


def _name_rows(ax: Axes, order: Sequence[str]) -> None:
    ax.set_yticks(range(len(order)), order)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    for edge in np.arange(len(order) - 1) + 0.5:
        ax.axhline(edge, color=ax.spines["left"].get_edgecolor(), linewidth=0.5)


def _styles(theme: Theme, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The last of the theme's colours is the baseline's alone."""
    *colours, baseline = theme.series
    models = [line for line in lines if not line.is_baseline]
    styles = {
        line: {
            "color": colours[place % len(colours)],
            "linestyle": DASHES[place // len(colours) % len(DASHES)],
        }
        for place, line in enumerate(models)
    }
    return [
        {"color": baseline, "linestyle": ":"} if line.is_baseline else styles[line]
        for line in lines
    ]
