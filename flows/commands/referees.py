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
    from evaluation.referees.freihand_files import referee_freihand

    scores, warnings = referee_freihand(root, predictions, out)
    _tell(scores, warnings)
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
    _tell(scores, warnings)


@referee.command()
def interhand26m(
    root: Root,
    predictions: OurPredictions,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
) -> None:
    """InterHand2.6M's MPJPE, MRRPE and handedness."""
    from evaluation.referees.interhand26m import referee_interhand26m

    _tell(*referee_interhand26m(root, split, predictions))


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

    _tell(*referee_penn(root, split, predictions))


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


def _tell(scores: dict[str, float], warnings: list[str]) -> None:
    for warning in warnings:
        print(f"warning: {warning}")
    for name, value in scores.items():
        print(f"{name:<24} {value:.6f}" if isinstance(value, float) else f"{name:<24} {value}")
