"""How fast and how well it renders: the figures of `handforge bench render`."""

from __future__ import annotations

import importlib.metadata
import io
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from render.dataset import render_dataset
from render.manifest import Manifest
from render.recipe import DatasetRecipe, ImageRecipe

REFERENCE_SAMPLES = 512
QUALITY_IMAGES = 64
IMAGES_OF_880K = 880_000


class Variant(BaseModel):
    """One point of the frontier."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: int = Field(ge=1, description="A pixel.")
    denoise: str = Field(description="off, fast, balanced or high.")
    size: int = Field(description="Width and height, px.")
    workers: int = Field(ge=1, description="Blender processes at a time.")

    def image(self, recipe: ImageRecipe) -> ImageRecipe:
        """The recipe's images as this variant makes them."""
        changed = self.model_dump(exclude={"workers"})
        return ImageRecipe.model_validate(recipe.model_dump() | changed)


def frontier_variants(size: int, workers: int) -> list[Variant]:
    """Samples by denoiser, then sizes, then processes, around the point that is used."""

    def point(samples: int, denoise: str, size: int = size, workers: int = workers) -> Variant:
        return Variant(samples=samples, denoise=denoise, size=size, workers=workers)

    return [
        *(point(samples, "fast") for samples in (1, 2, 4, 8)),
        *(point(2, denoise) for denoise in ("balanced", "high")),
        *(point(samples, "off") for samples in (2, 16)),
        *(point(2, "fast", size=other) for other in (128, 256, 512) if other != size),
        *(point(2, "fast", workers=number) for number in range(1, workers)),
    ]


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
        images_per_s from the first process's start to the sealed data set, and without the
        processes' start; hours_880k at these rates, with processes that live for a part of the
        recipe; psnr_db on the hand's pixels of the JPEG images against 512 samples without
        denoising, the mean over 64 images; peak_rss_mb of the largest Blender process; seconds
        by stage.
    """
    image = recipe.image
    variant = Variant(
        samples=image.samples, denoise=image.denoise, size=image.size, workers=workers
    )
    with tempfile.TemporaryDirectory(prefix="handforge-bench-") as folder:
        timed = _time(recipe, variant, hand, num_images, Path(folder))
        psnr = _psnr_of(recipe, [variant], hand, QUALITY_IMAGES, Path(folder))[0]
    return {**timed, "psnr_db": psnr, **_machine()}


def bench_frontier(
    recipe: DatasetRecipe, hand: Path, num_images: int, workers: int, num_quality: int
) -> Iterator[dict[str, Any]]:
    """The same figures for `frontier_variants`, one after the other.

    Args:
        recipe: Of a data set.
        hand: Folder of the built hand.
        num_images: To time for each variant.
        workers: Blender processes at a time.
        num_quality: Images whose noise is measured; only variants of the recipe's size have one.
    """
    variants = frontier_variants(recipe.image.size, workers)
    with tempfile.TemporaryDirectory(prefix="handforge-bench-") as folder:
        same = list(
            dict.fromkeys(
                variant.model_copy(update={"workers": workers})
                for variant in variants
                if variant.size == recipe.image.size
            )
        )
        found = _psnr_of(recipe, same, hand, num_quality, Path(folder))
        psnr = dict(zip(same, found, strict=True))
        for number, variant in enumerate(variants):
            timed = _time(recipe, variant, hand, num_images, Path(folder) / str(number))
            point = variant.model_copy(update={"workers": workers})
            yield {**timed, "psnr_db": psnr.get(point)}


WARM_IMAGES = 100
"""After so many images a process has loaded what it keeps."""


def bench_memory(
    recipe: DatasetRecipe, hand: Path, num_images: int, workers: int
) -> dict[str, Any]:
    """Renders and follows the resident memory of the Blender processes.

    Args:
        recipe: Of a data set.
        hand: Folder of the built hand.
        num_images: Of the run.
        workers: Blender processes at a time.

    Returns:
        rss_mb of the first process after `WARM_IMAGES` and at its end, growth_percent between
        them, the largest over all processes; peak_rss_mb; num_processes.
    """
    parts: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="handforge-bench-") as folder:
        run = recipe.with_num_images(num_images)
        render_dataset(run, hand, Path(folder) / "data", workers, on_part=parts.append)
    curves = [np.array(part["rss_mb"]) for part in sorted(parts, key=lambda part: part["part"])]
    return {**memory_figures(curves), "num_images": num_images, **_machine()}


def memory_figures(curves_mb: Sequence[np.ndarray]) -> dict[str, Any]:
    """What is told about processes' resident memory after each image, MB."""
    long = [curve for curve in curves_mb if len(curve) > WARM_IMAGES + 1]
    growths = [100 * (curve[WARM_IMAGES:].max() / curve[WARM_IMAGES] - 1) for curve in long]
    return {
        "rss_mb": [round(float(long[0][number])) for number in (0, WARM_IMAGES, -1)]
        if long
        else [],
        "growth_percent": round(float(max(growths)), 2) if growths else None,
        "peak_rss_mb": round(float(max(curve.max() for curve in curves_mb))),
        "num_processes": len(curves_mb),
    }


