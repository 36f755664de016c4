"""Rendering a data set: which parts are missing, one Blender process a part, the seal at the end.

Every function here is a stage that runs alone. The disk is the only truth: a part is there when its
Parquet file is, and nothing else is remembered.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mano_assets.digests import file_sha256, json_digest
from mano_assets.errors import InputError
from mano_assets.hand import hand_digest, load_hand
from mano_assets.skin_maps import skin_maps
from render.assets import asset_files, check_assets
from render.job import Device, RenderJob, parse_device
from render.locking import LOCK_FILE, rendering, tidying
from render.manifest import DatasetInfo, Manifest, remove_rubbish, seal
from render.manifest.writing import part_name, write_info
from render.poses.sources import source_digest
from render.recipe import DatasetRecipe

_LOG_LINES = 20


class RenderError(RuntimeError):
    """A Blender process ended without committing its part."""


def dataset_digest(recipe: DatasetRecipe, hand: Path) -> str:
    """Names what determines the bytes: recipe, hand, images and meshes, renderer and code."""
    described = recipe.model_dump(mode="json")
    # Where the files lie is of no matter, what they hold is.
    for (factor, field), files in asset_files(recipe).items():
        described[factor][field] = [[path.name, file_sha256(path)] for path in files]
    for name, kind in recipe.distributions.items():
        described["distributions"][name] |= source_digest(kind)
    described["hand"] = hand_digest(hand)
    described["bpy"] = importlib.metadata.version("bpy")
    described["handforge"] = importlib.metadata.version("handforge")
    return json_digest(described)


def prepare(recipe: DatasetRecipe, hand: Path, root: Path) -> list[int]:
    """Makes a folder ready for rendering.

    Args:
        recipe: Of the data set.
        hand: Folder of the built hand.
        root: Data set folder, new or begun by the same recipe.

    Returns:
        Parts that are still missing.

    Raises:
        InputError: The folder belongs to something else, another run is rendering there, or a file
            that the recipe names cannot be used; then nothing has been rendered yet.
    """
    digest = dataset_digest(recipe, hand)
    if (root / "dataset.json").exists():
        info = Manifest.open(str(root)).info
        if info.recipe_digest != digest:
            raise InputError(
                f"{root}: belongs to another {_difference(info, _describe(recipe, hand, digest))} "
                f"({info.name}, digest {(info.recipe_digest or 'none')[:12]}), expected "
                f"{digest[:12]}; choose another output folder."
            )
        missing = _missing(recipe, root)
        if info.state == "complete" and not missing:
            return []
    elif root.exists() and not root.is_dir():
        raise InputError(f"{root}: is a file, expected a new folder.")
    elif root.exists() and any(path.name != LOCK_FILE for path in root.iterdir()):
        raise InputError(f"{root}: is not empty and not a data set, expected a new folder.")
    check_assets(recipe)
    # Baked once, not by every process at the same time.
    skin_maps(load_hand(hand))
    with tidying(root):
        remove_rubbish(root)
        write_info(root, _describe(recipe, hand, digest))
    return _missing(recipe, root)


def _difference(theirs: DatasetInfo, ours: DatasetInfo) -> str:
    """What makes two data sets of different digests different, in a word."""
    words = {"recipe": "recipe", "assets": "hand", "engine": "Blender", "code_version": "version"}
    for field, word in words.items():
        if getattr(theirs, field) != getattr(ours, field):
            return word
    return "set of environments or files of poses"


def _missing(recipe: DatasetRecipe, root: Path) -> list[int]:
    def there(part: int) -> bool:
        return all(
            (root / folder / f"{part_name(part)}.{suffix}").exists()
            for folder, suffix in (("manifest", "parquet"), ("images", "tar"))
        )

    return [part for part in range(recipe.num_parts) if not there(part)]


def _describe(recipe: DatasetRecipe, hand: Path, digest: str) -> DatasetInfo:
    return DatasetInfo(
        name=recipe.name,
        kind="synthetic",
        state="rendering",
        recipe=recipe.model_dump(mode="json"),
        recipe_digest=digest,
        assets={"hand": hand_digest(hand)},
        engine=f"bpy-{importlib.metadata.version('bpy')}",
        code_version=importlib.metadata.version("handforge"),
    )


def render_part(
    recipe: DatasetRecipe,
    hand: Path,
    root: Path,
    part: int,
    on_sample: Callable[[], object] | None = None,
    threads: int = 1,
    device: Device | None = None,
) -> dict[str, Any]:
    """Renders and commits one part in a Blender process of its own.

    Args:
        recipe: Of the data set.
        hand: Folder of the built hand.
        root: Prepared data set folder.
        part: Its number.
        on_sample: Called after each image.
        threads: Render threads of the process.
        device: Processor that renders; None for $HANDFORGE_DEVICE or, without it, the best.

    Returns:
        part, images, whether it was rendered now; if so, the process's resident memory after each
        image in MB (rss_mb), and start_s, images_s and stages_ms, an image's time by stage.

    Raises:
        InputError: Something the recipe names cannot be used.
        RenderError: The process failed; its last lines are in the message.
    """
    images = len(recipe.part_range(part))
    if part not in _missing(recipe, root):
        return {"part": part, "images": images, "rendered": False}
    job = RenderJob(
        recipe=recipe,
        hand=hand,
        root=root,
        parts=[part],
        threads=threads,
        device=device or parse_device(os.environ.get("HANDFORGE_DEVICE", "auto")),
    )
    rss_mb: list[float] = []
    times: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="handforge-job-") as folder, rendering(root):
        path = Path(folder) / "job.json"
        path.write_text(job.model_dump_json())
        with (Path(folder) / "log").open("w+") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "render.blender.worker", str(path)],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env=_environment(),
            )
            tail: list[str] = []
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    if line.startswith("sample "):
                        rss_mb.append(float(line.split()[1]))
                        if on_sample is not None:
                            on_sample()
                        continue
                    if line.startswith(f"part {part} "):
                        times = json.loads(line.split(maxsplit=2)[2])
                        continue
                    tail = [*tail[-_LOG_LINES:], line.rstrip()]
            except BaseException:
                process.kill()
                raise
            finally:
                code = process.wait()
            log.seek(0)
            errors = log.read().strip().splitlines()
    if code == 2 and errors:
        raise InputError(errors[-1])
    if code != 0 or part in _missing(recipe, root):
        story = "\n".join([*tail, *errors][-_LOG_LINES:])
        raise RenderError(f"part {part}: Blender ended with code {code}.\n{story}")
    return {"part": part, "images": images, "rendered": True, "rss_mb": rss_mb, **times}


def _environment() -> dict[str, str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    # Compiling every library anew would cost each process three seconds.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def finish(recipe: DatasetRecipe, hand: Path, root: Path) -> DatasetInfo:
    """Seals a data set whose parts are all there.

    Raises:
        InputError: Parts are missing; they are named.
    """
    missing = _missing(recipe, root)
    if missing:
        raise InputError(
            f"{root}: parts {', '.join(map(str, missing))} are missing, expected all "
            f"{recipe.num_parts}; run the same command again to render only those."
        )
    info = Manifest.open(str(root)).info
    if info.state == "complete":
        return info
    return seal(root, _describe(recipe, hand, dataset_digest(recipe, hand)))


def render_dataset(
    recipe: DatasetRecipe,
    hand: Path,
    root: Path,
    workers: int | None = None,
    device: Device | None = None,
    on_part: Callable[[dict[str, Any]], object] | None = None,
) -> DatasetInfo:
    """Renders whatever is missing of a data set.

    A part that fails does not stop the others; the error at the end names it.

    Args:
        recipe: Of the data set.
        hand: Folder of the built hand.
        root: Data set folder.
        workers: Blender processes at a time; one a CPU core by default.
        device: See `render_part`.
        on_part: Called with what `render_part` returns.

    Returns:
        Description of the complete data set.

    Raises:
        InputError: See `prepare` and `render_part`.
        RenderError: Some parts failed.
    """
    missing = prepare(recipe, hand, root)
    failed: dict[int, Exception] = {}
    total = sum(len(recipe.part_range(part)) for part in missing)
    if missing:
        with (
            tqdm(total=total, desc=f"render {recipe.name}", unit="image", smoothing=0.1) as bar,
            ThreadPoolExecutor(workers or os.cpu_count()) as pool,
        ):
            futures = {
                pool.submit(render_part, recipe, hand, root, part, bar.update, device=device): part
                for part in missing
            }
            try:
                for future in as_completed(futures):
                    error = future.exception()
                    if isinstance(error, InputError):
                        raise error
                    if isinstance(error, Exception):
                        failed[futures[future]] = error
                    elif on_part is not None:
                        on_part(future.result())
            except BaseException:
                # An unusable input or Ctrl-C: what has not begun is not begun any more.
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    if failed:
        first = failed[min(failed)]
        raise RenderError(
            f"{root}: {len(failed)} of {recipe.num_parts} parts failed "
            f"({', '.join(map(str, sorted(failed)))}); run the same command again to render only "
            f"those. The first: {first}"
        )
    return finish(recipe, hand, root)
