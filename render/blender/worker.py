"""Renders parts of a data set: `python -m render.blender.worker JOB.json`.

Lines on standard output: "sample" after each image, "part N" after each commit. An input that
cannot be used ends with exit code 2 and one sentence on standard error.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy
import numpy as np

from mano_assets.errors import InputError
from mano_assets.hand import load_hand
from render.blender.studio import Studio
from render.environments import list_environments
from render.image import compose, encode_jpeg, encode_mask
from render.job import RenderJob
from render.labels import label_row
from render.locking import rendering
from render.manifest import PartWriter
from render.planning import ScenePlanner
from render.scene import PosedHand, Scene


def engine_name() -> str:
    """Renderer and version, as stored in the manifest."""
    return f"cycles-{bpy.app.version_string.replace(' ', '-').lower()}"


def render_scene(
    studio: Studio, scene: Scene, geometry: PosedHand, environments: dict[str, Path]
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one scene.

    Returns:
        RGB uint8 [H, W, 3], alpha [H, W].
    """
    cam_from_world = np.array(scene.cam_from_world)
    studio.set_camera(np.array(scene.camera_k), cam_from_world, scene.size)
    environment = studio.set_environment(
        environments[scene.environment], scene.environment_rotation_rad, scene.environment_strength
    )
    studio.set_hand(
        scene.side, (geometry.vertices_cam_m - cam_from_world[:, 3]) @ cam_from_world[:, :3]
    )
    studio.set_skin(scene.skin_tone, scene.skin_roughness, scene.skin_seed)
    rgba = studio.render(scene.samples, scene.denoise, scene.seed)
    return compose(scene, rgba, environment), rgba[..., 3]


def render_parts(job: RenderJob) -> None:
    """Renders and commits the parts of a job."""
    with rendering(job.root):
        _render_parts(job)


def _render_parts(job: RenderJob) -> None:
    hand = load_hand(job.hand)
    files = list_environments(job.recipe.light.environments)
    environments = {path.name: path for path in files}
    studio = Studio(hand, job.threads)
    studio.load_environments(files)
    planner = ScenePlanner(job.recipe, hand, files)
    for part in job.parts:
        with PartWriter(job.root, part) as writer:
            for index in job.recipe.part_range(part):
                plan = planner.plan(index)
                rgb, alpha = render_scene(studio, plan.scene, plan.geometry, environments)
                row = label_row(plan, job.recipe.name, engine_name())
                image = encode_jpeg(rgb, plan.scene.jpeg_quality)
                writer.add(row, image, "jpg", encode_mask(alpha))
                print("sample", flush=True)
            writer.commit()
        print(f"part {part}", flush=True)


def _quiet_blender() -> None:
    """Sends what Blender's C code prints to standard error and keeps our own lines.

    When the parent has gone the next line cannot be written and the process ends.
    """
    ours = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(ours, "w")


def main() -> int:
    """Entry point of the process."""
    _quiet_blender()
    try:
        render_parts(RenderJob.model_validate_json(Path(sys.argv[1]).read_text()))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
