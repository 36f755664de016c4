"""Run in a process of its own: our backgrounds beside Blender's own view of their light.

Usage: render_background.py CACHE OUTPUT.npz

Also looks at light maps as Blender shows them, names the images that decoding leaves behind, and
reads truncated files.
"""

import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from scipy.spatial.transform import Rotation

from mano_assets.errors import InputError
from render.blender.environments import decode_environment
from render.environments import list_environments
from render.factors.setting import Setting
from render.settings.library import SettingLibrary
from render.settings.radiance import SettingView
from render.settings.sphere import camera_rays, look_up

SIZE = 64
CAMERA_K = np.array([[100.0, 0, SIZE / 2], [0, 100.0, SIZE / 2], [0, 0, 1]])


def blender_view(image: bpy.types.Image, turn_rad: float, cam_from_world: np.ndarray) -> np.ndarray:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    # Like ours: what is at the pixel's centre.
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BOX", 0.01
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "32"
    scene.render.filepath = str(Path(sys.argv[1]) / "view.exr")
    scene.view_settings.view_transform = "Raw"
    lens = bpy.data.cameras.new("camera")
    lens.sensor_width = 36
    lens.lens = CAMERA_K[0, 0] * 36 / SIZE
    camera = bpy.data.objects.new("camera", lens)
    scene.collection.objects.link(camera)
    scene.camera = camera
    pose = np.eye(4)
    pose[:3, :3] = cam_from_world[:, :3].T @ np.diag([1.0, -1.0, -1.0])
    camera.matrix_world = Matrix(pose.tolist())
    world = scene.world = bpy.data.worlds.new("world")
    world.use_nodes = True
    # No surface is lit.
    world.cycles.sampling_method = "NONE"
    nodes, links = world.node_tree.nodes, world.node_tree.links
    texture, mapping = nodes.new("ShaderNodeTexEnvironment"), nodes.new("ShaderNodeMapping")
    place = nodes.new("ShaderNodeTexCoord")
    links.new(place.outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], nodes["Background"].inputs["Color"])
    texture.image = image
    mapping.inputs["Rotation"].default_value[2] = -turn_rad
    bpy.ops.render.render(write_still=True)
    shown = bpy.data.images.load(scene.render.filepath)
    pixels = np.empty(SIZE * SIZE * shown.channels, dtype=np.float32)
    shown.pixels.foreach_get(pixels)
    bpy.data.images.remove(shown)
    return pixels.reshape(SIZE, SIZE, -1)[::-1, :, :3]


def image_of(light: np.ndarray) -> bpy.types.Image:
    height, width = light.shape[:2]
    image = bpy.data.images.new("light", width, height, alpha=False, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    pixels = np.ones((height, width, 4), dtype=np.float32)
    pixels[..., :3] = light[::-1]
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    return image


def told_of_truncated(content: bytes) -> list[str]:
    told = []
    for number, share in enumerate([0.02, 0.4, 0.9, 0.999]):
        path = Path(sys.argv[1]) / f"cut{number}.exr"
        path.write_bytes(content[: int(share * len(content))])
        try:
            SettingLibrary([path], [], decode_environment, Path(sys.argv[1])).prepare()
        except InputError as error:
            told.append(str(error))
    return told


def main() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    files = list_environments(None)
    before = set(bpy.data.images.keys())
    library = SettingLibrary(files, [], decode_environment, Path(sys.argv[1]))
    library.prepare()
    left_behind = sorted(set(bpy.data.images.keys()) - before)
    rng = np.random.default_rng(5)
    found: dict[str, list[np.ndarray]] = {
        name: [] for name in ("ours", "blenders", "lights", "lights_seen", "blender_lights")
    }
    for path in files[:4]:
        turn = rng.uniform(0, 2 * np.pi)
        setting = Setting(
            kind="environment", file=path.name, seed=0, rotation_rad=turn, strength=1.3
        )
        rotation = Rotation.random(random_state=int(rng.integers(1000))).as_matrix()
        cam_from_world = np.concatenate([rotation, np.zeros((3, 1))], 1)
        view = SettingView(setting, library)
        found["ours"].append(view.backdrop(CAMERA_K, cam_from_world, SIZE))
        image = bpy.data.images.load(str(path))
        found["blenders"].append(blender_view(image, turn, cam_from_world))
        light = view.light_map(cam_from_world)
        found["blender_lights"].append(blender_view(image_of(light), 0.0, cam_from_world))
        found["lights"].append(light)
        rays = camera_rays(CAMERA_K, cam_from_world, SIZE)
        found["lights_seen"].append(look_up(light, rays))
    told = told_of_truncated(files[0].read_bytes())
    np.savez(sys.argv[2], left_behind=left_behind, told=told, **found)


main()
