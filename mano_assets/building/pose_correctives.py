"""Pose correctives of the free hand: what keeps flesh from collapsing where a joint bends.

Linear blend skinning draws the flesh of a bent joint towards its axis. Here each joint's
correctives are fitted, in MANO's form (linear in the rotation matrices), to a better bend: the skin
turns about the joint by its share of the joint's angle and keeps its distance from it, and the
flesh on the back and the sides swells until the finger has its volume again. At a PIP joint that
takes 0.9 mm at 110 degrees. A finger's base does not swell: its skin passes into its neighbours'.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import PALMAR, THUMB_PALMAR, angles_to_pose, joint_frames
from mano_assets.geometry.surface import area_vectors, enclosed_volume, vertex_normals
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import FINGERS, MANO16

_BENDS, _SPLAYS = 9, 5
_RIDGE = 1e-3
_STEPS = 3


def fit_pose_correctives(
    template: np.ndarray, triangles: np.ndarray, weights: np.ndarray, joints: np.ndarray
) -> np.ndarray:
    """Fits MANO's `posedirs` to skinning weights.

    Args:
        template: Flat hand, MANO's axes, metres, [V, 3].
        triangles: [F, 3].
        weights: [V, 16].
        joints: MANO's 16 rest joints, metres, [16, 3].

    Returns:
        Offsets for each entry of the 15 joints' rotation matrices less the identity, [V, 3, 135].
    """
    frames = joint_frames(joints)
    normals = vertex_normals(template, triangles)
    correctives = np.zeros((len(template), 3, 15, 9))
    for finger in FINGERS:
        chain = MANO16.chain(finger)
        facing = THUMB_PALMAR / np.linalg.norm(THUMB_PALMAR) if finger == "thumb" else PALMAR
        for position, joint in enumerate(chain):
            turning = weights[:, chain[position:]].sum(1)
            zone = np.flatnonzero((turning > 1e-3) & (turning < 1 - 1e-3))
            # The inner side is pressed together: pushed out it would fold.
            swells = 4 * turning * (1 - turning) * (1 - np.clip(normals @ facing, 0, 1))
            outwards = swells[:, None] * normals
            features, offsets = [], []
            for vector in _rotations_of(joint, frames):
                wanted = _turned(template, joints[joint], turning, vector)
                if position > 0:
                    wanted += _swelling(template, wanted, triangles, outwards, turning, vector)
                rotation = Rotation.from_rotvec(vector).as_matrix()
                blended = np.eye(3) + turning[zone, None, None] * (rotation - np.eye(3))
                plain = (blended @ (template[zone] - joints[joint])[..., None])[..., 0]
                missing = wanted[zone] - joints[joint] - plain
                features.append((rotation - np.eye(3)).ravel())
                offsets.append(np.linalg.solve(blended, missing[..., None]).ravel())
            known, sought = np.array(features), np.array(offsets)
            fitted = np.linalg.solve(known.T @ known + _RIDGE * np.eye(9), known.T @ sought)
            correctives[zone, :, joint - 1] = fitted.T.reshape(len(zone), 3, 9)
    return correctives.reshape(len(template), 3, 135)


def _rotations_of(joint: int, frames: np.ndarray) -> np.ndarray:
    """Axis-angle vectors over the joint's active range, [N, 3]."""
    (lower, upper), (towards_little, towards_thumb) = limits_rad("active")[joint, :2]
    splays = np.linspace(towards_little, towards_thumb, _SPLAYS) if towards_thumb > 0.1 else [0.0]
    bends = np.linspace(lower, upper, _BENDS)
    angles = np.zeros((len(bends), len(splays), 16, 3))
    angles[:, :, joint, 0] = bends[:, None]
    angles[:, :, joint, 1] = splays
    poses = angles_to_pose(angles.reshape(-1, 16, 3), frames)
    return poses.reshape(-1, 16, 3)[:, joint]


def _turned(
    template: np.ndarray, centre: np.ndarray, turning: np.ndarray, vector: np.ndarray
) -> np.ndarray:
    """Each vertex turned about the joint by its share of the joint's rotation, [V, 3].

    For one joint this is dual quaternion skinning (Kavan et al., ACM TOG 27(4), 2008).
    """
    rotations = Rotation.from_rotvec(turning[:, None] * vector).as_matrix()
    return centre + (rotations @ (template - centre)[..., None])[..., 0]


def _swelling(
    template: np.ndarray,
    turned: np.ndarray,
    triangles: np.ndarray,
    outwards: np.ndarray,
    turning: np.ndarray,
    vector: np.ndarray,
) -> np.ndarray:
    """What gives the turned hand the volume of the flat one, [V, 3].

    The open end at the elbow does not move, so the difference of the enclosed volumes is exact.
    Directions are those of the flat hand, turned: in a fold the bent hand's own point every way.
    """
    directions = Rotation.from_rotvec(turning[:, None] * vector).apply(outwards)
    whole = enclosed_volume(template, triangles)
    height = 0.0
    for _ in range(_STEPS):
        swollen = turned + height * directions
        lost = whole - enclosed_volume(swollen, triangles)
        per_metre = (area_vectors(swollen, triangles) * directions).sum()
        height += lost / per_metre
    return height * directions
