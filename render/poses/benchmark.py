"""How fast valid poses are drawn: the figures of `handforge bench poses`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from render.poses.sampling import acceptance, sample_poses
from render.recipe import DatasetRecipe

FULL_SIZE = 880_000


def bench_poses(recipe: DatasetRecipe, hand: Path, num_poses: int, workers: int) -> dict[str, Any]:
    """Draws a recipe's poses as `handforge poses` does, after a few that are not timed.

    Args:
        recipe: Of a data set; its mixture is measured as it is.
        hand: Folder of the built hand.
        num_poses: To time.
        workers: Processes.

    Returns:
        poses_per_s with views, visibility and hardness, from the first process's start to the
        table; minutes_for_880000 at that rate; acceptance, the share of drawn poses that were
        valid, in all and by family.
    """
    # Compiles what is not in the cache yet.
    sample_poses(recipe, hand, max(8, len(recipe.splits)), 1)
    start = time.perf_counter()
    table = sample_poses(recipe, hand, num_poses, workers)
    seconds = time.perf_counter() - start
    shares = acceptance(table)
    draws = sum(table["draws"].to_pylist())
    return {
        "poses_per_s": round(num_poses / seconds, 1),
        "minutes_for_880000": round(FULL_SIZE * seconds / num_poses / 60, 1),
        "acceptance": round(num_poses / draws, 3),
        "acceptance_by_family": {family: round(share, 3) for family, share in shares.items()},
        "num_poses": num_poses,
        "workers": workers,
        "cpu_cores": os.cpu_count(),
    }
