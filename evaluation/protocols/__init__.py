"""Protocols: what exactly is measured on which data set, so that a number can be compared."""

from __future__ import annotations

from evaluation.protocols.catalogue import PROTOCOLS
from evaluation.protocols.rules import LABELLED, Crop, Protocol
from mano_assets.errors import InputError
from render.manifest import DatasetInfo

__all__ = ["LABELLED", "PROTOCOLS", "Crop", "Protocol", "find_protocol"]


def find_protocol(name: str | None, info: DatasetInfo) -> Protocol:
    """A protocol by id or by the name of a data set, or the data set's own.

    Args:
        name: Id, or a public data set whose own protocol is meant; None for the default of `info`.
        info: The data set to be scored on. A stand-in is scored as what it stands in for.

    Raises:
        InputError: No such protocol, or the data set has no default.
    """
    by_dataset = {dataset: rules for rules in PROTOCOLS.values() for dataset in rules.datasets}
    known = ", ".join(PROTOCOLS)
    if name is not None:
        found = PROTOCOLS.get(name) or by_dataset.get(name)
        if found is None:
            raise InputError(f"protocol {name!r} is unknown, expected one of {known}.")
        return found
    public = info.stand_in_for or info.name
    if public in by_dataset and (info.stand_in_for or info.kind == "real"):
        return by_dataset[public]
    if info.kind == "synthetic" and info.stand_in_for is None:
        return PROTOCOLS["handforge-2d3d"]
    raise InputError(
        f"data set {public!r} has no protocol of its own, expected protocol to be one of {known}."
    )
