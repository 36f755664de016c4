"""From a recipe and a sample's number to everything about the sample but its picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.geometry.finger_gap import finger_gap_m, finger_surfaces
from mano_assets.hand import MIRROR, MIRROR_AXIS_ANGLE, Hand
from mano_assets.skeleton import HAND21
from render.orientations import NUM_UNIFORMS, orientation
from render.placement import nearest_depth_m, place_hand, room_of_a_moving_hand
from render.poses.hardness import Hardness, range_exceedance, rarity
from render.poses.ranges import NUM_RANGE_UNIFORMS
from render.poses.sampler import DrawnPose, PoseSampler
from render.randomness import stream
from render.recipe import DatasetRecipe, SplitRecipe
from render.scene import PosedHand, Scene
from render.sobol import sobol_point
from render.visibility import hidden_joints

CAM_FROM_LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Camera axes (right, down, forward) of a level camera, in the world's (right, forward, up)."""

MAX_HARDNESS_DRAWS = 200
"""After as many draws the sample that came nearest to its bin is taken."""

_MOST_BETA = 2.5


@dataclass(frozen=True)
class Plan:
    """A sample before it is rendered.

    Attributes:
        scene: All that makes the image.
        geometry: The posed hand, camera frame.
        hidden: Whether the hand itself hides each joint, [21].
        hardness: How hard the sample is.
        num_draws: Poses drawn until one was valid.
    """

    scene: Scene
    geometry: PosedHand
    hidden: np.ndarray
    hardness: Hardness
    num_draws: int


@dataclass(frozen=True)
class _Camera:
    k: np.ndarray
    extent_px: float
    shift_px: np.ndarray


@dataclass(frozen=True)
class _Seen:
    """A pose from a view."""

    drawn: DrawnPose
    rotation: np.ndarray
    translation_m: np.ndarray
    geometry: PosedHand
    hidden: np.ndarray


