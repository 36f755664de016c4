"""The evaluate stage: predictions and a data set to a result file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.averaging import average, bootstrap_interval, per_sample
from evaluation.metrics import METRICS, Comparison
from evaluation.protocols import Protocol, find_protocol
from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.skeleton import SKELETONS
from render.manifest import Manifest, parse_data_source
from render.manifest.predictions import PredictionInfo, read_predictions
from render.manifest.reading import column_array
from render.manifest.writing import write_atomically

LEVEL = 0.95
NUM_RESAMPLES = 1000
SEED = 0
MIN_JOINTS_3D = 4
"""Fewer points than this do not fix a rotation and a scale, so such a hand has no 3-D errors."""


class Score(BaseModel):
    """One metric's value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float = Field(description="The metric.")
    low: float = Field(description="Lower end of its confidence interval.")
    high: float = Field(description="Upper end of its confidence interval.")
    unit: str = Field(description="Unit; empty for a ratio.")
    n: int = Field(description="Samples that took part.")
    definition: str = Field(description="What exactly the number is.")


class Group(BaseModel):
    """The scores of some of the joints or samples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Joint, joint state or range of hardness.")
    n: int = Field(description="Samples of which at least one joint takes part.")
    num_joints: int = Field(description="Joints that take part, over all samples.")
    metrics: dict[str, Score] = Field(description="Score of each metric, by id.")


class Curve(BaseModel):
    """A share of joints over thresholds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(description="What is drawn, for a heading.")
    unit: str = Field(description="Unit of the thresholds; empty for shares of the hand's size.")
    thresholds: list[float] = Field(description="Ascending.")
    shares: list[float] = Field(description="Share of the counted joints within each.")
    definition: str = Field(description="What exactly is drawn.")


class Provenance(BaseModel):
    """Where a result came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    predictions: str = Field(description="The predictions file.")
    predictions_sha256: str = Field(description="Its digest.")
    prediction_info: PredictionInfo = Field(description="What it says about itself.")
    data: str = Field(description="Root of the data set scored on.")
    data_name: str = Field(description="Its name.")
    data_recipe_digest: str | None = Field(description="Its recipe digest.")


class Evaluation(BaseModel):
    """A result file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Protocol = Field(description="How it was scored.")
    split: str | None = Field(description="Split scored on; null for all.")
    n: int = Field(description="Samples scored.")
    metrics: dict[str, Score] = Field(description="Score of each metric, by id.")
    skipped: dict[str, str] = Field(description="Metrics without a score, and why.")
    breakdowns: dict[str, list[Group]] = Field(
        default_factory=dict,
        description="Scores by joint, by state and by hardness; keys joint, state, hardness.",
    )
    curves: dict[str, Curve] = Field(
        default_factory=dict, description="PCK over thresholds; keys pck_2d, pck_3d."
    )
    warnings: list[str] = Field(
        default_factory=list, description="What looks wrong but could be scored, a sentence each."
    )
    interval: str = Field(description="What the intervals are.")
    samples_file: str = Field(description="Parquet of each sample's errors, beside this file.")
    provenance: Provenance = Field(description="Where it came from.")


