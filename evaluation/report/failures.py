"""The failure gallery: small pictures of the worst samples, and of a spread of the others.

Selection and facts are functions of arrays; the page's script filters by the facts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.report.drawing import overlay_small
from evaluation.report.inputs import Scored
from evaluation.report.pictures import Picture, PictureFolder, known_box, sample_image
from mano_assets.skeleton import SKELETONS
from render.manifest import JointState
from render.manifest.reading import column_array

MOST = 96
"""Pictures over all models and targets, but at least one of each."""

WORST_SHARE = 2 / 3
"""The other third shows what is usual, so that a failure can be told from it."""

JPEG_QUALITY = 80

STATES = {
    "self-occluded": JointState.SELF_OCCLUDED,
    "occluded": JointState.OCCLUDED,
    "outside": JointState.OUTSIDE,
}
"""By their key in the page's HTML."""


@dataclass(frozen=True)
class Shown:
    """A sample in the gallery.

    Attributes:
        picture: Truth and prediction over it.
        model: Who predicted.
        target: Data set and split.
        sample: Its id.
        error: Mean error of its counted joints over the hand's size.
        error_mm: The same in three dimensions, wrists at the origin; None without.
        hardness: Of its pose; None where not measured.
        shares: Share of its labelled joints in each of `STATES`.
    """

    picture: Picture
    model: str
    target: str
    sample: str
    error: float
    error_mm: float | None
    hardness: float | None
    shares: dict[str, float]


def failure_gallery(folder: PictureFolder, scored: Sequence[Scored]) -> list[Shown]:
    """Draws and saves the gallery, the largest error first.

    Args:
        folder: Where the pictures go.
        scored: Models on targets, without baselines; those without 2-D are left out.
    """
    drawable = [
        found
        for found in scored
        if found.predicted[2] is not None and found.sample_errors("nme") is not None
    ]
    quota = max(1, MOST // max(len(drawable), 1))
    shown = [sample for found in drawable for sample in _of_one(folder, found, quota)]
    return sorted(shown, key=lambda sample: -sample.error)


def choose(errors: np.ndarray, count: int) -> list[int]:
    """The worst samples and an even spread over the ranks of the others, the worst first.

    Args:
        errors: [N]; a sample whose error is NaN is never chosen.
        count: How many, fewer when there are not as many.

    Returns:
        Rows.
    """
    order = np.argsort(-errors, kind="stable")[: int(np.isfinite(errors).sum())]
    num_worst = min(math.ceil(count * WORST_SHARE), len(order))
    others = order[num_worst:]
    num_others = min(count - num_worst, len(others))
    places = np.round(np.linspace(0, len(others) - 1, num_others)).astype(int)
    return [*order[:num_worst].tolist(), *others[places].tolist()]


def state_shares(states: np.ndarray) -> dict[str, float]:
    """Share of a sample's labelled joints in each of `STATES`.

    Args:
        states: `JointState`s, [21]; NaN where not known.
    """
    known = np.nan_to_num(states, nan=JointState.UNKNOWN)
    labelled = known != JointState.MISSING
    return {
        key: float((known[labelled] == state).mean()) if labelled.any() else 0.0
        for key, state in STATES.items()
    }


def _of_one(folder: PictureFolder, scored: Scored, quota: int) -> list[Shown]:
    errors, errors_mm = scored.sample_errors("nme"), scored.sample_errors("mpjpe_mm")
    predicted = scored.predicted[2]
    assert errors is not None
    assert predicted is not None
    rows, skeleton = scored.rows, SKELETONS[scored.manifest.info.skeleton]
    truth = column_array(rows, "joints_2d", *predicted.shape[1:])
    states = column_array(rows, "joint_state", predicted.shape[1])
    boxes = column_array(rows, "box", 4)
    shown = []
    for row in choose(errors, quota):
        sample, hardness = rows["sample_id"][row].as_py(), rows["hardness"][row].as_py()
        tile = overlay_small(
            sample_image(scored.manifest, rows, row),
            known_box(boxes, row), truth[row], predicted[row], skeleton,
        )  # fmt: skip
        picture = folder.photo(
            f"small-{scored.path.stem}-{len(shown):02d}",
            tile,
            f"{scored.label} on {sample}: {errors[row]:.0%} of the hand's size off on average",
            quality=JPEG_QUALITY,
        )
        error_mm = None if errors_mm is None else float(errors_mm[row])
        shown.append(
            Shown(
                picture=picture,
                model=scored.label,
                target=scored.target,
                sample=sample,
                error=float(errors[row]),
                error_mm=error_mm if error_mm is not None and math.isfinite(error_mm) else None,
                hardness=hardness if hardness is not None and math.isfinite(hardness) else None,
                shares=state_shares(states[row]),
            )
        )
    return shown
