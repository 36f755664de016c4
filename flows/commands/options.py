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
Device = Annotated[
    str | None,
    typer.Option(
        help="Processor that renders: auto, cpu, cuda, optix, hip, metal, oneapi.",
        show_default="$HANDFORGE_DEVICE or auto",
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FACTOR=VALUE",
        help="The same samples with one factor changed: forearm=off, sleeve=off, jewellery=off, "
        "occluder=none, second_hand=off, environment=FILE, setting_rotation_deg=N, skin_tone=N, "
        "skin_roughness=N, blur=off, sensor=off. May be given several times.",
    ),
]
Data = Annotated[str, typer.Option(metavar="DATASET[:SPLIT]", help="Data set folder or URL.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
