"""What evaluating writes: the result, each sample's errors beside it, and the verb's lines."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sketched_hands import Drawn
from typer.testing import CliRunner

from evaluation.datasets import import_dataset
from evaluation.protocols import PROTOCOLS
from evaluation.scoring import evaluate, read_evaluation
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import Manifest
from render.manifest.reading import column_array

Predict = Callable[..., Path]


def truth(root: Path, split: str | None) -> tuple[list[str], np.ndarray, np.ndarray]:
    table = Manifest.open(str(root)).table(split)
    joints_px, joints_cam_m = (column_array(table, f"joints_{d}d", 21, d) for d in (2, 3))
    return table["sample_id"].to_pylist(), joints_px, joints_cam_m


def test_samples_file_holds_each_samples_error(
    drawn: Drawn, predict: Predict, tmp_path: Path
) -> None:
    ids, joints_px, _ = truth(drawn.root, "test_easy")
    shift = np.arange(len(ids))[:, None, None] * np.array([0.6, 0.8])
    evaluate(predict(ids, joints_px + shift), f"{drawn.root}:test_easy", None, tmp_path / "a.json")
    rows = pq.read_table(tmp_path / "a.samples.parquet")
    assert rows["sample_id"].to_pylist() == ids
    np.testing.assert_allclose(rows["epe_px"].to_numpy(), np.arange(len(ids)), atol=1e-9)
    assert "joint_errors_mm" not in rows.column_names
    per_joint = np.array(rows["joint_errors_px"].to_pylist())
    np.testing.assert_allclose(per_joint, np.arange(len(ids))[:, None].repeat(21, 1), atol=1e-4)


def test_samples_file_holds_nan_where_a_joint_does_not_count(
    coco: Path, predict: Predict, tmp_path: Path
) -> None:
    root = tmp_path / "imported"
    import_dataset("coco-wholebody", coco, "val", root)
    ids, joints_px, _ = truth(root, "val")
    unlabelled = np.isnan(joints_px).any(-1)
    assert unlabelled.any()
    predicted = np.where(np.isnan(joints_px), -500.0, joints_px + np.array([0, 2.0]))
    evaluate(predict(ids, predicted), f"{root}:val", None, tmp_path / "a.json")
    rows = pq.read_table(tmp_path / "a.samples.parquet")
    per_joint = np.array(rows["joint_errors_px"].to_pylist())
    np.testing.assert_array_equal(np.isnan(per_joint), unlabelled)
    np.testing.assert_allclose(per_joint[~unlabelled], 2.0, atol=1e-4)


def test_root_relative_errors_of_the_joints_are_stored(
    drawn: Drawn, predict: Predict, tmp_path: Path
) -> None:
    ids, joints_px, joints_cam_m = truth(drawn.root, "val")
    moved = joints_cam_m + np.array([0.3, 0, 0])
    moved[:, HAND21.index("little_tip")] += [0, 0.007, 0]
    evaluate(predict(ids, joints_px, moved), f"{drawn.root}:val", None, tmp_path / "a.json")
    per_joint = np.array(
        pq.read_table(tmp_path / "a.samples.parquet")["joint_errors_mm"].to_pylist()
    )
    expected = np.zeros((len(ids), 21))
    expected[:, HAND21.index("little_tip")] = 7.0
    np.testing.assert_allclose(per_joint, expected, atol=1e-4)


def test_results_hold_breakdowns_and_curves(drawn: Drawn, predict: Predict, tmp_path: Path) -> None:
    ids, joints_px, joints_cam_m = truth(drawn.root, "test_hard")
    noise = np.random.default_rng(0).normal(0, 2, joints_px.shape)
    file = predict(ids, joints_px + noise, joints_cam_m * 1.02)
    evaluate(file, f"{drawn.root}:test_hard", None, tmp_path / "a.json")
    result = read_evaluation(tmp_path / "a.json")
    assert set(result.breakdowns) == {"joint", "state", "hardness"}
    (visible,) = result.breakdowns["state"]
    assert (visible.name, visible.n, visible.num_joints) == ("visible", len(ids), 21 * len(ids))
    # The protocol's first metric of each kind; all joints are visible.
    assert set(visible.metrics) == {"epe_px", "mpjpe_mm"}
    for name, score in visible.metrics.items():
        whole = result.metrics[name]
        assert (score.value, score.low, score.high) == (whole.value, whole.low, whole.high)
    joints = {group.name: group.metrics["epe_px"].value for group in result.breakdowns["joint"]}
    thumb = HAND21.index("thumb_tip")
    assert joints["thumb_tip"] == pytest.approx(np.linalg.norm(noise[:, thumb], axis=-1).mean())
    assert sum(group.n for group in result.breakdowns["hardness"]) == len(ids)
    assert set(result.curves) == {"pck_2d", "pck_3d"}
    at_fifth = result.curves["pck_2d"].shares[result.curves["pck_2d"].thresholds.index(0.2)]
    assert at_fifth == pytest.approx(result.metrics["pck_0.2"].value, abs=1e-6)
    assert result.warnings == []
    assert (tmp_path / "a.json").stat().st_size < 60_000


def test_the_verb_prints_protocol_n_and_interval_with_every_number(
    drawn: Drawn, predict: Predict, tmp_path: Path
) -> None:
    from flows.cli import app

    ids, joints_px, _ = truth(drawn.root, "test_easy")
    file, data = predict(ids, joints_px + np.array([3, 4])), f"{drawn.root}:test_easy"
    call = ["evaluate", "--predictions", str(file), "--data", data, "--protocol", "rhd"]
    told = CliRunner().invoke(app, [*call, "--out", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[0] == f"protocol rhd v2, {data}, n = 9"
    assert next(line for line in lines if line.startswith("epe_px ")).split() == [
        "epe_px", "5", "[5,", "5]", "px",
    ]  # fmt: skip
    assert any(line.startswith("mpjpe_mm") and "hold no joints_3d" in line for line in lines)
    assert any(line.startswith("[...]: 95% percentile bootstrap") for line in lines)
    assert any(line.startswith("warning: scored on split test_easy") for line in lines)
    assert lines[-1] == str(tmp_path / "out" / "predictions.json")
    listed = CliRunner().invoke(app, ["protocols"]).stdout
    assert all(rules.name in listed for rules in PROTOCOLS.values())


def test_an_interrupted_write_leaves_the_old_samples_file(
    drawn: Drawn, predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, joints_px, _ = truth(drawn.root, "val")
    file, out = predict(ids, joints_px), tmp_path / "a.json"
    evaluate(file, f"{drawn.root}:val", None, out)
    before = (tmp_path / "a.samples.parquet").read_bytes()

    def break_off(_, where, **_options) -> None:
        with pa.output_stream(where) if isinstance(where, Path) else where as stream:
            stream.write(b"PAR1")
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", break_off)
    with pytest.raises(KeyboardInterrupt):
        evaluate(file, f"{drawn.root}:val", None, out)
    assert (tmp_path / "a.samples.parquet").read_bytes() == before


def test_a_result_file_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.json: no such file, expected a result"):
        read_evaluation(tmp_path / "a.json")
    for content, problem in (
        (b"{}", r"protocol: Field required"),
        (b"", r"Invalid JSON: EOF.*"),
        (b"\xff", r".*invalid start byte"),
    ):
        (tmp_path / "a.json").write_bytes(content)
        message = rf"^.*a\.json: not a result of evaluate \({problem}\)\.$"
        with pytest.raises(InputError, match=message) as caught:
            read_evaluation(tmp_path / "a.json")
        assert "\n" not in str(caught.value)
