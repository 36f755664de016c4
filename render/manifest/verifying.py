"""Is a data set whole and true? Every image, every digest, every label that can be checked."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from PIL import Image
from tqdm import tqdm

from mano_assets.errors import InputError
from render.manifest.conventions import HAND_SIDES, JointState, project
from render.manifest.reading import Manifest, column_array

REPROJECTION_TOLERANCE_PX = 1e-3


def verify(root: str) -> list[str]:
    """Checks a data set.

    Args:
        root: Data set folder or URL.

    Returns:
        One sentence for each thing that is wrong; empty when it is whole and true.

    Raises:
        InputError: It is not a data set at all.
    """
    manifest = Manifest.open(root)
    problems: list[str] = []
    if manifest.info.state != "complete":
        problems.append(f"dataset.json: state is {manifest.info.state!r}, expected 'complete'.")
    if len(manifest.parts) != manifest.info.num_parts:
        problems.append(
            f"manifest: {len(manifest.parts)} parts, "
            f"dataset.json expects {manifest.info.num_parts}."
        )
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    for part in tqdm(manifest.parts, desc="verify", unit="part", leave=False):
        try:
            table = manifest.read_part(part)
        except InputError as error:
            problems.append(str(error))
            continue
        counts.update(table["split"].to_pylist())
        problems += [f"{part}: {problem}" for problem in _check_labels(table, seen)]
        problems += [f"{part}: {problem}" for problem in _check_images(manifest, table)]
    if not problems and dict(counts) != manifest.info.counts:
        problems.append(f"dataset.json: counts are {manifest.info.counts}, found {dict(counts)}.")
    return problems


def _check_labels(table: pa.Table, seen: set[str]) -> Iterator[str]:
    ids = table["sample_id"].to_pylist()
    joints_2d = column_array(table, "joints_2d", 21, 2)
    joints_3d = column_array(table, "joints_3d", 21, 3)
    camera_k = column_array(table, "camera_k", 3, 3)
    state = column_array(table, "joint_state", 21)
    reprojection = np.abs(project(joints_3d, camera_k) - joints_2d)
    for row, sample in enumerate(ids):
        if sample in seen:
            yield f"sample_id {sample!r} occurs twice, expected unique ids."
        seen.add(sample)
        labelled = (state[row] != JointState.MISSING) & ~np.isnan(state[row])
        if np.isnan(joints_2d[row][labelled]).any():
            yield f"{sample}: a joint that is not MISSING has no joints_2d."
        missing = state[row] == JointState.MISSING
        for name, joints in (("joints_2d", joints_2d), ("joints_3d", joints_3d)):
            if not np.isnan(joints[row][missing]).all():
                yield f"{sample}: a joint that is MISSING has numbers in {name}, expected NaN."
        errors = reprojection[row][~np.isnan(reprojection[row])]
        if errors.size and errors.max() > REPROJECTION_TOLERANCE_PX:
            yield f"{sample}: joints_3d projects {errors.max():.3g} px from joints_2d."
    for side in set(table["side"].to_pylist()) - {None, *HAND_SIDES}:
        yield f"side is {side!r}, expected one of {', '.join(HAND_SIDES)}."


def _check_images(manifest: Manifest, table: pa.Table) -> Iterator[str]:
    columns = ("sample_id", "image_shard", "image_offset", "image_size", "image_sha256")
    for row in table.select([*columns, "width", "height"]).to_pylist():
        try:
            data = manifest.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
        except InputError as error:
            yield str(error)
            return
        if hashlib.sha256(data).hexdigest() != row["image_sha256"]:
            yield f"{row['sample_id']}: the image's bytes differ from image_sha256."
            continue
        try:
            with Image.open(io.BytesIO(data)) as image:
                size = image.size
                image.load()
        except OSError:
            yield f"{row['sample_id']}: the image cannot be decoded."
            continue
        if size != (row["width"], row["height"]):
            yield f"{row['sample_id']}: image is {size}, expected width x height."
