"""The public data sets by name, and the stage that turns one into a manifest."""

from __future__ import annotations

import itertools
from importlib.metadata import version
from pathlib import Path

from evaluation.datasets.adapter import Adapter
from evaluation.datasets.coco_wholebody import COCO_WHOLEBODY
from evaluation.datasets.interhand26m import INTERHAND26M
from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from render.manifest import DatasetInfo, Manifest, write_dataset

DATASETS: dict[str, Adapter] = {adapter.name: adapter for adapter in (INTERHAND26M, COCO_WHOLEBODY)}


def import_dataset(name: str, root: Path, split: str, out: Path) -> DatasetInfo:
    """Reads a public data set's original files into a manifest; images keep their bytes.

    Args:
        name: One of `DATASETS`.
        root: Folder of the data set as distributed.
        split: One of its splits.
        out: Data set folder to write; an earlier import of the same is replaced.

    Returns:
        The description as written. `assets` holds the digests of the annotation files, and the
        recipe digest covers them, the name and the split.

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
        if held.recipe != recipe:
            raise InputError(
                f"{out}: holds data set {held.name!r}, expected an empty folder or an earlier "
                f"import of {name} {split}."
            )
    assets = {
        path.name: _digest(path, root, name) for path in adapter.annotation_files(root, split)
    }
    info = DatasetInfo(
        name=name,
        kind="real",
        state="rendering",
        recipe=recipe,
        recipe_digest=json_digest({**recipe, "assets": assets}),
        assets=assets,
        code_version=version("handforge"),
        licence=adapter.licence,
        source=adapter.source,
    )
    samples = adapter.samples(root, split)
    # The first sample comes after all the checks: only then may an earlier import be replaced.
    first = list(itertools.islice(samples, 1))
    return write_dataset(out, info, itertools.chain(first, samples))


def _digest(path: Path, root: Path, name: str) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read, expected this annotation file of {name} under {root}."
        ) from error
