"""Run in a process of its own: renders a small bright ball at each joint and finds it again.

Usage: render_markers.py DATASET OUTPUT.npz
"""

import sys

import bpy
import numpy as np

from mano_assets.hand import HandConfig, build_hand, load_hand
from render.blender.studio import Studio
from render.manifest import Manifest
from render.manifest.reading import column_array
from render.scene import Scene

NUM_SAMPLES = 6


def main() -> None:
    manifest = Manifest.open(sys.argv[1])
    table = manifest.table().slice(0, NUM_SAMPLES)
    joints_cam_m = column_array(table, "joints_3d", 21, 3)
    studio = Studio(load_hand(build_hand(HandConfig())), threads=1)
    glow = bpy.data.materials.new("glow")
    glow.use_nodes = True
    glow.node_tree.nodes.clear()
    output = glow.node_tree.nodes.new("ShaderNodeOutputMaterial")
    emission = glow.node_tree.nodes.new("ShaderNodeEmission")
    glow.node_tree.links.new(emission.outputs[0], output.inputs["Surface"])
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.003, segments=24, ring_count=12)
    ball = bpy.context.object
    ball.data.materials.append(glow)

    seen = np.empty((NUM_SAMPLES, 21, 2))
    for row, text in enumerate(table["scene"].to_pylist()):
        scene = Scene.model_validate_json(text)
        cam_from_world = np.array(scene.cam_from_world)
        studio.set_camera(np.array(scene.camera_k), cam_from_world, scene.size)
        studio.set_hand(scene.side, None)
        for joint in range(21):
            place = cam_from_world[:, :3].T @ (joints_cam_m[row, joint] - cam_from_world[:, 3])
            ball.location = place.tolist()
            alpha = studio.render(64, "off", 0)[..., 3]
            centres = np.arange(scene.size) + 0.5
            seen[row, joint] = (
                (alpha.sum(0) * centres).sum() / alpha.sum(),
                (alpha.sum(1) * centres).sum() / alpha.sum(),
            )
    np.savez(sys.argv[2], seen_px=seen, label_px=column_array(table, "joints_2d", 21, 2))


main()
