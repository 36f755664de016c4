"""The stages of the DAG as plain functions of a recipe and a run's folder.

    build_hand -> plan -> render -> train -> predict -> evaluate -> report

Flows and the command line are shells around these. Rooms are imported when a stage runs, so that
the command line starts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import stamps
from flows.folder import RunFolder
from flows.recipes import RealData, Recipe, StandIn, recipe_digest
from flows.results import Result, Target

if TYPE_CHECKING:
    from flows.model_recipe import ModelRecipe
    from render.manifest import DatasetInfo


def build_hand(recipe: Recipe) -> Path:
    """Builds the hand or finds it in the cache; returns its folder."""
    from mano_assets.hand import build_hand

    return build_hand(recipe.hand)


def plan(recipe: Recipe, hand: Path, folder: RunFolder) -> list[int]:
    """Numbers of the parts that are not on the disk; leavings of a crash are removed."""
    from render.dataset import prepare

    return prepare(recipe.dataset, hand, folder.dataset)


def render_part(recipe: Recipe, hand: Path, folder: RunFolder, part: int) -> dict[str, Any]:
    """Renders one part in a Blender process of its own."""
    from render.dataset import render_part

    return render_part(recipe.dataset, hand, folder.dataset, part)


def seal(recipe: Recipe, hand: Path, folder: RunFolder) -> DatasetInfo:
    """Marks the data set as complete once every part is there."""
    from render.dataset import finish

    return finish(recipe.dataset, hand, folder.dataset)


def render(recipe: Recipe, hand: Path, folder: RunFolder, workers: int | None) -> DatasetInfo:
    """`plan`, every missing part and `seal` on this machine, with a progress bar."""
    from render.dataset import render_dataset

    return render_dataset(recipe.dataset, hand, folder.dataset, workers)


def train_model(recipe: Recipe, config: ModelRecipe, folder: RunFolder) -> Path:
    """Trains a model on the rendered data and measures what it costs; returns its checkpoint."""
    out = folder.model(config.label)
    trained, sources = config.train_config(), recipe.sources(config)
    inputs = {
        "config": trained.identity(),
        "data": stamps.dataset_identity(folder.dataset),
        "train_on": sources,
        "validate_on": recipe.validate_on,
    }

    def maker() -> list[Path]:
        from training.fitting.trainer import train
        from training.measuring.model_figures import write_figures

        data = [f"{folder.dataset}:{source}" for source in sources]
        validation = [f"{folder.dataset}:{recipe.validate_on}"] if recipe.validate_on else []
        checkpoint = train(trained, data, out, validation)
        return [checkpoint, write_figures(checkpoint)]

    return stamps.make(out, inputs, maker)


def rendered_targets(recipe: Recipe, folder: RunFolder) -> list[Target]:
    """The rendered splits that models are scored on."""
    return [Target(recipe.dataset.name, split, folder.dataset) for split in recipe.score_on]


def import_real(real: RealData, folder: RunFolder) -> Target | None:
    """Reads a public data set into the manifest; None when it is not on this machine."""
    from evaluation.datasets import DATASETS, import_dataset

    if not real.present:
        return None
    target = Target(real.name, real.split, folder.real(real.name, real.split))
    files = DATASETS[real.name].annotation_files(real.root, real.split)
    inputs = {
        "name": real.name,
        "split": real.split,
        "annotations": [stamps.content_digest(file) for file in files if file.is_file()],
    }

    def maker() -> list[Path]:
        import_dataset(real.name, real.root, real.split, target.root)
        return [target.root / "manifest", target.root / "dataset.json"]

    stamps.make(target.root, inputs, maker)
    return target


def stand_in(recipe: Recipe, wanted: StandIn, folder: RunFolder) -> Target:
    """Writes a rendered split in a public data set's layout and reads it back by its adapter."""
    from evaluation.datasets import import_dataset
    from evaluation.exporting import export_dataset

    target = Target(wanted.dataset, wanted.split, folder.real(wanted.dataset, wanted.split))
    written = folder.exported(wanted.dataset, wanted.split)
    rendered = Target(recipe.dataset.name, wanted.of, folder.dataset)
    inputs = _versioned(name=wanted.name, split=wanted.split, of=rendered.identity)

    def export() -> list[Path]:
        return [export_dataset(wanted.name, rendered.data, written, wanted.split)]

    def read_back() -> list[Path]:
        import_dataset(wanted.name, written, wanted.split, target.root)
        return [target.root / "manifest", target.root / "dataset.json"]

    stamps.make(written, inputs, export)
    stamps.make(target.root, inputs, read_back)
    return target


def predict(checkpoint: Path, label: str, target: Target, folder: RunFolder) -> Path:
    """Predicts a target's samples; returns the predictions file."""
    out = folder.predictions(label, target.stem)

    def maker() -> list[Path]:
        from training.prediction.predict import predict

        return [predict(checkpoint, target.data, out)]

    checkpoint_digest = stamps.content_digest(checkpoint)
    return stamps.make(out, _versioned(checkpoint=checkpoint_digest, **target.identity), maker)


def evaluate(predictions: Path, label: str, target: Target, folder: RunFolder) -> Path:
    """Scores predictions by the target's protocol; returns the result file."""
    out = folder.evaluation(label, target.stem)

    def maker() -> list[Path]:
        from evaluation.scoring import evaluate

        result = evaluate(predictions, target.data, target.protocol, out)
        return [out, out.with_name(result["samples_file"])]

    rules = {"protocol": target.protocol} if target.protocol else {}
    predictions_digest = stamps.content_digest(predictions)
    inputs = _versioned(predictions=predictions_digest, **target.identity, **rules)
    return stamps.make(out, inputs, maker)


def report(recipe: Recipe, folder: RunFolder, results: Sequence[Result]) -> Path:
    """Writes the page; returns it."""
    inputs = _versioned(
        recipe=recipe_digest(recipe),
        results={result.file.name: stamps.content_digest(result.file) for result in results},
    )

    def maker() -> list[Path]:
        from evaluation.report import ReportInput, write_report

        labels = dict.fromkeys(result.label for result in results)
        write_report(
            ReportInput(
                title=recipe.name,
                recipe_yaml=folder.recipe.read_text(),
                recipe_digest=recipe_digest(recipe),
                datasets=list(dict.fromkeys(result.target.root for result in results)),
                evaluations=[result.file for result in results],
                runs=[folder.model(label) for label in labels],
                predictions=[
                    folder.predictions(result.label, result.target.stem) for result in results
                ],
            ),
            folder.report,
        )
        return [folder.report]

    return stamps.make(folder.report, inputs, maker) / "index.html"


def _versioned(**inputs: Any) -> dict[str, Any]:
    # Quick stages run again under another version; images and weights only say theirs.
    return {**inputs, "code_version": version("handforge")}
