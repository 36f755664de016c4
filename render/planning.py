"""From a recipe and a sample's number to everything about the sample but its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from render.assets import Assets
from render.factors.arm import draw_arm
from render.factors.camera import Camera
from render.factors.dress import draw_dress
from render.factors.second_hand import draw_second_hand, second_hand_geometry
from render.factors.sensor import Sensor, draw_sensor
from render.factors.setting import draw_setting
from render.factors.skin import SkinLook, draw_skin
from render.factors.things import Thing, draw_things, flesh_of
from render.factors.vary import Factor, varied
from render.posed_hand import PosedHand
from render.poses.hardness import Hardness
from render.randomness import stream
from render.recipe import DatasetRecipe
from render.scene import Scene, SecondPerson
from render.staging import Stage, Staged
from render.viewing import Subject, View, Viewer

CAM_FROM_LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Camera axes (right, down, forward) of a level camera, in the world's (right, forward, up)."""

UNCOVERED: tuple[dict[Factor, str], ...] = (
    {},
    {"sleeve": "off", "occluder": "none", "second_hand": "off"},
    {"forearm": "off"},
)
"""What is taken away, in this order, from in front of a hand of which nothing can be seen."""

_SECOND_POSES = {"functional": 0.5, "handshapes": 0.5}
"""Of the second hand, which nobody labels."""


@dataclass(frozen=True)
class Plan:
    """A sample before it is rendered.

    Attributes:
        scene: All that makes the image.
        staged: Its surfaces.
        hidden: Whether the hand itself hides each joint, [21].
        hardness: How hard the sample is.
        num_draws: Poses drawn until one was valid.
    """

    scene: Scene
    staged: Staged
    hidden: np.ndarray
    hardness: Hardness
    num_draws: int

    @property
    def geometry(self) -> PosedHand:
        """The labelled hand."""
        return self.staged.hand


