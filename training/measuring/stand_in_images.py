"""A data set of made-up pictures for measuring speed where no rendered one is at hand.

Rows, labels and files are those of any manifest, and the JPEGs are as large as rendered ones; what
they show is not: bent sticks on smooth noise. Nothing can be learned about hands from them.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import DatasetInfo, JointState, project, write_dataset

NAME = "stand-in"
SPREAD_RAD = dict(zip(FINGERS, (0.8, 0.25, 0.0, -0.2, -0.4), strict=True))
"""How far a finger points away from the middle one."""

SEGMENTS_M = (0.08, 0.042, 0.027, 0.023)
"""From the wrist to the tip, the same for every finger."""

GRAIN = 2.0
"""Standard deviation of the noise, grey levels: gives the size of a rendered JPEG."""


def write_stand_in(root: Path, num_images: int, size: int = 224, seed: int = 0) -> Path:
    """Writes the data set, one split `train`.

    Args:
        root: Folder to write.
        num_images: How many.
        size: Width and height, px.
        seed: Of all random numbers.

    Returns:
        `root`.
    """
    info = DatasetInfo(name=NAME, kind="synthetic", state="rendering")
    random = np.random.default_rng(seed)
    write_dataset(root, info, (_sample(number, size, random) for number in range(num_images)))
    return root


def _sample(number: int, size: int, random: np.random.Generator) -> tuple[dict[str, Any], bytes]:
    camera_k = np.array([[1.5 * size, 0, size / 2], [0, 1.5 * size, size / 2], [0, 0, 1]])
    joints_cam_m = _joints(random)
    joints_px = project(joints_cam_m, camera_k)
    low, high = joints_px.min(0), joints_px.max(0)
    row = {
        "sample_id": f"{NAME}-{number:06d}",
        "split": "train",
        "width": size,
        "height": size,
        "camera_k": camera_k.ravel().tolist(),
        "side": "right",
        "joints_2d": joints_px.ravel().tolist(),
        "joints_3d": joints_cam_m.ravel().tolist(),
        "joint_state": [int(JointState.VISIBLE)] * HAND21.num_joints,
        "box": [*low, *(high - low)],
    }
    return row, _picture(joints_px, size, random)


def _joints(random: np.random.Generator) -> np.ndarray:
    """Joints of bent sticks in the camera frame, metres, [21, 3]."""
    joints = np.zeros((HAND21.num_joints, 3))
    for finger in FINGERS:
        bends = np.cumsum([0.0, *random.uniform(0, 0.9, len(SEGMENTS_M) - 1)])
        directions = [
            Rotation.from_euler("zx", [SPREAD_RAD[finger], bend]).apply([0, -1, 0])
            for bend in bends
        ]
        chain = list(HAND21.chain(finger))
        joints[chain] = np.cumsum(np.multiply(directions, np.array(SEGMENTS_M)[:, None]), axis=0)
    turned = Rotation.from_euler("zxy", random.uniform(-0.6, 0.6, 3)).apply(joints)
    return turned - turned.mean(0) + [0, 0, random.uniform(0.4, 0.5)]


def _picture(joints_px: np.ndarray, size: int, random: np.random.Generator) -> bytes:
    coarse = random.integers(40, 200, (6, 6, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(image)
    for finger in FINGERS:
        # ImageDraw counts from pixel centres.
        points = [tuple(joints_px[joint] - 0.5) for joint in (HAND21.root, *HAND21.chain(finger))]
        canvas.line(points, fill=(205, 160, 130), width=size // 14, joint="curve")
    grain = random.normal(0, GRAIN, (size, size, 1))
    pixels = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()
