"""Run in a process of its own: which joints are hidden in poses where everyone would agree.

Usage: cast_visibility.py HAND OUTPUT.npz
"""

import sys
from pathlib import Path

import numpy as np

from mano_assets.hand import load_hand
from render.blender.visibility import hidden_joints
from render.environments import list_environments
from render.recipe import DatasetRecipe
from render.scene import plan_scene, pose_scene

CASES = {
    "open_palm": {"poses": {"five": 1.0}, "view_spread_deg": 20.0},
    "fist_back": {"poses": {"fist": 1.0}, "view_spread_deg": 15.0, "back_share": 1.0},
}
NUM_SCENES = 40


def main() -> None:
    hand = load_hand(Path(sys.argv[1]))
    found = {}
    for name, case in CASES.items():
        split = {"name": "one", "count": NUM_SCENES, **case}
        handshapes = {
            "five": {**{f: [0, 3, 2] for f in ("index", "middle", "ring", "little")},
                     "thumb": [-15, 2, 0], "thumb_splay": -10, "spread": 1.0},
            "fist": {**{f: [80, 98, 60] for f in ("index", "middle", "ring", "little")},
                     "thumb": [30, 32, 30], "thumb_splay": 24, "spread": 0.0},
        }  # fmt: skip
        recipe = DatasetRecipe.model_validate(
            {"name": "case", "left_share": 0.5, "handshapes": handshapes, "splits": [split]}
        )
        files = list_environments(None)
        hidden = []
        for index in range(NUM_SCENES):
            scene = plan_scene(recipe, hand, files, index)
            posed = pose_scene(scene, hand)
            hidden.append(hidden_joints(posed.vertices_cam_m, posed.joints_cam_m, hand, scene.side))
        found[name] = np.array(hidden)
    np.savez(sys.argv[2], **found)


main()
