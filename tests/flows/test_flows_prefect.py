"""The deployments on a real server with a real worker, by the commands that the README gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from prefect_server import PrefectServer, wait_for
from stand_ins import TINY

from flows.recipes import Recipe
from mano_assets.errors import InputError

pytestmark = pytest.mark.flow


def created_run(output: str) -> str:
    found = re.search(r"UUID: ([0-9a-f-]{36})", output)
    assert found, output
    return found[1]


@pytest.fixture(scope="module")
def trained(
    prefect_server: PrefectServer, hand_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run made by the literal command, by a name without a slash."""
    assert hand_folder.is_dir()
    out = tmp_path_factory.mktemp("runs") / "tiny"
    asked = prefect_server.command(
        "deployment", "run", "render-and-train", "-p", f"recipe={TINY}", "-p", f"out={out}"
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
    prefect_server.await_state(created_run(asked.stdout), "COMPLETED")
    return out


def test_render_and_train_makes_the_page(prefect_server: PrefectServer, trained: Path) -> None:
    assert (trained / "report" / "index.html").is_file()
    (report,) = prefect_server.post(
        "/artifacts/latest/filter", {"artifacts": {"key": {"any_": ["run-report"]}}}
    )
    assert "| metric | meanpose | simplebaseline |" in report["data"]
    assert "tiny-hard, 4 samples" in report["data"]


@pytest.mark.usefixtures("trained")
def test_every_part_and_model_is_a_task_run(prefect_server: PrefectServer) -> None:
    expected = {
        "render-part-0", "render-part-1", "train-meanpose",
        "train-simplebaseline", "predict-simplebaseline-tiny-easy", "evaluate-meanpose-tiny-hard",
    }  # fmt: skip

    def recorded() -> bool:
        runs = prefect_server.post("/task_runs/filter", {"limit": 200})
        return expected <= {run["name"] for run in runs if run["state_type"] == "COMPLETED"}

    wait_for(recorded, 30, "the task runs to be recorded")


def test_full_name_watched_renders_nothing_again(
    prefect_server: PrefectServer, trained: Path
) -> None:
    parts = {path: path.stat().st_mtime_ns for path in trained.glob("dataset/*/part-*")}
    checkpoint = trained / "models" / "simplebaseline" / "model.ckpt"
    before = checkpoint.stat().st_mtime_ns
    done = prefect_server.command(
        "deployment", "run", "render-and-train/render-and-train", "--watch",
        "-p", f"recipe={TINY}", "-p", f"out={trained}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Flow run finished successfully in 'Completed'" in done.stdout
    assert parts
    assert parts == {path: path.stat().st_mtime_ns for path in trained.glob("dataset/*/part-*")}
    assert checkpoint.stat().st_mtime_ns == before


def test_re_render_keeps_everything_but_the_poses(
    prefect_server: PrefectServer, trained: Path, tmp_path: Path
) -> None:
    """The poses are those of a family in a file of the user's."""
    family, recipe = tmp_path / "mine.py", tmp_path / "recipe.yaml"
    family.write_text("def draw(rng):\n    return rng.uniform(0, 0.3, (16, 3)) * [1, 0, 0]\n")
    values = yaml.safe_load((trained / "recipe.yaml").read_text())
    values["dataset"]["distributions"] = {"mine": {"kind": "family", "file": str(family)}}
    recipe.write_text(yaml.safe_dump(values))
    out = tmp_path / "run"
    done = prefect_server.command(
        "deployment", "run", "re-render", "--watch", "-p", "pose_distribution=mine",
        "-p", f"recipe={recipe}", "-p", f"out={out}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

    def rows(root: Path) -> list[dict[str, Any]]:
        return pq.read_table(root / "dataset" / "manifest").sort_by("index").to_pylist()

    old, new = rows(trained), rows(out)
    assert {(row["pose_distribution"], row["pose_family"]) for row in new} == {("mine", "mine")}
    kept = ("index", "split", "side", "mano_betas", "environment", "skin_tone", "cam_from_world")
    assert [[row[name] for name in kept] for row in new] == [
        [row[name] for name in kept] for row in old
    ]
    assert all(
        row["mano_pose"] != before["mano_pose"] for row, before in zip(new, old, strict=True)
    )


def test_benchmark_refresh_scores_registered_models(
    prefect_server: PrefectServer, trained: Path, tmp_path: Path
) -> None:
    history = tmp_path / "history.parquet"
    done = prefect_server.command(
        "deployment", "run", "benchmark-refresh", "--watch", "-p", f"runs={trained.parent}",
        "-p", f"history={history}",
        "-p", 'real=[{"name": "coco-wholebody", "root": "/nowhere", "split": "val"}]',
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = pq.read_table(history).to_pylist()
    assert {row["model"] for row in rows} == {"meanpose", "simplebaseline"}
    assert {row["split"] for row in rows} == {"easy", "hard"}
    (report,) = prefect_server.post(
        "/artifacts/latest/filter", {"artifacts": {"key": {"any_": ["benchmark-report"]}}}
    )
    assert "- coco-wholebody val is not at /nowhere." in report["data"]


def test_cron_deployment_gets_scheduled_runs(prefect_server: PrefectServer) -> None:
    deployment = prefect_server.get("/deployments/name/benchmark-refresh/benchmark-refresh")
    (schedule,) = deployment["schedules"]
    assert schedule["schedule"]["cron"] == "0 3 * * 1"
    assert schedule["schedule"]["timezone"] == "UTC"

    def scheduled() -> list[dict[str, Any]]:
        body = {
            "deployments": {"id": {"any_": [deployment["id"]]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        return prefect_server.post("/flow_runs/filter", body)

    runs = wait_for(scheduled, 90, "scheduled runs")
    assert all(run["auto_scheduled"] for run in runs)
    assert all("T03:00:00" in run["expected_start_time"] for run in runs)


def test_schema_shows_types_bounds_and_descriptions(prefect_server: PrefectServer) -> None:
    deployment = prefect_server.get("/deployments/name/render-and-train/render-and-train")
    fields = deployment["parameter_openapi_schema"]["properties"]
    assert fields["recipe"]["type"] == "string"
    assert fields["num_images"]["anyOf"][0] == {"type": "integer", "minimum": 1}
    poses = fields["pose_distribution"]["anyOf"][0]
    assert "handshapes" in poses["description"]
    assert "enum" not in poses
    assert all(field["description"] for field in fields.values())


@pytest.mark.parametrize(
    ("deployment", "parameters", "expected"),
    [
        ("render-and-train", {"num_images": 0}, "field 'num_images'. Failure reason: 0 is less"),
        ("render-and-train", {"epochs": "many"}, "field 'epochs'. Failure reason: 'many' is not"),
        ("render-and-train", {"pose_distribution": ""}, "'pose_distribution'. Failure reason"),
        ("re-render", {}, "'pose_distribution' is a required property"),
    ],
)
def test_wrong_parameter_is_refused_by_the_server(
    prefect_server: PrefectServer, deployment: str, parameters: dict[str, Any], expected: str
) -> None:
    found = prefect_server.get(f"/deployments/name/{deployment}/{deployment}")
    said = prefect_server.refusal(
        f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters}
    )
    assert expected in said


def test_wrong_parameter_is_refused_by_the_command(prefect_server: PrefectServer) -> None:
    for parameter, expected in (("seed=-1", "field 'seed'"), ("epoch=3", "'epoch'")):
        refused = prefect_server.command("deployment", "run", "render-and-train", "-p", parameter)
        assert refused.returncode == 1
        assert expected in " ".join((refused.stdout + refused.stderr).split())


def test_unknown_deployment_is_told_as_before(prefect_server: PrefectServer) -> None:
    refused = prefect_server.command("deployment", "run", "render-and-dream")
    assert refused.returncode == 1
    assert "not found" in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("failure", "attempts"), [(RuntimeError("boom"), 3), (InputError("hdri: unreadable."), 1)]
)
def test_failed_part_is_retried_and_the_others_go_on(
    prefect_server: PrefectServer,
    monkeypatch: pytest.MonkeyPatch,
    tiny: Recipe,
    tmp_path: Path,
    failure: Exception,
    attempts: int,
) -> None:
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )

    from flows import tasks
    from flows.render_parts import render_parts

    calls = []

    def render_part(recipe: Any, hand: Path, root: Path, part: int) -> dict[str, Any]:
        calls.append(part)
        if part == 1:
            raise failure
        return {}

    monkeypatch.setattr("render.dataset.render_part", render_part)
    monkeypatch.setattr(tasks, "render_part", tasks.render_part.with_options(retry_delay_seconds=0))
    here = {PREFECT_API_URL: prefect_server.url, PREFECT_LOGGING_TO_API_ENABLED: False}
    with (
        temporary_settings(here),
        pytest.raises(tasks.IncompleteError, match="1 of 4 parts are missing: part 1 "),
    ):
        render_parts(tiny, tmp_path, tmp_path, [0, 1, 2, 3])
    assert sorted(calls) == [0, *[1] * attempts, 2, 3]
