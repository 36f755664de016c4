"""Renders parts of a data set: `python -m render.blender.worker JOB.json`.

Lines on standard output: "sample MB" after each image with the process's resident memory,
"part N {...}" with times after each commit. An input that cannot be used ends with exit code 2 and
one sentence on standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mano_assets.errors import InputError
from mano_assets.hand import load_hand
from render.job import RenderJob
from render.locking import rendering
from render.manifest import PartWriter
from render.pinning import take_a_core

if TYPE_CHECKING:
    from render.blender.darkroom import Darkroom


def render_parts(job: RenderJob, started: float) -> None:
    """Renders and commits the parts of a job."""
    if job.threads == 1:
        # Before Blender starts its threads.
        take_a_core()
    from render.blender.darkroom import Darkroom

    with rendering(job.root):
        darkroom = Darkroom(job, load_hand(job.hand))
        try:
            for part in job.parts:
                _render_part(job, darkroom, part, started)
                started = time.perf_counter()
        finally:
            darkroom.close()


def _render_part(job: RenderJob, darkroom: Darkroom, part: int, started: float) -> None:
    begun = time.perf_counter()
    darkroom.clock.clear()
    with PartWriter(job.root, part) as writer:
        for index in job.recipe.part_range(part):
            sample = darkroom.sample(index)
            with darkroom.timed("write"):
                writer.add(sample.row, sample.jpeg, "jpg", sample.label_images)
            print(f"sample {_resident_mb():.1f}", flush=True)
        with darkroom.timed("write"):
            writer.commit()
    images = len(job.recipe.part_range(part))
    times = {
        "start_s": begun - started,
        "images_s": time.perf_counter() - begun,
        "stages_ms": {name: 1000 * spent / images for name, spent in darkroom.clock.items()},
    }
    print(f"part {part} {json.dumps(times)}", flush=True)


def _resident_mb() -> float:
    """Resident memory of this process, MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _quiet_blender() -> None:
    """Sends what Blender's C code prints to standard error and keeps our own lines.

    When the parent has gone the next line cannot be written and the process ends.
    """
    ours = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(ours, "w")


def main() -> int:
    """Entry point of the process."""
    started = time.perf_counter()
    _quiet_blender()
    try:
        render_parts(RenderJob.model_validate_json(Path(sys.argv[1]).read_text()), started)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
