"""Published numbers as texts beside a matrix, with what stands against comparing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.matrix.anchors import Anchor, anchors_beside
from evaluation.matrix.matrix import DIGITS, Column, Matrix
from evaluation.matrix.sources import STAND_IN_SUFFIX, title_of

FEW_HANDS = 500
"""Fewer than any public test split has: a sample of it, which compares with nothing published."""


@dataclass(frozen=True)
class AnchorView:
    """A published number beside the matrix.

    Attributes:
        starts_group: The one above is of another test set or metric, or has other reasons.
        is_remembered: Nobody looked it up.
    """

    method: str
    trained_on: str
    tested_on: str
    metric: str
    value: str
    comparable: str
    reasons: list[str]
    citation: str
    status: str
    starts_group: bool
    is_remembered: bool


def published_beside(matrix: Matrix, *, remembered: bool = False) -> list[Anchor]:
    """The anchors of a matrix's metric on its columns' data sets and those they stand in for.

    Args:
        matrix: What they stand beside.
        remembered: Whether numbers that nobody looked up are among them.
    """
    names = dict.fromkeys(each.data.removesuffix(STAND_IN_SUFFIX) for each in matrix.columns)
    return [
        anchor
        for data in names
        for anchor in anchors_beside(matrix.metric, data, remembered=remembered)
    ]


def anchor_views(published: Sequence[Anchor], columns: Sequence[Column]) -> list[AnchorView]:
    """Anchors as texts, in their order, beside columns of ours."""
    views: list[AnchorView] = []
    above = None
    for anchor in published:
        obstacle = _obstacle(anchor, columns)
        reasons = list(anchor.reasons)
        if obstacle:
            kept = [reason for reason in reasons if reason not in anchor.same_test_set]
            reasons = [obstacle, *kept]
        tested_on = f"{title_of(anchor.data)}: {anchor.split or 'split not noted'}"
        metric = anchor.metric or f"{anchor.their_metric}"
        comparable = "no" if obstacle else anchor.comparable
        group = (tested_on, metric, comparable, reasons)
        views.append(
            AnchorView(
                method=anchor.method,
                trained_on=anchor.train_data or "not noted",
                tested_on=tested_on,
                metric=metric,
                value=_published_text(anchor),
                comparable=comparable,
                reasons=reasons,
                citation=anchor.citation,
                status=anchor.status,
                starts_group=group != above,
                is_remembered=anchor.status == "remembered",
            )
        )
        above = group
    return views


def _obstacle(anchor: Anchor, columns: Sequence[Column]) -> str:
    """What of our columns stands against any comparison; empty where one is the same test set."""
    real = [column for column in columns if column.data in (anchor.data, *anchor.also)]
    if not real:
        return f"Of {anchor.data} itself; our column is {_stand_in(anchor, columns)}."
    tested = {anchor.data: anchor.split, **anchor.also}
    same = [column for column in real if column.split == tested[column.data]]
    if not same:
        return f"Of another split than ours ({', '.join(c.split or 'all' for c in real)})."
    if anchor.protocol is not None:
        ruled = [column for column in same if column.protocol_id == anchor.protocol]
        if not ruled:
            ours = ", ".join(dict.fromkeys(column.protocol_id for column in same))
            return f"Ours is scored by {ours}'s rules, theirs by {anchor.protocol}'s."
        same = ruled
    n = max(column.n for column in same)
    if n < FEW_HANDS:
        return f"Our column has {n} hands of it, theirs all."
    return ""


def _stand_in(anchor: Anchor, columns: Sequence[Column]) -> str:
    """What stands in the place of an anchor's data set, in words."""
    names = [f"{name}{STAND_IN_SUFFIX}" for name in (anchor.data, *anchor.also)]
    kinds = {column.kind for column in columns if column.data in names}
    what = "images of another data set" if "real" in kinds else "our own renders"
    return f"a stand-in, {what} in its layout"


def _published_text(anchor: Anchor) -> str:
    """With at least as many digits as were published."""
    digits = max(DIGITS.get(anchor.unit, 3), len(repr(anchor.value).partition(".")[2]))
    return f"{anchor.value:.{digits}f} {anchor.unit}".strip()
