"""Run in a process of its own: renders skins under a sun that stands behind the camera.

Usage: render_skin.py TEXTURES OUTPUT.npz
"""

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from mano_assets.errors import InputError
from mano_assets.hand import MIRROR, HandConfig, build_hand, load_hand
from mano_assets.skin_maps import SkinMaps, skin_maps
from render.blender.skin import MAX_TEXTURES, UV_LAYER, Skin, SkinImages
from render.factors.skin import SkinLook, list_skin_textures

SIZE = 112
PLAIN = SkinLook(
    tone=0.9, undertone=0, roughness=0.6, wetness=0, redness=0.4, mottling=0.4, veins=0.8,
    wrinkles=1, freckles=0.3, hairs=0.3, subsurface=False, variant=0,
)  # fmt: skip


class Scene:
    """One right and one left hand before a camera that looks along MANO's y."""

    def __init__(self, output: Path) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        render = self.scene.render
        render.engine, render.film_transparent = "CYCLES", True
        render.threads_mode, render.threads = "FIXED", 1
        render.resolution_x = render.resolution_y = SIZE
        render.image_settings.file_format = "OPEN_EXR"
        render.image_settings.color_depth = "32"
        self.path = render.filepath = str(output)
        self.scene.view_settings.view_transform = "Raw"
        self.scene.cycles.samples, self.scene.cycles.use_denoising = 48, False
        self.scene.cycles.use_adaptive_sampling = False
        sun = bpy.data.lights.new("sun", "SUN")
        sun.energy, sun.angle = 3.0, 0.1
        self.sun = bpy.data.objects.new("sun", sun)
        self.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self.camera.data.type, self.camera.data.ortho_scale = "ORTHO", 0.2
        for thing in (self.sun, self.camera):
            self.scene.collection.objects.link(thing)
        self.scene.camera = self.camera

    def add_hand(self, side: str, vertices: np.ndarray, maps, material) -> None:
        faces = maps.faces if side == "right" else maps.faces[:, ::-1]
        mesh = bpy.data.meshes.new(side)
        mesh.from_pydata(vertices.tolist(), [], faces.tolist())
        mesh.shade_smooth()
        add_skin_uv(mesh, maps, side)
        mesh.materials.append(material)
        self.scene.collection.objects.link(bpy.data.objects.new(side, mesh))

    def picture(self, side: str, seen: str) -> np.ndarray:
        for name in ("right", "left"):
            bpy.data.objects[name].hide_render = name != side
        above = seen == "back"
        x = -0.09 if side == "right" else 0.09
        self.camera.location = (x, 0.5 if above else -0.5, 0)
        # Upright is MANO's z for either view; the sun comes a little from there.
        self.camera.rotation_euler = (np.pi / 2, 0, np.pi if above else 0)
        self.sun.rotation_euler = (np.pi / 2 - 0.6, 0, np.pi if above else 0)
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(self.path)
        pixels = np.empty(SIZE * SIZE * 4, np.float32)
        image.pixels.foreach_get(pixels)
        bpy.data.images.remove(image)
        return pixels.reshape(SIZE, SIZE, 4)[::-1]


def add_skin_uv(mesh: Any, maps: SkinMaps, side: str) -> None:
    """Gives a hand's mesh the layout of the maps.

    Args:
        mesh: Made of `maps.faces`, for the left side `maps.faces[:, ::-1]`.
        maps: Of the hand.
        side: "right" or "left".
    """
    corners = maps.corners_uv if side == "right" else maps.corners_uv[:, ::-1]
    layer = mesh.uv_layers.new(name=UV_LAYER)
    layer.data.foreach_set("uv", corners.astype(np.float32).ravel())


def main() -> None:
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    hand = load_hand(build_hand(HandConfig()))
    maps = skin_maps(hand)
    scene = Scene(output.with_suffix(".exr"))
    textures = {path.name: path for path in list_skin_textures(folder)}
    skin = Skin(SkinImages(maps, textures))
    template = hand.arrays["v_template"]
    scene.add_hand("right", template, maps, skin.material)
    scene.add_hand("left", template * MIRROR, maps, skin.material)
    found: dict[str, np.ndarray] = {}
    for name, side, seen, change in (
        ("back_light", "right", "back", {}),
        ("palm_light", "right", "palm", {}),
        ("back_dark", "right", "back", {"tone": 0.1}),
        ("palm_dark", "right", "palm", {"tone": 0.1}),
        ("palm_variant", "right", "palm", {"variant": 1}),
        ("back_left", "left", "back", {}),
        ("back_smooth", "right", "back", {"wrinkles": 0.0, "veins": 0.0}),
        ("textured", "right", "back", {"texture": "00.png", "hairs": 0.0}),
        ("procedural_again", "right", "back", {}),
    ):
        skin.set(PLAIN.model_copy(update=change))
        found[name] = scene.picture(side, seen)

    images = [len(bpy.data.images) - 1]
    counts = []
    for number in range(20):
        skin.set(PLAIN.model_copy(update={"texture": f"{number:02}.png", "subsurface": True}))
        skin.set(PLAIN.model_copy(update={"variant": number % 3}))
        counts.append([len(getattr(bpy.data, k)) for k in ("materials", "meshes", "node_groups")])
    images.append(len(bpy.data.images))
    try:
        skin.set(PLAIN.model_copy(update={"texture": "broken.png"}))
    except InputError as error:
        found["error"] = np.array(str(error))
    np.savez(output, counts=counts, images=images, kept=MAX_TEXTURES, **found)


main()
