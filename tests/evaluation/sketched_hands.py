"""A rendered data set's stand-in: hands drawn with thick lines."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

from mano_assets.skeleton import FINGERS, HAND21, MANO16
from render.manifest import DatasetInfo, JointState, write_dataset

SIZE_PX = 128
CAMERA_K = np.array([[260.0, 0, SIZE_PX / 2], [0, 260.0, SIZE_PX / 2], [0, 0, 1]])

# A right hand seen from its back, in its own frame: x to the little finger, y to the wrist, metres.
BASES = {
    "thumb": (-0.030, -0.025), "index": (-0.028, -0.090), "middle": (-0.004, -0.095),
    "ring": (0.018, -0.088), "little": (0.038, -0.076),
}  # fmt: skip
SPREAD = {"thumb": -0.9, "index": -0.12, "middle": 0.0, "ring": 0.12, "little": 0.28}
LENGTHS = {
    "thumb": (0.038, 0.032, 0.026), "index": (0.040, 0.025, 0.020), "middle": (0.045, 0.029, 0.021),
    "ring": (0.041, 0.027, 0.021), "little": (0.032, 0.020, 0.018),
}  # fmt: skip


def pose_hand(flexion: dict[str, np.ndarray], turn: Rotation, side: str) -> np.ndarray:
    """Joints in the camera frame, metres, [21, 3], from three flexion angles a finger."""
    joints = np.zeros((HAND21.num_joints, 3))
    for finger in FINGERS:
        chain = HAND21.chain(finger)
        position = np.array([*BASES[finger], 0.0])
        joints[chain[0]] = position
        bend = 0.0
        for joint, length, angle in zip(chain[1:], LENGTHS[finger], flexion[finger], strict=True):
            bend += angle
            x, y, _ = Rotation.from_euler("z", SPREAD[finger]).apply([0, -np.cos(bend), 0])
            position = position + length * np.array([x, y, np.sin(bend)])
            joints[joint] = position
    if side == "left":
        joints[:, 0] *= -1
    joints = joints - joints.mean(0)
    return turn.apply(joints) + np.array([0, 0, 0.5])


def draw_hand(joints_px: np.ndarray, depth_m: np.ndarray, tone: float, seed: int) -> bytes:
    """A JPEG of a hand of sausages before a blurred background."""
    random = np.random.default_rng(seed)
    noise = random.integers(40, 200, (4, 4, 3), dtype=np.uint8)
    scale = 4
    side = SIZE_PX * scale
    image = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    dark, light = np.array([70, 45, 35]), np.array([245, 215, 195])
    skin = dark + (light - dark) * tone
    points = joints_px * scale
    palm = [HAND21.root, *(HAND21.chain(finger)[0] for finger in FINGERS)]
    draw.polygon([tuple(points[j]) for j in palm], fill=tuple((skin * 0.9).astype(int)))
    bones = sorted(HAND21.bones, key=lambda bone: -depth_m[list(bone)].mean())
    for parent, child in bones:
        shade = 1.0 - 2.5 * (depth_m[child] - depth_m.min())
        fill = tuple((skin * np.clip(shade, 0.4, 1)).astype(int))
        draw.line([tuple(points[parent]), tuple(points[child])], fill=fill, width=11 * scale)
        for joint in (parent, child):
            x, y = points[joint]
            r = 5.5 * scale
            draw.ellipse([x - r, y - r, x + r, y + r], fill=fill)
    small = image.resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def write_drawn_dataset(root: Path, counts: dict[str, int], seed: int = 0) -> DatasetInfo:
    """A synthetic data set of drawn hands; splits whose name ends in `hard` are turned more."""
    random = np.random.default_rng(seed)
    families = {"fist": 1.3, "open": 0.05, "point": 0.8, "relaxed": 0.4}
    samples = []
    for split, count in counts.items():
        hard = split.endswith("hard")
        for index in range(count):
            family = random.choice(list(families))
            flexion = {f: np.abs(random.normal(families[family], 0.15, 3)) for f in FINGERS}
            if family == "point":
                flexion["index"] *= 0.05
            side = random.choice(["right", "left"])
            turn = Rotation.from_euler("xyz", random.normal(0, 0.9 if hard else 0.25, 3))
            joints_cam_m = pose_hand(flexion, turn, side)
            joints_px = (joints_cam_m @ CAMERA_K.T)[:, :2] / joints_cam_m[:, 2:]
            low, high = joints_px.min(0) - 6, joints_px.max(0) + 6
            tone = random.uniform()
            pose = [
                angle
                for joint in MANO16.joints[1:]
                for angle in (0.0, 0.0, flexion[joint.split("_")[0]][
                    dict(MANO16.chains)[joint.split("_")[0]].index(joint)
                ])
            ]  # fmt: skip
            row = {
                "sample_id": f"{split}-{index:06d}", "split": split, "side": side,
                "width": SIZE_PX, "height": SIZE_PX, "camera_k": CAMERA_K.ravel().tolist(),
                "joints_2d": joints_px.ravel().tolist(),
                "joints_3d": joints_cam_m.ravel().tolist(),
                "joint_state": [int(JointState.VISIBLE)] * HAND21.num_joints,
                "box": [*low.tolist(), *(high - low).tolist()], "mano_pose": pose,
                "pose_distribution": "signs", "pose_family": family,
                "hardness": float(turn.magnitude()), "skin_tone": tone,
                "environment": random.choice(["city", "forest", "studio"]),
            }  # fmt: skip
            samples.append((row, draw_hand(joints_px, joints_cam_m[:, 2], tone, index)))
    info = DatasetInfo(
        name="drawn", kind="synthetic", state="rendering", recipe={"seed": seed},
        recipe_digest="0123456789abcdef" * 4, assets={"hand": "ab" * 32}, engine="pencil 1.0",
        code_version="0.1.0",
    )  # fmt: skip
    return write_dataset(root, info, samples)


@dataclass(frozen=True)
class Drawn:
    """A drawn data set and what it was made of."""

    root: Path
    info: DatasetInfo
