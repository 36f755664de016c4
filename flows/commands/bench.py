"""The verb `bench`: the figures that the README quotes, as JSON on the last line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.options import RecipeName, Workers

bench = typer.Typer(
    no_args_is_help=True, help="Measure; the last line is one JSON object of figures."
)


@bench.command()
def render(
    recipe: RecipeName = "full",
    num_images: Annotated[
        int, typer.Option("--num-images", "-n", min=1, help="Images to time.")
    ] = 200,
    frontier: Annotated[
        bool, typer.Option(help="Samples, denoisers, sizes and processes, a line each.")
    ] = False,
    num_quality: Annotated[
        int, typer.Option(min=1, help="Images whose noise the frontier measures.")
    ] = 16,
    workers: Workers = None,
) -> None:
    """Images a second, noise, memory, and where the time goes."""
    from flows.recipes import load_recipe
    from mano_assets.hand import build_hand
    from render.benchmark import bench_frontier, bench_render

    chosen = load_recipe(recipe)
    hand = build_hand(chosen.hand)
    processes = workers or os.cpu_count() or 1
    if not frontier:
        print(json.dumps(bench_render(chosen.dataset, hand, num_images, processes)))
        return
    points = []
    for point in bench_frontier(chosen.dataset, hand, num_images, processes, num_quality):
        points.append(point)
        print(json.dumps(point), flush=True)
    print(json.dumps({"frontier": points}))


@bench.command()
def memory(
    recipe: RecipeName = "full",
    num_images: Annotated[
        int, typer.Option("--num-images", "-n", min=200, help="Images of one run.")
    ] = 5000,
    workers: Workers = None,
) -> None:
    """Resident memory of the Blender processes over one run."""
    from flows.recipes import load_recipe
    from mano_assets.hand import build_hand
    from render.benchmark import bench_memory

    chosen = load_recipe(recipe)
    hand = build_hand(chosen.hand)
    processes = workers or os.cpu_count() or 1
    print(json.dumps(bench_memory(chosen.dataset, hand, num_images, processes)))


@bench.command()
def poses(
    recipe: RecipeName = "full",
    num_poses: Annotated[
        int, typer.Option("--num-poses", "-n", min=1, help="Poses to time.")
    ] = 20_000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one a core")
    ] = None,
) -> None:
    """Valid poses a second, and how many draws were valid by family."""
    from flows.recipes import load_recipe
    from mano_assets.hand import build_hand
    from render.poses.benchmark import bench_poses

    chosen = load_recipe(recipe)
    hand = build_hand(chosen.hand)
    print(json.dumps(bench_poses(chosen.dataset, hand, num_poses, workers or os.cpu_count() or 1)))


@bench.command()
def train(
    system: Annotated[
        str | None, typer.Option(help="Model system, if the configuration names none.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML of the system's configuration.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET[:SPLIT]",
            help="To learn from.",
            show_default="512 made-up images of 224 px",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Timed steps of each way, each turn.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Turns; their median counts.")] = 5,
    precision: Annotated[
        str | None, typer.Option(metavar="32|bf16|16", help="Not the configuration's.")
    ] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="Not the configuration's.")
    ] = None,
) -> None:
    """Training with the loader, from memory, and in a bare loop: images a second and ratios."""
    from flows.validation import parse, read_yaml
    from training.config import TrainConfig

    values: dict[str, Any] = read_yaml(config) if config else {}
    given = {"system": system, "precision": precision, "compile": compile}
    values |= {name: value for name, value in given.items() if value is not None}
    chosen = parse(TrainConfig, values, str(config or "bench train"))
    from training.measuring.benchmark import bench_train

    print(json.dumps(bench_train(chosen, data, steps, repeats)))


@bench.command()
def metrics(
    num_samples: Annotated[
        int,
        typer.Option("--num-samples", "-n", min=1, help="Hands to score: FreiHAND's set has 3960."),
    ] = 3960,
) -> None:
    """Seconds of FreiHAND's official numbers and of the evaluate stage."""
    from evaluation.benchmark import bench_metrics

    print(json.dumps(bench_metrics(num_samples)))