class ScenePlanner:
    """Plans samples of a recipe; the same number gives the same plan anywhere.

    Args:
        recipe: Of a data set.
        hand: The hand.
        assets: The images and meshes that the recipe names.

    Attributes:
        stage: Builds the scenes.
    """

    def __init__(self, recipe: DatasetRecipe, hand: Hand, assets: Assets) -> None:
        self._recipe, self._hand, self._assets = recipe, hand, assets
        self._viewer = Viewer(recipe, hand)
        self._flesh = flesh_of(hand)
        self.stage = Stage(hand, assets.meshes)

    def plan(self, index: int, attempt: int = 0, uncovered: int = 0) -> Plan:
        """Plans a sample.

        Args:
            index: Its number.
            attempt: How often its image was flawed; each time light and sensor are drawn anew.
            uncovered: How many of `UNCOVERED` are taken away because they hid the hand.

        Raises:
            InputError: A distribution yields no valid pose, or its file cannot be read.
        """
        recipe, view = self._recipe, self._viewer.view(index)
        subject, drawn = view.subject, view.drawn
        split, camera = subject.split, subject.camera
        scene = Scene(
            index=index,
            split=split.name,
            side=subject.side,
            distribution=drawn.distribution,
            family=drawn.family,
            sequence=f"{split.name}-{subject.clip:06d}" if split.clip_frames > 1 else None,
            frame=subject.frame if split.clip_frames > 1 else None,
            global_orient=Rotation.from_matrix(view.rotation).as_rotvec().tolist(),
            pose=_of_side(drawn.pose[3:], subject.side),
            wrist=_of_side(drawn.pose[:3], subject.side),
            betas=subject.betas.tolist(),
            translation_m=view.translation_m.tolist(),
            camera=camera,
            camera_k=view.camera_k.tolist(),
            cam_from_world=np.concatenate([_tilt(camera), np.zeros((3, 1))], 1).tolist(),
            size=recipe.image.size,
            setting=draw_setting(
                recipe.setting,
                self._stream(f"light/{attempt}", subject),
                self._assets.environment_names,
                self._assets.photograph_names,
            ),
            skin=self._skin("skin", subject),
            sensor=self._sensor(view, attempt),
            samples=recipe.image.samples,
            denoise=recipe.image.denoise,
            seed=int(stream(recipe.seed, "engine", index).integers(2**31)),
            attempt=attempt,
            **self._surroundings(view),
        )
        for factors in (recipe.vary, *UNCOVERED[: uncovered + 1]):
            scene = varied(scene, factors)
        staged = self.stage.build(scene, view.geometry)
        return Plan(scene, staged, view.hidden, view.hardness, drawn.num_draws)

    def _stream(self, name: str, subject: Subject) -> np.random.Generator:
        return stream(self._recipe.seed, name, subject.unit)

    def _sensor(self, view: View, attempt: int) -> Sensor:
        subject, recipe = view.subject, self._recipe
        sensor = draw_sensor(
            recipe.sensor,
            self._stream(f"sensor/{attempt}", subject),
            subject.camera.kind,
            recipe.image.size,
            float(view.translation_m[2]),
        )
        # Frames of a clip have all in common but their noise.
        noise = int(stream(recipe.seed, "noise", subject.index).integers(2**32))
        return sensor.model_copy(update={"noise_seed": noise})

    def _skin(self, name: str, subject: Subject) -> SkinLook:
        rng = self._stream(name, subject)
        return draw_skin(self._recipe.skin, rng, self._assets.texture_names)

    def _surroundings(self, view: View) -> dict[str, Any]:
        """Arm, dress, second hand and things, each from a stream of its own.

        Clips show one hand alone, its arm and dress those of the first frame.
        """
        recipe, subject = self._recipe, view.subject
        first = view if subject.frame == 0 else self._viewer.view(subject.unit)
        person = self._person("", subject, first.geometry, subject.side, view.camera_k)
        if subject.split.clip_frames > 1:
            # Fingers that move would run through what stood clear of them a frame before.
            return {**person, "second": None, "things": ()}
        second = self._second(view)
        things: tuple[Thing, ...] = ()
        if second is None:
            # A thing may not pass through a second hand: one of the two.
            things = draw_things(
                recipe.things,
                self._stream("things", subject),
                view.geometry,
                self._flesh,
                subject.side,
                view.camera_k,
                recipe.image.size,
                self._assets.meshes,
            )
        return {**person, "second": second, "things": things}

    def _second(self, view: View) -> SecondPerson | None:
        recipe, subject = self._recipe, view.subject
        found = draw_second_hand(
            recipe.second_hand,
            self._stream("second hand", subject),
            view.geometry,
            self._hand,
            subject.side,
            subject.betas,
            lambda rng, betas: self._viewer.sampler.draw(_SECOND_POSES, rng, betas).pose,
            view.camera_k,
            recipe.image.size,
        )
        if found is None:
            return None
        geometry = second_hand_geometry(found, self._hand)
        # One's other hand has one's own skin.
        same = found.side != subject.side
        skin = self._skin("skin" if same else "second skin", subject)
        person = self._person("second ", subject, geometry, found.side, view.camera_k)
        return SecondPerson(hand=found, skin=skin, **person)

    def _person(
        self, whose: str, subject: Subject, geometry: PosedHand, side: str, camera_k: np.ndarray
    ) -> dict[str, Any]:
        recipe = self._recipe
        arm = draw_arm(
            recipe.arm,
            self._stream(f"{whose}arm", subject),
            geometry,
            self.stage.arm_mesh,
            side,
            camera_k,
            recipe.image.size,
        )
        dress = draw_dress(
            recipe.dress,
            self._stream(f"{whose}dress", subject),
            geometry,
            arm,
            self.stage.wearer,
            side,
        )
        return {"arm": arm, "dress": dress}


def _tilt(camera: Camera) -> np.ndarray:
    angles = [camera.roll_rad, -camera.pitch_rad]
    return Rotation.from_euler("ZX", angles).as_matrix() @ CAM_FROM_LEVEL


def _of_side(axis_angles: np.ndarray, side: str) -> list[float]:
    """A right hand's axis-angle vectors as those of its side."""
    if side == "right":
        return axis_angles.tolist()
    return (axis_angles.reshape(-1, 3) * MIRROR_AXIS_ANGLE).ravel().tolist()
