"""Checks of predictions before they are scored: nothing wrong is averaged in silently.

The rule: a mistake of the whole file is refused in a sentence that names it - samples missing,
unknown or there twice, numbers that are not finite, another unit, normalised coordinates or those
of a crop, another joint order or frame, and hands that are mostly mirrored. What concerns single
hands or one side may be the model's own mistake: it is scored, and a warning holds the count. In
files of fewer than `MIN_HANDS` hands chance can do what looks like a mistake, and so can a model
that gives one pose whatever the image, so they get a warning instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation import prediction_mistakes as mistakes
from evaluation.metrics import Comparison
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import HAND_SIDES

MIN_HANDS = 5

MAX_PROBED = 2000
"""Hands that are looked at for a mistake of the whole file, evenly over it."""

MIN_JOINTS = 3
"""Hands with fewer joints that count have no shape to compare."""

ODD_BONES = 3.0
"""Bones so many times too long or too short are told of."""


@dataclass(frozen=True)
class HandFacts:
    """What is known of the hands beside their joints, in the order of the truth.

    Attributes:
        image_px: Width and height of the images, [N, 2].
        box_px: The manifest's boxes, [N, 4]; NaN where there is none.
        sides: Side of each hand as in `HAND_SIDES`, or None, [N].
        right_probability: As predicted, [N], NaN where not; None if the file has none.
    """

    image_px: np.ndarray
    box_px: np.ndarray
    sides: np.ndarray
    right_probability: np.ndarray | None = None


def match_ids(predictions: Path, data: str, ids: list[str], true_ids: list[str]) -> list[int]:
    """Where each true sample stands among the predictions.

    Raises:
        InputError: An id is there twice, missing or unknown.
    """
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


def refuse_not_finite(
    predictions: Path, dimensions: int, ids: list[str], joints: np.ndarray, valid: np.ndarray
) -> None:
    """Refuses joints that are no numbers.

    A sample that does not count may have no prediction: 3-D needs a camera, which some lack.

    Raises:
        InputError: A sample of which a joint counts has one that is not finite.
    """
    wrong = valid.any(-1) & ~np.isfinite(joints).all((1, 2))
    if wrong.any():
        raise InputError(
            f"{predictions}: joints_{dimensions}d of sample {ids[int(wrong.argmax())]!r} are not "
            f"all finite ({wrong.sum()} such samples); expected numbers for every joint."
        )


def check_predictions(
    predictions: Path, pairs: dict[int, Comparison], facts: HandFacts
) -> list[str]:
    """Looks for units, frames, joint orders and sides that cannot be meant.

    Args:
        predictions: File to name.
        pairs: Comparisons by dimension, finite where they count.
        facts: What else is known of the hands.

    Returns:
        Warnings, a sentence each.

    Raises:
        InputError: The whole file has such a mistake; see the module.
    """
    warnings: list[str] = []
    for dimensions, pair in sorted(pairs.items()):
        rows = np.flatnonzero(pair.valid.sum(-1) >= MIN_JOINTS)
        if not rows.size:
            continue
        probed = rows[:: -(-len(rows) // MAX_PROBED)]
        few = pair.rows(probed)
        # The first mistake explains what looks like others.
        in_numbers = mistakes.wrong_unit(few) if dimensions == 3 else mistakes.normalised(few)
        mistake, count = in_numbers or mistakes.misread(few, dimensions), len(probed)
        if mistake is None and dimensions == 2:
            mistake = mistakes.crop_coordinates(few)
        if mistake is None and pair.skeleton.name == HAND21.name:
            mistake, count, told = _mirrored(pair, rows, facts, dimensions)
            warnings += told
        if mistake is None:
            warnings += _odd_bones(pair) if dimensions == 3 else []
        elif in_numbers is None and mistakes.is_one_pose(few):
            warnings.append(f"{mistake} (of one pose for all {count} hands: it may be chance).")
        elif count >= MIN_HANDS:
            raise InputError(f"{predictions}: {mistake}.")
        else:
            warnings.append(f"{mistake} (of {count} hands: it may be chance).")
    return warnings + _other_sides(facts)


def _mirrored(
    pair: Comparison, rows: np.ndarray, facts: HandFacts, dimensions: int
) -> tuple[str | None, int, list[str]]:
    """A mistake of most hands, of how many hands, or warnings.

    If only left hands are mirrored, the model may have learned from right hands alone.
    """
    if dimensions == 3:
        mirrored = pair.each(mistakes.mirrored_in_space)[rows]
    else:
        mirrored = mistakes.mirrored_in_image(pair, facts.image_px, facts.box_px)[rows]
    if not mirrored.any():
        return None, 0, []
    sides = facts.sides[rows]
    others = ~np.isin(sides, HAND_SIDES)
    parts = {"": others, **{f"{side} ": sides == side for side in HAND_SIDES}}
    most = {name for name, part in parts.items() if 2 * mirrored[part].sum() > part.sum()}
    fit = "fit the truth at least twice as well mirrored"
    there = {name for name, part in parts.items() if part.any()}
    # So few say nothing of their side, unless they are all there are.
    judged = {name for name in there if parts[name].sum() >= MIN_HANDS} or there
    if judged <= most and judged != {f"{HAND_SIDES[1]} "}:
        return (
            f"joints_{dimensions}d of {mirrored.sum()} of {len(rows)} hands {fit} (left and right "
            "mixed up, or hands not mirrored back?), expected hands of the true side",
            len(rows),
            [],
        )
    if len(most) == 1:
        (name,) = most
        part = parts[name]
        told = f"{mirrored[part].sum()} of {part.sum()} {name}hands {fit}"
        why = " (not mirrored back, or by a model that does not know this side?)" if name else ""
        return None, 0, [f"joints_{dimensions}d of {told}{why}."]
    return None, 0, [f"joints_{dimensions}d of {mirrored.sum()} of {len(rows)} hands {fit}."]


def _odd_bones(pair: Comparison) -> list[str]:
    ratios = pair.each(mistakes.bone_ratios)
    ratios = ratios[np.isfinite(ratios)]
    odd = int(((ratios > ODD_BONES) | (ratios < 1 / ODD_BONES)).sum())
    if not odd:
        return []
    return [
        f"joints_3d of {odd} of {len(ratios)} hands have bones more than {ODD_BONES:g} times too "
        "long or too short."
    ]


def _other_sides(facts: HandFacts) -> list[str]:
    if facts.right_probability is None:
        return []
    known = np.isfinite(facts.right_probability) & np.isin(facts.sides, HAND_SIDES)
    says_right = facts.right_probability > 0.5
    wrong = int((known & (says_right != (facts.sides == HAND_SIDES[0]))).sum())
    if not wrong:
        return []
    return [f"right_probability says the other side for {wrong} of {known.sum()} hands."]
