"""Small data sets of drawn hands: real 3D joints, a real camera, limbs in the fingers' colours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

from mano_assets.skeleton import FINGERS, HAND21
from render.manifest import DatasetInfo, JointState, project, write_dataset

COLOURS = dict(zip(FINGERS, ["#d33", "#3c3", "#44f", "#dd3", "#3cc"], strict=True))
SEGMENTS_M = {
    "thumb": (0.035, 0.040, 0.032, 0.026),
    "index": (0.090, 0.042, 0.026, 0.022),
    "middle": (0.088, 0.046, 0.030, 0.023),
    "ring": (0.082, 0.042, 0.029, 0.023),
    "little": (0.078, 0.034, 0.020, 0.020),
}
SPREAD_RAD = {"thumb": 0.9, "index": 0.25, "middle": 0.0, "ring": -0.22, "little": -0.45}


def random_hand(rng: np.random.Generator) -> np.ndarray:
    """A right hand in the camera frame, metres, [21, 3]; bones have always the same lengths."""
    joints = np.zeros((HAND21.num_joints, 3))
    for finger in FINGERS:
        bend = 0.0
        position = np.zeros(3)
        for step, length in enumerate(SEGMENTS_M[finger]):
            bend += rng.uniform(0, 0.7) if step else 0.1
            direction = Rotation.from_euler("zx", [SPREAD_RAD[finger], bend]).apply([0, -1, 0])
            position = position + length * direction
            joints[HAND21.chain(finger)[step]] = position
    turned = Rotation.from_euler("zxy", rng.uniform(-0.5, 0.5, 3)).apply(joints)
    return turned - turned.mean(0) + [*rng.uniform(-0.05, 0.05, 2), rng.uniform(0.5, 0.7)]


def draw(joints_px: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Limbs on noise."""
    noise = rng.integers(0, 90, (size[1] // 4, size[0] // 4, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size)
    canvas = ImageDraw.Draw(image)
    for finger in FINGERS:
        chain = [HAND21.root, *HAND21.chain(finger)]
        # ImageDraw counts from pixel centres.
        points = [tuple(joints_px[joint] - 0.5) for joint in chain]
        canvas.line(points, fill=COLOURS[finger], width=5, joint="curve")
    return image


def drawn_samples(
    count: int, seed: int = 0, size: tuple[int, int] = (128, 128), left_every: int = 3
) -> list[tuple[dict[str, Any], Image.Image]]:
    """Rows and images; every `left_every`-th hand is a left one."""
    rng = np.random.default_rng(seed)
    camera_k = np.array([[250.0, 0, size[0] / 2 + 3], [0, 250.0, size[1] / 2 - 4], [0, 0, 1]])
    samples = []
    for number in range(count):
        joints_cam_m = random_hand(rng)
        joints_px = project(joints_cam_m, camera_k)
        low, high = joints_px.min(0), joints_px.max(0)
        row = {
            "sample_id": f"hand-{number:05d}",
            "split": "train" if number % 4 else "val",
            "width": size[0],
            "height": size[1],
            "camera_k": camera_k.ravel().tolist(),
            "side": "right",
            "joints_2d": joints_px.ravel().tolist(),
            "joints_3d": joints_cam_m.ravel().tolist(),
            "joint_state": [int(JointState.VISIBLE)] * HAND21.num_joints,
            "box": [*low, *(high - low)],
        }
        sample = row, draw(joints_px, size, rng)
        samples.append(mirror(sample) if number % left_every == 0 else sample)
    return samples


def mirror(sample: tuple[dict[str, Any], Image.Image]) -> tuple[dict[str, Any], Image.Image]:
    """The same hand seen in a mirror: the other side, the other way round."""
    row, image = dict(sample[0]), sample[1]
    joints_px = np.reshape(row["joints_2d"], (-1, 2)) * [-1, 1] + [row["width"], 0]
    camera_k = np.reshape(row["camera_k"], (3, 3)).copy()
    camera_k[0, 2] = row["width"] - camera_k[0, 2]
    x, y, width, height = row["box"]
    row |= {
        "side": "left" if row["side"] == "right" else "right",
        "joints_2d": joints_px.ravel().tolist(),
        "joints_3d": (np.reshape(row["joints_3d"], (-1, 3)) * [-1, 1, 1]).ravel().tolist(),
        "camera_k": camera_k.ravel().tolist(),
        "box": [row["width"] - x - width, y, width, height],
    }
    return row, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def write_samples(root: Path, samples: list[tuple[dict[str, Any], Image.Image]]) -> str:
    """Writes them as a manifest with PNG images (JPEG blocks would break the mirror symmetry)."""

    def encoded() -> Iterator[tuple[dict[str, Any], bytes]]:
        for row, image in samples:
            stream = io.BytesIO()
            image.save(stream, "png")
            yield row, stream.getvalue()

    info = DatasetInfo(name=root.name, kind="synthetic", state="rendering", recipe_digest="drawn")
    write_dataset(root, info, encoded(), extension="png")
    return str(root)
