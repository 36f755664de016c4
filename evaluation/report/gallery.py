"""Everything on the page that is a picture: which samples are shown, drawn and saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure
from PIL import Image

from evaluation.report import plots
from evaluation.report.drawing import overlay_pair
from evaluation.report.inputs import Scored, Training
from mano_assets.hand import MIRROR_AXIS_ANGLE
from mano_assets.skeleton import SKELETONS
from render.manifest import Manifest
from render.manifest.pictures import contact_sheet, decode
from render.manifest.reading import column_array

FOLDER = "pictures"
SHEET_COLUMNS = 12
SHEET_IMAGES = 36
FIGURE_DPI = 192
"""Twice the 96 pixels an inch of CSS."""


@dataclass(frozen=True)
class Picture:
    """An image file of the page.

    Attributes:
        source: Path relative to the page.
        dark: The same for dark pages, or None.
        alt: What it shows, for those who do not see it.
        width: CSS pixels.
        height: CSS pixels.
        caption: Text below it.
    """

    source: str
    dark: str | None
    alt: str
    width: int
    height: int
    caption: str = ""


class Gallery:
    """Saves pictures into the page's folder."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._names: Counter[str] = Counter()
        (out / FOLDER).mkdir(parents=True, exist_ok=True)

    def photo(self, name: str, image: Image.Image, alt: str, caption: str = "") -> Picture:
        """Saves an image, to be shown at up to its own size."""
        source = f"{FOLDER}/{self._unique(name)}.jpg"
        image.save(self._out / source, quality=90, subsampling=0)
        return Picture(source, None, alt, image.width, image.height, caption)

    def plot(
        self, name: str, draw: Callable[[plots.Theme], Figure], alt: str, caption: str = ""
    ) -> Picture:
        """Saves a plot for light and for dark pages."""
        name = self._unique(name)
        width = height = 0
        for theme in plots.THEMES:
            with plots.themed(theme):
                figure = draw(theme)
                figure.savefig(self._out / FOLDER / f"{name}-{theme.name}.png", dpi=FIGURE_DPI)
            width, height = (round(96 * inches) for inches in figure.get_size_inches())
        light, dark = (f"{FOLDER}/{name}-{theme.name}.png" for theme in plots.THEMES)
        return Picture(light, dark, alt, width, height, caption)

    def _unique(self, name: str) -> str:
        # Several runs on one page may use the same names.
        self._names[name] += 1
        count = self._names[name]
        return name if count == 1 else f"{name}-{count}"

    def contact_sheets(self, manifest: Manifest) -> list[Picture]:
        """Random images of each split, the same ones every time."""
        pictures = []
        for split in _largest_first(manifest):
            count = manifest.info.counts[split]
            rows = manifest.table(split)
            random = np.random.default_rng(0)
            chosen = np.sort(random.permutation(count)[:SHEET_IMAGES])
            images = [_image(manifest, rows, int(row)) for row in chosen]
            alt = f"{len(images)} random images of the split {split}"
            sheet = contact_sheet(images, SHEET_COLUMNS)
            name = f"sheet-{manifest.info.name}-{split}"
            pictures.append(self.photo(name, sheet, alt, f"{split}, {count:,} images"))
        return pictures

    def overlays(self, scored: Scored) -> list[Picture]:
        """Best, median and worst sample, truth beside prediction; empty without 2-D."""
        errors, predicted = scored.sample_errors("epe_px"), scored.predicted[2]
        if errors is None or predicted is None:
            return []
        truth = column_array(scored.rows, "joints_2d", *predicted.shape[1:])
        boxes = column_array(scored.rows, "box", 4)
        skeleton = SKELETONS[scored.manifest.info.skeleton]
        pictures = []
        for rank, row in _ranked(errors):
            image = _image(scored.manifest, scored.rows, row)
            box = boxes[row] if np.isfinite(boxes[row]).all() else None
            sample = scored.rows["sample_id"][row].as_py()
            pictures.append(
                self.photo(
                    f"overlay-{scored.path.stem}-{rank}",
                    overlay_pair(image, box, truth[row], predicted[row], skeleton),
                    f"True joints, then those predicted by {scored.label}, of {sample}",
                    f"{rank}: {errors[row]:.1f} px · {sample}",
                )
            )
        return pictures

    def hands_3d(self, scored: Scored) -> Picture | None:
        """Best, median and worst sample in three dimensions; None without 3-D."""
        errors, predicted = scored.sample_errors("mpjpe_mm"), scored.predicted[3]
        if errors is None or predicted is None:
            return None
        truth = column_array(scored.rows, "joints_3d", *predicted.shape[1:])
        skeleton = SKELETONS[scored.manifest.info.skeleton]
        hands = [
            (f"{rank}: {errors[row]:.0f} mm", truth[row], predicted[row])
            for rank, row in _ranked(errors)
        ]
        return self.plot(
            f"hands3d-{scored.path.stem}",
            lambda theme: plots.hands_3d(theme, hands, skeleton),
            f"Best, median and worst hand of {scored.label} on {scored.target} in 3-D, two views",
        )

    def coverage(self, manifest: Manifest) -> list[Picture]:
        """Joint angles, the map of poses, and appearance, as far as the manifest knows them."""
        columns = [
            "split",
            "side",
            "mano_pose",
            "pose_family",
            "skin_tone",
            "environment",
            "hardness",
        ]
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
                self.plot(
                    f"angles-{name}",
                    lambda theme: plots.joint_angles(theme, by_split),
                    "Histograms of the rotation of each finger joint by split",
                    "How far each joint is turned from the zero pose; the rows go from "
                    "knuckle to tip.",
                ),
                self.plot(
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
                self.plot(
                    f"appearance-{name}",
                    lambda theme: plots.appearance(theme, skin, environments, hardness),
                    "Histograms of skin tone, environment light and hardness of the pose",
                )
            )
        return pictures

    def losses(self, runs: list[Training]) -> Picture | None:
        """Loss curves of the runs that have any."""
        curves = {run.label: run.losses for run in runs if run.losses}
        if not curves:
            return None
        return self.plot(
            "losses",
            lambda theme: plots.loss_curves(theme, curves),
            "Training and validation loss over steps of " + ", ".join(curves),
            "Each model has its own loss; heights do not compare between models.",
        )


def _ranked(errors: np.ndarray) -> list[tuple[str, int]]:
    """Rows of the best, median and worst sample among those that have an error."""
    order = np.argsort(errors)[: int(np.isfinite(errors).sum())]
    ranks = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    return [(rank, int(order[position])) for rank, position in ranks.items()]


def _image(manifest: Manifest, rows: pa.Table, row: int) -> Image.Image:
    shard, offset, size = (
        rows[f"image_{part}"][row].as_py() for part in ("shard", "offset", "size")
    )
    return decode(manifest.read_bytes(shard, offset, size))


def _largest_first(manifest: Manifest) -> list[str]:
    counts = manifest.info.counts
    return sorted(counts, key=lambda split: -counts[split])


def _of(rows: pa.Table, split: str) -> pa.Table:
    return rows.filter(pc.field("split") == split)
