"""The layouts by name, and the stage that writes a manifest in one of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tqdm import tqdm

from evaluation.datasets import DATASETS
from evaluation.datasets.stand_in import EXPORT_FILE, ExportRecord, read_export
from evaluation.exporting.coco_wholebody import COCO_WHOLEBODY
from evaluation.exporting.exporter import COLUMNS, Exporter, read_hands
from evaluation.exporting.freihand import FREIHAND
from evaluation.exporting.hiu_dmtl import HIU_DMTL
from evaluation.exporting.interhand26m import INTERHAND26M
from evaluation.exporting.mmpose_json import MMPOSE_EXPORTERS
from evaluation.exporting.onehand10k import ONEHAND10K
from evaluation.exporting.panoptic import PANOPTIC
from evaluation.exporting.rhd import RHD
from mano_assets.errors import InputError
from render.manifest import Manifest, parse_data_source

EXPORTERS: dict[str, Exporter] = {
    exporter.name: exporter
    for exporter in (
        FREIHAND, INTERHAND26M, HIU_DMTL, COCO_WHOLEBODY, PANOPTIC, ONEHAND10K, RHD,
        *MMPOSE_EXPORTERS,
    )
}  # fmt: skip


def export_dataset(name: str, data: str, out: Path, split: str | None = None) -> Path:
    """Writes a data set in the original layout of a public one.

    `import_dataset(name, out, split, ...)` reads it back; `handforge_export.json` beside it says
    what it is, so that it can never be taken for the public data set.

    Args:
        name: One of `EXPORTERS`.
        data: ROOT or ROOT:SPLIT of the data set.
        out: Folder to write; an earlier export in the same layout is replaced.
        split: Split of the layout; None for the layout's own choice, an evaluation split.

    Returns:
        `out`.

    Raises:
        InputError: Unknown layout or split, the data cannot be read or holds no hand that the
            layout can hold, or `out` holds anything else.
    """
    if name not in EXPORTERS:
        raise InputError(f"format {name!r} is unknown, expected one of {', '.join(EXPORTERS)}.")
    exporter, known = EXPORTERS[name], DATASETS[name].splits
    split = split or exporter.split
    if split not in known:
        raise InputError(f"split {split!r} is not in {name}, expected one of {', '.join(known)}.")
    root, data_split = parse_data_source(data)
    manifest = Manifest.open(root)
    table = manifest.table(data_split, COLUMNS)
    _refuse_to_overwrite(out, name)
    # Written beside and moved: what has the name is whole.
    unfinished = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    hands = tqdm(
        read_hands(manifest, table), desc=f"export {name} {split}", unit="hand", total=len(table)
    )
    try:
        sample_ids = exporter.write(iter(hands), unfinished, split)
        if not sample_ids:
            raise InputError(
                f"{data}: holds no hand that {name}'s layout can hold, expected {exporter.holds}."
            )
        record = ExportRecord(
            format=name,
            split=split,
            data_name=manifest.info.name,
            data_split=data_split,
            data_recipe_digest=manifest.info.recipe_digest,
            data_kind=manifest.info.kind,
            data_licence=manifest.info.licence,
            num_left_out=len(table) - len(sample_ids),
            sample_ids=sample_ids,
        )
        (unfinished / EXPORT_FILE).write_text(record.model_dump_json(indent=1) + "\n")
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if out.exists():
        shutil.rmtree(out)
    unfinished.rename(out)
    return out


def _refuse_to_overwrite(out: Path, name: str) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    record = read_export(out) if out.is_dir() else None
    if record is None or record.format != name:
        raise InputError(
            f"{out}: is not empty and not an earlier export in the layout of {name}, expected a "
            "new folder."
        )
