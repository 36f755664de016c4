"""Poses without pictures: a table of what a recipe would draw, made by several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand, load_hand
from render.manifest.schema import SCHEMA, vector_column
from render.recipe import DatasetRecipe
from render.viewing import View, Viewer

POSES_SCHEMA = pa.schema(
    [
        pa.field("index", pa.int64(), metadata={"doc": "Sample number in the recipe"}),
        pa.field("split", pa.string(), metadata={"doc": "Split it is of"}),
        pa.field("distribution", pa.string(), metadata={"doc": "Distribution drawn from"}),
        pa.field("family", pa.string(), metadata={"doc": "Family of the distribution"}),
        pa.field("draws", pa.int32(), metadata={"doc": "Poses drawn until one was valid"}),
        pa.field("shown_side", pa.string(), metadata={"doc": "Side that the sample shows it on"}),
        vector_column("mano_pose", 45, "Right hand, axis-angle, MANO's joint order"),
        vector_column("wrist_pose", 3, "Right hand against its forearm, axis-angle"),
        vector_column("global_orient", 3, "Right hand in the camera frame, axis-angle"),
        vector_column("betas", 10, "Shape coefficients"),
        SCHEMA.field("hardness"),
        SCHEMA.field("hardness_parts"),
    ]
)

CHUNK = 500
"""Poses a task: small enough for a moving progress bar, large enough to make its cost nothing."""


@dataclass(frozen=True)
class _Work:
    recipe: DatasetRecipe
    hand: Hand


_viewer: Viewer | None = None
"""Of this worker process; made once, when the process starts."""


def sample_poses(
    recipe: DatasetRecipe, hand: Path, count: int, workers: int | None = None
) -> pa.Table:
    """The poses of a recipe's samples, spread evenly over its splits.

    Args:
        recipe: Of a data set.
        hand: Folder of the built hand.
        count: Poses; those of a data set of this many images.
        workers: Processes; one a CPU core by default. The poses do not depend on it.

    Returns:
        A row a pose, by `POSES_SCHEMA`.

    Raises:
        InputError: A distribution yields no valid pose, or its file cannot be read.
    """
    recipe = recipe.with_num_images(count)
    workers = min(workers or os.cpu_count() or 1, -(-count // CHUNK))
    # What cannot be used is found here: a process that fails to start has no voice.
    work = _Work(recipe, load_hand(hand))
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    with (
        tqdm(total=count, desc="poses", unit="pose", smoothing=0.1) as bar,
        _mapping(work, workers) as run,
    ):
        tables = []
        for table in run(chunks):
            tables.append(table)
            bar.update(table.num_rows)
    return pa.concat_tables(tables)


@contextmanager
def _mapping(
    work: _Work, workers: int
) -> Iterator[Callable[[Iterable[range]], Iterable[pa.Table]]]:
    """A map over chunks, in this process or in several."""
    if workers == 1:
        yield partial(map, partial(_sampled, viewer=_start(work)))
        return
    with (
        _one_thread_each(),
        ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (work,)) as pool,
    ):
        yield partial(pool.map, _sampled)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that fill the cores do not start threads of their own."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _start(work: _Work) -> Viewer:
    return Viewer(work.recipe, work.hand)


def _start_worker(work: _Work) -> None:
    global _viewer
    _viewer = _start(work)


def _sampled(indices: range, viewer: Viewer | None = None) -> pa.Table:
    viewer = viewer or _viewer
    assert viewer is not None
    return pa.Table.from_pylist([_row(viewer.view(index)) for index in indices], POSES_SCHEMA)


def _row(view: View) -> dict[str, object]:
    """A view's pose as a right hand's."""
    subject, drawn = view.subject, view.drawn
    mirror = MIRROR_AXIS_ANGLE if subject.side == "left" else np.ones(3)
    return {
        "index": subject.index,
        "split": subject.split.name,
        "distribution": drawn.distribution,
        "family": drawn.family,
        "draws": drawn.num_draws,
        "shown_side": subject.side,
        "mano_pose": drawn.pose[3:],
        "wrist_pose": drawn.pose[:3],
        "global_orient": Rotation.from_matrix(view.rotation).as_rotvec() * mirror,
        "betas": subject.betas,
        "hardness": view.hardness.total,
        "hardness_parts": view.hardness.parts(),
    }


def acceptance(table: pa.Table) -> dict[str, float]:
    """Share of drawn poses that were valid, by family."""
    families = table.group_by("family").aggregate([("draws", "sum"), ("draws", "count")])
    return {
        row["family"]: row["draws_count"] / row["draws_sum"]
        for row in families.sort_by("family").to_pylist()
    }


def write_poses(table: pa.Table, path: Path) -> None:
    """Writes poses as Parquet, the whole file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)