def _time(
    recipe: DatasetRecipe, variant: Variant, hand: Path, num_images: int, folder: Path
) -> dict[str, Any]:
    workers = variant.workers
    timed = recipe.with_num_images(num_images).model_copy(
        update={
            "images_per_part": max(1, -(-num_images // workers)),
            "image": variant.image(recipe.image),
        }
    )
    parts: list[dict[str, Any]] = []
    start = time.perf_counter()
    render_dataset(timed, hand, folder / "timed", workers, on_part=parts.append)
    seconds = time.perf_counter() - start
    start_s = float(np.mean([part["start_s"] for part in parts]))
    steady_s = max(part["images_s"] for part in parts)
    per_image_s = steady_s / (num_images / workers)
    part_s = recipe.images_per_part * per_image_s + start_s
    hours = IMAGES_OF_880K / recipe.images_per_part * part_s / workers / 3600
    stages = {
        name: round(float(np.mean([part["stages_ms"][name] for part in parts])), 2)
        for name in parts[0]["stages_ms"]
    }
    return {
        **variant.model_dump(),
        "images_per_s": round(num_images / seconds, 2),
        "steady_images_per_s": round(workers / per_image_s, 2),
        "start_s": round(start_s, 2),
        "hours_880k": round(hours, 1),
        "peak_rss_mb": round(max(max(part["rss_mb"]) for part in parts)),
        "num_images": num_images,
        "stages_ms": stages,
    }


def _psnr_of(
    recipe: DatasetRecipe,
    variants: Sequence[Variant],
    hand: Path,
    num_images: int,
    folder: Path,
) -> list[float]:
    """Noise of variants of one size against many samples, dB."""
    workers = variants[0].workers
    # What the sensor adds is noise that is wanted: the renderer's own is measured.
    few = recipe.with_num_images(max(num_images, len(recipe.splits))).model_copy(
        update={"images_per_part": max(1, -(-num_images // workers))}
    )
    clean = few.image.model_copy(update={"samples": REFERENCE_SAMPLES, "denoise": "off"})
    render_dataset(few.model_copy(update={"image": clean}), hand, folder / "clean", workers)
    found = []
    for number, variant in enumerate(variants):
        image = variant.image(recipe.image)
        root = folder / f"noisy{number}"
        render_dataset(few.model_copy(update={"image": image}), hand, root, workers)
        found.append(round(_psnr(root, folder / "clean"), 2))
    return found


def _psnr(first: Path, second: Path) -> float:
    """Mean over images of the peak signal-to-noise ratio on the second set's hand pixels, dB."""
    values = []
    for one, two in zip(_pictures(first), _pictures(second), strict=True):
        inside = two[1] > 127
        if inside.any():
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


def _machine() -> dict[str, Any]:
    return {"cpu_cores": os.cpu_count(), "bpy": importlib.metadata.version("bpy")}
