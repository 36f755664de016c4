"""`benchmark-refresh` on its schedule, on a real server with a real worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from prefect_server import PrefectServer, wait_for
from stand_ins import write_tiny_dataset

from flows import stages
from flows.benchmark.history import read_history, read_refreshes
from flows.folder import claim
from flows.recipes import Recipe, load_recipe

pytestmark = [pytest.mark.flow, pytest.mark.slow]

EVERY_S = 20
PATIENCE_S = 400
AWAY = {"name": "coco-wholebody", "root": "/nowhere", "split": "val"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with grey images and a mean pose, which is learned and predicts in a moment."""
    runs = tmp_path_factory.mktemp("scheduled") / "runs"
    tiny = load_recipe(Path(__file__).with_name("tiny.yaml"))
    recipe = Recipe.model_validate(tiny.model_dump() | {"training": [{"system": "meanpose"}]})
    folder = claim(recipe, runs / "first")
    write_tiny_dataset(folder.dataset, {"train": 8, "easy": 40, "hard": 40})
    stages.train_model(recipe, recipe.models[0], folder)
    return runs


@pytest.fixture(scope="module")
def completed(prefect_server: PrefectServer, runs: Path) -> list[dict[str, Any]]:
    """Two runs that the server began by itself, and the files that the first one made."""
    name = "benchmark-refresh/benchmark-refresh"
    deployment = prefect_server.get(f"/deployments/name/{name}")["id"]
    often = {
        "active": True,
        "schedule": {"interval": EVERY_S, "anchor_date": datetime.now(UTC).isoformat()},
        "parameters": {"runs": str(runs), "real": [AWAY]},
    }
    (schedule,) = answer(prefect_server, f"/deployments/{deployment}/schedules", [often])

    def ended(count: int) -> Callable[[], list[dict[str, Any]]]:
        def check() -> list[dict[str, Any]]:
            body = {
                "deployments": {"id": {"any_": [deployment]}},
                "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}},
                "sort": "EXPECTED_START_TIME_ASC",
            }
            found = answer(prefect_server, "/flow_runs/filter", body)
            found = [each for each in found if each["auto_scheduled"]]
            return found if len(found) >= count else []

        return check

    wait_for(ended(1), PATIENCE_S, "the first scheduled run")
    made = modified(runs)
    found = wait_for(ended(2), PATIENCE_S, "the second scheduled run")[:2]
    pause = ("deployment", "schedule", "pause", name, schedule["id"])
    wait_for(
        lambda: prefect_server.command(*pause).returncode == 0, PATIENCE_S, "the schedule to pause"
    )
    assert made
    assert made == modified(runs)
    return found


def answer(server: PrefectServer, path: str, body: Any) -> Any:
    """The server's; 503 is its word for a database that another of its services holds."""

    def once() -> list[Any]:
        try:
            return [server.post(path, body)]
        except HTTPError as error:
            if error.code != 503:
                raise
            return []

    return wait_for(once, PATIENCE_S, path)[0]


def modified(runs: Path) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for folder in ("predictions", "evaluation")
        for path in runs.rglob(f"{folder}/*")
    }


def test_two_scheduled_runs_complete(
    prefect_server: PrefectServer, completed: list[dict[str, Any]]
) -> None:
    log = (prefect_server.logs / "worker.log").read_text()
    assert [each["state_type"] for each in completed] == ["COMPLETED"] * 2, log
    begun = [datetime.fromisoformat(each["expected_start_time"]) for each in completed]
    assert (begun[1] - begun[0]).total_seconds() % EVERY_S == pytest.approx(0, abs=0.01)
    assert begun[1] > begun[0]


def test_history_holds_each_refresh_and_each_change_once(
    runs: Path, completed: list[dict[str, Any]]
) -> None:
    assert len(completed) == 2
    history = runs / "benchmark" / "history.parquet"
    rows, refreshes = read_history(history), read_refreshes(history)
    first, second = refreshes[:2]
    assert first.time < second.time
    assert (first.num_changed, second.num_changed) == (len(rows), 0)
    assert first.num_scores == second.num_scores == len(rows) > 0
    assert (first.num_missing, first.num_failed, first.num_regressions) == (1, 0, 0)
    assert {(row.model, row.data, row.split) for row in rows} == {
        ("meanpose", "tiny-0", "easy"),
        ("meanpose", "tiny-0", "hard"),
    }


def test_each_run_leaves_table_report_and_link(
    prefect_server: PrefectServer, runs: Path, completed: list[dict[str, Any]]
) -> None:
    left = [
        {
            each["key"]: each
            for each in answer(
                prefect_server,
                "/artifacts/filter",
                {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}},
            )
        }
        for run in completed
    ]
    for found in left:
        assert {key: each["type"] for key, each in found.items()} == {
            "benchmark": "table", "benchmark-report": "markdown", "benchmark-page": "markdown",
        }  # fmt: skip
        assert "- coco-wholebody val is not at /nowhere." in found["benchmark-report"]["data"]
        page = runs / "benchmark" / "index.html"
        # Prefect keeps a link as Markdown.
        assert found["benchmark-page"]["data"] == f"[The benchmark's page]({page.as_uri()})"
        assert page.is_file()
    assert left[0]["benchmark"]["data"] == left[1]["benchmark"]["data"]
    assert "Regressions\n\n- None." in left[1]["benchmark-report"]["data"]
