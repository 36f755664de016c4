"""A sheet of poses to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.spatial.transform import Rotation

from mano_assets.hand import Hand
from render.manifest.reading import column_array
from render.poses.drawing import draw_hand

_COLUMNS = 8
_MOST_PICTURES = 96

_OBLIQUE = Rotation.from_euler("x", 65, degrees=True).as_matrix()
"""Turned about the fingers, so that the view is from the thumb's side and a little on the palm."""


def draw_sheet(table: pa.Table, hand: Hand, path: Path) -> None:
    """Draws poses as shaded hands seen on the palm and from the thumb's side, family by family.

    Args:
        table: From `render.poses.sampling.sample_poses`; at most 96 of its rows are drawn, evenly
            spaced over the families in alphabetical order.
        hand: The hand.
        path: PNG file to write.
    """
    from matplotlib.figure import Figure

    table = table.sort_by([("family", "ascending"), ("index", "ascending")])
    picks = np.unique(np.linspace(0, table.num_rows - 1, _MOST_PICTURES).astype(int))
    table = table.take(picks)
    poses, wrists, betas = (
        column_array(table, name, size)
        for name, size in (("mano_pose", 45), ("wrist_pose", 3), ("betas", 10))
    )
    titles = [
        f"{family} {hardness:.2f}"
        for family, hardness in zip(
            table["family"].to_pylist(), table["hardness"].to_pylist(), strict=True
        )
    ]
    rows = -(-len(titles) // _COLUMNS)
    figure = Figure(figsize=(2.9 * _COLUMNS, 1.7 * rows), dpi=80)
    for number, title in enumerate(titles):
        vertices, _ = hand.posed(
            np.zeros(3), poses[number], betas[number], np.zeros(3), wrist=wrists[number]
        )
        for view, turn in enumerate((np.eye(3), _OBLIQUE)):
            axes = figure.add_subplot(rows, 2 * _COLUMNS, 2 * number + view + 1)
            draw_hand(axes, hand, vertices @ turn.T)
            if view == 0:
                axes.set_title(title, fontsize=8, loc="left")
    figure.tight_layout(pad=0.2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
