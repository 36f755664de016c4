"""How fast and how well it renders: the figures of `handforge bench render`."""

from __future__ import annotations

import importlib.metadata
import io
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from render.dataset import render_dataset
from render.manifest import Manifest
from render.recipe import DatasetRecipe

REFERENCE_SAMPLES = 512
QUALITY_IMAGES = 16


def bench_render(
    recipe: DatasetRecipe, hand: Path, num_images: int, workers: int
) -> dict[str, Any]:
    """Renders a recipe's first images as a run does, and a few again without noise.

    Args:
        recipe: Of a data set; its sizes and samples are measured as they are.
        hand: Folder of the built hand.
        num_images: To time.
        workers: Blender processes at a time.

    Returns:
        images_per_s from the first process's start to the sealed data set; psnr_db on the hand's
        pixels of the JPEG images against 512 samples without denoising, the mean over 16 images;
        peak_rss_mb of the largest Blender process.
    """
    timed = recipe.with_num_images(num_images).model_copy(
        update={"images_per_part": max(1, -(-num_images // workers))}
    )
    with tempfile.TemporaryDirectory(prefix="handforge-bench-") as folder:
        start = time.perf_counter()
        render_dataset(timed, hand, Path(folder) / "timed", workers)
        seconds = time.perf_counter() - start
        peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        few = recipe.with_num_images(max(QUALITY_IMAGES, len(recipe.splits))).model_copy(
            update={"images_per_part": max(1, -(-QUALITY_IMAGES // workers))}
        )
        clean = few.model_copy(
            update={
                "image": few.image.model_copy(
                    update={"samples": REFERENCE_SAMPLES, "denoise": "off", "jpeg_quality": 100}
                )
            }
        )
        render_dataset(few, hand, Path(folder) / "few", workers)
        render_dataset(clean, hand, Path(folder) / "clean", workers)
        psnr = _psnr(Path(folder) / "few", Path(folder) / "clean")
    return {
        "images_per_s": round(num_images / seconds, 2),
        "psnr_db": round(psnr, 2),
        "peak_rss_mb": round(peak_kib / 1024),
        "num_images": num_images,
        "size_px": recipe.image.size,
        "samples": recipe.image.samples,
        "denoise": recipe.image.denoise,
        "workers": workers,
        "cpu_cores": os.cpu_count(),
        "bpy": importlib.metadata.version("bpy"),
    }


def _psnr(first: Path, second: Path) -> float:
    """Mean over images of the peak signal-to-noise ratio on the second set's hand pixels, dB."""
    values = []
    for one, two in zip(_pictures(first), _pictures(second), strict=True):
        inside = two[1] > 127
        error = np.mean((one[0][inside] - two[0][inside]) ** 2)
        values.append(10 * np.log10(255.0**2 / max(error, 1e-9)))
    return float(np.mean(values))


def _pictures(root: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    manifest = Manifest.open(str(root))
    columns = ("image_shard", "image_offset", "image_size", "mask_offset", "mask_size")
    found = []
    for row in manifest.table(columns=columns).to_pylist():
        shard = row["image_shard"]
        image = manifest.read_bytes(shard, row["image_offset"], row["image_size"])
        mask = manifest.read_bytes(shard, row["mask_offset"], row["mask_size"])
        found.append(
            (
                np.asarray(Image.open(io.BytesIO(image)), dtype=np.float64),
                np.asarray(Image.open(io.BytesIO(mask))),
            )
        )
    return found
