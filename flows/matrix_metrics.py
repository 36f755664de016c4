"""Which of a matrix's metrics its columns have, told before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.matrix_config import MatrixConfig
from flows.results import Result, Target
from mano_assets.errors import InputError

if TYPE_CHECKING:
    from evaluation.matrix import MatrixView
    from evaluation.protocols import Protocol


def wanted_metrics(config: MatrixConfig) -> tuple[str, ...]:
    """Ids of the metrics that get a matrix where something is scored by them."""
    from evaluation.matrix import MATRIX_METRICS

    return config.metrics or MATRIX_METRICS


def unruled(config: MatrixConfig, targets: Sequence[Target]) -> list[str]:
    """A sentence for each metric that no column's protocol has.

    Raises:
        InputError: That is all of them.
    """
    rules = {each.name: each for each in map(rules_of, targets)}
    wanted = wanted_metrics(config)
    known = dict.fromkeys(metric for each in rules.values() for metric in each.metrics)
    if not set(wanted) & set(known):
        raise InputError(
            f"metrics: nothing is scored by any of {', '.join(wanted)}, expected some of "
            f"{', '.join(known)}, which the columns' protocols have."
        )
    names = " or ".join(rules)
    return [
        f"{metric}: missing, not in {names}." for metric in config.metrics if metric not in known
    ]


def unscored(
    metrics: Sequence[str], views: Sequence[MatrixView], results: Sequence[Result]
) -> list[str]:
    """A sentence for each metric that a column's protocol has and nothing has a score by."""
    shown = {view.matrix.metric for view in views}
    skipped = [result.read().skipped for result in results]
    sentences = []
    for metric in metrics:
        found = [each[metric] for each in skipped if metric in each]
        if metric not in shown and found:
            sentences.append(f"{metric}: missing, {'; '.join(dict.fromkeys(found))}.")
    return sentences


def rules_of(target: Target) -> Protocol:
    """The protocol that a target is scored by.

    Raises:
        InputError: It is unknown, or the data set has none of its own.
    """
    from evaluation.protocols import find_protocol
    from render.manifest import Manifest

    return find_protocol(target.protocol, Manifest.open(str(target.root)).info)