class ScenePlanner:
    """Plans samples of a recipe; the same number gives the same plan anywhere.

    Args:
        recipe: Of a data set.
        hand: The hand.
        environments: Environment images to choose from.
    """

    def __init__(self, recipe: DatasetRecipe, hand: Hand, environments: list[Path]) -> None:
        self._recipe, self._hand, self._environments = recipe, hand, environments
        self._sampler = PoseSampler(hand, recipe.distributions, recipe.seed)
        self._fingers = finger_surfaces(hand)

    def plan(self, index: int) -> Plan:
        """Plans a sample.

        Args:
            index: Its number.

        Raises:
            InputError: A distribution yields no valid pose, or its file cannot be read.
        """
        recipe, split = self._recipe, self._recipe.split_of(index)
        clip, frame = divmod(recipe.index_in_split(index), split.clip_frames)
        # Frames of a clip share all but the pose; a sample of its own is a clip of one frame.
        unit = index - frame
        rng = stream(recipe.seed, "hand", unit)
        side = "left" if rng.random() < recipe.left_share else "right"
        betas = np.clip(rng.normal(0, recipe.shape_std, 10), -_MOST_BETA, _MOST_BETA)
        rng = stream(recipe.seed, "camera", unit)
        camera = self._camera(rng)
        cam_from_world = np.concatenate([self._tilt(rng) @ CAM_FROM_LEVEL, np.zeros((3, 1))], 1)
        if split.clip_frames == 1:
            seen, hardness = self._sample(split, index, side, betas, camera)
        else:
            seen, hardness = self._frame(split, frame, unit, side, betas, camera)
        scene = Scene(
            index=index,
            split=split.name,
            side=side,
            distribution=seen.drawn.distribution,
            family=seen.drawn.family,
            sequence=f"{split.name}-{clip:06d}" if split.clip_frames > 1 else None,
            frame=frame if split.clip_frames > 1 else None,
            global_orient=_of_side(Rotation.from_matrix(seen.rotation).as_rotvec(), side),
            pose=_of_side(seen.drawn.pose[3:], side),
            wrist=_of_side(seen.drawn.pose[:3], side),
            betas=betas.tolist(),
            translation_m=seen.translation_m.tolist(),
            camera_k=camera.k.tolist(),
            cam_from_world=cam_from_world.tolist(),
            size=recipe.image.size,
            seed=int(stream(recipe.seed, "engine", index).integers(2**31)),
            **self._look(unit),
        )
        return Plan(scene, seen.geometry, seen.hidden, hardness, seen.drawn.num_draws)

    def _camera(self, rng: np.random.Generator) -> _Camera:
        size, camera = self._recipe.image.size, self._recipe.camera
        focal = rng.uniform(*camera.focal_over_width) * size
        k = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1.0]])
        extent = rng.uniform(*camera.hand_share) * size
        return _Camera(k, extent, rng.uniform(-1, 1, 2) * camera.centre_jitter * size)

    def _tilt(self, rng: np.random.Generator) -> np.ndarray:
        camera = self._recipe.camera
        pitch, roll = (
            np.deg2rad(rng.uniform(*limits)) for limits in (camera.pitch_deg, camera.roll_deg)
        )
        return Rotation.from_euler("ZX", [roll, -pitch]).as_matrix()

    def _look(self, unit: int) -> dict[str, Any]:
        recipe = self._recipe
        rng = stream(recipe.seed, "light", unit)
        look: dict[str, Any] = {
            "environment": self._environments[rng.integers(len(self._environments))].name,
            "environment_rotation_rad": rng.uniform(0, 2 * np.pi),
            "environment_strength": rng.uniform(*recipe.light.strength),
            "exposure_ev": rng.uniform(*recipe.image.exposure_ev),
        }
        rng = stream(recipe.seed, "skin", unit)
        return look | {
            "skin_tone": rng.uniform(*recipe.skin.tone),
            "skin_roughness": rng.uniform(*recipe.skin.roughness),
            "skin_seed": rng.uniform(0, 100),
            "samples": recipe.image.samples,
            "denoise": recipe.image.denoise,
            "jpeg_quality": recipe.image.jpeg_quality,
        }

    def _sample(
        self, split: SplitRecipe, index: int, side: str, betas: np.ndarray, camera: _Camera
    ) -> tuple[_Seen, Hardness]:
        """A pose and a view, drawn again while the hardness is not as wished."""
        seed = self._recipe.seed
        poses, views = stream(seed, "pose", index), stream(seed, "view", index)
        low, high = _wished_bin(split, stream(seed, "hardness", index))
        nearest: tuple[float, tuple[_Seen, Hardness]] | None = None
        for number in range(MAX_HARDNESS_DRAWS):
            point = self._even_point(split, index) if number == 0 else None
            drawn = self._sampler.draw(split.poses, poses, betas, _from(point, NUM_UNIFORMS))
            seen = self._view(split, drawn, views, point, side, camera)
            hardness = self._hardness(seen)
            away = max(low - hardness.total, hardness.total - high, 0.0)
            if nearest is None or away < nearest[0]:
                nearest = away, (seen, hardness)
            if away == 0.0:
                break
        assert nearest is not None
        return nearest[1]

    def _even_point(self, split: SplitRecipe, index: int) -> np.ndarray | None:
        """View, then pose: one point, since two sequences of one sample are not independent."""
        if not split.even:
            return None
        # Every so many points of a sequence are not even: clips are counted, not their frames.
        number = self._recipe.index_in_split(index) // split.clip_frames
        size = NUM_UNIFORMS + NUM_RANGE_UNIFORMS
        return sobol_point(self._recipe.seed, f"view and pose/{split.name}", size, number)

    def _frame(
        self,
        split: SplitRecipe,
        frame: int,
        unit: int,
        side: str,
        betas: np.ndarray,
        camera: _Camera,
    ) -> tuple[_Seen, Hardness]:
        """A pose of a clip: its wrist stands still, wherever it would go with each frame alone."""
        drawn = self._sampler.frame(split.poses, unit, frame, betas)
        point = self._even_point(split, unit)
        if point is None:
            point = stream(self._recipe.seed, "view", unit).random(NUM_UNIFORMS)
        uniforms = point[:NUM_UNIFORMS]
        room = room_of_a_moving_hand(self._hand, betas)
        turned = _turned(*room, orientation(split.view, uniforms, np.eye(3)), side)
        place = place_hand(*turned, camera.k, camera.extent_px, camera.shift_px)
        seen = self._seen(split, drawn, uniforms, side, camera, place)
        return seen, self._hardness(seen)

    def _view(
        self,
        split: SplitRecipe,
        drawn: DrawnPose,
        rng: np.random.Generator,
        point: np.ndarray | None,
        side: str,
        camera: _Camera,
    ) -> _Seen:
        """The pose from a view; if its family asks for several, from the most hidden one."""
        best: _Seen | None = None
        for number in range(drawn.num_views):
            uniforms = rng.random(NUM_UNIFORMS)
            if point is not None and number == 0:
                uniforms = point[:NUM_UNIFORMS]
            seen = self._seen(split, drawn, uniforms, side, camera)
            if best is None or seen.hidden.sum() > best.hidden.sum():
                best = seen
        assert best is not None
        return best

    def _seen(
        self,
        split: SplitRecipe,
        drawn: DrawnPose,
        uniforms: np.ndarray,
        side: str,
        camera: _Camera,
        place: np.ndarray | None = None,
    ) -> _Seen:
        """The pose from a view, where the camera asks for it or at a place that is given."""
        wrist = Rotation.from_rotvec(drawn.pose[:3]).as_matrix()
        rotation = orientation(split.view, uniforms, wrist)
        vertices, joints = _turned(drawn.vertices_m, drawn.joints_m, rotation, side)
        if place is None:
            shift = place_hand(vertices, joints, camera.k, camera.extent_px, camera.shift_px)
        else:
            shift = np.array([*place[:2], max(place[2], nearest_depth_m(vertices, joints))])
        geometry = PosedHand(vertices + shift, joints + shift)
        hidden = hidden_joints(geometry.vertices_cam_m, geometry.joints_cam_m, self._hand, side)
        return _Seen(drawn, rotation, shift, geometry, hidden)

    def _hardness(self, seen: _Seen) -> Hardness:
        angles = seen.drawn.angles_rad
        return Hardness(
            range_exceedance=float(range_exceedance(angles)),
            self_occluded_fraction=float(seen.hidden.mean()),
            finger_gap_m=finger_gap_m(self._fingers, seen.drawn.vertices_m),
            rarity=rarity(angles),
        )


def _turned(
    vertices_m: np.ndarray, joints_m: np.ndarray, rotation: np.ndarray, side: str
) -> tuple[np.ndarray, np.ndarray]:
    """A right hand turned about its wrist, as a hand of its side; the first joint is the wrist."""
    root = joints_m[HAND21.root]
    mirror = MIRROR if side == "left" else 1.0
    vertices, joints = (
        ((points - root) @ rotation.T + root) * mirror for points in (vertices_m, joints_m)
    )
    return vertices, joints


def _from(point: np.ndarray | None, start: int) -> np.ndarray | None:
    return None if point is None else point[start:]


def _wished_bin(split: SplitRecipe, rng: np.random.Generator) -> tuple[float, float]:
    if split.hardness is None:
        return 0.0, 1.0
    shares = np.array(split.hardness.shares)
    number = rng.choice(len(shares), p=shares / shares.sum())
    return split.hardness.edges[number], split.hardness.edges[number + 1]


def _of_side(axis_angles: np.ndarray, side: str) -> list[float]:
    """A right hand's axis-angle vectors as those of its side."""
    if side == "right":
        return axis_angles.tolist()
    return (axis_angles.reshape(-1, 3) * MIRROR_AXIS_ANGLE).ravel().tolist()
