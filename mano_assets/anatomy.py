"""The anatomy of the hand: an angle space of bend, splay and twist at the wrist and every finger.

Angles are measured from the flat hand. At each of MANO's 16 joints stands a right-handed frame of
twist axis (along the bone after it, towards the tip), splay axis and bend axis. The bend is about
the axis of the bone before the joint, the splay about the axis that floats with the bend, the
twist about the bone after it: the order of the joint coordinate systems of the International
Society of Biomechanics (Wu et al., J. Biomech. 38(5), 2005).

Signs: a positive bend flexes towards the palm, a positive splay turns towards the thumb (and lifts
the thumb out of the palm), a positive twist turns the pad towards the thumb (supination). The
first row is the hand against the forearm: its bend is flexion, its splay radial deviation.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mano_assets.array_namespace import Array, constant_like, namespace_of
from mano_assets.joint_couplings import DIP_PER_PIP
from mano_assets.joint_limits import PALM_ARCH_LIMITS_DEG, clamp, limits_rad
from mano_assets.palm_arch import with_palm_arch
from mano_assets.skeleton import FINGERS, MANO16

PALMAR = np.array([0.0, -1.0, 0.0])
"""The direction that the palm of the flat right hand faces, MANO's axes."""

THUMB_PALMAR = np.array([-0.46, -0.20, -0.86])
"""The direction that the thumb's pad faces at rest, opposite its nail: it is turned towards the
little finger."""

_TINY = 1e-16
"""Below this squared sine or angle a rotation is as good as its first-order term in float64."""


def finger_of(joint: str) -> str:
    """The finger a joint belongs to."""
    return joint.split("_")[0]


def joint_frames(joints_rest_m: np.ndarray) -> np.ndarray:
    """The anatomical frames of the flat right hand.

    The wrist's twist axis is the hand's long axis, from the wrist to the middle finger's knuckle
    (the third metacarpal, as in Wu et al. 2005).

    Args:
        joints_rest_m: MANO's 16 rest joints, metres, MANO's axes, [16, 3].

    Returns:
        Columns are the twist, splay and bend axes, [16, 3, 3].
    """
    frames = np.empty((16, 3, 3))
    wrist = MANO16.root
    hand_axis = joints_rest_m[MANO16.index("middle_mcp")] - joints_rest_m[wrist]
    frames[wrist] = _frame(hand_axis, PALMAR)
    for finger in FINGERS:
        chain = MANO16.chain(finger)
        bones = [joints_rest_m[b] - joints_rest_m[a] for a, b in pairwise(chain)]
        bones.append(bones[-1])
        for joint, bone in zip(chain, bones, strict=True):
            frames[joint] = _frame(bone, THUMB_PALMAR if finger == "thumb" else PALMAR)
    return frames


def _frame(bone: np.ndarray, facing: np.ndarray) -> np.ndarray:
    twist = bone / np.linalg.norm(bone)
    bend = np.cross(twist, facing)
    bend /= np.linalg.norm(bend)
    return np.stack([twist, np.cross(bend, twist), bend], 1)


