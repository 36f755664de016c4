"""A pose from a view: drawn until it is as hard as wished, turned, and stood before the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.geometry.finger_gap import finger_gap_m, finger_surfaces
from mano_assets.hand import MIRROR, Hand
from mano_assets.skeleton import HAND21
from render.factors.camera import Camera, draw_camera
from render.orientations import NUM_UNIFORMS, orientation
from render.placement import crop, nearest_depth_m, room_of_a_moving_hand, stand, towards
from render.posed_hand import PosedHand
from render.poses.hardness import Hardness, range_exceedance, rarity
from render.poses.ranges import NUM_RANGE_UNIFORMS
from render.poses.sampler import DrawnPose, PoseSampler
from render.randomness import stream
from render.recipe import DatasetRecipe, SplitRecipe
from render.sobol import sobol_point
from render.visibility import hidden_joints

MAX_HARDNESS_DRAWS = 200
"""After as many draws the sample that came nearest to its bin is taken."""


_MOST_BETA = 2.5


@dataclass(frozen=True)
class Subject:
    """Whose hand, before which camera: what the frames of a clip share.

    Attributes:
        index: Sample number.
        unit: Sample number of the clip's first frame; a sample of its own is a clip of one.
        split: The sample's split.
        clip: Number of the clip in its split.
        frame: Number in the clip.
        side: right or left.
        betas: Shape, [10].
        camera: The camera.
    """

    index: int
    unit: int
    split: SplitRecipe
    clip: int
    frame: int
    side: str
    betas: np.ndarray
    camera: Camera


@dataclass(frozen=True)
class View:
    """A pose from a view.

    Attributes:
        subject: Whose hand.
        drawn: The pose, of a right hand.
        rotation: Of the hand of its side, camera frame, [3, 3].
        translation_m: [3].
        camera_k: Intrinsics, px, [3, 3].
        geometry: The posed hand of its side, camera frame.
        hidden: Whether the hand itself hides each joint, [21].
        hardness: How hard it is.
    """

    subject: Subject
    drawn: DrawnPose
    rotation: np.ndarray
    translation_m: np.ndarray
    camera_k: np.ndarray
    geometry: PosedHand
    hidden: np.ndarray
    hardness: Hardness


class Viewer:
    """Draws poses and views of a recipe; the same number gives the same view anywhere.

    Args:
        recipe: Of a data set.
        hand: The hand.

    Attributes:
        sampler: Of the recipe's poses.
    """

    def __init__(self, recipe: DatasetRecipe, hand: Hand) -> None:
        self._recipe, self._hand = recipe, hand
        self.sampler = PoseSampler(hand, recipe.distributions, recipe.seed)
        self._fingers = finger_surfaces(hand)

    def view(self, index: int) -> View:
        """The pose and the view of a sample.

        Raises:
            InputError: A distribution yields no valid pose, or its file cannot be read.
        """
        subject = self._subject(index)
        return self._alone(subject) if subject.split.clip_frames == 1 else self._frame(subject)

    def _subject(self, index: int) -> Subject:
        recipe, split = self._recipe, self._recipe.split_of(index)
        clip, frame = divmod(recipe.index_in_split(index), split.clip_frames)
        unit = index - frame
        rng = stream(recipe.seed, "hand", unit)
        side = "left" if rng.random() < recipe.left_share else "right"
        betas = np.clip(rng.normal(0, recipe.shape_std, 10), -_MOST_BETA, _MOST_BETA)
        camera = draw_camera(recipe.camera, stream(recipe.seed, "camera", unit))
        return Subject(index, unit, split, clip, frame, side, betas, camera)

    def _alone(self, subject: Subject) -> View:
        """A pose and a view, drawn again while the hardness is not as wished."""
        split, seed, index = subject.split, self._recipe.seed, subject.index
        poses, views = stream(seed, "pose", index), stream(seed, "view", index)
        low, high = _wished_bin(split, stream(seed, "hardness", index))
        nearest: tuple[float, View] | None = None
        for number in range(MAX_HARDNESS_DRAWS):
            point = self._even_point(split, index) if number == 0 else None
            even = _from(point, NUM_UNIFORMS)
            drawn = self.sampler.draw(split.poses, poses, subject.betas, even)
            view = self._most_hidden(subject, drawn, views, point)
            away = max(low - view.hardness.total, view.hardness.total - high, 0.0)
            if nearest is None or away < nearest[0]:
                nearest = away, view
            if away == 0.0:
                break
        assert nearest is not None
        return nearest[1]

    def _frame(self, subject: Subject) -> View:
        """A pose of a clip: its wrist stands still, wherever it would go with each frame alone."""
        split, camera = subject.split, subject.camera
        drawn = self.sampler.frame(split.poses, subject.unit, subject.frame, subject.betas)
        point = self._even_point(split, subject.unit)
        if point is None:
            point = stream(self._recipe.seed, "view", subject.unit).random(NUM_UNIFORMS)
        uniforms = point[:NUM_UNIFORMS]
        room = room_of_a_moving_hand(self._hand, subject.betas)
        in_right_hands = orientation(split.view, uniforms, np.eye(3))
        vertices, joints = _turned(*room, _rotation(in_right_hands, subject), subject.side)
        shift = stand(vertices, joints, camera)
        k = crop(joints + shift, camera, self._recipe.image.size)
        return self._seen(subject, drawn, uniforms, (shift, k))

    def _even_point(self, split: SplitRecipe, index: int) -> np.ndarray | None:
        """View, then pose: one point, since two sequences of one sample are not independent."""
        if not split.even:
            return None
        # Every so many points of a sequence are not even: clips are counted, not their frames.
        number = self._recipe.index_in_split(index) // split.clip_frames
        size = NUM_UNIFORMS + NUM_RANGE_UNIFORMS
        return sobol_point(self._recipe.seed, f"view and pose/{split.name}", size, number)

    def _most_hidden(
        self,
        subject: Subject,
        drawn: DrawnPose,
        rng: np.random.Generator,
        point: np.ndarray | None,
    ) -> View:
        """The pose from a view; if its family asks for several, from the most hidden one."""
        best: View | None = None
        for number in range(drawn.num_views):
            uniforms = rng.random(NUM_UNIFORMS)
            if point is not None and number == 0:
                uniforms = point[:NUM_UNIFORMS]
            view = self._seen(subject, drawn, uniforms)
            if best is None or view.hidden.sum() > best.hidden.sum():
                best = view
        assert best is not None
        return best

    def _seen(
        self,
        subject: Subject,
        drawn: DrawnPose,
        uniforms: np.ndarray,
        place: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> View:
        """The pose from a view, where the camera asks for it or at a place that is given."""
        wrist = Rotation.from_rotvec(drawn.pose[:3]).as_matrix()
        rotation = _rotation(orientation(subject.split.view, uniforms, wrist), subject)
        vertices, joints = _turned(drawn.vertices_m, drawn.joints_m, rotation, subject.side)
        if place is None:
            shift = stand(vertices, joints, subject.camera)
            k = crop(joints + shift, subject.camera, self._recipe.image.size)
        else:
            shift, k = place
            shift = np.array([*shift[:2], max(shift[2], nearest_depth_m(vertices, joints))])
        geometry = PosedHand(vertices + shift, joints + shift)
        hidden = hidden_joints(
            geometry.vertices_cam_m, geometry.joints_cam_m, self._hand, subject.side
        )
        hardness = Hardness(
            range_exceedance=float(range_exceedance(drawn.angles_rad)),
            self_occluded_fraction=float(hidden.mean()),
            finger_gap_m=finger_gap_m(self._fingers, drawn.vertices_m),
            rarity=rarity(drawn.angles_rad),
        )
        return View(subject, drawn, rotation, shift, k, geometry, hidden, hardness)


def _rotation(in_right_hands: np.ndarray, subject: Subject) -> np.ndarray:
    """An orientation of a right hand as that of a hand of its side, seen off the axis, [3, 3]."""
    if subject.side == "left":
        in_right_hands = MIRROR[:, None] * in_right_hands * MIRROR
    return towards(np.array(subject.camera.off_axis)) @ in_right_hands


def _turned(
    vertices_m: np.ndarray, joints_m: np.ndarray, rotation: np.ndarray, side: str
) -> tuple[np.ndarray, np.ndarray]:
    """A right hand as one of its side, turned about its wrist; the first joint is the wrist."""
    mirror = MIRROR if side == "left" else np.ones(3)
    root = joints_m[HAND21.root] * mirror
    vertices, joints = (
        (points * mirror - root) @ rotation.T + root for points in (vertices_m, joints_m)
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
