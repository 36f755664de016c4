"""Plots of training and data. Each is drawn by a function of a `Theme`: the page has it twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from evaluation.report.themes import Theme
from mano_assets.skeleton import FINGERS, HAND21, MANO16, Skeleton
from render.manifest.pictures import joint_colours

MM_PER_M = 1000.0

SKIN = LinearSegmentedColormap.from_list("skin", ["#2f231d", "#7a4b33", "#c68e66", "#f5e0cf"])
"""Dark to light; only a hint at the Monk scale for the histogram's bars."""


def loss_curves(
    theme: Theme, curves: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]
) -> Figure:
    """Training and validation loss of each run, an axes a run: their losses do not compare.

    Args:
        theme: Colours.
        curves: Run to curve name to (steps, values).
    """
    figure, axes = _grid(len(curves), columns=2, size=(5.9, 2.8))
    for ax, (label, run) in zip(axes, curves.items(), strict=True):
        for (name, (steps, values)), colour in zip(run.items(), theme.series, strict=False):
            marker = "o" if len(steps) < 40 else ""
            ax.plot(steps, values, color=colour, label=name, marker=marker, markersize=3)
        if all((values > 0).all() for _, values in run.values()):
            ax.set_yscale("log")
        ax.set(title=label, xlabel="step")
        ax.legend()
    return figure


def joint_angles(theme: Theme, poses: Mapping[str, np.ndarray]) -> Figure:
    """Rotation of each MANO joint from the zero pose, as shares of each split.

    Args:
        theme: Colours.
        poses: Split to MANO poses, [N, 45], axis-angle, radians.
    """
    chains = dict(MANO16.chains)
    figure = Figure(figsize=(11.8, 5.0), layout="constrained")
    axes = figure.subplots(3, len(FINGERS), sharex=True)
    bins = np.linspace(0, 120, 31)
    for column, finger in enumerate(FINGERS):
        for row, joint in enumerate(chains[finger]):
            ax = axes[row, column]
            # The first of MANO's joints is the wrist, which is not part of the pose.
            part = slice(3 * (MANO16.index(joint) - 1), 3 * MANO16.index(joint))
            for (_, pose), colour in zip(poses.items(), theme.series, strict=False):
                angles = np.degrees(np.linalg.norm(pose[:, part], axis=-1))
                share, _ = np.histogram(np.minimum(angles, bins[-1]), bins)
                ax.stairs(share / len(angles), bins, color=colour, linewidth=1.3)
            ax.set_title(joint.replace("_", " "))
            ax.set_yticks([])
            ax.grid(axis="x", visible=True)
            ax.set_xticks([0, 45, 90])
    for ax in axes[-1]:
        ax.set_xlabel("rotation, °")
    _legend(figure, theme, list(poses))
    return figure


