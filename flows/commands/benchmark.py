"""The verb `benchmark`: what the flow `benchmark-refresh` does, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mano_assets.errors import InputError

if TYPE_CHECKING:
    from flows.recipes import RealData


def benchmark(
    runs: Annotated[Path, typer.Argument(help="Folder of runs.", metavar="[RUNS]")] = Path("runs"),
    real: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:SPLIT=DIR",
            help="A public data set besides those of the recipes; may be repeated.",
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file to append to.", show_default="RUNS/benchmark/history.parquet"
        ),
    ] = None,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit code 1 when a score got worse.")
    ] = False,
    register: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="Only add this model, trained anywhere, to RUNS/registered.yaml.",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="Name of the registered model.", show_default="that of its folder"),
    ] = None,
) -> None:
    """Score every registered model on all data here, compare with the last time, write the page."""
    if register is not None:
        from flows.benchmark.registry import REGISTRY_FILE
        from flows.benchmark.registry import register as add

        model = add(runs, register, label)
        print(f"{runs / REGISTRY_FILE}: {model.label} is {model.checkpoint}")
        return
    if label is not None:
        raise typer.BadParameter("expected --label only with --register")
    from flows.benchmark.refresh import refresh
    from flows.benchmark.telling import sentences

    done = refresh(runs, [_real(text) for text in real or []], history)
    for line in sentences(done):
        print(line)
    if done.failed or (fail_on_regression and done.regressions):
        raise typer.Exit(1)


def _real(text: str) -> RealData:
    from flows.recipes import RealData
    from flows.validation import parse

    data, _, root = text.partition("=")
    name, _, split = data.partition(":")
    if not (name and split and root):
        raise InputError(f"real: {text!r}, expected NAME:SPLIT=DIR.")
    return parse(RealData, {"name": name, "split": split, "root": root}, f"real {text!r}")
