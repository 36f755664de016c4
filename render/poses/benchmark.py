"""How fast valid poses are drawn: the figures of `handforge bench poses`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from render.poses.sampling import CHUNK, acceptance, sample_poses
from render.recipe import DatasetRecipe

FULL_SIZE = 880_000


def bench_poses(recipe: DatasetRecipe, hand: Path, num_poses: int, workers: int) -> dict[str, Any]:
    """Draws a recipe's poses as `handforge poses` does: first a few, then as many as asked for.

    Args:
        recipe: Of a data set; its mixture is measured as it is.
        hand: Folder of the built hand.
        num_poses: Of the second run.
        workers: Processes.

    Returns:
        poses_per_s with views, visibility and hardness, once the processes have started: what the
        second run drew more over what it took longer (all of it where that is nothing);
        minutes_for_880000 at that rate, the start included; acceptance, the share of drawn poses
        that were valid, in all and by family.
    """
    # Compiles what is not in the cache yet.
    sample_poses(recipe, hand, max(8, len(recipe.splits)), 1)
    few = max(len(recipe.splits), min(workers * CHUNK, num_poses // 4))
    start_seconds, _ = _timed(recipe, hand, few, workers)
    seconds, table = _timed(recipe, hand, num_poses, workers)
    per_pose = (seconds - start_seconds) / max(num_poses - few, 1)
    if per_pose <= 0:
        # Too few to tell from the start's chances.
        per_pose = seconds / num_poses
    shares = acceptance(table)
    draws = sum(table["draws"].to_pylist())
    return {
        "poses_per_s": round(1 / per_pose, 1),
        "minutes_for_880000": round((start_seconds + (FULL_SIZE - few) * per_pose) / 60, 1),
        "acceptance": round(num_poses / draws, 3),
        "acceptance_by_family": {family: round(share, 3) for family, share in shares.items()},
        "num_poses": num_poses,
        "workers": workers,
        "cpu_cores": os.cpu_count(),
    }


def _timed(
    recipe: DatasetRecipe, hand: Path, num_poses: int, workers: int
) -> tuple[float, pa.Table]:
    start = time.perf_counter()
    table = sample_poses(recipe, hand, num_poses, workers)
    return time.perf_counter() - start, table
