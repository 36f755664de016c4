"""Runs a trained model over a data set or a folder of images."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from tqdm import tqdm

from mano_assets.errors import InputError
from render.manifest import HAND_SIDES, DatasetInfo, write_dataset
from render.manifest.predictions import PredictionInfo, write_predictions
from training.checkpoints import TrainedModel, load_checkpoint
from training.crops import centre_crop, transform_points
from training.data import DataSource, HandDataset, batch_loader

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def predict(checkpoint: Path, data: str, out: Path, batch_size: int = 64) -> Path:
    """Predicts every sample of a data set.

    `joints_3d` needs the sample's `camera_k`; without it the row holds NaN, and a file without any
    3D prediction holds nulls.

    Args:
        checkpoint: Written by `train`.
        data: `ROOT` or `ROOT:SPLIT`.
        out: Parquet file to write.
        batch_size: Images a step.

    Returns:
        `out`.

    Raises:
        InputError: The checkpoint or the data cannot be used.
    """
    model = load_checkpoint(checkpoint)
    source = DataSource.open(data)
    dataset = HandDataset([source], model.config, border=False)
    joints_2d, joints_3d = predict_dataset(model, dataset, batch_size)
    info = _provenance(model, checkpoint, source)
    write_predictions(Path(out), info, dataset.sample_ids, joints_2d, joints_3d)
    return Path(out)


def predict_images(checkpoint: Path, images: Path, out: Path, side: str = "right") -> Path:
    """Predicts a folder of images, each taken as the box of one hand; keys are the file stems.

    Args:
        checkpoint: Written by `train`.
        images: Folder of JPEG, PNG, BMP or WebP files.
        out: Parquet file to write; there is no camera, so only `joints_2d`.
        side: Which hand the images show, right or left.

    Returns:
        `out`.

    Raises:
        InputError: The checkpoint, the folder or an image cannot be used.
    """
    if side not in HAND_SIDES:
        raise InputError(f"side: is {side!r}, expected one of {', '.join(HAND_SIDES)}.")
    model = load_checkpoint(checkpoint)
    images = Path(images)
    with tempfile.TemporaryDirectory() as folder:
        info = DatasetInfo(name=images.name, kind="real", state="rendering")
        write_dataset(folder, info, _image_rows(images, side))
        dataset = HandDataset([DataSource.open(folder)], model.config, border=False)
        joints_2d, joints_3d = predict_dataset(model, dataset, batch_size=64)
    source = DataSource(str(images), None, images.name, None, len(dataset))
    info = _provenance(model, checkpoint, source)
    write_predictions(Path(out), info, dataset.sample_ids, joints_2d, joints_3d)
    return Path(out)


@torch.inference_mode()
def predict_dataset(
    model: TrainedModel, dataset: HandDataset, batch_size: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Predicts in the dataset's order.

    Returns:
        joints_2d in px of the whole images, [N, 21, 2], and joints_3d in their camera frames,
        metres, [N, 21, 3], NaN where there is no camera, or None where there is none at all.
    """
    config = model.config
    use_gpu = config.accelerator != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if use_gpu else "cpu")
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    system = model.system.to(device).to(memory_format=layout)
    joints_2d: list[Tensor] = []
    joints_3d: list[Tensor] = []
    loader = batch_loader(dataset, config, batch_size, shuffle=False)
    with tqdm(total=len(dataset), desc=f"predict {config.label}", unit="img") as bar:
        for loaded in loader:
            batch = centre_crop(loaded.to(device), config.input_size)
            images = batch.images.contiguous(memory_format=layout)
            pose = system.decode(system(images), batch)
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


def _image_rows(folder: Path, side: str) -> Iterator[tuple[dict[str, Any], bytes]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder, expected a folder of images.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise InputError(f"{folder}: holds no image, expected {', '.join(IMAGE_SUFFIXES)} files.")
    stems: set[str] = set()
    for path in paths:
        if path.stem in stems:
            raise InputError(f"{path}: its stem occurs twice, expected unique names.")
        stems.add(path.stem)
        data = path.read_bytes()
        try:
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(f"{path}: not a readable image ({error}).") from error
        row = {"sample_id": path.stem, "split": "images", "width": width, "height": height}
        yield {**row, "side": side, "box": [0.0, 0.0, float(width), float(height)]}, data
