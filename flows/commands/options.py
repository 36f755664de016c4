"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeName = Annotated[
    str, typer.Option("--recipe", "-r", help="demo, full, or a recipe file.", metavar="NAME|FILE")
]
NumImages = Annotated[
    int | None,
    typer.Option("--num-images", "-n", min=1, help="Images over all splits, not the recipe's."),
]
PoseDistribution = Annotated[
    str | None, typer.Option(help="Pose distribution of every split, not the recipe's.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed, not the recipe's.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the data, not the recipe's.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Blender processes at a time.", show_default="one a core")
]
Data = Annotated[str, typer.Option(metavar="DATASET[:SPLIT]", help="Data set folder or URL.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
