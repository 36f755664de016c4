"""The public data sets by name, and the stage that turns one into a manifest."""

from __future__ import annotations

import itertools
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evaluation.datasets.adapter import Adapter
from evaluation.datasets.coco_wholebody import COCO_WHOLEBODY
from evaluation.datasets.freihand import FREIHAND
from evaluation.datasets.hiu_dmtl import HIU_DMTL
from evaluation.datasets.interhand26m import INTERHAND26M
from evaluation.datasets.mmpose_json import MMPOSE_ADAPTERS
from evaluation.datasets.onehand10k import ONEHAND10K
from evaluation.datasets.panoptic import PANOPTIC
from evaluation.datasets.rhd import RHD
from evaluation.datasets.stand_in import EXPORT_FILE, read_export
from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from render.manifest import DatasetInfo, Manifest, write_dataset

DATASETS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        FREIHAND, INTERHAND26M, HIU_DMTL, COCO_WHOLEBODY, PANOPTIC, ONEHAND10K, RHD,
        *MMPOSE_ADAPTERS,
    )
}  # fmt: skip

MOST_LISTED = 8
"""Annotation files whose digests are listed one by one in `dataset.json`."""


def import_dataset(name: str, root: Path, split: str, out: Path) -> DatasetInfo:
    """Reads a public data set's original files into a manifest; images keep their bytes.

    Args:
        name: One of `DATASETS`.
        root: Folder of the data set as distributed.
        split: One of its splits.
        out: Data set folder to write; an earlier import of the same is replaced.

    What `handforge export` wrote is told by the file that it leaves: it becomes a stand-in for the
    public data set, never that data set.

    Returns:
        The description as written. `assets` holds the digests of the annotation files, and the
        recipe digest covers them, the name, the split and what of it is there.

    Raises:
        InputError: Unknown name or split, a file is missing or damaged, the labels cannot be hands,
            or `out` holds another data set or anything else.
    """
    if name not in DATASETS:
        raise InputError(f"data set {name!r} is unknown, expected one of {', '.join(DATASETS)}.")
    adapter = DATASETS[name]
    if split not in adapter.splits:
        raise InputError(
            f"split {split!r} is not in {name}, expected one of {', '.join(adapter.splits)}."
        )
    recipe = {"import": name, "split": split}
    if (out / "dataset.json").exists():
        held = Manifest.open(str(out)).info
        if not recipe.items() <= (held.recipe or {}).items():
            raise InputError(
                f"{out}: holds data set {held.name!r}, expected an empty folder or an earlier "
                f"import of {name} {split}."
            )
    assets = _digests(adapter, root, split)
    info = _described(adapter, root, {**recipe, **adapter.content(root, split)}, assets)
    samples = adapter.samples(root, split)
    # The first sample comes after all the checks: only then may an earlier import be replaced.
    first = list(itertools.islice(samples, 1))
    return write_dataset(out, info, itertools.chain(first, samples))


def _described(
    adapter: Adapter, root: Path, recipe: dict[str, Any], assets: dict[str, str]
) -> DatasetInfo:
    export = read_export(root)
    if export is not None:
        assets = {**assets, EXPORT_FILE: file_sha256(root / EXPORT_FILE)}
        recipe = {**recipe, "export": export.model_dump(exclude={"sample_ids"})}
    return DatasetInfo(
        name=adapter.name if export is None else f"{adapter.name}-stand-in",
        kind="real" if export is None else export.data_kind,
        state="rendering",
        recipe=recipe,
        recipe_digest=json_digest({**recipe, "assets": assets}),
        assets=assets,
        code_version=version("handforge"),
        licence=adapter.licence if export is None else export.data_licence,
        source=adapter.source if export is None else None,
        stand_in_for=None if export is None else adapter.name,
    )


def _digests(adapter: Adapter, root: Path, split: str) -> dict[str, str]:
    """Of the annotation files by name; of all together where every image has its own."""
    files = adapter.annotation_files(root, split)
    digests = {path.name: _digest(path, root, adapter) for path in files}
    if len(digests) <= MOST_LISTED:
        return digests
    return {f"{len(digests)} annotation files": json_digest(digests)}


def _digest(path: Path, root: Path, adapter: Adapter) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read, expected this annotation file of {adapter.name} under "
            f"{root}; the data set is to be had from {adapter.source}."
        ) from error
