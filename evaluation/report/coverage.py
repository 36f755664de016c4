"""Pictures of what a rendered data set holds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report import plots
from evaluation.report.pictures import Picture, PictureFolder, sample_image
from mano_assets.hand import MIRROR_AXIS_ANGLE
from render.manifest import Manifest
from render.manifest.pictures import contact_sheet
from render.manifest.reading import column_array

SHEET_COLUMNS = 12
SHEET_IMAGES = 36


def contact_sheets(folder: PictureFolder, manifest: Manifest) -> list[Picture]:
    """Random images of each split, the same ones every time."""
    pictures = []
    for split in _largest_first(manifest):
        count = manifest.info.counts[split]
        rows = manifest.table(split, ["image_shard", "image_offset", "image_size"])
        random = np.random.default_rng(0)
        chosen = np.sort(random.permutation(count)[:SHEET_IMAGES])
        images = [sample_image(manifest, rows, int(row)) for row in chosen]
        alt = f"{len(images)} random images of the split {split}"
        sheet = contact_sheet(images, SHEET_COLUMNS)
        name = f"sheet-{manifest.info.name}-{split}"
        pictures.append(folder.photo(name, sheet, alt, f"{split}, {count:,} images"))
    return pictures


def coverage(folder: PictureFolder, manifest: Manifest) -> list[Picture]:
    """Joint angles, the map of poses, and appearance, as far as the manifest knows them."""
    columns = [
        "split", "side", "mano_pose", "pose_family", "skin_tone", "environment", "hardness",
    ]  # fmt: skip
    rows = manifest.table(columns=columns)
    name, splits = manifest.info.name, _largest_first(manifest)
    pictures = []
    posed = rows.filter(pc.field("mano_pose").is_valid())
    if posed.num_rows:
        by_split = {s: column_array(_of(posed, s), "mano_pose", 45) for s in splits}
        by_split = {split: pose for split, pose in by_split.items() if len(pose)}
        families = [family or "unnamed" for family in posed["pose_family"].to_pylist()]
        of_row = posed["split"].to_pylist()
        left = np.array(posed["side"].to_pylist())[:, None] == "left"
        as_right = np.where(left, np.tile(MIRROR_AXIS_ANGLE, 15), 1.0)
        poses = column_array(posed, "mano_pose", 45) * as_right
        pictures += [
            folder.dense_plot(
                f"angles-{name}",
                lambda theme: plots.joint_angles(theme, by_split),
                "Histograms of the rotation of each finger joint by split",
                "How far each joint is turned from the zero pose; the rows go from knuckle to tip.",
            ),
            folder.dense_plot(
                f"poses-{name}",
                lambda theme: plots.pose_map(theme, poses, of_row, families, list(by_split)),
                "Scatter plots of the poses on their two main axes, by split and by family",
                "Every pose on the two directions in which poses differ most; left hands are "
                "mirrored to right ones.",
            ),
        ]
    if rows["skin_tone"].null_count < rows.num_rows:
        skin = rows["skin_tone"].to_numpy()
        environments = rows["environment"].to_pylist()
        hardness = {s: _of(rows, s)["hardness"].to_numpy().astype(float) for s in splits}
        pictures.append(
            folder.dense_plot(
                f"appearance-{name}",
                lambda theme: plots.appearance(theme, skin, environments, hardness),
                "Histograms of skin tone, environment light and hardness of the pose",
            )
        )
    return pictures


def _largest_first(manifest: Manifest) -> list[str]:
    counts = manifest.info.counts
    return sorted(counts, key=lambda split: -counts[split])


def _of(rows: pa.Table, split: str) -> pa.Table:
    return rows.filter(pc.field("split") == split)
