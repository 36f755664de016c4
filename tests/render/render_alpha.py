"""Run in a process of its own: renders meshes with many samples and keeps their alpha.

Usage: render_alpha.py INPUT.npz OUTPUT.npy, the input with vertices_cam_m [N, V, 3], triangles,
camera_k with square pixels, and size.
"""

import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix


def set_up(camera_k: np.ndarray, size: int, output: Path) -> bpy.types.Scene:
    """A scene with nothing but a camera, in whose frame the world is, and a transparent film."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.film_transparent = True
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "32"
    scene.render.filepath = str(output)
    scene.cycles.device = "CPU"
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.cycles.samples = 256
    scene.cycles.max_bounces = 0
    lens = bpy.data.cameras.new("camera")
    lens.sensor_fit, lens.sensor_width = "HORIZONTAL", 36.0
    lens.lens = camera_k[0, 0] * 36.0 / size
    lens.shift_x = 0.5 - camera_k[0, 2] / size
    lens.shift_y = camera_k[1, 2] / size - 0.5
    lens.clip_start = 0.01
    scene.camera = bpy.data.objects.new("camera", lens)
    scene.camera.matrix_world = Matrix(np.diag([1.0, -1, -1, 1]).tolist())
    scene.collection.objects.link(scene.camera)
    return scene


def main() -> None:
    with np.load(sys.argv[1]) as given:
        hands, triangles = given["vertices_cam_m"], given["triangles"]
        camera_k, size = given["camera_k"], int(given["size"])
    alphas = []
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.exr"
        scene = set_up(camera_k, size, frame)
        for vertices_cam_m in hands:
            mesh = bpy.data.meshes.new("hand")
            mesh.from_pydata(vertices_cam_m.tolist(), [], triangles.tolist())
            thing = bpy.data.objects.new("hand", mesh)
            scene.collection.objects.link(thing)
            bpy.ops.render.render(write_still=True)
            scene.collection.objects.unlink(thing)
            image = bpy.data.images.load(str(frame))
            pixels = np.empty(size * size * 4, dtype=np.float32)
            image.pixels.foreach_get(pixels)
            bpy.data.images.remove(image)
            alphas.append(pixels.reshape(size, size, 4)[::-1, :, 3])
    np.save(sys.argv[2], np.stack(alphas))


main()
