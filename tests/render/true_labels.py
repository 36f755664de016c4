"""Run in a process of its own: labels against what Blender itself renders and casts.

Usage: true_labels.py DATASET HAND NUM OUTPUT.npz

Each of NUM rows, evenly over the data set, is built again from the row alone. Then

- a small bright ball is rendered at each joint and found again in the picture;
- the labelled hand is rendered white among black things, against the stored mask;
- each joint's state is cast with Blender's bounding volumes, against the stored one;
- the studio renders it as for the data set, its coverage against that of the rasteriser.
"""

import io
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from cast_visibility import hidden_joints
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from PIL import Image

from mano_assets.hand import load_hand
from render.assets import Assets
from render.blender.darkroom import set_scene
from render.blender.studio import Studio
from render.factors.arm import ArmMesh
from render.label_images import raster_of
from render.labels import other_surfaces
from render.manifest import JointState, Manifest
from render.planning import Plan
from render.poses.hardness import Hardness
from render.recipe import DatasetRecipe
from render.scene import Scene
from render.staging import Stage

BALL_M = 0.002
LEAST_BALL_PX = 2.5
WHOLE_SHARE = 0.95
BALL_ROOM_PX = 12
BALLS_A_PICTURE = 3
SAMPLES = 16
STUDIO_SAMPLES = 4


def glowing(name: str, colour: tuple[float, float, float]) -> Any:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    emission = tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = (*colour, 1.0)
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    return material


class Balls:
    """Three balls, red, green and blue."""

    def __init__(self) -> None:
        self.balls = []
        for number in range(BALLS_A_PICTURE):
            bpy.ops.mesh.primitive_uv_sphere_add(radius=BALL_M, segments=24, ring_count=12)
            ball = bpy.context.object
            colour = tuple(float(number == channel) for channel in range(3))
            ball.data.materials.append(glowing(f"glow{number}", colour))
            self.balls.append(ball)
        self.hide(True)

    def hide(self, hidden: bool) -> None:
        for ball in self.balls:
            ball.hide_render = hidden

    def seen_px(
        self, studio: Studio, places_world_m: np.ndarray, px_per_m: np.ndarray, size: int
    ) -> np.ndarray:
        """Centres of the balls in the picture, NaN where one is cut or covered, [21, 2]."""
        scale = max(1.0, LEAST_BALL_PX / (BALL_M * px_per_m.mean()))
        whole_px = np.pi * (scale * BALL_M * px_per_m) ** 2
        for ball in self.balls:
            ball.scale = (scale, scale, scale)
        seen = np.full((len(places_world_m), 2), np.nan)
        self.hide(False)
        step = len(places_world_m) // BALLS_A_PICTURE
        for start in range(step):
            # Joints of different fingers, which seldom cover each other.
            some = range(start, len(places_world_m), step)
            for ball, joint in zip(self.balls, some, strict=True):
                ball.location = places_world_m[joint].tolist()
            picture = studio.render(SAMPLES, "off", 0)
            centres = np.arange(size) + 0.5
            for channel, joint in enumerate(some):
                light = picture[..., channel]
                border = np.concatenate([light[[0, -1]].ravel(), light[:, [0, -1]].ravel()])
                if light.sum() < WHOLE_SHARE * whole_px[joint] or border.any():
                    continue
                seen[joint] = (
                    (light.sum(0) * centres).sum() / light.sum(),
                    (light.sum(1) * centres).sum() / light.sum(),
                )
        self.hide(True)
        return seen


def around(joints_px: np.ndarray, size: int) -> np.ndarray:
    """The joints' box with room for the balls, [S, S] bool."""
    low, high = joints_px.min(0) - BALL_ROOM_PX, joints_px.max(0) + BALL_ROOM_PX
    left, top = np.clip(low, 0, size - 1).astype(int)
    right, bottom = np.clip(high, 1, size).astype(int)
    covered = np.zeros((size, size), dtype=bool)
    covered[top:bottom, left:right] = True
    return covered


def white_hand(studio: Studio, plan: Plan, arm_mesh: ArmMesh, white: Any, black: Any) -> np.ndarray:
    """How much of each pixel the labelled hand is seen on, [S, S]."""
    extrinsics = np.array(plan.scene.cam_from_world)
    surfaces = [
        (plan.staged.skin_cam_m, arm_mesh.triangles_of(plan.scene.side), white),
        *((*surface, black) for surface in other_surfaces(plan, arm_mesh)),
    ]
    things = []
    for vertices, triangles, material in surfaces:
        mesh = bpy.data.meshes.new("surface")
        world = (vertices - extrinsics[:, 3]) @ extrinsics[:, :3]
        mesh.from_pydata(world.tolist(), [], triangles.tolist())
        mesh.materials.append(material)
        thing = bpy.data.objects.new("surface", mesh)
        bpy.context.scene.collection.objects.link(thing)
        things.append(thing)
    picture = studio.render(SAMPLES, "off", 0)
    for thing in things:
        mesh = thing.data
        bpy.data.objects.remove(thing)
        bpy.data.meshes.remove(mesh)
    return picture[..., 0]


