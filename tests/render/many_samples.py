"""Run in a process of its own: what a darkroom leaves behind, and how it repeats flawed frames.

Usage: many_samples.py RECIPE.json HAND OUTPUT.json
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from mano_assets.hand import load_hand
from render.blender import darkroom as darkroom_module
from render.blender.darkroom import MOST_ATTEMPTS, Darkroom
from render.job import RenderJob
from render.manifest import JointState
from render.recipe import DatasetRecipe
from render.scene import Scene

KINDS = ("images", "meshes", "materials", "objects", "node_groups", "worlds", "lights", "cameras")


def counts() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in KINDS}


def attempt(darkroom: Darkroom, flawed: Callable[..., str | None]) -> dict[str, object]:
    sound = darkroom_module.flawed
    darkroom_module.flawed = flawed
    row = darkroom.sample(0).row
    darkroom_module.flawed = sound
    return Scene.model_validate_json(row["scene"]).model_dump(mode="json")


def unseen(darkroom: Darkroom) -> dict[str, object]:
    """The first sample if no joint were seen in it whatever is taken away."""
    states = darkroom_module.joint_states
    darkroom_module.joint_states = lambda *_: np.full(21, JointState.OCCLUDED)
    row = darkroom.sample(0).row
    darkroom_module.joint_states = states
    return Scene.model_validate_json(row["scene"]).model_dump(mode="json")


def main() -> None:
    recipe = DatasetRecipe.model_validate_json(Path(sys.argv[1]).read_text())
    job = RenderJob(recipe=recipe, hand=Path(sys.argv[2]), root=Path("unused"), parts=[])
    darkroom = Darkroom(job, load_hand(job.hand))
    found: dict[str, object] = {"counts": []}
    for _ in range(3):
        for index in range(recipe.num_images):
            darkroom.sample(index)
        found["counts"].append(counts())
    verdicts = iter(["black", "burnt out", None])
    found["sound"] = attempt(darkroom, lambda *_: None)
    found["third"] = attempt(darkroom, lambda *_: next(verdicts))
    found["hopeless"] = attempt(darkroom, lambda *_: "black")
    found["most_attempts"] = MOST_ATTEMPTS
    darkroom.close()
    found["unseen"] = unseen(darkroom)
    Path(sys.argv[3]).write_text(json.dumps(found))


main()
