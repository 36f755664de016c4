"""The verbs `referee` and `predictions`: official evaluations and their prediction files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Data

referee = typer.Typer(
    no_args_is_help=True,
    help="Score predictions as a data set's authors do, over its original files.",
)
predictions = typer.Typer(
    no_args_is_help=True,
    help="Read and write prediction files of public data sets: freihand, coco-wholebody.",
)

Root = Annotated[Path, typer.Option(help="Folder of the data set as distributed.")]
OurPredictions = Annotated[Path, typer.Option("--predictions", help="Parquet file of predict.")]
Format = Annotated[str, typer.Argument(metavar="FORMAT", help="freihand or coco-wholebody.")]
AnnotationRoot = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the data set as distributed, where the format needs its annotations.",
        show_default=False,
    ),
]

_OF_MESH = ("mesh_", "f_score_", "f_al_score_")

_NO_VERTICES = "its F-scores 0"
"""Stands in the referee's warning where it had no vertices to compare."""


@referee.command()
def freihand(
    root: Root,
    predictions: Annotated[
        Path, typer.Option(help="pred.json, also zipped, or the Parquet file of predict.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="scores.txt to write, as eval.py does.")
    ] = None,
) -> None:
    """FreiHAND's eval.py on the evaluation split: errors in cm, AUC, F-scores."""
    from evaluation.datasets.adapter import read_json
    from evaluation.referees.freihand_files import referee_freihand

    scores, warnings = referee_freihand(root, predictions, out)
    num_hands = len(read_json(root / "evaluation_xyz.json"))
    _tell(scores, warnings, _heading(root, num_hands, "hands", "freihand"))
    if out is not None:
        print(out)


@referee.command("coco-wholebody")
def coco_wholebody(
    root: Root,
    predictions: Annotated[
        Path, typer.Option(help="A result file (JSON), or the Parquet file of predict.")
    ],
    split: Annotated[str, typer.Option(help="train or val.")] = "val",
) -> None:
    """AP and AR of COCO-WholeBody's hands, by object keypoint similarity."""
    from evaluation.referees.coco_wholebody_files import referee_coco_wholebody

    sides, warnings = referee_coco_wholebody(root, split, predictions)
    scores = {
        f"{side}hand_{name}": value
        for side, found in sides.items()
        for name, value in found.items()
    }
    num_hands = _count_coco_hands(root, split)
    _tell(scores, warnings, _heading(root, num_hands, "hands", "coco-wholebody"))


@referee.command()
def interhand26m(
    root: Root,
    predictions: OurPredictions,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
) -> None:
    """InterHand2.6M's MPJPE, MRRPE and handedness."""
    from evaluation.referees.interhand26m import referee_interhand26m
    from render.manifest.predictions import read_predictions

    scores, warnings = referee_interhand26m(root, split, predictions)
    num_hands = len(read_predictions(predictions).sample_ids)
    _tell(scores, warnings, _heading(root, num_hands, "hands", "interhand26m"))


@referee.command("penn-action")
def penn_action(
    root: Root,
    predictions: Annotated[
        Path, typer.Option(help="JSON: for each sequence, frames x 13 joints x 2, px.")
    ],
    split: Annotated[str, typer.Option(help="train or test.")] = "test",
) -> None:
    """PCK@0.2 of the box on Penn Action, as the LSTM Pose Machines compute it."""
    from evaluation.referees.penn import referee_penn

    scores, warnings = referee_penn(root, split, predictions)
    heading = _heading(root, int(scores["num_joints"]), "visible joints", "penn-action")
    _tell(scores, warnings, heading)


@predictions.command()
def read(
    format: Format,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Prediction file to read.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")],
    root: AnnotationRoot = None,
    label: Annotated[
        str | None, typer.Option(help="Name shown in reports.", show_default="the file's")
    ] = None,
) -> None:
    """Read a public data set's prediction file into a Parquet file for evaluate."""
    from evaluation.prediction_formats import read_format

    _tell({}, read_format(format, file, data, out, root, label))
    print(out)


@predictions.command()
def write(
    format: Format,
    file: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="Parquet file of predict.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")],
    root: AnnotationRoot = None,
) -> None:
    """Write predictions as a public data set's prediction file."""
    from evaluation.prediction_formats import write_format

    _tell({}, write_format(format, file, data, out, root))
    print(out)


def _count_coco_hands(root: Path, split: str) -> int:
    """Hands that count: with a labelled joint, and of no crowd."""
    from evaluation.datasets.coco_wholebody import annotation_files
    from evaluation.prediction_formats.coco_persons import read_annotations
    from evaluation.referees.coco_wholebody import hand_keypoints
    from render.manifest import HAND_SIDES

    return sum(
        not person["iscrowd"] and bool((hand_keypoints(person, side)[:, 2] > 0).any())
        for person in read_annotations(annotation_files(root, split)[0]).persons.values()
        for side in HAND_SIDES
    )


def _heading(root: Path, count: int, what: str, name: str) -> str:
    """What the numbers are of: an export in a data set's layout is not that data set."""
    from evaluation.datasets.stand_in import read_export

    of = f" of {name}" if read_export(root) is None else f"; stand-in for {name}"
    return f"{count:,} {what}{of}"


def _tell(scores: dict[str, float], warnings: list[str], heading: str = "") -> None:
    if heading:
        print(heading)
    for warning in warnings:
        print(f"warning: {warning}")
    # What eval.py writes for an empty set would look like a model's numbers.
    has_vertices = not any(_NO_VERTICES in warning for warning in warnings)
    for name, value in scores.items():
        if name.startswith(_OF_MESH) and not has_vertices:
            print(f"{name:<24} - (no vertices)")
        else:
            print(f"{name:<24} {value:.6f}" if isinstance(value, float) else f"{name:<24} {value}")
