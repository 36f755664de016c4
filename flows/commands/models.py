"""Verbs about models: systems, train, predict, export-model, evaluate, protocols."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.options import Data, Epochs, Out, Seed

Checkpoint = Annotated[Path, typer.Option(help="Model written by train.")]
PredictionsOut = Annotated[Path, typer.Option("--out", "-o", help="Parquet file to write.")]


def systems(
    figures: Annotated[
        bool, typer.Option("--figures", help="Also count parameters and multiply-accumulates.")
    ] = False,
) -> None:
    """List the model systems that can be trained, with trunk and input size by default."""
    from training.config import TrainConfig
    from training.systems.registry import SYSTEMS

    counted = f"{'parameters':>12} {'GMAC':>8}  " if figures else ""
    print(f"{'system':<15} {'trunk':<10} {'input px':>8}  {counted}learns")
    for name, spec in SYSTEMS.items():
        config = TrainConfig(system=name)
        if figures:
            from training.measuring.model_figures import model_size

            size = model_size(config)
            counted = f"{size.num_parameters:>12,} {size.gmacs:>8.2f}  "
        trunk = config.backbone or "its own"
        print(f"{name:<15} {trunk:<10} {config.input_size:>8}  {counted}{spec.summary}")


def train(
    data: Annotated[
        list[str],
        typer.Option(
            metavar="DATASET[:SPLIT][@weight=W][@labels=2d]",
            help="To learn from; may be repeated. weight: its share among several; labels=2d: "
            "without its 3D labels.",
        ),
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
    from training.fitting.trainer import train

    print(train(chosen, data, out, validation or []))


def predict(
    checkpoint: Checkpoint,
    out: PredictionsOut,
    data: Annotated[
        str | None, typer.Option(metavar="DATASET[:SPLIT]", help="Data set folder or URL.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of image files, or one image file.")
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="Boxes of the hands in --images: CSV with image,x,y,width,height and, if wanted, "
            "side,fx,fy,cx,cy; or JSON as COCO's. Without it, each image is one hand's box."
        ),
    ] = None,
    side: Annotated[
        str, typer.Option(metavar="right|left", help="Which hand, where no box tells.")
    ] = "right",
    focal_px: Annotated[
        float | None,
        typer.Option(help="Focal length of --images, for absolute 3D, where no box tells."),
    ] = None,
    overlays: Annotated[
        Path | None, typer.Option(help="Folder for pictures with the predictions drawn in.")
    ] = None,
    num_overlays: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures to draw.", show_default="16 of a data set, all images"),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = 64,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|gpu", help="Where the network runs.")
    ] = "auto",
    precision: Annotated[
        str, typer.Option(metavar="32|bf16", help="Numbers of the network's arithmetic.")
    ] = "32",
) -> None:
    """Predict joints on a data set or on images of your own."""
    if (data is None) == (images is None):
        raise typer.BadParameter("expected either --data or --images")
    if images is None and (boxes is not None or focal_px is not None):
        raise typer.BadParameter("expected --boxes and --focal-px only with --images")
    from training.prediction.predict import PredictSettings, predict, predict_images

    settings = PredictSettings(batch_size, device, precision, overlays, num_overlays)
    if data is not None:
        print(predict(checkpoint, data, out, settings))
    if images is not None:
        print(predict_images(checkpoint, images, out, boxes, side, focal_px, settings))


def export_model(
    checkpoint: Checkpoint,
    out: Annotated[Path, typer.Option("--out", "-o", help="ONNX file to write.")],
    opset: Annotated[int, typer.Option(help="Version of ONNX's operators.")] = 18,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET[:SPLIT]",
            help="Real crops for the comparison with PyTorch.",
            show_default="what the model learned from, if it is there",
        ),
    ] = None,
) -> None:
    """Write a model as an ONNX file that describes its own pre- and post-processing."""
    from training.export.onnx_file import export_model

    exported = export_model(checkpoint, out, opset, data)
    compared_on = ", ".join(exported.agreement.compared_on)
    print(f"{exported.agreement} from PyTorch, compared on {compared_on}")
    print(exported.path)


def evaluate(
    predictions: Annotated[Path, typer.Option(help="Parquet file written by predict.")],
    data: Data,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Rules of scoring, see protocols; a data set's name means its own.",
            show_default="the data set's own",
        ),
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
    rules = result["protocol"]
    print(f"protocol {rules['id']} v{rules['version']}, {data}, n = {result['n']}")
    for name, score in result["metrics"].items():
        unit = f" {score['unit']}" if score["unit"] else ""
        fewer = f"  n = {score['n']}" if score["n"] != result["n"] else ""
        print(
            f"{name:<34} {score['value']:.4g} [{score['low']:.4g}, {score['high']:.4g}]{unit}"
            f"{fewer}"
        )
    for name, reason in result["skipped"].items():
        print(f"{name:<34} - ({reason})")
    print(f"[...]: {result['interval']}")
    if rules["comparable"]:
        print(f"comparable: {rules['comparable']}")
    for warning in result["warnings"]:
        print(f"warning: {warning}")
    print(file)


def protocols() -> None:
    """List the protocols that can be scored by, with their data sets and metrics."""
    from evaluation.protocols import PROTOCOLS

    for rules in PROTOCOLS.values():
        default = f" (default of {', '.join(rules.datasets)})" if rules.datasets else ""
        print(f"{rules.name}{default}\n  rules of {rules.rules_of}\n  {rules.description}")
        print(f"  size of the hand: {rules.size}; root: {rules.root}")
        print(f"  {', '.join(rules.metrics)}\n  comparable: {rules.comparable}")
