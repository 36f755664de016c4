"""A user's own manifest: are its files whole, and can its labels be hands?"""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from evaluation.datasets.geometry import Hands, geometry_problems
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import Manifest, verify
from render.manifest.reading import column_array

NUM_CHECKED = 5000
"""Hands of a split whose geometry is looked at, evenly over it."""

COLUMNS = ("split", "side", "width", "height", "joints_2d", "joints_3d", "box")


def check_manifest(root: str) -> list[str]:
    """Checks a data set's files, then the unit, joint order, sides and frames of its labels.

    Args:
        root: Data set folder or URL.

    Returns:
        One sentence for each thing that is wrong; empty when nothing is.

    Raises:
        InputError: It is not a data set at all.
    """
    problems = verify(root)
    manifest = Manifest.open(root)
    try:
        table = manifest.table(columns=COLUMNS)
    except InputError:
        # `verify` has told which part is damaged.
        return problems
    splits = np.array(table["split"].to_pylist())
    for split in tqdm(sorted(set(splits)), desc="check", unit="split", leave=False):
        rows = np.flatnonzero(splits == split)
        rows = rows[:: max(1, len(rows) // NUM_CHECKED)]
        some = table.take(rows)
        hands = Hands(
            column_array(some, "joints_2d", HAND21.num_joints, 2),
            column_array(some, "joints_3d", HAND21.num_joints, 3),
            some["side"].to_pylist(),
            np.column_stack([some["width"], some["height"]]),
            column_array(some, "box", 4),
        )
        problems += [f"split {split}: {problem}." for problem in geometry_problems(hands)]
    return problems
