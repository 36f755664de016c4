"""The chain behind each number: metric, predictions, checkpoint, data, recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import yaml

from evaluation.report.inputs import Scored, Training
from evaluation.report.naming import anchor, shown_name, stand_in_note
from mano_assets.errors import InputError
from render.manifest import DatasetInfo, Manifest, parse_data_source


@dataclass(frozen=True)
class DataNode:
    """A data set.

    Attributes:
        anchor: Where the page has it.
        name: As shown.
        digest: Of its recipe, or of what it holds.
        info: Its description; None when it is not at hand.
        recipe_yaml: Its whole recipe; empty where there is none.
        note: What it is, where its name does not say.
    """

    anchor: str
    name: str
    digest: str | None
    info: DatasetInfo | None
    recipe_yaml: str
    note: str


@dataclass(frozen=True)
class Learned:
    """A split that a model learned from."""

    split: str | None
    data: DataNode


@dataclass(frozen=True)
class ModelNode:
    """A model.

    Attributes:
        anchor: Where the page has it.
        label: As shown.
        system: Its system.
        checkpoint: Its checkpoint, FOLDER/FILE; the rest of the path is the machine's.
        sha256: Digest of the checkpoint.
        learned_from: Its training data.
        training: How it came about; None when the page was not told.
    """

    anchor: str
    label: str
    system: str
    checkpoint: str
    sha256: str
    learned_from: list[Learned]
    training: Training | None


@dataclass(frozen=True)
class ScoreNode:
    """A result: what was scored, whose it is and on what."""

    scored: Scored
    model: ModelNode
    data: DataNode


@dataclass(frozen=True)
class Chain:
    """All nodes, each once."""

    scores: list[ScoreNode]
    models: list[ModelNode]
    data: list[DataNode]


def chain(
    scored: Sequence[Scored], trainings: Sequence[Training], infos: Iterable[DatasetInfo]
) -> Chain:
    """Follows each result back to the recipes.

    Args:
        scored: The results.
        trainings: Of the models, as far as they are known.
        infos: The data sets at hand. Training data that is not among them is looked for where the
            model found it.
    """
    nodes = _DataNodes(infos)
    by_model = {(each.run, each.checkpoint_sha256): each for each in trainings}
    models: dict[tuple[str, str], ModelNode] = {}
    scores = []
    for found in scored:
        key = (found.run, found.checkpoint_sha256)
        if key not in models:
            models[key] = _model(found, by_model.get(key), nodes)
        origin = found.evaluation.provenance
        data = nodes.find(found.manifest.root, origin.data_recipe_digest, found.manifest.info)
        scores.append(ScoreNode(found, models[key], data))
    return Chain(scores, list(models.values()), list(nodes.by_identity.values()))


class _DataNodes:
    """Data sets by digest, or by name where they have none."""

    def __init__(self, infos: Iterable[DatasetInfo]) -> None:
        self.by_identity: dict[str, DataNode] = {}
        for info in infos:
            self.find(info.name, info.recipe_digest, info)

    def find(self, root: str, digest: str | None, info: DatasetInfo | None = None) -> DataNode:
        identity = digest or (info.name if info else root)
        if identity not in self.by_identity:
            info = info or _described(root, digest)
            name = shown_name(info) if info else PurePath(root).name
            recipe = yaml.safe_dump(info.recipe, sort_keys=False) if info and info.recipe else ""
            note = stand_in_note([info] if info else [])
            self.by_identity[identity] = DataNode(
                anchor("data", name, (digest or "")[:12]), name, digest, info, recipe, note
            )
        return self.by_identity[identity]


def _model(found: Scored, training: Training | None, nodes: _DataNodes) -> ModelNode:
    info = found.evaluation.provenance.prediction_info
    return ModelNode(
        anchor=anchor("model", found.label, info.checkpoint_sha256[:12]),
        label=found.label,
        system=info.system,
        checkpoint=str(PurePath(*PurePath(info.checkpoint).parts[-2:])),
        sha256=info.checkpoint_sha256,
        learned_from=[
            Learned(split, nodes.find(root, digest)) for root, split, digest in _sources(found)
        ],
        training=training,
    )


def _sources(found: Scored) -> list[tuple[str, str | None, str | None]]:
    """Root, split and recipe digest of what a model learned from."""
    info = found.evaluation.provenance.prediction_info
    digests: list[str | None] = [*info.train_recipe_digests]
    if not info.train_data:
        return [(f"data {(digest or '')[:12]}", None, digest) for digest in digests]
    if len(digests) != len(info.train_data):
        # Data sets without a digest left no place in the list.
        digests = [None] * len(info.train_data)
    places = map(parse_data_source, info.train_data)
    return [(root, split, digest) for (root, split), digest in zip(places, digests, strict=True)]


def _described(root: str, digest: str | None) -> DatasetInfo | None:
    """The description of the data set at a place, if it still is that data set."""
    if digest is None or "://" in root or not Path(root).is_dir():
        return None
    try:
        info = Manifest.open(root).info
    except InputError:
        return None
    return info if info.recipe_digest == digest else None
