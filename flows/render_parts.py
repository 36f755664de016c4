"""Rendering as a flow of its own, for its task runner is chosen when it is called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prefect import flow, unmapped
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows import tasks
from flows.folder import RunFolder
from flows.recipes import Recipe


@flow(name="render-parts", validate_parameters=False)
def render_parts(recipe: Recipe, hand: Path, root: Path, parts: list[int]) -> None:
    """Renders parts, each in a Blender process of its own.

    Args:
        recipe: The run's recipe.
        hand: Folder of the built hand.
        root: The run's folder.
        parts: Numbers of the parts to render.

    Raises:
        IncompleteError: Some parts failed even when retried; the others are on the disk.
    """
    folder = RunFolder(root)
    futures = tasks.render_part.map(unmapped(recipe), unmapped(hand), unmapped(folder), part=parts)
    tasks.settle(futures, [f"part {part}" for part in parts], "parts")


def render_dataset(
    recipe: Recipe,
    hand: Path,
    folder: RunFolder,
    workers: int | None,
    dask_address: str | None,
) -> Any:
    """Renders what is missing and seals the data set; called inside a flow.

    Args:
        recipe: The run's recipe.
        hand: Folder of the built hand.
        folder: The run's folder.
        workers: Blender processes at a time on this machine; what it allows by default.
        dask_address: Dask scheduler that does the rendering instead. Its workers must see the
            run's folder and the hands' cache under the same paths.

    Returns:
        The data set's description.
    """
    missing = tasks.plan(recipe, hand, folder)
    if missing:
        chosen = render_parts.with_options(task_runner=_runner(workers, dask_address))
        chosen(recipe, hand, folder.root.resolve(), missing)
    return tasks.seal(recipe, hand, folder)


def _runner(workers: int | None, dask_address: str | None) -> TaskRunner[Any]:
    if dask_address is not None:
        from prefect_dask import DaskTaskRunner

        return DaskTaskRunner(address=dask_address)
    return ThreadPoolTaskRunner(max_workers=workers or os.cpu_count() or 1)
