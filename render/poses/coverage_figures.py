"""Figures of the coverage page. Each is drawn by a function of a `Theme`, for light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from mano_assets.anatomy import angles_to_pose, finger_of, joint_frames
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16
from render.poses.coverage import Coverage, Map, Uncovered, histogram, outside
from render.poses.drawing import GREY, SKIN, draw_hand
from render.poses.pose_space import Angle, share_within

MOST_DOTS = 4000
"""Drawn of each kind; more only hide each other."""


@dataclass(frozen=True)
class Theme:
    """Colours of a figure; the background is the page's own.

    Attributes:
        name: light or dark, as in prefers-color-scheme.
        ink: Text and axes.
        faint: Grid.
        a: Set A.
        b: Set B.
        good: What is covered.
        bad: What is not.
        paper: The page's background.
    """

    name: str
    ink: str
    faint: str
    a: str
    b: str
    good: str
    bad: str
    paper: str


THEMES = (
    Theme("light", "#3c434b", "#dfe2e6", "#2563c9", "#d9730d", "#0f8a6d", "#c2255c", "#ffffff"),
    Theme("dark", "#c4cad1", "#363c44", "#7aa9ff", "#ffab5e", "#4cd3ae", "#ff7aa8", "#16191d"),
)


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
        "xtick.major.size": 0, "ytick.major.size": 0, "lines.linewidth": 1.6,
    }  # fmt: skip
    with mpl.rc_context(settings):
        yield


def curves(theme: Theme, coverage: Coverage) -> Figure:
    """Share covered over the radius, and over the number of A's poses."""
    figure = Figure(figsize=(11.8, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.6, 1))
    lines = (
        ("B by A", coverage.b_to_a_rad, theme.b, "-", 2.6),
        ("A by B", coverage.a_to_b_rad, theme.a, "-", 1.4),
        ("B by the rest of B", coverage.within_b_rad, theme.b, (0, (2, 2)), 1.2),
        ("A by the rest of A", coverage.within_a_rad, theme.a, (0, (2, 2)), 1.2),
    )
    far = max(np.percentile(line[1], 99) for line in lines[:2])
    radii = np.linspace(0, max(2 * coverage.radius_rad, 1.05 * far), 400)
    for label, distances, colour, style, width in lines:
        if np.isfinite(distances).all():
            shares = share_within(distances, radii)
            left.plot(np.rad2deg(radii), shares, ls=style, color=colour, lw=width, label=label)
    radius_deg = np.rad2deg(coverage.radius_rad)
    left.axvline(radius_deg, color=theme.ink, lw=0.8)
    left.plot(radius_deg, coverage.share_of_b, "o", color=theme.b, ms=6, zorder=5)
    left.annotate(
        f"{coverage.share_of_b:.0%} of B", (radius_deg, coverage.share_of_b), (7, -13),
        textcoords="offset points", color=theme.ink, fontsize=9.5, fontweight="bold",
    )  # fmt: skip
    left.set(title="share covered", xlabel="radius, ° RMS", xlim=(0, np.rad2deg(radii[-1])))
    left.legend(loc="lower right", handlelength=3)
    sizes, shares = zip(*coverage.share_by_size, strict=True)
    right.plot(sizes, shares, "o-", color=theme.b, ms=4)
    right.set(title=f"B by parts of A, within {radius_deg:g}°", xlabel="poses of A")
    right.set_xscale("log", base=2)
    right.set_xticks(sizes, [f"{size:,}" for size in sizes])
    right.minorticks_off()
    for axes in (left, right):
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    return figure


