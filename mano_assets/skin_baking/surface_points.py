"""Points on a hand's skin at rest, and where its anatomy lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mano_assets.anatomy import PALMAR, THUMB_PALMAR
from mano_assets.geometry.surface import vertex_normals
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from mano_assets.skin_baking.atlas import SurfaceTexels
from mano_assets.skinning import smoothstep


@dataclass(frozen=True)
class SkinPoints:
    """Points on the skin of the flat right hand, MANO's axes.

    Attributes:
        places_m: [N, 3].
        normals: [N, 3].
        fingers: How much each moves with thumb to little, [N, 5].
        joints_m: hand21 joints, [21, 3].
    """

    places_m: np.ndarray
    normals: np.ndarray
    fingers: np.ndarray
    joints_m: np.ndarray

    def joint(self, name: str) -> np.ndarray:
        """Rest place of a hand21 joint, [3]."""
        return self.joints_m[HAND21.index(name)]

    def bones(self, finger: str) -> tuple[np.ndarray, np.ndarray]:
        """Joints of a finger from base to tip [4, 3], and the palmar direction [3]."""
        return self.joints_m[
            list(HAND21.chain(finger))
        ], THUMB_PALMAR if finger == "thumb" else PALMAR

    @cached_property
    def facing_palm(self) -> np.ndarray:
        """Cosine between the skin and the side of the palm or the finger's pad, [N]."""
        thumb = self.fingers[:, FINGERS.index("thumb"), None]
        towards = (1 - thumb) * PALMAR + thumb * THUMB_PALMAR / np.linalg.norm(THUMB_PALMAR)
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        return (self.normals * towards).sum(1)

    @cached_property
    def palm(self) -> np.ndarray:
        """How much of the palm's skin there is, 0 to 1, [N]."""
        # The inner forearm is hardly lighter than the outer.
        from_wrist = self.places_m[:, 0] - self.joint("wrist")[0]
        return smoothstep(-0.25, 0.45, self.facing_palm) * smoothstep(0.05, -0.002, from_wrist)

    @cached_property
    def before_cut(self) -> np.ndarray:
        """0 at the forearm's cut end to 1 from 15 mm before it, [N].

        The arm beyond the cut continues the skin of its edge: a spot there would be a stripe.
        """
        from_wrist = self.places_m[:, 0] - self.joint("wrist")[0]
        return smoothstep(0.0, 0.015, from_wrist.max() - from_wrist)


def vertex_points(hand: Hand) -> SkinPoints:
    """The vertices of a hand."""
    template = hand.arrays["v_template"]
    weights = hand.arrays["weights"]
    fingers = np.stack([weights[:, MANO16.chain(finger)].sum(1) for finger in FINGERS], 1)
    joints = np.concatenate(
        [hand.arrays["J_regressor"] @ template, template[list(hand.tip_vertices)]]
    )
    order = HAND21.order_from([*MANO16.joints, *(f"{finger}_tip" for finger in FINGERS)])
    normals = vertex_normals(template, hand.triangles)
    return SkinPoints(template, normals, fingers, joints[order])


def texel_points(hand: Hand, texels: SurfaceTexels) -> SkinPoints:
    """The texels of an atlas."""
    vertices = vertex_points(hand)
    normals = texels.interpolated(vertices.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    fingers = np.clip(texels.interpolated(vertices.fingers), 0, 1)
    return SkinPoints(texels.interpolated(vertices.places_m), normals, fingers, vertices.joints_m)
