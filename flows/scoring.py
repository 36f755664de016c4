"""Scoring models on data sets with tasks mapped over them; called inside a flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import unmapped

from flows import tasks
from flows.folder import RunFolder
from flows.recipes import RealData
from flows.results import Result, Target


def import_all(reals: Sequence[RealData], folder: RunFolder) -> list[Target]:
    """Reads public data sets into the manifest; those that are not here are told of."""
    targets = []
    for real in reals:
        target = tasks.import_real(real, folder)
        if target is None:
            print(f"{real.name} {real.split}: skipped, {real.root} is no folder or is empty.")
        else:
            targets.append(target)
    return targets


def score(
    checkpoints: Mapping[str, Path], targets: Sequence[Target], folder: RunFolder
) -> list[Result]:
    """Every model on every target.

    Args:
        checkpoints: By the models' labels.
        targets: What to score on.
        folder: Where predictions and results go.

    Raises:
        IncompleteError: Some could not be scored; the others are on the disk.
    """
    pairs = [(label, target) for label in checkpoints for target in targets]
    if not pairs:
        return []
    labels = [label for label, _ in pairs]
    scored_on = [target for _, target in pairs]
    predictions = tasks.predict.map(
        [checkpoints[label] for label in labels], labels, scored_on, unmapped(folder)
    )
    evaluations = tasks.evaluate.map(predictions, labels, scored_on, unmapped(folder))
    names = [f"{label} on {target.stem}" for label, target in pairs]
    files = tasks.settle(evaluations, names, "scores")
    return [Result(label, target, file) for (label, target), file in zip(pairs, files, strict=True)]