def pose_map(
    theme: Theme,
    pose: np.ndarray,
    splits: Sequence[str],
    families: Sequence[str],
    order: Sequence[str],
) -> Figure:
    """Poses on their two main axes (PCA), by split and by family.

    Args:
        theme: Colours.
        pose: MANO poses, [N, 45], radians.
        splits: Split of each, [N].
        families: Pose family of each, [N].
        order: Splits in the order of their colours.
    """
    centred = pose - pose.mean(0)
    _, singular, axes_45 = np.linalg.svd(centred, full_matrices=False)
    points = centred @ axes_45[:2].T
    explained = singular**2 / max(np.sum(singular**2), 1e-12)
    figure = Figure(figsize=(11.8, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for name, colour in zip(order, theme.series, strict=False):
        chosen = points[np.array(splits) == name]
        left.scatter(*chosen.T, s=8, color=colour, alpha=0.6, linewidths=0, label=name)
    left.legend(markerscale=2)
    common = [name for name, _ in Counter(families).most_common(12)]
    colours = mpl.colormaps["turbo"](np.linspace(0.12, 0.85, max(len(common), 2)))
    right.scatter(*points.T, s=5, color=theme.series[-1], alpha=0.3, linewidths=0)
    for name, colour in zip(sorted(common), colours, strict=False):
        chosen = points[np.array(families) == name]
        right.scatter(*chosen.T, s=7, color=colour, alpha=0.7, linewidths=0)
        right.annotate(
            name.replace("_", " "), np.median(chosen, axis=0), (0, 5), textcoords="offset points",
            fontsize=7.5, ha="center", color=theme.ink,
        )  # fmt: skip
    for ax, title in ((left, "by split"), (right, "by pose family")):
        ax.set(title=title, xlabel=f"first axis ({explained[0]:.0%} of the variance)")
    left.set_ylabel(f"second axis ({explained[1]:.0%})")
    return figure


def appearance(
    theme: Theme,
    skin: np.ndarray,
    environments: Sequence[str | None],
    hardness: Mapping[str, np.ndarray],
) -> Figure:
    """Histograms of skin tone, environment and hardness.

    Args:
        theme: Colours.
        skin: Skin tones, 0 darkest to 1 lightest, [N]; NaN where unknown.
        environments: Environment of each image, [N].
        hardness: Split to hardness, [n]; NaN where not measured.
    """
    figure = Figure(figsize=(11.8, 3.0), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    counts, edges = np.histogram(skin[np.isfinite(skin)], np.linspace(0, 1, 11))
    centres = (edges[:-1] + edges[1:]) / 2
    first.bar(centres, counts, 0.094, color=SKIN(centres), edgecolor=theme.faint, linewidth=0.6)
    first.set(title="skin tone", xlabel="0 darkest, 1 lightest", ylabel="images")
    common = Counter(name for name in environments if name).most_common(12)
    second.barh([name for name, _ in common], [n for _, n in common], color=theme.series[0])
    second.invert_yaxis()
    second.set(title="environment light", xlabel="images")
    second.grid(axis="y", visible=False)
    known = {split: values[np.isfinite(values)] for split, values in hardness.items()}
    highest = max((values.max() for values in known.values() if len(values)), default=1.0)
    for (_, values), colour in zip(known.items(), theme.series, strict=False):
        share, edges = np.histogram(values, 24, (0, highest or 1.0))
        third.stairs(share / max(len(values), 1), edges, color=colour)
    third.set(title="hardness of the pose", xlabel="0 easy to 1 hard", yticks=[])
    _legend(third, theme, list(known))
    return figure


def hand_3d(
    theme: Theme, truth: np.ndarray, predicted: np.ndarray, skeleton: Skeleton = HAND21
) -> Figure:
    """Truth and prediction in three dimensions, wrists together, from two sides.

    Args:
        theme: Colours.
        truth: Camera frame, metres, [21, 3]; NaN where not labelled.
        predicted: The same.
        skeleton: The joints' skeleton.
    """
    figure = Figure(figsize=(4.0, 2.2))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=0.9, wspace=0)
    colours = joint_colours(skeleton, theme.fingers)
    shown = [(joints - joints[skeleton.root]) * MM_PER_M for joints in (truth, predicted)]
    both = np.concatenate(shown)
    middle = (np.nanmin(both, 0) + np.nanmax(both, 0)) / 2
    reach = np.nanmax(np.nanmax(both, 0) - np.nanmin(both, 0)) / 2 * 1.05
    for place, (azimuth, side) in enumerate(((-80, "from the camera"), (-5, "from the right"))):
        # Any: Matplotlib's types do not know the methods of 3-D axes.
        ax: Any = figure.add_subplot(1, 2, place + 1, projection="3d")
        for joints, style, alpha in zip(shown, ("-", (0, (2, 1.2))), (1.0, 0.95), strict=True):
            for parent, child in skeleton.bones:
                # Matplotlib's z is up: x right, y away from the camera, z up.
                x, y, z = joints[[parent, child]].T
                colour = theme.ink if style == "-" else colours[child]
                ax.plot(x, z, -y, linestyle=style, color=colour, alpha=alpha, linewidth=1.7)
        x, y, z = middle
        for set_limits, centre in ((ax.set_xlim, x), (ax.set_ylim, z), (ax.set_zlim, -y)):
            set_limits(centre - reach, centre + reach)
        ax.set_box_aspect((1, 1, 1), zoom=1.25)
        ax.view_init(elev=12, azim=azimuth)
        ax.set(xticklabels=[], yticklabels=[], zticklabels=[])
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_pane_color((0, 0, 0, 0))
            axis.line.set_color(theme.faint)
            axis.set_tick_params(color=(0, 0, 0, 0))
            axis.set_major_locator(MaxNLocator(4))
        ax.set_title(side, loc="center", fontsize=8.5)
    return figure


def _grid(count: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * size[0], rows * size[1]), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, list(axes[:count])


def _legend(where: Figure | Axes, theme: Theme, names: list[str]) -> None:
    lines = [Line2D([], [], color=colour) for colour in theme.series[: len(names)]]
    if isinstance(where, Figure):
        where.legend(lines, names, loc="outside upper right", ncols=len(names))
    else:
        where.legend(lines, names)
