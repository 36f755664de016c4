"""The Blender scene: one hand of either side, one camera, one environment, changed in place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from mano_assets.errors import InputError
from mano_assets.hand import Hand
from mano_assets.skin import skin_zones
from render.blender.skin import ZONES, Skin

_SENSOR_MM = 36.0
_IMPORTANCE_MAP = 128
"""Width of the environment's importance map. The automatic choice rebuilds for 1.5 s whenever the
environment turns."""

_CAMERA_FROM_BLENDER = np.diag([1.0, -1.0, -1.0])
"""Blender's camera looks along -z with y up."""


class Studio:
    """Renders hands.

    Args:
        hand: Its mesh is made once for each side.
        threads: Render threads; 0 for all.
    """

    def __init__(self, hand: Hand, threads: int = 1) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene = bpy.context.scene
        self._output = Path(tempfile.mkdtemp(prefix="handforge-", dir=_memory_folder()))
        self._configure(threads)
        self._skin = Skin()
        self._hands = {side: self._make_hand(side, hand) for side in ("right", "left")}
        self._camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self._scene.collection.objects.link(self._camera)
        self._scene.camera = self._camera
        self._make_world()
        self._environments: dict[Path, tuple[bpy.types.Image, np.ndarray, float]] = {}

    def _configure(self, threads: int) -> None:
        render = self._scene.render
        render.engine = "CYCLES"
        render.film_transparent = True
        render.use_persistent_data = True
        render.threads_mode = "FIXED" if threads else "AUTO"
        render.threads = max(threads, 1)
        render.resolution_percentage = 100
        render.image_settings.file_format = "OPEN_EXR"
        render.image_settings.color_mode = "RGBA"
        render.image_settings.color_depth = "32"
        render.image_settings.exr_codec = "NONE"
        render.filepath = str(self._output / "frame.exr")
        cycles = self._scene.cycles
        cycles.device = "CPU"
        cycles.use_adaptive_sampling = False
        cycles.max_bounces = 3
        cycles.diffuse_bounces = 2
        cycles.glossy_bounces = 1
        cycles.transmission_bounces = 0
        cycles.caustics_reflective = cycles.caustics_refractive = False
        self._scene.view_settings.view_transform = "Raw"

    def _make_hand(self, side: str, hand: Hand) -> bpy.types.Object:
        faces = hand.arrays["quads"] if "quads" in hand.arrays else hand.arrays["f"]
        faces = faces.astype(int)
        mesh = bpy.data.meshes.new(side)
        mesh.from_pydata(
            hand.arrays["v_template"].tolist(),
            [],
            (faces[:, ::-1] if side == "left" else faces).tolist(),
        )
        mesh.shade_smooth()
        zones = mesh.color_attributes.new(ZONES, "FLOAT_COLOR", "POINT")
        zones.data.foreach_set("color", skin_zones(hand).ravel().astype(np.float32))
        mesh.materials.append(self._skin.material)
        thing = bpy.data.objects.new(side, mesh)
        thing.hide_render = True
        # One metric scale for the noise, whatever the extent of the posed hand.
        mesh.use_auto_texspace = False
        mesh.texspace_size = (0.1, 0.1, 0.1)
        self._scene.collection.objects.link(thing)
        return thing

    def _make_world(self) -> None:
        world = bpy.data.worlds.new("world")
        self._scene.world = world
        world.use_nodes = True
        world.cycles.sampling_method = "MANUAL"
        world.cycles.sample_map_resolution = _IMPORTANCE_MAP
        nodes, links = world.node_tree.nodes, world.node_tree.links
        self._background = nodes["Background"]
        self._texture = nodes.new("ShaderNodeTexEnvironment")
        self._mapping = nodes.new("ShaderNodeMapping")
        place = nodes.new("ShaderNodeTexCoord")
        links.new(place.outputs["Generated"], self._mapping.inputs["Vector"])
        links.new(self._mapping.outputs["Vector"], self._texture.inputs["Vector"])
        links.new(self._texture.outputs["Color"], self._background.inputs["Color"])

    def load_environments(self, files: Iterable[Path]) -> None:
        """Loads environment images.

        Raises:
            InputError: One cannot be read.
        """
        for path in files:
            image = bpy.data.images.load(str(path), check_existing=True)
            width, height = image.size
            pixels = np.empty(width * height * 4, dtype=np.float32)
            try:
                image.pixels.foreach_get(pixels)
            except (RuntimeError, TypeError):
                pixels[:] = np.nan
            rgb = pixels.reshape(height, width, 4)[::-1, :, :3].astype(np.float64)
            if rgb.size == 0 or not np.isfinite(rgb).all() or rgb.max() <= 0:
                raise InputError(
                    f"{path}: unreadable environment, expected a whole .exr or .hdr image."
                )
            mean = _mean_luminance(rgb)
            self._environments[path] = image, rgb / mean, mean

    def set_environment(self, path: Path, rotation_rad: float, strength: float) -> np.ndarray:
        """Lights the scene.

        Args:
            path: One of the loaded environments.
            rotation_rad: Turns it about the vertical.
            strength: Mean radiance.

        Returns:
            The environment scaled to mean radiance 1, row 0 on top, [H, W, 3].
        """
        image, normalised, mean = self._environments[path]
        self._texture.image = image
        self._mapping.inputs["Rotation"].default_value[2] = -rotation_rad
        self._background.inputs["Strength"].default_value = strength / mean
        return normalised

    def set_camera(self, camera_k: np.ndarray, cam_from_world: np.ndarray, size: int) -> None:
        """Places the camera.

        Args:
            camera_k: Intrinsics with square pixels, px, [3, 3].
            cam_from_world: [R|t], metres, [3, 4].
            size: Image width and height, px.
        """
        render, lens = self._scene.render, self._camera.data
        render.resolution_x = render.resolution_y = size
        lens.sensor_fit = "HORIZONTAL"
        lens.sensor_width = _SENSOR_MM
        lens.lens = camera_k[0, 0] * _SENSOR_MM / size
        lens.shift_x = 0.5 - camera_k[0, 2] / size
        lens.shift_y = camera_k[1, 2] / size - 0.5
        lens.clip_start, lens.clip_end = 0.01, 100.0
        rotation = cam_from_world[:, :3].T
        pose = np.eye(4)
        pose[:3, :3] = rotation @ _CAMERA_FROM_BLENDER
        pose[:3, 3] = -rotation @ cam_from_world[:, 3]
        self._camera.matrix_world = Matrix(pose.tolist())

    def set_hand(self, side: str, vertices_world_m: np.ndarray | None) -> None:
        """Shows the hand of one side, or none when there are no vertices, [V, 3]."""
        for name, thing in self._hands.items():
            thing.hide_render = name != side or vertices_world_m is None
        if vertices_world_m is not None:
            mesh = self._hands[side].data
            mesh.vertices.foreach_set("co", vertices_world_m.ravel().astype(np.float32))
            mesh.update()

    def set_skin(self, tone: float, roughness: float, seed: float) -> None:
        """See `Skin.set`."""
        self._skin.set(tone, roughness, seed)

    def render(self, samples: int, denoise: str, seed: int) -> np.ndarray:
        """Renders.

        Args:
            samples: A pixel.
            denoise: off, fast, balanced or high.
            seed: Of the sampler.

        Returns:
            Linear radiance with premultiplied alpha, row 0 on top, float32, [H, W, 4].
        """
        cycles = self._scene.cycles
        cycles.samples = samples
        cycles.seed = seed
        cycles.use_denoising = denoise != "off"
        if denoise != "off":
            cycles.denoiser = "OPENIMAGEDENOISE"
            cycles.denoising_use_gpu = False
            cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
            cycles.denoising_prefilter = "FAST"
            cycles.denoising_quality = denoise.upper()
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(self._scene.render.filepath)
        try:
            width, height = image.size
            pixels = np.empty(width * height * 4, dtype=np.float32)
            image.pixels.foreach_get(pixels)
        finally:
            bpy.data.images.remove(image)
        return pixels.reshape(height, width, 4)[::-1]


def _mean_luminance(rgb: np.ndarray) -> float:
    """Mean over the sphere, Rec. 709 weights."""
    height = len(rgb)
    weight = np.sin((np.arange(height) + 0.5) / height * np.pi)
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722])
    return float((luminance.mean(1) * weight).sum() / weight.sum())


def _memory_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
