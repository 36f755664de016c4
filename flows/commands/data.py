"""Verbs that make and check data: assets, poses, render, import, export, check, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from flows.commands.options import (
    Device,
    NumImages,
    Out,
    PoseDistribution,
    RecipeName,
    Seed,
    Vary,
    Workers,
)


def assets(
    mano_dir: Annotated[
        Path | None, typer.Option(help="Folder with your licensed MANO_RIGHT.pkl.")
    ] = None,
    hdri: Annotated[
        int, typer.Option(min=0, help="Also fetch so many CC0 environments from Poly Haven.")
    ] = 0,
    hdri_dir: Annotated[
        Path | None, typer.Option(help="Where to.", show_default="~/.cache/handforge/hdri")
    ] = None,
    hdri_resolution: Annotated[
        str, typer.Option(help="1k or 2k; the other where there is none of it.")
    ] = "1k",
    hdri_url: Annotated[str | None, typer.Option(help="Of another server of that API.")] = None,
) -> None:
    """Build the free hand, or convert yours; print how it measures and its digest."""
    from mano_assets.hand import HandConfig, build_hand, hand_digest
    from mano_assets.measures import described, read_measures

    config = HandConfig(source="mano", mano_dir=mano_dir) if mano_dir else HandConfig()
    folder = build_hand(config)
    for line in described(read_measures(folder)):
        print(line)
    print(f"{hand_digest(folder)}  {folder}")
    if hdri:
        _fetch_environments(hdri, hdri_dir, hdri_resolution, hdri_url)


def _fetch_environments(count: int, folder: Path | None, resolution: str, url: str | None) -> None:
    from mano_assets.errors import InputError
    from mano_assets.hand import cache_root
    from render.settings.poly_haven import API_URL, LICENCES_FILE, fetch_environments

    if resolution not in ("1k", "2k"):
        raise InputError(f"--hdri-resolution: is {resolution}, expected 1k or 2k.")
    place = folder or cache_root() / "hdri"
    files = fetch_environments(count, place, resolution=resolution, url=url or API_URL)
    print(f"{place}: {len(files)} environments, CC0, authors in {LICENCES_FILE}")


def poses(
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    recipe: RecipeName = "demo",
    num_poses: Annotated[int, typer.Option("--num-poses", "-n", min=1, help="How many.")] = 48,
    pose_distribution: PoseDistribution = None,
    seed: Seed = None,
    preview: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Also draw some of them.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one a core")
    ] = None,
) -> None:
    """Sample a recipe's poses without pictures, with how hard each is."""
    from flows.recipes import adjusted, load_recipe
    from mano_assets.hand import build_hand, load_hand
    from render.poses.sampling import acceptance, sample_poses, write_poses
    from render.poses.sheet import draw_sheet

    chosen = adjusted(load_recipe(recipe), pose_distribution=pose_distribution, seed=seed)
    hand = build_hand(chosen.hand)
    table = sample_poses(chosen.dataset, hand, num_poses, workers)
    write_poses(table, out)
    if preview is not None:
        draw_sheet(table, load_hand(hand), preview)
    for family, share in acceptance(table).items():
        print(f"{family:<20} {share:6.1%} of the draws were valid")
    print(f"{out}: {table.num_rows} poses")


def render(
    out: Out,
    recipe: RecipeName = "demo",
    num_images: NumImages = None,
    pose_distribution: PoseDistribution = None,
    seed: Seed = None,
    vary: Vary = None,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Render a recipe's data set; the same command again does only what is missing."""
    from flows.recipes import adjusted, load_recipe
    from mano_assets.hand import build_hand
    from render.dataset import render_dataset
    from render.job import parse_device

    chosen = adjusted(
        load_recipe(recipe),
        num_images=num_images,
        pose_distribution=pose_distribution,
        seed=seed,
        vary=vary,
    )
    with_device = None if device is None else parse_device(device)
    info = render_dataset(chosen.dataset, build_hand(chosen.hand), out, workers, with_device)
    print(f"{out}: {info.num_samples} images, {info.counts}, recipe {info.recipe_digest}")


class NamesInHelp(TyperCommand):
    """A verb whose help lists the public data sets; only then are they loaded."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the help with the names, splits, terms and sources."""
        from evaluation.datasets import DATASETS
        from evaluation.exporting import EXPORTERS

        known = DATASETS if self.name == "import" else EXPORTERS
        for parameter in self.params:
            if parameter.name == "name":
                parameter.help = f"{', '.join(known)}."  # pyright: ignore[reportAttributeAccessIssue]
        lines = [
            f"{name}: splits {', '.join(DATASETS[name].splits)}. {DATASETS[name].licence}. From "
            f"{DATASETS[name].source}"
            for name in known
        ]
        self.epilog = "\n\n".join(lines)
        super().format_help(ctx, formatter)


def import_real(
    name: Annotated[str, typer.Argument(help="Which data set.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set as distributed.")],
    split: Annotated[str, typer.Option(help="Its split.")],
    out: Out,
) -> None:
    """Read a public data set's original files into the manifest."""
    from evaluation.datasets import import_dataset

    info = import_dataset(name, root, split, out)
    terms = f"stand-in for {info.stand_in_for}" if info.stand_in_for else info.licence
    print(f"{out}: {info.num_samples} hands; {terms}")


def export(
    name: Annotated[str, typer.Argument(metavar="FORMAT", help="Which data set's layout.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET[:SPLIT]", help="What to write.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    split: Annotated[
        str | None, typer.Option(help="Split of the layout.", show_default="its test split")
    ] = None,
) -> None:
    """Write a data set in a public one's original layout, to be read by `import` or anything."""
    from evaluation.datasets.stand_in import read_export
    from evaluation.exporting import EXPORTERS, export_dataset

    written = read_export(export_dataset(name, dataset, out, split))
    if written is not None:
        print(f"{out}: {len(written.sample_ids)} hands as {name} {written.split}")
        if written.num_left_out:
            print(f"{written.num_left_out} left out: the layout holds {EXPORTERS[name].holds}")


def check(
    dataset: Annotated[str, typer.Argument(help="Data set folder or URL.")],
) -> None:
    """Verify, and check unit, joint order, sides and frames by the hands' geometry."""
    from evaluation.datasets import check_manifest

    problems = check_manifest(dataset)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    print(f"{dataset}: whole, true, and of hands.")


def verify(
    dataset: Annotated[str, typer.Argument(help="Data set folder or URL.")],
) -> None:
    """Check every image and label; exit 0 if whole and true, else 1 and what is wrong."""
    from render.manifest import verify

    problems = verify(dataset)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    print(f"{dataset}: whole and true.")
