"""The verb `report`: the page people look at, over one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Out


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders written by run.", metavar="RUN...")],
    out: Out,
) -> None:
    """Write the page people look at, over one or several runs."""
    from flows.pages import write_page

    print(write_page(runs, out))
