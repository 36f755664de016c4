"""The whole DAG in one process, without a server: `handforge run`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows import stages
from flows.folder import RunFolder, claim, sole_user
from flows.recipes import Recipe
from flows.results import Result, Target, metric_tables, print_tables


def run(recipe: Recipe, out: Path | None = None, workers: int | None = None) -> Path:
    """Does whatever of the DAG is not on the disk yet.

    Args:
        recipe: What to make.
        out: The run's folder; runs/NAME-DIGEST8 by default.
        workers: Blender processes at a time; what the machine allows by default.

    Returns:
        The page, `report/index.html` in the run's folder.

    Raises:
        InputError: The folder belongs to another recipe, or something given cannot be used.
    """
    folder = claim(recipe, out)
    with sole_user(folder):
        targets = find_targets(recipe, folder)
        hand = stages.build_hand(recipe)
        stages.render(recipe, hand, folder, workers)
        targets += [stages.stand_in(recipe, each, folder) for each in recipe.stand_ins]
        results = list(score(recipe, targets, folder))
        page = stages.report(recipe, folder, results)
    print_tables(metric_tables(results))
    print(f"report: {page}")
    return page


def score(recipe: Recipe, targets: Sequence[Target], folder: RunFolder) -> Iterator[Result]:
    """Trains every model and scores it on every target."""
    for config in recipe.models:
        checkpoint = stages.train_model(recipe, config, folder)
        for target in targets:
            predictions = stages.predict(checkpoint, config.label, target, folder)
            yield Result(
                config.label, target, stages.evaluate(predictions, config.label, target, folder)
            )


def find_targets(recipe: Recipe, folder: RunFolder) -> list[Target]:
    """The splits to score on but stand-ins; public data that are not here are told of."""
    targets = stages.rendered_targets(recipe, folder)
    for real in recipe.real:
        target = stages.import_real(real, folder)
        if target is None:
            print(f"{real.name} {real.split}: skipped, {real.root} is no folder or is empty.")
        else:
            targets.append(target)
    return targets
