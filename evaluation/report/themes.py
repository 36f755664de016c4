"""Colours and type of the plots, for light and for dark pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

from render.manifest.pictures import CHAIN_COLOURS


@dataclass(frozen=True)
class Theme:
    """Colours of a plot; the background is the page's own.

    Attributes:
        name: light or dark, as in prefers-color-scheme.
        ink: Text and axes.
        faint: Grid.
        series: One colour a split, told apart by colour-blind readers as well.
        fingers: Thumb to little, the hues of the overlays, readable on the paper.
    """

    name: str
    ink: str
    faint: str
    series: tuple[str, ...]
    fingers: tuple[str, ...]


THEMES = (
    Theme(
        "light", "#3c434b", "#dfe2e6",
        ("#2563c9", "#d9730d", "#0f8a6d", "#b03a8c", "#6b7280"),
        ("#c08a00", "#0c9a66", "#0f78d1", "#7a50e6", "#d9247a"),
    ),
    Theme(
        "dark", "#c4cad1", "#363c44",
        ("#7aa9ff", "#ffab5e", "#4cd3ae", "#f086cb", "#9aa3ad"),
        CHAIN_COLOURS,
    ),
)  # fmt: skip


@contextmanager
def themed(theme: Theme) -> Iterator[None]:
    """Draws in a theme inside the context."""
    settings: dict[Any, Any] = {
        "font.family": "sans-serif", "font.size": 9, "axes.titlesize": 9.5,
        "axes.titlelocation": "left", "text.color": theme.ink, "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.faint, "axes.titlecolor": theme.ink, "xtick.color": theme.ink,
        "ytick.color": theme.ink, "xtick.labelsize": 8, "ytick.labelsize": 8, "axes.grid": True,
        "grid.color": theme.faint, "grid.linewidth": 0.7, "axes.axisbelow": True,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
        "legend.fontsize": 8, "axes.facecolor": "none", "figure.facecolor": "none",
        "svg.fonttype": "none", "svg.hashsalt": "handforge",
        "xtick.major.size": 0, "ytick.major.size": 0, "lines.linewidth": 1.6,
    }  # fmt: skip
    with mpl.rc_context(settings):
        yield


def recoloured(svg: str, drawn: Theme, wanted: Theme) -> str:
    """A plot in the colours of another theme."""
    colours = {old: new for old, new in zip(_colours(drawn), _colours(wanted), strict=True)}
    return re.sub("|".join(colours), lambda found: colours[found[0]], svg)


def _colours(theme: Theme) -> tuple[str, ...]:
    """A theme's colours in a fixed order; in lower case, as Matplotlib writes them."""
    return theme.ink, theme.faint, *theme.series, *theme.fingers