def pose_map(theme: Theme, coverage: Coverage, found: Map, marked: Sequence[Uncovered]) -> Figure:
    """Both sets on their two main axes: each one's density, and what of B is not covered."""
    figure = Figure(figsize=(11.8, 4.3), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    a, b = np.rad2deg(found.a), np.rad2deg(found.b)
    both = np.concatenate([a, b])
    low, high = both.min(0), both.max(0)
    margin = 0.04 * (high - low) + 1
    extent = (low[0] - margin[0], high[0] + margin[0], low[1] - margin[1], high[1] + margin[1])
    for axes, places, colour, title in (
        (panels[0], a, theme.a, f"A, {len(a):,} poses"),
        (panels[1], b, theme.b, f"B, {len(b):,} poses"),
    ):
        # Some colour at a single pose, and the set's own where it is dense.
        faded = LinearSegmentedColormap.from_list("faded", [_pale(colour, theme.paper), colour])
        axes.hexbin(*places.T, gridsize=44, extent=extent, mincnt=1, norm=LogNorm(), cmap=faded)
        axes.set_title(title)
    covered = coverage.b_to_a_rad <= coverage.radius_rad
    panels[2].scatter(*a[_some(len(a))].T, s=3, color=theme.faint, linewidths=0)
    for chosen, colour, label in (
        (covered, theme.good, "covered"),
        (~covered, theme.bad, "not covered"),
    ):
        rows = np.flatnonzero(chosen)
        places = b[rows[_some(len(rows))]]
        panels[2].scatter(*places.T, s=7, color=colour, alpha=0.6, linewidths=0, label=label)
    for number, one in enumerate(marked, 1):
        panels[2].annotate(
            str(number), b[one.row], ha="center", va="center", fontsize=7.5, color=theme.paper,
            fontweight="bold", bbox={"boxstyle": "circle,pad=0.2", "fc": theme.ink, "lw": 0},
        )  # fmt: skip
    panels[2].set_title("B over A (grey)")
    panels[2].legend(markerscale=2.2, loc="best")
    for axes in panels:
        axes.set_xlabel(f"first axis, ° ({found.explained[0]:.0%} of the variance)")
    panels[0].set(
        ylabel=f"second axis, ° ({found.explained[1]:.0%})", xlim=extent[:2], ylim=extent[2:]
    )
    return figure


def histograms(theme: Theme, coverage: Coverage) -> Figure:
    """Every compared angle's histogram in both sets, over its limits; a column a finger."""
    columns = [*FINGERS]
    if any(angle.joint == MANO16.joints[MANO16.root] for angle in coverage.angles):
        columns.append(MANO16.joints[MANO16.root])
    places = [_place(angle) for angle in coverage.angles]
    rows = sorted({row for row, _ in places})
    figure = Figure(figsize=(11.8, 1.72 * len(rows) + 0.3), layout="constrained")
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    beyond = [outside(part, coverage.angles, "active") for part in (coverage.a, coverage.b)]
    for number, (angle, (row, finger)) in enumerate(zip(coverage.angles, places, strict=True)):
        axes = grid[rows.index(row), columns.index(finger)]
        axes.set_visible(True)
        for limits, alpha in ((angle.active_rad, 0.07), (angle.functional_rad, 0.1)):
            axes.axvspan(*np.rad2deg(limits), color=theme.ink, alpha=alpha, lw=0)
        edges, of_a, of_b = histogram(coverage, number)
        for heights, colour in ((of_a, theme.a), (of_b, theme.b)):
            axes.stairs(heights, edges, color=colour, lw=1.3)
            axes.stairs(heights, edges, color=colour, fill=True, alpha=0.16)
        axes.set_title(angle.label, fontsize=8.5)
        for share, colour, right in zip(beyond, (theme.a, theme.b), (0.81, 1.0), strict=True):
            if share[:, number].any():
                axes.text(
                    right, 1.05, f"{share[:, number].mean():.1%}", fontsize=7.5, color=colour,
                    ha="right", transform=axes.transAxes,
                )  # fmt: skip
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda degrees, _: f"{degrees:g}°"))
        axes.locator_params(axis="x", nbins=5)
    return figure


def hands(hand: Hand, coverage: Coverage, one: Uncovered) -> Figure:
    """A pose of B, and beside it in grey the nearest of A."""
    figure = Figure(figsize=(2.7, 1.7), facecolor="none")
    figure.subplots_adjust(0, 0, 1, 1, wspace=0)
    frames = joint_frames(hand.arrays["J"])
    for place, (part, row, colour) in enumerate(
        ((coverage.b, one.row, SKIN), (coverage.a, one.nearest_row, GREY)), 1
    ):
        pose = angles_to_pose(part.poses.angles_rad[part.rows[row]], frames)
        vertices, _ = hand.posed(np.zeros(3), pose[3:], np.zeros(10), np.zeros(3), wrist=pose[:3])
        axes = figure.add_subplot(1, 2, place)
        draw_hand(axes, hand, vertices, colour)
        axes.set(xlim=(-0.09, 0.11), ylim=(-0.05, 0.2))
    return figure


def _place(angle: Angle) -> tuple[tuple[str, int], str]:
    """Row of an angle in the grid, its motion and how far out its joint is, and its finger."""
    finger = finger_of(angle.joint)
    position = MANO16.chain(finger).index(MANO16.index(angle.joint)) if finger in FINGERS else 0
    return (angle.motion, position), finger


def _some(count: int) -> np.ndarray:
    """Rows to draw, the same ones every time."""
    return np.random.default_rng(0).permutation(count)[:MOST_DOTS]


def _pale(colour: str, paper: str) -> str:
    red, green, blue = 0.35 * np.array(to_rgb(colour)) + 0.65 * np.array(to_rgb(paper))
    return to_hex((red, green, blue))
