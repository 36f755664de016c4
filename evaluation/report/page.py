"""The report stage: results, runs and data sets to one static page."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jinja2
from tqdm import tqdm

from evaluation.matrix import matrix_views, write_exports
from evaluation.report.cases import cases
from evaluation.report.comparison import comparison_table
from evaluation.report.coverage import contact_sheets, coverage
from evaluation.report.curves import losses, target_curves
from evaluation.report.entries import Entry, entries
from evaluation.report.failures import STATES, failure_gallery
from evaluation.report.inputs import ReportInput, Scored, read_scored, read_trainings
from evaluation.report.naming import STATE_WORDS, stand_in_note
from evaluation.report.pictures import PictureFolder
from evaluation.report.provenance import chain
from evaluation.report.tables import group, headline, score_table
from mano_assets.skeleton import FINGERS
from render.manifest import Manifest
from render.manifest.pictures import CHAIN_COLOURS
from render.manifest.writing import write_atomically

PACKAGES = (
    "handforge", "bpy", "anny", "smplx", "torch", "timm", "lightning", "numpy", "pyarrow",
)  # fmt: skip
"""Whose versions the page names, where they are installed."""

COMPARISON_FILE = "comparison.csv"
"""Beside the page: what its comparison says, and the errors that it leaves out."""

NUM_OPEN = 2
"""Targets whose pictures are shown at once; those of the others wait behind their names."""


def write_report(run: ReportInput, out: Path) -> Path:
    """Writes the page.

    Args:
        run: What it is about.
        out: Folder to write; `index.html`, `comparison.csv` where the models' costs are known, the
            matrix as files where there is one, and a folder of pictures, nothing else, and no
            reference to anything outside.

    Returns:
        Path of the page.

    Raises:
        InputError: Something named in `run` is missing or damaged.
    """
    scored = read_scored(run)
    runs = read_trainings(run)
    manifests = [Manifest.open(str(root)) for root in dict.fromkeys(run.datasets)]
    infos = [manifest.info for manifest in manifests]
    rendered = [
        manifest
        for manifest in manifests
        if manifest.info.kind == "synthetic" and not manifest.info.stand_in_for
    ]
    groups = [entries(results, runs) for results in group(scored)]
    tables = [score_table(rows) for rows in groups]
    comparison = comparison_table(groups)
    matrices = matrix_views(scored, runs)
    folder = PictureFolder(out)
    context: dict[str, Any] = {
        "run": run,
        "runs": runs,
        "rendered": [manifest.info for manifest in rendered],
        "stand_ins": stand_in_note(infos),
        "headlines": [found for rows in groups if (found := headline(rows))],
        "matrices": matrices,
        "comparison": comparison,
        "tables": tables,
        "definitions": list({m.id: m for table in tables for m in table.metrics}.values()),
        "protocols": list({table.protocol.id: table.protocol for table in tables}.values()),
        "fingers": list(zip(FINGERS, CHAIN_COLOURS, strict=True)),
        "states": [(key, STATE_WORDS[state]) for key, state in STATES.items()],
        "chain": chain(scored, runs, infos),
        "num_open": NUM_OPEN,
        "versions": _versions(),
        "losses": losses(folder, runs),
        **_pictures(folder, groups, rendered),
    }
    if matrices:
        write_exports(matrices, out)
    if comparison is not None:
        write_atomically(out / COMPARISON_FILE, comparison.to_csv().encode())
    page = out / "index.html"
    write_atomically(page, _template().render(context).encode())
    return page


def _pictures(
    folder: PictureFolder, groups: Sequence[Sequence[Entry]], rendered: Sequence[Manifest]
) -> dict[str, Any]:
    """Everything on the page that is a picture of data or of scores."""
    # One of its repeats is enough to look at.
    models = [[row.results[0] for row in rows if not row.is_baseline] for rows in groups]
    every = [found for each in models for found in each]
    shown: dict[str, Any] = {"sheets": [], "coverage": [], "curves": [], "cases": []}
    total = 2 * len(rendered) + len(groups) + len(every) + 1
    with tqdm(total=total, desc="report", unit="section") as bar:
        for rows, results in zip(groups, models, strict=True):
            drawn = target_curves(folder, rows)
            if drawn is not None:
                shown["curves"].append(drawn)
            bar.update()
            found = []
            for result in results:
                found.append(cases(folder, result))
                bar.update()
            if found:
                some: Scored = results[0]
                shown["cases"].append((some.target, some.manifest.info, found))
        shown["failures"] = failure_gallery(folder, every)
        shown["failure_data"] = list(
            {found.data_name: found.manifest.info for found in every}.values()
        )
        bar.update()
        for manifest in rendered:
            shown["sheets"].append(contact_sheets(folder, manifest))
            bar.update()
            shown["coverage"].append(coverage(folder, manifest))
            bar.update()
    return shown


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("templates/page.html.j2")
