"""Runs to report on: two models with known errors on a drawn data set; and reading a page."""

import csv
import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from sketched_hands import Drawn

from evaluation.report import ReportInput
from evaluation.scoring import evaluate
from render.manifest import Manifest
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from render.manifest.reading import column_array

SHIFTS_PX = {"simplebaseline": 3.0, "meanpose": 10.0}
THREE_SHIFTS_PX = {"simplebaseline": 3.0, "hourglass": 5.0, "meanpose": 10.0}
CHECKPOINTS = {"simplebaseline": "ab" * 32, "meanpose": "ba" * 32, "hourglass": "bc" * 32}


@dataclass(frozen=True)
class Reported:
    """A page and what it is about."""

    inputs: ReportInput
    page: Path


VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Page(HTMLParser):
    """Collects what a page refers to, its ids, images, figures, tables and its text.

    `problems` are tags that are not closed where they should be.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.figures: list[dict[str, str | None]] = []
        self.tables: list[list[list[str]]] = []
        self.problems: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        names = ("src", "srcset", "href", "data", "action", "poster")
        self.references += [value for name in names if (value := found.get(name))]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "img":
            self.images.append(found)
        elif tag == "figure":
            self.figures.append(found)
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        opened = self._open.pop() if self._open else None
        if opened != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes <{opened}>")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("style", "script"):
            return
        self.text += data
        if "td" in self._open or "th" in self._open:
            self.tables[-1][-1][-1] += data

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())


def make_input(
    drawn: Drawn,
    root: Path,
    splits: tuple[str, ...],
    factor: float = 1.0,
    shifts_px: dict[str, float] = SHIFTS_PX,
) -> ReportInput:
    """Models on each split, off by `shifts_px` in two dimensions; the baseline `factor` times."""
    predictions, evaluations, runs = [], [], []
    manifest = Manifest.open(str(drawn.root))
    for split in splits:
        table = manifest.table(split)
        ids = table["sample_id"].to_pylist()
        joints_px = column_array(table, "joints_2d", 21, 2)
        joints_cam_m = column_array(table, "joints_3d", 21, 3)
        for system, shift_px in shifts_px.items():
            shift = shift_px * (factor if system == "meanpose" else 1)
            info = PredictionInfo(
                system=system, label=f"the {system}", checkpoint=f"models/{system}/best.ckpt",
                checkpoint_sha256=CHECKPOINTS[system], train_recipe_digests=["cd" * 32],
                data="dataset", data_name="drawn", data_recipe_digest=drawn.info.recipe_digest,
                split=split,
            )  # fmt: skip
            file = root / f"predictions/{system}-{split}.parquet"
            moved_px = joints_px + shift * np.array([0.6, 0.8])
            write_predictions(file, Predictions(info, ids, moved_px, joints_cam_m))
            result = root / f"evaluation/{system}-{split}.json"
            evaluate(file, f"{drawn.root}:{split}", None, result)
            predictions.append(file)
            evaluations.append(result)
    for system in shifts_px:
        run = root / "models" / system
        run.mkdir(parents=True)
        runs.append(run)
        (run / "config.yaml").write_text(f"system: {system}\n")
        record = {"seconds": 151.5, "data": [1], "checkpoint_sha256": CHECKPOINTS[system]}
        (run / "train.json").write_text(json.dumps(record))
    figures = {"num_parameters": 34_000_725, "gmacs": 7.239, "cpu_images_per_s": 12.4}
    (root / "models/simplebaseline/figures.json").write_text(json.dumps(figures))
    with (root / "models/simplebaseline/loss.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["step", "epoch", "train_loss", "validation_loss"])
        writer.writerows([[1, 0, 0.5, ""], [2, 0, 0.4, 0.6], [3, 1, 0.3, ""], [4, 1, 0.2, 0.5]])
    return ReportInput(
        title="Hands & <script>alert(1)</script>", recipe_yaml="name: tiny\nseed: 7\n",
        recipe_digest="ef" * 32, datasets=[drawn.root], evaluations=evaluations, runs=runs,
        predictions=predictions,
    )  # fmt: skip
