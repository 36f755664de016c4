"""`handforge`: the command line. Each verb is one stage; `run` is all of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands import data, models, pages
from flows.commands.bench import bench
from flows.commands.benchmark import benchmark
from flows.commands.coverage import coverage
from flows.commands.matrix import matrix
from flows.commands.options import (
    Epochs,
    NumImages,
    PoseDistribution,
    RecipeName,
    Seed,
    Workers,
)
from flows.commands.referees import predictions, referee
from mano_assets.errors import InputError


class _Verbs(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Caught here: further out Typer would end it with exit code 1.
            print("handforge: interrupted.", file=sys.stderr)
            raise SystemExit(130) from None


app = typer.Typer(
    cls=_Verbs,
    help="Synthetic hand images with exact labels, and the models trained and measured on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.command(rich_help_panel="All of it")
def run(
    recipe: RecipeName = "demo",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The run's folder.", show_default="runs/NAME-DIGEST8"),
    ] = None,
    num_images: NumImages = None,
    pose_distribution: PoseDistribution = None,
    seed: Seed = None,
    epochs: Epochs = None,
    workers: Workers = None,
) -> None:
    """Run the whole DAG, without a server; again, it does only what is missing."""
    from flows.recipes import adjusted, load_recipe
    from flows.run import run

    chosen = adjusted(
        load_recipe(recipe),
        num_images=num_images,
        pose_distribution=pose_distribution,
        seed=seed,
        epochs=epochs,
    )
    run(chosen, out, workers)


for verb in (data.assets, data.poses, coverage, data.render, data.verify, data.check):
    app.command(rich_help_panel="Data")(verb)
for name, verb in (("import", data.import_real), ("export", data.export)):
    app.command(name, cls=data.NamesInHelp, rich_help_panel="Data")(verb)
for verb in (
    models.systems, models.train, models.predict, models.evaluate, models.export_model, pages.report
):  # fmt: skip
    app.command(rich_help_panel="Models")(verb)
app.command(rich_help_panel="Models")(matrix)
app.command(rich_help_panel="Models")(benchmark)
app.command(rich_help_panel="Models")(models.protocols)
app.add_typer(predictions, name="predictions", rich_help_panel="Models")
app.add_typer(referee, name="referee", rich_help_panel="Models")
app.add_typer(bench, name="bench", rich_help_panel="Figures")


def main() -> None:
    """Entry point: what ends a verb is told without a traceback.

    Exit code 2 for what the user gave wrong, 1 for a failed rendering, 130 for Ctrl-C.
    """
    if not sys.stderr.isatty():
        # tqdm reads it when it is imported: a log needs no line every tenth of a second.
        os.environ.setdefault("TQDM_MININTERVAL", "10")
    try:
        app(prog_name="handforge")
    except InputError as error:
        print(f"handforge: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except RuntimeError as error:
        # Not at the top: `--help` loads no room.
        from render.dataset import RenderError

        if not isinstance(error, RenderError):
            raise
        print(f"handforge: {error}", file=sys.stderr)
        raise SystemExit(1) from None
