"""Run in a process of its own: our background beside Blender's own view of the environment.

Usage: render_background.py HAND OUTPUT.npz
"""

import sys
from pathlib import Path

import bpy
import numpy as np

from mano_assets.hand import load_hand
from render.blender.studio import Studio
from render.environments import list_environments
from render.image import background
from render.planning import ScenePlanner
from render.recipe import DatasetRecipe


def main() -> None:
    hand = load_hand(Path(sys.argv[1]))
    recipe = DatasetRecipe.model_validate(
        {"name": "view", "splits": [{"name": "train", "count": 4, "poses": {"rest": 1}}]}
    )
    files = list_environments(None)
    planner = ScenePlanner(recipe, hand, files)
    studio = Studio(hand)
    studio.load_environments(files)
    bpy.context.scene.render.film_transparent = False
    ours, blenders = [], []
    for index in range(4):
        scene = planner.plan(index).scene
        studio.set_camera(np.array(scene.camera_k), np.array(scene.cam_from_world), scene.size)
        path = next(path for path in files if path.name == scene.environment)
        environment = studio.set_environment(
            path, scene.environment_rotation_rad, scene.environment_strength
        )
        studio.set_hand(scene.side, None)
        blenders.append(studio.render(64, "off", 0)[..., :3])
        ours.append(background(scene, environment))
    np.savez(sys.argv[2], ours=ours, blenders=blenders)


main()
