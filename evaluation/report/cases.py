"""The best, the median and the worst sample of a model on a target, truth beside prediction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from evaluation.report import plots
from evaluation.report.drawing import overlay_pair
from evaluation.report.inputs import Scored
from evaluation.report.pictures import Picture, PictureFolder, known_box, sample_image
from mano_assets.skeleton import SKELETONS
from render.manifest.reading import column_array


@dataclass(frozen=True)
class Case:
    """What a model makes of a target's extremes; empty without that dimension."""

    label: str
    overlays: list[Picture]
    hands_3d: list[Picture]


def cases(folder: PictureFolder, scored: Scored) -> Case:
    """Draws and saves a model's cases."""
    return Case(scored.label, _overlays(folder, scored), _hands_3d(folder, scored))


def _overlays(folder: PictureFolder, scored: Scored) -> list[Picture]:
    errors, predicted = scored.sample_errors("nme"), scored.predicted[2]
    if errors is None or predicted is None:
        return []
    errors_px = scored.sample_errors("epe_px")
    truth = column_array(scored.rows, "joints_2d", *predicted.shape[1:])
    boxes = column_array(scored.rows, "box", 4)
    skeleton = SKELETONS[scored.manifest.info.skeleton]
    pictures = []
    for rank, row in _ranked(errors):
        image = sample_image(scored.manifest, scored.rows, row)
        pair = overlay_pair(image, known_box(boxes, row), truth[row], predicted[row], skeleton)
        sample = scored.rows["sample_id"][row].as_py()
        in_px = "" if errors_px is None else f", {errors_px[row]:.1f} px"
        pictures.append(
            folder.photo(
                f"overlay-{scored.path.stem}-{rank}",
                pair,
                f"True joints, then those predicted by {scored.label}, of {sample}",
                f"{rank}: {errors[row]:.1%} of the hand{in_px} · {sample}",
            )
        )
    return pictures


def _hands_3d(folder: PictureFolder, scored: Scored) -> list[Picture]:
    errors, predicted = scored.sample_errors("mpjpe_mm"), scored.predicted[3]
    if errors is None or predicted is None:
        return []
    truth = column_array(scored.rows, "joints_3d", *predicted.shape[1:])
    skeleton = SKELETONS[scored.manifest.info.skeleton]
    pictures = []
    for rank, row in _ranked(errors):
        true, found = truth[row], predicted[row]
        pictures.append(
            folder.plot(
                f"hand3d-{scored.path.stem}-{rank}",
                partial(plots.hand_3d, truth=true, predicted=found, skeleton=skeleton),
                f"The {rank} hand of {scored.label} on {scored.target} in 3-D, from two sides",
                f"{rank}: {errors[row]:.0f} mm · {scored.rows['sample_id'][row].as_py()}",
            )
        )
    return pictures


def _ranked(errors: np.ndarray) -> list[tuple[str, int]]:
    """Rows of the best, median and worst sample among those that have an error."""
    order = np.argsort(errors)[: int(np.isfinite(errors).sum())]
    if not len(order):
        return []
    ranks = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    return [(rank, int(order[position])) for rank, position in ranks.items()]
