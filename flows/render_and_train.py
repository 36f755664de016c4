"""The flow `render-and-train`: the whole DAG."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, unmapped
from prefect.artifacts import create_markdown_artifact

from flows import tasks
from flows.folder import claim, sole_user
from flows.parameters import Epochs, NumImages, PoseDistribution, Seed, Workers
from flows.recipes import adjusted, load_recipe
from flows.render_parts import render_dataset
from flows.results import metric_tables
from flows.scoring import import_all, score
from flows.stages import rendered_targets


@flow(name="render-and-train", log_prints=True, task_runner=tasks.ONE_AT_A_TIME)
def render_and_train(
    recipe: str = "demo",
    out: Path | None = None,
    pose_distribution: PoseDistribution | None = None,
    num_images: NumImages | None = None,
    seed: Seed | None = None,
    epochs: Epochs | None = None,
    workers: Workers | None = None,
    dask_address: str | None = None,
) -> str:
    """Renders a data set, trains models on it, scores them and writes the page.

    Only what is not on the disk yet is done.

    Args:
        recipe: Name of a shipped recipe, or a YAML file.
        out: The run's folder; runs/NAME-DIGEST8 by default.
        pose_distribution: Pose distribution of every split, instead of the recipe's.
        num_images: Images over all splits, instead of the recipe's.
        seed: Seed of images and weights, instead of the recipe's.
        epochs: Passes over the training data, instead of the recipe's.
        workers: Blender processes at a time on this machine; what it allows by default.
        dask_address: Dask scheduler that does the rendering, such as tcp://127.0.0.1:8786.

    Returns:
        Path of the page.
    """
    chosen = adjusted(
        load_recipe(recipe),
        pose_distribution=pose_distribution,
        num_images=num_images,
        seed=seed,
        epochs=epochs,
    )
    folder = claim(chosen, out)
    with sole_user(folder):
        targets = [*rendered_targets(chosen, folder), *import_all(chosen.real, folder)]
        hand = tasks.build_hand(chosen)
        render_dataset(chosen, hand, folder, workers, dask_address)
        targets += [tasks.stand_in(chosen, each, folder) for each in chosen.stand_ins]
        labels = [config.label for config in chosen.models]
        trained = tasks.train_model.map(unmapped(chosen), chosen.models, unmapped(folder))
        checkpoints = dict(zip(labels, tasks.settle(trained, labels, "models"), strict=True))
        results = score(checkpoints, targets, folder)
        page = tasks.report(chosen, folder, results)
    tables = "\n".join(table.to_markdown() for table in metric_tables(results))
    create_markdown_artifact(
        key="run-report",
        markdown=f"# {chosen.name}\n\n{tables}\nPage: `{page}`\n",
        description="Metrics of the models with 95% intervals.",
    )
    return str(page)
