"""The report stage over whole run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.folder import RunFolder
from flows.recipes import load_recipe, recipe_digest
from mano_assets.errors import InputError

if TYPE_CHECKING:
    from evaluation.report import ReportInput


def write_page(runs: Sequence[Path], out: Path) -> Path:
    """Writes one page over all that was scored in some runs.

    Args:
        runs: Folders of runs.
        out: Folder of the page.

    Returns:
        The page.

    Raises:
        InputError: A folder is not a run, nothing was scored in any of them, or `out` is a run's
            own folder.
    """
    from evaluation.report import write_report

    if RunFolder(out).recipe.is_file():
        raise InputError(
            f"{out}: is a run's own folder, expected another for the page, such as "
            f"{RunFolder(out).report}."
        )
    write_report(report_input(runs), out)
    return out / "index.html"


def report_input(runs: Sequence[Path]) -> ReportInput:
    """All that was scored in some runs.

    Raises:
        InputError: A folder is not a run, or nothing was scored in any of them.
    """
    from evaluation.report import ReportInput

    folders = [RunFolder(root) for root in runs]
    for folder in folders:
        if not folder.recipe.is_file():
            raise InputError(f"{folder.root}: not a run, expected a folder with recipe.yaml.")
    recipes = [load_recipe(folder.recipe) for folder in folders]

    def found(pattern: str) -> list[Path]:
        return [path for folder in folders for path in sorted(folder.root.glob(pattern))]

    evaluations = found("evaluation/*.json")
    if not evaluations:
        raise InputError(f"{runs[0]}: nothing is scored yet, expected evaluation/*.json.")
    return ReportInput(
        title=", ".join(recipe.name for recipe in recipes),
        recipe_yaml="---\n".join(folder.recipe.read_text() for folder in folders),
        recipe_digest=", ".join(recipe_digest(recipe) for recipe in recipes),
        datasets=[
            path.parent
            for pattern in ("dataset/dataset.json", "real/*/dataset.json")
            for path in found(pattern)
        ],
        evaluations=evaluations,
        runs=[path.parent for path in found("models/*/train.json")],
        predictions=found("predictions/*.parquet"),
    )
