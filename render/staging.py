"""From a scene's description to all its surfaces in the camera's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.hand import Hand
from render.factors.arm import Arm, ArmMesh
from render.factors.dress import Dress, Wearer, dress_solids
from render.factors.second_hand import second_hand_geometry
from render.factors.things import MeshLibrary, thing_solids
from render.posed_hand import PosedHand
from render.scene import Scene, pose_scene
from render.solids import Solid


@dataclass(frozen=True)
class Staged:
    """All that stands before the camera.

    Attributes:
        hand: The labelled hand.
        skin_cam_m: Its mesh with the arm, [V', 3].
        second: The other hand, or None.
        second_skin_cam_m: Its mesh with the arm, [V', 3], or None.
        solids: What is worn and held and stands in the way.
    """

    hand: PosedHand
    skin_cam_m: np.ndarray
    second: PosedHand | None
    second_skin_cam_m: np.ndarray | None
    solids: list[Solid]


class Stage:
    """Builds scenes of one hand.

    Args:
        hand: The hand.
        meshes: The user's meshes.

    Attributes:
        arm_mesh: The hand's mesh with its arm.
        wearer: Where things are worn.
    """

    def __init__(self, hand: Hand, meshes: MeshLibrary) -> None:
        self.hand, self.arm_mesh, self.meshes = hand, ArmMesh(hand), meshes
        self.wearer = Wearer(self.arm_mesh)

    def skin(self, geometry: PosedHand, arm: Arm, side: str) -> np.ndarray:
        """A posed hand's mesh with its arm, [V', 3]."""
        return self.arm_mesh.extended(geometry.vertices_cam_m, geometry.joints_cam_m, arm, side)

    def worn(self, dress: Dress, geometry: PosedHand, arm: Arm, side: str) -> list[Solid]:
        """What a hand wears."""
        return dress_solids(dress, geometry, arm, self.wearer, side)

    def build(self, scene: Scene, hand: PosedHand | None = None) -> Staged:
        """All surfaces of a scene.

        Args:
            scene: Its description.
            hand: The labelled hand, if it is posed already.
        """
        hand = hand or pose_scene(scene, self.hand)
        skin = self.skin(hand, scene.arm, scene.side)
        solids = self.worn(scene.dress, hand, scene.arm, scene.side)
        second = second_skin = None
        if scene.second is not None:
            other = scene.second
            second = second_hand_geometry(other.hand, self.hand)
            second_skin = self.skin(second, other.arm, other.hand.side)
            solids += self.worn(other.dress, second, other.arm, other.hand.side)
        solids += thing_solids(scene.things, self.meshes)
        return Staged(hand, skin, second, second_skin, solids)
