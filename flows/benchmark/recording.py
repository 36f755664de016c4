"""From result files to rows of the history, each judged against the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from flows.benchmark.history import (
    Entry,
    RefreshEntry,
    append,
    latest,
    read_history,
    samples_folder,
    sole_writer,
)
from flows.benchmark.plan import Job
from flows.benchmark.regressions import judged, sample_changes
from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from render.manifest.writing import write_atomically


@dataclass(frozen=True)
class Measured:
    """A model's scores on a split, and the file with the errors of single samples."""

    entries: list[Entry]
    samples: Path


def measured(job: Job, result: Path, time: datetime) -> Measured:
    """Reads a result file.

    Args:
        job: What was scored.
        result: File written by the evaluate stage.
        time: When the refresh began, UTC.

    Raises:
        InputError: A file is missing or damaged.
    """
    from evaluation.scoring import read_evaluation

    evaluation = read_evaluation(result)
    samples = result.with_name(evaluation.samples_file)
    try:
        samples_sha256 = file_sha256(samples)
    except OSError as error:
        raise InputError(f"{samples}: no such file, expected errors of single samples.") from error
    # What its metrics are called and how it is described changes no number.
    rules = evaluation.protocol.model_dump(mode="json", exclude={"metrics", "description"})
    origin = evaluation.provenance
    entries = [
        Entry(
            time=time,
            run=job.model.run,
            model=job.model.label,
            data=job.source.name,
            split=job.source.split,
            protocol=evaluation.protocol.id,
            metric=metric,
            unit=score.unit,
            value=score.value,
            low=score.low,
            high=score.high,
            n=score.n,
            checkpoint_sha256=origin.prediction_info.checkpoint_sha256,
            data_digest=job.source.content,
            data_recipe_digest=origin.data_recipe_digest,
            rules_digest=json_digest({"protocol": rules, "definition": score.definition}),
            code_version=version("handforge"),
            samples_sha256=samples_sha256,
        )
        for metric, score in evaluation.metrics.items()
    ]
    return Measured(entries, samples)


def record(
    history: Path,
    found: Sequence[Measured],
    time: datetime,
    num_missing: int,
    num_failed: int,
) -> tuple[list[Entry], list[Entry]]:
    """Appends what has changed, and a row about the refresh.

    Args:
        history: The history's file.
        found: What was measured.
        time: When the refresh began, UTC.
        num_missing: Models and data that were not there.
        num_failed: What could not be done.

    Returns:
        The row that holds now of each series that was measured; those of them that are new.

    Raises:
        InputError: The history is damaged or holds something else.
    """
    standing: list[Entry] = []
    new: list[Entry] = []
    with sole_writer(history):
        before = latest(read_history(history))
        for each in found:
            changed = [entry for entry in each.entries if not _stands(entry, before)]
            new += _judged(history, changed, each.samples, before)
            standing += [before[entry.series] for entry in each.entries if _stands(entry, before)]
        standing += new
        refresh = RefreshEntry(
            time=time,
            code_version=version("handforge"),
            num_scores=len(standing),
            num_changed=len(new),
            num_regressions=sum(entry.verdict == "regression" for entry in new),
            num_missing=num_missing,
            num_failed=num_failed,
        )
        append(history, new, refresh)
        _prune(history)
    return standing, new


def _stands(entry: Entry, before: dict[tuple[str, ...], Entry]) -> bool:
    last = before.get(entry.series)
    return last is not None and entry.says_as(last)


def _judged(
    history: Path, entries: Sequence[Entry], samples: Path, before: dict[tuple[str, ...], Entry]
) -> list[Entry]:
    """New rows with their verdicts; the errors of single samples are kept for the next time."""
    if not entries:
        return []
    now = _errors(samples)
    _write(samples_folder(history) / f"{entries[0].samples_sha256}.parquet", now)
    changes: dict[str, dict[str, np.ndarray]] = {}
    found = []
    for entry in entries:
        last = before.get(entry.series)
        if last is not None and last.samples_sha256 not in changes:
            kept = samples_folder(history) / f"{last.samples_sha256}.parquet"
            changes[last.samples_sha256] = (
                sample_changes(_errors(kept), now) if kept.is_file() else {}
            )
        found.append(judged(entry, last, changes[last.samples_sha256] if last else {}))
    return found


def _errors(path: Path) -> pa.Table:
    """Columns sample_id and one a metric; lists by joint are left out."""
    try:
        table = pq.ParquetFile(path).read()
        wanted = [
            field.name
            for field in table.schema
            if field.name == "sample_id" or pa.types.is_floating(field.type)
        ]
        return table.select(wanted)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: not errors of single samples ({error}).") from error


def _write(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_atomically(path, sink.getvalue().to_pybytes())


def _prune(history: Path) -> None:
    """Removes the errors that no series' last row names."""
    named = {entry.samples_sha256 for entry in latest(read_history(history)).values()}
    for file in samples_folder(history).glob("*.parquet"):
        if file.stem not in named:
            file.unlink()
