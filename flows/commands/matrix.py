"""The verb `matrix`: every model on every test set, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Out


def matrix(
    places: Annotated[
        list[Path], typer.Argument(help="YAML of models and test sets.", metavar="CONFIG | RUN...")
    ],
    out: Out,
    runs: Annotated[
        bool, typer.Option("--runs", help="Instead, of what these runs scored already.")
    ] = False,
) -> None:
    """Train what is missing, score all models on all test sets, write the tables."""
    from flows.matrix import matrix_of_runs, print_matrices, run_matrix
    from flows.matrix_config import load_matrix

    if not runs and len(places) > 1:
        raise typer.BadParameter("expected one CONFIG, or --runs and folders of runs")
    if runs:
        views, missing = matrix_of_runs(places, out), []
    else:
        views, missing = run_matrix(load_matrix(places[0]), out)
    print_matrices(views)
    for sentence in missing:
        print(sentence)
    for name in ("md", "csv", "tex", "json"):
        print(out / f"matrix.{name}")
