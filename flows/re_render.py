"""The flow `re-render`: the same images of other poses."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import tasks
from flows.folder import claim, sole_user
from flows.parameters import NumImages, PoseDistribution, Seed, Workers
from flows.recipes import adjusted, load_recipe
from flows.render_parts import render_dataset


@flow(name="re-render", log_prints=True)
def re_render(
    pose_distribution: PoseDistribution,
    recipe: str = "demo",
    out: Path | None = None,
    num_images: NumImages | None = None,
    seed: Seed | None = None,
    workers: Workers | None = None,
    dask_address: str | None = None,
) -> str:
    """Renders a recipe's data set with another pose distribution and keeps everything else.

    Hands, views, cameras, light and skin of each image stay what they were. `render-and-train`
    with the same parameters goes on from the same folder.

    Args:
        pose_distribution: Pose distribution of every split.
        recipe: Name of a shipped recipe, or a YAML file such as a run's own recipe.yaml.
        out: The run's folder; runs/NAME-DIGEST8 by default.
        num_images: Images over all splits, instead of the recipe's.
        seed: Seed of images and weights, instead of the recipe's.
        workers: Blender processes at a time on this machine; what it allows by default.
        dask_address: Dask scheduler that does the rendering, such as tcp://127.0.0.1:8786.

    Returns:
        Path of the data set.
    """
    chosen = adjusted(
        load_recipe(recipe), pose_distribution=pose_distribution, num_images=num_images, seed=seed
    )
    folder = claim(chosen, out)
    with sole_user(folder):
        hand = tasks.build_hand(chosen)
        info = render_dataset(chosen, hand, folder, workers, dask_address)
    counts = "\n".join(f"| {split} | {count} |" for split, count in info.counts.items())
    create_markdown_artifact(
        key="data-set",
        markdown=f"# {info.name}: {pose_distribution}\n\n| split | images |\n| --- | --- |\n"
        f"{counts}\n\nData set: `{folder.dataset}`, recipe digest `{info.recipe_digest}`\n",
        description="What was rendered.",
    )
    return str(folder.dataset)
