"""The history on the disk."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.benchmark.history import (
    HISTORY_SCHEMA,
    Entry,
    RefreshEntry,
    append,
    latest,
    read_history,
    read_refreshes,
    refreshes_path,
    sole_writer,
)
from flows.benchmark.recording import Measured, record
from mano_assets.errors import InputError

BEGAN = datetime(2030, 1, 7, 3, 0, 0, 123456, tzinfo=UTC)
ENTRY = Entry(
    BEGAN, "demo", "hrnet", "freihand", "evaluation", "freihand", "mpjpe_mm", "mm", 8.0, 7.8, 8.2,
    4000, "c0", "d0", None, "r0", "0.1.0", "s0",
)  # fmt: skip
REFRESH = RefreshEntry(BEGAN, "0.1.0", 1, 1, 0, 0, 0)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    history = tmp_path / "deep" / "history.parquet"
    judged = replace(ENTRY, verdict="better", difference=-0.5, difference_low=-1, difference_high=0)
    with sole_writer(history):
        append(history, [ENTRY], REFRESH)
        append(history, [judged], REFRESH)
        append(history, [], REFRESH)
    assert read_history(history) == [ENTRY, judged]
    assert read_refreshes(history) == [REFRESH] * 3
    assert latest(read_history(history)) == {ENTRY.series: judged}


def test_no_history_is_empty(tmp_path: Path) -> None:
    assert read_history(tmp_path / "history.parquet") == []
    assert read_refreshes(tmp_path / "history.parquet") == []


@pytest.mark.parametrize("kind", ["text", "other columns", "half"])
def test_foreign_file_is_refused_and_kept(tmp_path: Path, kind: str) -> None:
    history = tmp_path / "history.parquet"
    append(history, [ENTRY], REFRESH)
    if kind == "text":
        history.write_text("notes")
    elif kind == "other columns":
        pq.write_table(pa.table({"time": [1], "run": ["a"]}), history)
    else:
        history.write_bytes(history.read_bytes()[: history.stat().st_size // 2])
    before = history.read_bytes()
    with pytest.raises(InputError, match=r"history\.parquet: not a benchmark's history"):
        append(history, [ENTRY], REFRESH)
    assert history.read_bytes() == before
    assert len(read_refreshes(history)) == 1


def test_damaged_refreshes_keep_the_history_as_it_is(tmp_path: Path) -> None:
    history = tmp_path / "history.parquet"
    append(history, [ENTRY], REFRESH)
    refreshes_path(history).write_text("notes")
    with pytest.raises(InputError, match=r"history\.refreshes\.parquet: not a benchmark's list"):
        append(history, [ENTRY], REFRESH)
    assert read_history(history) == [ENTRY]


def test_every_column_is_typed_and_only_the_comparison_may_be_null() -> None:
    assert HISTORY_SCHEMA.field("time").type == pa.timestamp("us", tz="UTC")
    assert {field.name for field in HISTORY_SCHEMA if field.nullable} == {
        "data_recipe_digest", "difference", "difference_low", "difference_high",
    }  # fmt: skip
    assert HISTORY_SCHEMA.names == list(asdict(ENTRY))


def measurement(folder: Path, name: str, errors: list[float], **values: object) -> Measured:
    samples = folder / f"{name}.parquet"
    ids = [f"sample-{number}" for number in range(len(errors))]
    lists = [[error] * 21 for error in errors]
    table = pa.table({"sample_id": ids, "mpjpe_mm": errors, "joint_errors_mm": lists})
    pq.write_table(table, samples)
    mean = sum(errors) / len(errors)
    entry = replace(
        ENTRY, value=mean, low=mean - 0.01, high=mean + 0.01, n=len(errors), samples_sha256=name
    )
    return Measured([replace(entry, **values)], samples)  # type: ignore[arg-type]


def test_only_what_has_changed_is_appended(tmp_path: Path) -> None:
    history = tmp_path / "history.parquet"
    errors = [8.0 + 0.01 * number for number in range(40)]
    weeks = [
        measurement(tmp_path, "a", errors),
        measurement(tmp_path, "a", errors),
        # Other predictions of the same errors say nothing new.
        measurement(tmp_path, "b", errors),
        measurement(tmp_path, "b", errors, code_version="0.2.0"),
        measurement(tmp_path, "c", [error + 1 for error in errors], checkpoint_sha256="c1"),
        measurement(tmp_path, "d", errors, data_digest="d1"),
        measurement(tmp_path, "e", errors, data_digest="d1", rules_digest="r1"),
    ]
    found = []
    for week, each in enumerate(weeks):
        time = BEGAN + timedelta(weeks=week)
        entries = [replace(entry, time=time) for entry in each.entries]
        standing, new = record(history, [Measured(entries, each.samples)], time, 0, 0)
        found.append([row.verdict for row in new])
        assert len(standing) == 1
    assert found == [
        ["first"], [], [], ["unclear"], ["regression"], ["not comparable"], ["not comparable"],
    ]  # fmt: skip
    rows = read_history(history)
    assert [row.time for row in rows] == [BEGAN + timedelta(weeks=week) for week in (0, 3, 4, 5, 6)]
    assert rows[2].difference == pytest.approx(1)
    assert [row.num_changed for row in read_refreshes(history)] == [1, 0, 0, 1, 1, 1, 1]
    # Only the errors of what stands are kept, and none by joint.
    (kept,) = (tmp_path / "history.samples").iterdir()
    assert kept.stem == "e"
    assert pq.ParquetFile(kept).schema_arrow.names == ["sample_id", "mpjpe_mm"]


def test_lost_errors_of_samples_leave_the_intervals(tmp_path: Path) -> None:
    history = tmp_path / "history.parquet"
    record(history, [measurement(tmp_path, "a", [8.0, 9.0] * 20)], BEGAN, 0, 0)
    (tmp_path / "history.samples" / "a.parquet").unlink()
    _, (row,) = record(history, [measurement(tmp_path, "b", [8.0, 9.1] * 20)], BEGAN, 0, 0)
    assert (row.verdict, row.difference) == ("regression", pytest.approx(0.05))
    assert (row.difference_low, row.difference_high) == pytest.approx((0.03, 0.07))


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    history = tmp_path / "history.parquet"
    each = [measurement(tmp_path, f"s{number}", [8.0] * 40, model=f"m{number}") for number in "ab"]
    threads = [
        threading.Thread(target=lambda found=found: record(history, [found], BEGAN, 0, 0))
        for found in each * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row.model for row in read_history(history)) == ["ma", "mb"]
    assert len(read_refreshes(history)) == 6
