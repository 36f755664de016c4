"""The report stage: results, runs and data sets to one static page."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jinja2
from tqdm import tqdm

from evaluation.report.comparison import comparison_table
from evaluation.report.entries import entries
from evaluation.report.gallery import Gallery
from evaluation.report.inputs import ReportInput, Scored, read_scored, read_trainings
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
"""Beside the page: what its first table says."""


def write_report(run: ReportInput, out: Path) -> Path:
    """Writes the page.

    Args:
        run: What it is about.
        out: Folder to write; `index.html`, `comparison.csv` where the models' costs are known, and
            a folder of pictures, nothing else, and no reference to anything outside.

    Returns:
        Path of the page.

    Raises:
        InputError: Something named in `run` is missing or damaged.
    """
    scored = read_scored(run)
    runs = read_trainings(run)
    manifests = [Manifest.open(str(root)) for root in dict.fromkeys(run.datasets)]
    rendered = [manifest for manifest in manifests if manifest.info.kind == "synthetic"]
    groups = [entries(results, runs) for results in group(scored)]
    tables = [score_table(rows) for rows in groups]
    comparison = comparison_table(groups)
    gallery = Gallery(out)
    context: dict[str, Any] = {
        "run": run,
        "runs": runs,
        "datasets": [manifest.info for manifest in manifests],
        "rendered": [manifest.info for manifest in rendered],
        "headlines": [found for rows in groups if (found := headline(rows))],
        "comparison": comparison,
        "tables": tables,
        "definitions": list({m.id: m for table in tables for m in table.metrics}.values()),
        "protocols": list({table.protocol.id: table.protocol for table in tables}.values()),
        "fingers": list(zip(FINGERS, CHAIN_COLOURS, strict=True)),
        "scored": scored,
        "versions": _versions(),
        "sheets": [],
        "coverage": [],
        "examples": [],
    }
    with tqdm(total=2 * len(rendered) + len(scored) + 1, desc="report", unit="section") as bar:
        for manifest in rendered:
            context["sheets"].append(gallery.contact_sheets(manifest))
            bar.update()
            context["coverage"].append(gallery.coverage(manifest))
            bar.update()
        for rows in groups:
            shown = []
            for row in rows:
                # One of its repeats is enough to look at.
                if not row.is_baseline:
                    shown.append(_example(gallery, row.results[0]))
                bar.update(len(row.results))
            some = rows[0].results[0]
            context["examples"].append((some.target, some.manifest.info, shown))
        context["losses"] = gallery.losses(runs)
        bar.update()
    if comparison is not None:
        write_atomically(out / COMPARISON_FILE, comparison.to_csv().encode())
    page = out / "index.html"
    write_atomically(page, _template().render(context).encode())
    return page


def _example(gallery: Gallery, found: Scored) -> dict[str, Any]:
    return {
        "label": found.label,
        "overlays": gallery.overlays(found),
        "hands_3d": gallery.hands_3d(found),
    }


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
    return environment.get_template("page.html.j2")