def angles_to_pose(angles_rad: Array, frames: np.ndarray) -> Array:
    """Anatomical angles to MANO's axis-angle pose.

    Args:
        angles_rad: Bend, splay and twist of each joint, [..., 16, 3]; numpy or torch.
        frames: From `joint_frames`, [16, 3, 3].

    Returns:
        Pose of the flat-hand model, [..., 48]: the wrist against the forearm [3], then MANO's 15
        finger joints [45]. Differentiable but for half turns.
    """
    library = namespace_of(angles_rad)
    # Positive splay is towards the thumb: about the splay axis, which points out of the palm, that
    # is a negative turn of a right hand. Half angles make the quaternion of the three turns.
    cosine, sine = library.cos(angles_rad * 0.5), library.sin(angles_rad * 0.5)
    cos_twist, sin_twist = cosine[..., 2], sine[..., 2]
    both_cos, both_sin = cosine[..., 0] * cosine[..., 1], sine[..., 0] * sine[..., 1]
    only_bend, only_splay = sine[..., 0] * cosine[..., 1], cosine[..., 0] * sine[..., 1]
    real = both_cos * cos_twist - both_sin * sin_twist
    vector = library.stack(
        [
            both_cos * sin_twist + both_sin * cos_twist,
            only_bend * sin_twist - only_splay * cos_twist,
            only_bend * cos_twist + only_splay * sin_twist,
        ],
        -1,
    )
    squared = (vector * vector).sum(-1)
    tiny = squared < _TINY
    # The root of zero has no slope: the branch not taken must stay finite too.
    length = library.sqrt(library.where(tiny, 1.0, squared))
    stretch = library.where(tiny, 1.0, library.arctan2(length, abs(real)) / length)
    local = vector * (stretch * library.where(real < 0, -2.0, 2.0))[..., None]
    world = (constant_like(frames, angles_rad) @ local[..., None])[..., 0]
    return world.reshape(*angles_rad.shape[:-2], 48)


def pose_to_angles(pose: Array, frames: np.ndarray) -> Array:
    """Inverse of `angles_to_pose`, for splay within 90 degrees.

    Args:
        pose: [..., 48]; numpy or torch.
        frames: From `joint_frames`, [16, 3, 3].

    Returns:
        Bend, splay and twist, [..., 16, 3].
    """
    library = namespace_of(pose)
    world = pose.reshape(*pose.shape[:-1], 16, 3)
    local = (constant_like(frames, pose).swapaxes(-1, -2) @ world[..., None])[..., 0]
    squared = (local * local).sum(-1)
    tiny = squared < _TINY
    angle = library.sqrt(library.where(tiny, 1.0, squared))
    real = library.where(tiny, 1.0, library.cos(angle * 0.5))
    vector = local * library.where(tiny, 0.5, library.sin(angle * 0.5) / angle)[..., None]
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    # The entries of the rotation matrix that the three turns can be read from.
    along_twist = 0.5 - y * y - z * z
    along_bend = x * y + real * z
    return library.stack(
        [
            library.arctan2(along_bend, along_twist),
            library.arctan2(x * z - real * y, (along_twist**2 + along_bend**2) ** 0.5),
            library.arctan2(y * z + real * x, 0.5 - x * x - y * y),
        ],
        -1,
    )


def finger_pose_basis(joints_rest_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and principal components of poses within the limits, as MANO's files carry them.

    Args:
        joints_rest_m: [16, 3].

    Returns:
        Mean [45] and components, strongest first, [45, 45].
    """
    rng = np.random.default_rng(0)
    angles = np.zeros((4096, 16, 3))
    bend, splay, _ = np.moveaxis(limits_rad("active"), 1, 0)
    curl = rng.beta(1.2, 2.0, (4096, 5))
    for number, finger in enumerate(FINGERS):
        mcp, middle, last = MANO16.chain(finger)
        for joint in (mcp, middle):
            share = np.clip(curl[:, number] + rng.normal(0, 0.12, 4096), 0, 1)
            angles[:, joint, 0] = share * bend[joint, 1]
        angles[:, last, 0] = DIP_PER_PIP * angles[:, middle, 0]
    angles[:, 1:, 1] = rng.uniform(splay[1:, 0], splay[1:, 1], (4096, 15)) * 0.5
    # The palm arches as ring and little finger curl.
    cupped = curl[:, [FINGERS.index("ring"), FINGERS.index("little")]].mean(1)
    angles = with_palm_arch(angles, cupped * np.deg2rad(PALM_ARCH_LIMITS_DEG["active"][1]))
    poses = angles_to_pose(clamp(angles), joint_frames(joints_rest_m))[:, 3:]
    mean = poses.mean(0)
    components = np.linalg.svd(poses - mean, full_matrices=True)[2]
    signs = np.sign(components[np.arange(45), np.abs(components).argmax(1)])
    return mean, components * signs[:, None]
