"""From a sample's number to its finished files: plan, render, develop, label, check."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from mano_assets.hand import Hand
from render.assets import Assets
from render.blender.environments import decode_environment
from render.blender.studio import Studio
from render.development.chain import Layers, Photograph, develop, encode_jpeg
from render.development.frame_check import flawed
from render.development.label_images import hand_mask
from render.job import RenderJob
from render.label_images import HAND_ID, label_images, raster_of
from render.labels import joint_states, label_row
from render.manifest import JointState
from render.planning import UNCOVERED, Plan, ScenePlanner
from render.rasters import Raster
from render.settings.library import SettingLibrary
from render.settings.radiance import SettingView

MOST_ATTEMPTS = 8
"""An image that is flawed in the light of so many settings is kept as it is."""

LEAST_SEEN = 3
"""Joints: what hides more of a hand is taken away, for nothing could be learned from the image."""


@dataclass(frozen=True)
class Sample:
    """Row and files of a sample."""

    row: dict[str, Any]
    jpeg: bytes
    label_images: dict[str, bytes]


class Darkroom:
    """Makes samples of a job's recipe.

    Args:
        job: What to render.
        hand: The hand.

    Attributes:
        clock: Seconds by stage.
    """

    def __init__(self, job: RenderJob, hand: Hand) -> None:
        recipe = job.recipe
        self._recipe, self._name = recipe, recipe.name
        assets = Assets(recipe)
        self._planner = ScenePlanner(recipe, hand, assets)
        self._arm_mesh = self._planner.stage.arm_mesh
        self._settings = SettingLibrary(assets.environments, assets.photographs, decode_environment)
        self._studio = Studio(self._arm_mesh, assets.textures, job.threads, job.device)
        self._engine = f"{engine_name()}-{self._studio.device}"
        self.clock: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds to a stage's time."""
        start = time.perf_counter()
        yield
        self.clock[stage] += time.perf_counter() - start

    def sample(self, index: int) -> Sample:
        """Renders a sample, in another light if its image is flawed, barer if nothing is seen."""
        attempt = uncovered = 0
        while True:
            with self.timed("plan"):
                plan = self._planner.plan(index, attempt, uncovered)
            with self.timed("label"):
                states = joint_states(plan, self._arm_mesh)
            seen, at_best = (states == JointState.VISIBLE).sum(), (~plan.hidden).sum()
            if seen < max(1, min(LEAST_SEEN, at_best)) and uncovered + 1 < len(UNCOVERED):
                uncovered += 1
                continue
            with self.timed("raster"):
                raster = raster_of(plan, self._arm_mesh)
                mask = hand_mask(raster.coverage([HAND_ID]))
            photograph = self._photograph(plan, raster)
            attempt += 1
            with self.timed("check"):
                flaw = flawed(photograph.rgb, photograph.linear, mask)
            if flaw is None or attempt == MOST_ATTEMPTS:
                break
        with self.timed("encode"):
            jpeg = encode_jpeg(photograph.rgb, plan.scene.sensor)
        with self.timed("label"):
            row = label_row(plan, states, self._name, self._engine)
            wished = self._recipe.image.label_images
            images = label_images(wished, plan, self._arm_mesh, raster, mask)
        return Sample(row, jpeg, images)

    def _photograph(self, plan: Plan, raster: Raster) -> Photograph:
        scene = plan.scene
        k, extrinsics = np.array(scene.camera_k), np.array(scene.cam_from_world)
        with self.timed("light"):
            setting = SettingView(scene.setting, self._settings)
            light = setting.light_map(extrinsics)
            behind = setting.backdrop(k, extrinsics, scene.size)
        with self.timed("scene"):
            set_scene(self._studio, plan, light)
            self._studio.set_border(raster.mesh >= 0)
        with self.timed("render"):
            rgba = self._studio.render(scene.samples, scene.denoise, scene.seed)
        with self.timed("develop"):
            layers = Layers(
                foreground=rgba,
                coverage=raster.coverage(),
                depth_m=raster.depth_m,
                background=behind,
                background_distance_m=scene.setting.distance_m,
                background_blur_px=scene.setting.blur_px,
                focal_px=float(k[0, 0]),
            )
            return develop(layers, scene.sensor)

    def close(self) -> None:
        """Removes temporary files."""
        self._studio.close()


def set_scene(studio: Studio, plan: Plan, light: np.ndarray) -> None:
    """Puts a plan's surfaces, camera and light into the studio."""
    scene, staged = plan.scene, plan.staged
    extrinsics = np.array(scene.cam_from_world)

    def in_world(points_cam_m: np.ndarray) -> np.ndarray:
        return (points_cam_m - extrinsics[:, 3]) @ extrinsics[:, :3]

    studio.set_camera(np.array(scene.camera_k), extrinsics, scene.size)
    studio.set_light(light)
    studio.set_hand(scene.side, in_world(staged.skin_cam_m), scene.skin)
    second = scene.second
    if second is None or staged.second_skin_cam_m is None:
        studio.set_second_hand("right", None, None)
    else:
        skin = in_world(staged.second_skin_cam_m)
        studio.set_second_hand(second.hand.side, skin, second.skin)
    studio.set_things([(solid, in_world(solid.vertices_cam_m)) for solid in staged.solids])


def engine_name() -> str:
    """Renderer and version, as stored in the manifest."""
    return f"cycles-{bpy.app.version_string.replace(' ', '-').lower()}"
