"""The evaluate stage: predictions and a data set to a result file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evaluation.breakdowns import Measured, breakdowns, draws, interval_text
from evaluation.curves import curves
from evaluation.metrics import METRICS, Comparison, Metric
from evaluation.prediction_checks import (
    HandFacts,
    check_predictions,
    match_ids,
    refuse_not_finite,
)
from evaluation.protocols import Protocol, find_protocol
from evaluation.results import Curve, Evaluation, Group, Provenance, Score, read_evaluation
from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.skeleton import SKELETONS
from render.manifest import DatasetInfo, Manifest, parse_data_source
from render.manifest.predictions import PredictionInfo, Predictions, read_predictions
from render.manifest.reading import column_array
from render.manifest.writing import write_atomically

__all__ = [
    "Curve", "Evaluation", "Group", "Provenance", "Score", "evaluate", "only_split",
    "read_evaluation",
]  # fmt: skip

MIN_JOINTS_3D = 4
"""Fewer points than this do not fix a rotation and a scale, so such a hand has no 3-D errors."""

_SIZE = {"none": "truth", "size": "size of the hand", "head": "size of the head"}

_COLUMNS = [
    "sample_id", "side", "width", "height", "joints_2d", "joints_3d", "joint_state", "box",
    "head_size_px", "hardness",
]  # fmt: skip


@dataclass(frozen=True)
class _Truth:
    """What the manifest says of the samples scored."""

    sample_ids: list[str]
    joints: dict[int, np.ndarray]
    joint_state: np.ndarray
    hardness: np.ndarray
    head_px: np.ndarray
    facts: HandFacts


def evaluate(predictions: Path, data: str, protocol: str | None, out: Path) -> dict[str, Any]:
    """Scores predictions on a data set.

    Args:
        predictions: Parquet file keyed by sample id.
        data: ROOT[:SPLIT] of the manifest that holds the truth.
        protocol: Id of a protocol; None for the data set's own.
        out: Result file (JSON) to write. A Parquet file beside it, named in the result, holds each
            sample's mean of every metric: sample_id, then one column a metric, then as far as they
            were scored the lists joint_errors_px and joint_errors_mm (roots at the origin) of the
            joints, NaN where one does not count.

    Returns:
        The result as written, an `Evaluation`.

    Raises:
        InputError: A file is missing or damaged, the data set is not complete or not the one that
            was predicted, skeletons differ, the predictions have a mistake that
            `evaluation.prediction_checks` refuses, or nothing can be scored.
    """
    found = read_predictions(predictions)
    root, split = parse_data_source(data)
    manifest = Manifest.open(root)
    _refuse_other_data(predictions, found.info, manifest)
    rules = find_protocol(protocol, manifest.info)
    split = split or only_split(manifest.info)
    truth = _read_truth(manifest, split, found.info.skeleton)
    order = match_ids(predictions, data, found.sample_ids, truth.sample_ids)
    pairs, missing = _compare(predictions, found, order, truth, rules)
    right = found.right_probability
    facts = HandFacts(
        truth.facts.image_px, truth.facts.box_px, truth.facts.sides,
        None if right is None else right[order],
    )  # fmt: skip
    warnings = check_predictions(predictions, pairs, facts)
    if rules.splits and split not in rules.splits:
        warnings.append(
            f"scored on {f'split {split}' if split else 'all splits'}; published numbers of "
            f"protocol {rules.name} are of split {' or '.join(rules.splits)}."
        )

    resampling = draws(len(truth.sample_ids))
    columns: dict[str, Any] = {"sample_id": truth.sample_ids}
    scores: dict[str, Score] = {}
    skipped: dict[str, str] = {}
    measured: dict[str, Measured] = {}
    for name in rules.metrics:
        metric = METRICS[name]
        pair = pairs.get(metric.dimensions)
        if pair is None:
            skipped[name] = missing[metric.dimensions]
            continue
        each = Measured(metric, pair)
        score = each.score(resampling)
        if score is None:
            skipped[name] = f"the {_SIZE[metric.normaliser]} is not known for any sample"
            continue
        scores[name], measured[name], columns[name] = score, each, each.per_sample()
    if not scores:
        reasons = "; ".join(dict.fromkeys(skipped.values()))
        raise InputError(f"{predictions}: nothing can be scored on {data} ({reasons}).")

    samples_file = out.with_suffix(".samples.parquet")
    main = [next((m for m in scores if METRICS[m].dimensions == d), None) for d in sorted(pairs)]
    result = Evaluation(
        protocol=rules,
        split=split,
        n=len(truth.sample_ids),
        metrics=scores,
        skipped=skipped,
        breakdowns=breakdowns(
            [measured[name] for name in main if name], resampling, truth.joint_state,
            truth.hardness,
        ),
        curves=curves(pairs, rules.size),
        warnings=warnings,
        interval=interval_text(len(truth.sample_ids)),
        samples_file=samples_file.name,
        provenance=Provenance(
            predictions=str(predictions),
            predictions_sha256=file_sha256(predictions),
            prediction_info=found.info,
            data=root,
            data_name=manifest.info.name,
            data_recipe_digest=manifest.info.recipe_digest,
        ),
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    if 2 in pairs:
        columns["joint_errors_px"] = _lists(METRICS["epe_px"], pairs[2])
    if 3 in pairs:
        columns["joint_errors_mm"] = _lists(METRICS["mpjpe_mm"], pairs[3])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    write_atomically(samples_file, sink.getvalue().to_pybytes())
    document = result.model_dump(mode="json")
    write_atomically(out, f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode())
    return document


def only_split(info: DatasetInfo) -> str | None:
    """The split of a data set that has one, which is what all of it is; None where it has more."""
    splits = [*info.counts]
    return splits[0] if len(splits) == 1 else None


def _read_truth(manifest: Manifest, split: str | None, skeleton: str) -> _Truth:
    table = manifest.table(split, _COLUMNS)
    num_joints = SKELETONS[skeleton].num_joints

    def numbers(name: str) -> np.ndarray:
        return table[name].to_numpy().astype(np.float64)

    facts = HandFacts(
        image_px=np.stack([numbers("width"), numbers("height")], -1),
        box_px=column_array(table, "box", 4),
        sides=np.array(table["side"].to_pylist(), dtype=object),
    )
    return _Truth(
        sample_ids=table["sample_id"].to_pylist(),
        joints={d: column_array(table, f"joints_{d}d", num_joints, d) for d in (2, 3)},
        joint_state=column_array(table, "joint_state", num_joints),
        hardness=numbers("hardness"),
        head_px=numbers("head_size_px"),
        facts=facts,
    )


def _compare(
    predictions: Path, found: Predictions, order: list[int], truth: _Truth, rules: Protocol
) -> tuple[dict[int, Comparison], dict[int, str]]:
    """Comparisons by dimension, and why there is none."""
    skeleton = SKELETONS[found.info.skeleton]
    root = skeleton.index(rules.root) if rules.root in skeleton.joints else skeleton.root
    counted = rules.counts(truth.joint_state)
    labelled = counted & np.isfinite(truth.joints[2]).all(-1)
    facts = truth.facts
    size_px = rules.size_px(truth.joints[2], labelled, facts.box_px, facts.image_px, truth.head_px)
    pairs: dict[int, Comparison] = {}
    missing: dict[int, str] = {}
    for dimensions, joints in ((2, found.joints_2d), (3, found.joints_3d)):
        if joints is None:
            missing[dimensions] = f"the predictions hold no joints_{dimensions}d"
            continue
        joints, true = joints[order], truth.joints[dimensions]
        valid = counted & np.isfinite(true).all(-1)
        if dimensions == 3:
            valid &= (valid[:, root] & (valid.sum(-1) >= MIN_JOINTS_3D))[:, None]
        refuse_not_finite(predictions, dimensions, truth.sample_ids, joints, valid)
        if valid.any():
            pairs[dimensions] = Comparison(
                joints, true, valid, size_px, skeleton, root, truth.head_px
            )
        else:
            missing[dimensions] = f"the data set has no joints_{dimensions}d that count"
    return pairs, missing


def _lists(metric: Metric, pair: Comparison) -> pa.Array:
    flat = np.where(pair.valid, metric.values(pair), np.nan).astype(np.float32)
    offsets = np.arange(len(flat) + 1, dtype=np.int32) * flat.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.ravel()))


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
