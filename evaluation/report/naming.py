"""What things are called on the page, and where links to them lead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from render.manifest import DatasetInfo, JointState

STATE_WORDS = {
    JointState.UNKNOWN: "not noted",
    JointState.VISIBLE: "visible",
    JointState.SELF_OCCLUDED: "self-occluded",
    JointState.OCCLUDED: "occluded by a thing",
    JointState.OUTSIDE: "outside the image",
    JointState.MISSING: "no label",
}
"""What the camera sees of a joint, in words."""


def shown_name(info: DatasetInfo) -> str:
    """Name of a data set; a stand-in is told from the data set whose layout it has."""
    return f"{info.stand_in_for} stand-in" if info.stand_in_for else info.name


def stand_in_note(infos: Iterable[DatasetInfo]) -> str:
    """One sentence that says what the stand-ins among some data sets are; empty without any."""
    stand_ins = [info for info in infos if info.stand_in_for]
    names = dict.fromkeys(map(shown_name, stand_ins))
    if not names:
        return ""
    words = {"synthetic": "renders of our own", "real": "images of another data set"}
    what = " or ".join(dict.fromkeys(words[info.kind] for info in stand_ins))
    return (
        f"{', '.join(names)}: {what}, written in the file layout of the data set that "
        "the name says and read back by its adapter, so the numbers say nothing of that data "
        "set's own images."
    )


def anchor(*parts: str) -> str:
    """An id for the page's HTML: the same parts always give the same one."""
    return re.sub(r"[^a-z0-9_.]+", "-", " ".join(filter(None, parts)).lower()).strip("-")


def group_words(name: str) -> str:
    """Name of a joint, a joint state or a range of hardness in words."""
    states = {state.name: words for state, words in STATE_WORDS.items()}
    return states.get(name.upper(), name.replace("_", " "))
