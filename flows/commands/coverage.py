"""The verb `coverage`: does one set of poses cover another?"""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.options import Out, RecipeName

_FORMS = "A data set (ROOT or ROOT:SPLIT), a Parquet file written by poses, or an NPZ file."


def coverage(
    a: Annotated[str, typer.Argument(help=f"Poses that cover. {_FORMS}")],
    b: Annotated[str, typer.Argument(help="Poses to be covered, likewise.")],
    out: Out,
    recipe: RecipeName = "demo",
    radius_deg: Annotated[
        float, typer.Option(help="A pose nearer than this is covered, degrees RMS.")
    ] = 15.0,
) -> None:
    """Compare two sets of poses: how much of B does A cover, and what not?"""
    from flows.recipes import load_recipe
    from mano_assets.hand import build_hand, load_hand
    from render.poses.coverage import compare
    from render.poses.coverage_page import write_coverage
    from render.poses.pose_sets import read_pose_set

    hand = load_hand(build_hand(load_recipe(recipe).hand))
    found = compare(read_pose_set(a, hand), read_pose_set(b, hand), radius_deg)
    page = write_coverage(found, hand, out)
    print(
        f"{a} covers {found.share_of_b:.1%} of {b} within {radius_deg:g} degrees RMS; "
        f"the other way {found.share_of_a:.1%}"
    )
    print(page)