def read_evaluation(path: Path) -> Evaluation:
    """Reads a result file.

    Raises:
        InputError: It is missing or not a result of `evaluate`.
    """
    try:
        return Evaluation.model_validate_json(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected a result of evaluate.") from error
    except ValidationError as error:
        first = error.errors()[0]
        problem = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
        raise InputError(f"{path}: not a result of evaluate ({problem}).") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a result of evaluate ({error}).") from error


def evaluate(predictions: Path, data: str, protocol: str | None, out: Path) -> dict[str, Any]:
    """Scores predictions on a data set.

    Args:
        predictions: Parquet file keyed by sample id.
        data: ROOT[:SPLIT] of the manifest that holds the truth.
        protocol: Id of a protocol; None for the data set's own.
        out: Result file (JSON) to write. A Parquet file beside it, named in the result, holds each
            sample's mean of every metric: sample_id, then one column a metric.

    Returns:
        The result as written, an `Evaluation`.

    Raises:
        InputError: A file is missing or damaged, the data set is not complete or not the one that
            was predicted, skeletons differ, a sample id is missing, unknown or there twice, a
            coordinate is not finite, or nothing can be scored.
    """
    found = read_predictions(predictions)
    info, ids = found.info, found.sample_ids
    root, split = parse_data_source(data)
    manifest = Manifest.open(root)
    _refuse_other_data(predictions, info, manifest)
    rules = find_protocol(protocol, manifest.info)
    table = manifest.table(split, ["sample_id", "joints_2d", "joints_3d", "joint_state", "box"])
    true_ids = table["sample_id"].to_pylist()
    order = _match(predictions, data, ids, true_ids)

    skeleton = SKELETONS[info.skeleton]
    num_joints, root_joint = skeleton.num_joints, skeleton.index(rules.root)
    truth_px = column_array(table, "joints_2d", num_joints, 2)
    counted = rules.counts(column_array(table, "joint_state", num_joints))
    size_px = rules.size_px(truth_px, counted, column_array(table, "box", 4))
    truths = {2: truth_px, 3: column_array(table, "joints_3d", num_joints, 3)}
    predicted = {2: found.joints_2d, 3: found.joints_3d}

    pairs: dict[int, Comparison | str] = {}
    for dimensions, truth in truths.items():
        joints = predicted[dimensions]
        if joints is None:
            pairs[dimensions] = f"the predictions hold no joints_{dimensions}d"
            continue
        joints = joints[order]
        valid = counted & np.isfinite(truth).all(-1)
        if dimensions == 2:
            valid &= (size_px > 0)[:, None]
        else:
            whole = valid[:, root_joint] & (valid.sum(-1) >= MIN_JOINTS_3D)
            valid &= whole[:, None]
        _refuse_not_finite(predictions, dimensions, true_ids, joints, valid)
        if valid.any():
            pairs[dimensions] = Comparison(joints, truth, valid, size_px, skeleton, root_joint)
        else:
            pairs[dimensions] = f"the data set has no joints_{dimensions}d that count"

    scores, skipped, columns = {}, {}, {"sample_id": true_ids}
    for name in rules.metrics:
        metric = METRICS[name]
        pair = pairs[metric.dimensions]
        if isinstance(pair, str):
            skipped[name] = pair
            continue
        with np.errstate(invalid="ignore"):
            values = metric.per_joint(pair)
        low, high = bootstrap_interval(
            values, pair.valid, metric.averaging, level=LEVEL,
            num_resamples=NUM_RESAMPLES, seed=SEED,
        )  # fmt: skip
        scores[name] = Score(
            value=average(values, pair.valid, metric.averaging), low=low, high=high,
            unit=metric.unit, n=int(pair.valid.any(-1).sum()), definition=metric.definition,
        )  # fmt: skip
        columns[name] = per_sample(values, pair.valid)
    if not scores:
        reasons = "; ".join(dict.fromkeys(skipped.values()))
        raise InputError(f"{predictions}: nothing can be scored on {data} ({reasons}).")

    samples_file = out.with_suffix(".samples.parquet")
    result = Evaluation(
        protocol=rules,
        split=split,
        n=len(true_ids),
        metrics=scores,
        skipped=skipped,
        interval=f"{LEVEL:.0%} percentile bootstrap over samples, {NUM_RESAMPLES} resamples, "
        f"seed {SEED}",
        samples_file=samples_file.name,
        provenance=Provenance(
            predictions=str(predictions),
            predictions_sha256=file_sha256(predictions),
            prediction_info=info,
            data=root,
            data_name=manifest.info.name,
            data_recipe_digest=manifest.info.recipe_digest,
        ),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_atomically(samples_file, sink.getvalue().to_pybytes())
    document = result.model_dump(mode="json")
    write_atomically(out, f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode())
    return document


def _refuse_other_data(predictions: Path, info: PredictionInfo, manifest: Manifest) -> None:
    root, data = manifest.root, manifest.info
    if data.state != "complete":
        raise InputError(f"{root}: state is {data.state!r}, expected a complete data set.")
    if info.skeleton != data.skeleton:
        raise InputError(
            f"{predictions}: skeleton is {info.skeleton!r}, expected {root}'s {data.skeleton!r}."
        )
    # Sample ids do not tell: two renders of different recipes have the same.
    predicted, scored = info.data_recipe_digest, data.recipe_digest
    if predicted and scored and predicted != scored:
        raise InputError(
            f"{predictions}: predicted on a data set with recipe digest {predicted[:12]}, "
            f"expected {root}'s {scored[:12]}."
        )


def _match(predictions: Path, data: str, ids: list[str], true_ids: list[str]) -> list[int]:
    """Where each true sample stands among the predictions."""
    position = {sample: row for row, sample in enumerate(ids)}
    if len(position) != len(ids):
        twice = next(sample for row, sample in enumerate(ids) if position[sample] != row)
        raise InputError(f"{predictions}: sample_id {twice!r} occurs twice, expected unique ids.")
    missing = [sample for sample in true_ids if sample not in position]
    if missing:
        raise InputError(
            f"{predictions}: {len(missing)} of the {len(true_ids)} samples of {data} have no "
            f"prediction, {missing[0]!r} among them; expected all."
        )
    unknown = position.keys() - set(true_ids)
    if unknown:
        raise InputError(
            f"{predictions}: {len(unknown)} sample ids are not in {data}, {min(unknown)!r} among "
            "them; expected none."
        )
    return [position[sample] for sample in true_ids]


def _refuse_not_finite(
    predictions: Path, dimensions: int, ids: list[str], joints: np.ndarray, valid: np.ndarray
) -> None:
    # A sample that does not count may have no prediction: 3-D needs a camera, which some lack.
    wrong = valid.any(-1) & ~np.isfinite(joints).all((1, 2))
    if wrong.any():
        raise InputError(
            f"{predictions}: joints_{dimensions}d of sample {ids[int(wrong.argmax())]!r} are not "
            f"all finite ({wrong.sum()} such samples); expected numbers for every joint."
        )
