"""Verbs about models: systems, train, predict, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.options import Data, Epochs, Out, Seed

PredictionsOut = Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")]


def systems() -> None:
    """List the model systems that can be trained."""
    from training.systems.registry import SYSTEMS

    width = max(map(len, SYSTEMS))
    for name, spec in SYSTEMS.items():
        print(f"{name:<{width}}  {spec.summary}")


def train(
    data: Annotated[
        list[str], typer.Option(metavar="DATASET[:SPLIT]", help="To learn from; may be repeated.")
    ],
    out: Out,
    system: Annotated[
        str | None, typer.Option(help="Model system, if the configuration names none.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML of the system's configuration.")] = None,
    validation: Annotated[
        list[str] | None, typer.Option(metavar="DATASET[:SPLIT]", help="To watch the loss on.")
    ] = None,
    epochs: Epochs = None,
    seed: Seed = None,
) -> None:
    """Train a model; the same command again goes on where it stopped."""
    from flows.validation import parse, read_yaml
    from training.config import TrainConfig

    values: dict[str, Any] = read_yaml(config) if config else {}
    given = {"system": system, "epochs": epochs, "seed": seed}
    values |= {name: value for name, value in given.items() if value is not None}
    chosen = parse(TrainConfig, values, str(config or "train"))
    from training.trainer import train

    print(train(chosen, data, out, validation or []))


def predict(
    checkpoint: Annotated[Path, typer.Option(help="Model written by train.")],
    out: PredictionsOut,
    data: Annotated[
        str | None, typer.Option(metavar="DATASET[:SPLIT]", help="Data set folder or URL.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of image files, each of one hand.")
    ] = None,
    side: Annotated[
        str, typer.Option(metavar="right|left", help="Which hand --images shows.")
    ] = "right",
) -> None:
    """Predict joints on a data set or a folder of images."""
    if (data is None) == (images is None):
        raise typer.BadParameter("expected either --data or --images")
    from training.predict import predict, predict_images

    if data is not None:
        print(predict(checkpoint, data, out))
    if images is not None:
        print(predict_images(checkpoint, images, out, side))


def evaluate(
    predictions: Annotated[Path, typer.Option(help="Parquet file written by predict.")],
    data: Data,
    protocol: Annotated[
        str | None, typer.Option(help="Rules of scoring.", show_default="the data set's own")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder of the result.", show_default="that of the predictions"
        ),
    ] = None,
) -> None:
    """Score predictions on a data set."""
    from evaluation.scoring import evaluate

    file = (out or predictions.parent) / f"{predictions.stem}.json"
    result = evaluate(predictions, data, protocol, file)
    for name, score in result["metrics"].items():
        print(
            f"{name:<24} {score['value']:.4g} [{score['low']:.4g}, {score['high']:.4g}] "
            f"{score['unit']}"
        )
    print(file)