def cast_states(plan: Plan, arm_mesh: ArmMesh, joints_px: np.ndarray) -> list[int]:
    """JointState of each joint, one ray at a time."""
    staged, size = plan.staged, plan.scene.size
    joints = staged.hand.joints_cam_m
    triangles = arm_mesh.triangles_of(plan.scene.side)
    hidden = hidden_joints(staged.skin_cam_m, joints, triangles, arm_mesh.weights)
    skin = BVHTree.FromPolygons(staged.skin_cam_m.tolist(), triangles.tolist())
    others = [
        BVHTree.FromPolygons(vertices.tolist(), faces.tolist())
        for vertices, faces in other_surfaces(plan, arm_mesh)
    ]
    states = []
    for joint, (x, y), covered in zip(joints, joints_px, hidden, strict=True):
        reach = float(np.linalg.norm(joint)) - 1e-6
        ray = Vector(joint).normalized()
        firsts = [tree.ray_cast(Vector(), ray, reach)[3] for tree in others]
        first = min((distance for distance in firsts if distance is not None), default=np.inf)
        own = skin.ray_cast(Vector(), ray, reach)[3] or np.inf
        if not (0 <= x <= size and 0 <= y <= size):
            states.append(JointState.OUTSIDE)
        elif first < np.inf and (not covered or first < own):
            states.append(JointState.OCCLUDED)
        else:
            states.append(JointState.SELF_OCCLUDED if covered else JointState.VISIBLE)
    return states


def main() -> None:
    root, hand_folder, num, output = sys.argv[1:]
    manifest = Manifest.open(root)
    table = manifest.table()
    recipe = DatasetRecipe.model_validate(manifest.info.recipe)
    hand = load_hand(Path(hand_folder))
    assets = Assets(recipe)
    stage = Stage(hand, assets.meshes)
    arm_mesh = stage.arm_mesh
    studio = Studio(arm_mesh, assets.textures, threads=1, device="cpu")
    balls, white, black = Balls(), glowing("white", (1, 1, 1)), glowing("black", (0, 0, 0))
    rows = np.unique(np.linspace(0, table.num_rows - 1, int(num)).astype(int))
    found: dict[str, list[Any]] = {
        name: [] for name in ("label_px", "seen_px", "iou", "cast", "stored", "coverage_error")
    }
    for row in table.take(rows).to_pylist():
        scene = Scene.model_validate_json(row["scene"])
        plan = Plan(scene, stage.build(scene), np.zeros(21, bool), Hardness(0, 0, 0, 0), 1)
        extrinsics = np.array(scene.cam_from_world)
        studio.set_camera(np.array(scene.camera_k), extrinsics, scene.size)
        studio.set_border(None)
        studio.set_hand("right", None, None)
        studio.set_second_hand("right", None, None)
        studio.set_things([])
        joints_px = np.reshape(row["joints_2d"], (21, 2))
        joints_world = (np.reshape(row["joints_3d"], (21, 3)) - extrinsics[:, 3]) @ extrinsics[
            :, :3
        ]
        found["label_px"].append(joints_px)
        studio.set_border(around(joints_px, scene.size))
        px_per_m = scene.camera_k[0][0] / plan.geometry.joints_cam_m[:, 2]
        found["seen_px"].append(balls.seen_px(studio, joints_world, px_per_m, scene.size))
        studio.set_border(None)

        stored = manifest.read_bytes(row["image_shard"], row["mask_offset"], row["mask_size"])
        mask = np.asarray(Image.open(io.BytesIO(stored))) > 127
        seen = white_hand(studio, plan, arm_mesh, white, black) >= 0.5
        union = (mask | seen).sum()
        found["iou"].append((mask & seen).sum() / union if union else 1.0)

        found["cast"].append(cast_states(plan, arm_mesh, joints_px))
        found["stored"].append(row["joint_state"])

        set_scene(studio, plan, np.ones((4, 8, 3), np.float32))
        alpha = studio.render(STUDIO_SAMPLES, "off", 0)[..., 3]
        error = np.abs(alpha - raster_of(plan, arm_mesh).coverage())
        found["coverage_error"].append(error.mean())
    studio.close()
    np.savez(output, **{name: np.array(values) for name, values in found.items()})


if __name__ == "__main__":
    main()
