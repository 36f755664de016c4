"""The Blender scene: two hands, things, one camera, one light map; all changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from mano_assets.skin_maps import skin_maps
from render.blender.device import choose_device
from render.blender.frame_folder import frame_folder
from render.blender.props import Props
from render.blender.skin import SkinImages
from render.blender.skin_mesh import SkinMesh
from render.factors.arm import ArmMesh
from render.factors.skin import SkinLook
from render.job import Device
from render.solids import Solid

_SENSOR_MM = 36.0

_FILTER_PX = 2
"""What is rendered beyond the outline: a pixel's filter reaches 1.5 px from its centre."""

_CAMERA_FROM_BLENDER = np.diag([1.0, -1.0, -1.0])
"""Blender's camera looks along -z with y up."""


class Studio:
    """Renders hands.

    Args:
        arm_mesh: Of the hand; its mesh is made once for each side.
        textures: The user's skin textures by name.
        threads: Render threads; 0 for all.
        device: Processor that renders.

    Attributes:
        device: Kind of the processor: cpu, cuda, ...
    """

    def __init__(
        self,
        arm_mesh: ArmMesh,
        textures: Mapping[str, Path] | None = None,
        threads: int = 1,
        device: Device = "cpu",
    ) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene = bpy.context.scene
        self._output = frame_folder()
        self._configure(threads)
        self.device = choose_device(self._scene, device)
        maps = skin_maps(arm_mesh.hand)
        images = SkinImages(maps, textures)
        self._hands = [
            SkinMesh(name, arm_mesh, maps, images, self._scene.collection)
            for name in ("hand", "second hand")
        ]
        self._props = Props(self._scene.collection)
        self._camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self._scene.collection.objects.link(self._camera)
        self._scene.camera = self._camera
        self._make_world()

    def _configure(self, threads: int) -> None:
        render = self._scene.render
        render.engine = "CYCLES"
        render.film_transparent = True
        # Kept between frames, Cycles' scene is no faster for meshes that all change, and the last
        # bits of a surface's shading then differ from one run to the next.
        render.use_persistent_data = False
        render.threads_mode = "FIXED" if threads else "AUTO"
        render.threads = max(threads, 1)
        render.resolution_percentage = 100
        render.use_compositing = render.use_sequencer = False
        render.use_border = True
        render.use_crop_to_border = False
        render.image_settings.file_format = "OPEN_EXR"
        render.image_settings.color_mode = "RGBA"
        render.image_settings.color_depth = "32"
        render.image_settings.exr_codec = "NONE"
        render.filepath = str(self._output / "frame.exr")
        cycles = self._scene.cycles
        cycles.use_adaptive_sampling = False
        # A map on the sphere is the only light: the tree over many lights only costs time.
        cycles.use_light_tree = False
        cycles.max_bounces = 3
        cycles.diffuse_bounces = 2
        cycles.glossy_bounces = 1
        cycles.transmission_bounces = 0
        cycles.blur_glossy = 1.0
        cycles.caustics_reflective = cycles.caustics_refractive = False
        self._scene.view_settings.view_transform = "Raw"

    def _make_world(self) -> None:
        world = bpy.data.worlds.new("world")
        self._scene.world = world
        world.use_nodes = True
        # The automatic choice rebuilds for 1.5 s whenever the light changes.
        world.cycles.sampling_method = "MANUAL"
        nodes, links = world.node_tree.nodes, world.node_tree.links
        self._texture = nodes.new("ShaderNodeTexEnvironment")
        links.new(self._texture.outputs["Color"], nodes["Background"].inputs["Color"])

    def set_light(self, light: np.ndarray) -> None:
        """Lights the scene by a map of radiance on the sphere.

        Args:
            light: Equirectangular in the world's frame, row 0 at the zenith, [h, 2 h, 3]. Its
                centre column is the world's +x direction.
        """
        height, width = light.shape[:2]
        pixels = np.ones((height, width, 4), dtype=np.float32)
        pixels[..., :3] = light[::-1]
        if self._texture.image is None:
            self._texture.image = bpy.data.images.new(
                "light", width, height, float_buffer=True, is_data=True
            )
        image = self._texture.image
        image.scale(width, height)
        image.pixels.foreach_set(pixels.ravel())
        image.update()
        self._scene.world.cycles.sample_map_resolution = width

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

    def set_border(self, covered: np.ndarray | None) -> None:
        """Renders only the part of the frame in which there is something.

        Args:
            covered: Bool, row 0 on top, [size, size]; None for all of the frame.
        """
        size = self._scene.render.resolution_x
        (left, top), (right, bottom) = (0, 0), (size, size)
        if covered is not None and covered.any():
            columns, rows = (np.flatnonzero(covered.any(axis)) for axis in (0, 1))
            left, top = max(columns[0] - _FILTER_PX, 0), max(rows[0] - _FILTER_PX, 0)
            right = min(columns[-1] + 1 + _FILTER_PX, size)
            bottom = min(rows[-1] + 1 + _FILTER_PX, size)
        render = self._scene.render
        render.border_min_x, render.border_max_x = left / size, right / size
        # Blender counts rows from below.
        render.border_min_y, render.border_max_y = 1 - bottom / size, 1 - top / size

    def set_hand(
        self, side: str, vertices_world_m: np.ndarray | None, look: SkinLook | None
    ) -> None:
        """Shows the labelled hand with its arm, [V', 3]; without vertices none."""
        self._hands[0].show(side, vertices_world_m, look)

    def set_second_hand(
        self, side: str, vertices_world_m: np.ndarray | None, look: SkinLook | None
    ) -> None:
        """Shows another hand with its arm, [V', 3]; without vertices none."""
        self._hands[1].show(side, vertices_world_m, look)

    def set_things(self, solids: list[tuple[Solid, np.ndarray]]) -> None:
        """Shows solids with their vertices in the world, and no others."""
        self._props.show(solids)

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

    def close(self) -> None:
        """Removes the files of this process."""
        for path in self._output.iterdir():
            path.unlink()
        self._output.rmdir()
