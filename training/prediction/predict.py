"""Runs a trained model over a data set or a user's images."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mano_assets.errors import InputError
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions
from training.checkpoints import TrainedModel, load_checkpoint
from training.config import TrainConfig
from training.prediction.boxes import read_boxes
from training.prediction.image_folder import list_hands, write_hands
from training.prediction.overlays import write_overlays
from training.samples.crops import centre_crop, transform_points
from training.samples.dataset import HandDataset
from training.samples.loading import batch_loader
from training.samples.sources import DataSource

OVERLAYS_OF_DATA = 16
DEVICES = ("auto", "cpu", "gpu")
PRECISIONS = ("32", "bf16")


@dataclass(frozen=True)
class PredictSettings:
    """How a model is run, and what is drawn.

    Attributes:
        batch_size: Images a step.
        device: cpu, gpu, or auto: a GPU when there is one, unless the model's recipe says cpu.
        precision: Of the network's arithmetic, 32 or bf16; decoding is always in 32 bit or more.
        overlays: Folder for pictures of the predictions over their images; None for none.
        num_overlays: Images to draw, evenly spaced; None for 16 of a data set and all of a folder.
    """

    batch_size: int = 64
    device: str = "auto"
    precision: str = "32"
    overlays: Path | None = None
    num_overlays: int | None = None

    def __post_init__(self) -> None:
        for field, known in (("device", DEVICES), ("precision", PRECISIONS)):
            if getattr(self, field) not in known:
                raise InputError(
                    f"{field}: is {getattr(self, field)!r}, expected one of {', '.join(known)}."
                )


def predict(
    checkpoint: Path, data: str, out: Path, settings: PredictSettings | None = None
) -> Path:
    """Predicts every sample of a data set.

    `joints_3d` needs the sample's `camera_k`; without it the row holds NaN, and a file without any
    3D prediction holds nulls.

    Args:
        checkpoint: Written by `train`.
        data: `ROOT` or `ROOT:SPLIT`.
        out: Parquet file to write.
        settings: How to run the model; the defaults when not given.

    Returns:
        `out`.

    Raises:
        InputError: The checkpoint or the data cannot be used, or there is no such device.
    """
    settings = settings or PredictSettings()
    model = load_checkpoint(checkpoint)
    source = DataSource.open(data)
    dataset = HandDataset([source], model.config, border=False)
    joints_2d, joints_3d = predict_dataset(
        model, dataset, settings.batch_size, settings.device, settings.precision
    )
    info = _provenance(model, checkpoint, source)
    write_predictions(Path(out), Predictions(info, dataset.sample_ids, joints_2d, joints_3d))
    if settings.overlays is not None:
        count = settings.num_overlays or OVERLAYS_OF_DATA
        write_overlays(settings.overlays, source, joints_2d, count)
    return Path(out)


def predict_images(
    checkpoint: Path,
    images: Path,
    out: Path,
    boxes: Path | None = None,
    side: str = "right",
    focal_px: float | None = None,
    settings: PredictSettings | None = None,
) -> Path:
    """Predicts the hands in a user's images.

    Keys are the file stems, STEM-0 and so on where an image has several boxes. Coordinates refer to
    the upright image: an orientation that a photograph carries (EXIF) is applied first.

    Args:
        checkpoint: Written by `train`.
        images: Folder of JPEG, PNG, BMP or WebP files, or one such file.
        out: Parquet file to write; `joints_3d` only of hands whose camera is known.
        boxes: File of the hands' boxes, see `training.prediction.boxes`; without it each image is
            the box of one hand.
        side: Which hand it is where the boxes file does not tell, right or left.
        focal_px: Focal length where the boxes file tells no camera, px of the upright image; its
            centre is the principal point.
        settings: How to run the model; the defaults when not given.

    Returns:
        `out`.

    Raises:
        InputError: The checkpoint, an image, a box or an argument cannot be used.
    """
    settings = settings or PredictSettings()
    model = load_checkpoint(checkpoint)
    if boxes is not None and model.config.crop == "image":
        raise InputError(
            f"{boxes}: given with a model of whole images (crop: image), expected no boxes."
        )
    images = Path(images)
    hands = list_hands(images, None if boxes is None else read_boxes(boxes))
    with tempfile.TemporaryDirectory() as folder:
        write_hands(Path(folder), images.name, hands, side, focal_px)
        source = DataSource.open(folder)
        dataset = HandDataset([source], model.config, border=False)
        joints_2d, joints_3d = predict_dataset(
            model, dataset, settings.batch_size, settings.device, settings.precision
        )
        told = dataclasses.replace(source, root=str(images), split=None, recipe_digest=None)
        info = _provenance(model, checkpoint, told)
        keys = [hand.key for hand in hands]
        write_predictions(Path(out), Predictions(info, keys, joints_2d, joints_3d))
        if settings.overlays is not None:
            names = [hand.image.stem for hand in hands]
            write_overlays(settings.overlays, source, joints_2d, settings.num_overlays, names)
    return Path(out)


@torch.inference_mode()
def predict_dataset(
    model: TrainedModel,
    dataset: HandDataset,
    batch_size: int,
    device: str = "auto",
    precision: str = "32",
) -> tuple[np.ndarray, np.ndarray | None]:
    """Predicts in the dataset's order; device and precision are those of `PredictSettings`.

    Returns:
        joints_2d in px of the whole images, [N, 21, 2], and joints_3d in their camera frames,
        metres, [N, 21, 3], NaN where there is no camera, or None where there is none at all.

    Raises:
        InputError: A GPU is asked for and there is none.
    """
    config = model.config
    processor = _processor(device, config)
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    system = model.system.to(processor).to(memory_format=layout)
    half = torch.autocast(processor.type, torch.bfloat16, enabled=precision == "bf16")
    joints_2d: list[Tensor] = []
    joints_3d: list[Tensor] = []
    loader = batch_loader(dataset, config, batch_size, shuffle=False)
    with tqdm(total=len(dataset), desc=f"predict {config.label}", unit="img") as bar:
        for loaded in loader:
            batch = centre_crop(loaded.to(processor), config.input_size)
            with half:
                outputs = system(batch.images.contiguous(memory_format=layout))
            pose = system.decode({name: each.float() for name, each in outputs.items()}, batch)
            joints_2d.append(transform_points(pose.joints_px, batch.image_from_crop).cpu())
            if pose.joints_cam_m is not None:
                cam_from_crop = batch.cam_from_crop.to(pose.joints_cam_m.dtype)
                joints_cam_m = pose.joints_cam_m @ cam_from_crop.mT
                known = batch.has_camera[:, None, None]
                joints_3d.append(joints_cam_m.where(known, torch.nan).cpu())
            bar.update(len(batch))
    values_3d = torch.cat(joints_3d).numpy() if joints_3d else None
    if values_3d is not None and np.isnan(values_3d).all():
        values_3d = None
    return torch.cat(joints_2d).numpy(), values_3d


def _processor(device: str, config: TrainConfig) -> torch.device:
    there_is_one = torch.cuda.is_available()
    if device == "gpu" and not there_is_one:
        raise InputError("device: is gpu, expected auto or cpu on this machine without one.")
    wanted = device == "gpu" or (device == "auto" and config.accelerator != "cpu")
    return torch.device("cuda" if wanted and there_is_one else "cpu")


def _provenance(model: TrainedModel, checkpoint: Path, source: DataSource) -> PredictionInfo:
    return PredictionInfo(
        system=model.config.system,
        label=model.config.label,
        checkpoint=str(checkpoint),
        checkpoint_sha256=model.sha256,
        train_data=[
            data.root if data.split is None else f"{data.root}:{data.split}" for data in model.data
        ],
        train_recipe_digests=[data.recipe_digest for data in model.data if data.recipe_digest],
        data=source.root,
        data_name=source.name,
        data_recipe_digest=source.recipe_digest,
        split=source.split,
    )
